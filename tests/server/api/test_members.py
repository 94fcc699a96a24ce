"""People of a project: owners decide, anyone may leave, somebody always owns it."""

from rest_framework.test import APIClient

from server.projects.models import Membership, Project, Role
from tests.server.conftest import Actors


def address(project: Project, user_id: int | None = None) -> str:
    return f"/api/v1/projects/{project.pk}/members" + (f"/{user_id}" if user_id else "")


def test_everyone_in_the_project_sees_who_is_in_it(viewer: APIClient, project: Project) -> None:
    items = viewer.get(address(project)).json()["items"]
    assert [item["role"] for item in items] == ["annotator", "owner", "reviewer", "viewer"]
    assert set(items[0]["user"]) == {"id", "username"}


def test_an_owner_adds_a_person_by_name(owner: APIClient, project: Project, actors: Actors) -> None:
    answer = owner.post(address(project), {"username": "outsider", "role": "annotator"}, format="json")
    assert answer.status_code == 201
    assert Membership.objects.get(project=project, user=actors.outsider).role == Role.ANNOTATOR
    again = owner.post(address(project), {"username": "outsider", "role": "viewer"}, format="json")
    assert again.status_code == 409


def test_an_unknown_name_is_404(owner: APIClient, project: Project) -> None:
    assert owner.post(address(project), {"username": "ghost", "role": "viewer"}, format="json").status_code == 404


def test_the_last_owner_stays_owner(owner: APIClient, project: Project, actors: Actors) -> None:
    me = address(project, actors.owner.pk)
    assert owner.patch(me, {"role": "viewer"}, format="json").status_code == 409
    assert owner.delete(me).status_code == 409
    owner.patch(address(project, actors.viewer.pk), {"role": "owner"}, format="json")
    assert owner.patch(me, {"role": "viewer"}, format="json").status_code == 200


def test_nobody_promotes_themselves(actors: Actors, project: Project) -> None:
    for name in ("viewer", "annotator", "reviewer"):
        me = address(project, getattr(actors, name).pk)
        assert actors.client(name).patch(me, {"role": "owner"}, format="json").status_code == 403


def test_a_person_may_leave_and_may_not_send_others_away(actors: Actors, project: Project) -> None:
    client = actors.client("annotator")
    assert client.delete(address(project, actors.viewer.pk)).status_code == 403
    assert client.delete(address(project, actors.annotator.pk)).status_code == 204
    assert client.get(address(project)).status_code == 404
