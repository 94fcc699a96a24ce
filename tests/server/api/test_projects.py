"""Projects: found through membership, changed by owners, deleted only by name."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from server.jobs.models import Job
from server.jobs.services import job_create
from server.projects.models import Membership, Project, Role
from tests.server.conftest import Actors

PROJECTS = "/api/v1/projects"


def test_whoever_makes_a_project_owns_it(owner: APIClient) -> None:
    answer = owner.post(PROJECTS, {"name": "  Stag \u202e beetles ", "concept": "beetle"}, format="json")
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["role"]) == ("Stag beetles", "owner")


def test_the_list_holds_only_what_one_is_a_member_of(
    owner: APIClient, project: Project, foreign_project: Project
) -> None:
    items = owner.get(PROJECTS).json()["items"]
    assert [item["name"] for item in items] == ["Beetles"]
    assert items[0]["needs"] == "Add images"


def test_a_project_whose_images_are_still_being_made_asks_nobody_for_images(owner: APIClient, project: Project) -> None:
    job_create(project_id=project.pk, kind="draw_demo")
    assert owner.get(PROJECTS).json()["items"][0]["needs"] == "Getting ready"
    advice = owner.get(f"{PROJECTS}/{project.pk}/overview").json()["next"]
    assert not any(one["text"].startswith("Add images") for one in advice)


def test_the_list_costs_the_same_for_one_project_and_for_ten(owner: APIClient, actors: Actors) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as context:
            assert owner.get(PROJECTS).status_code == 200
        return len(context)

    for number in range(10):
        made = Project.objects.create(name=f"p{number}")
        Membership.objects.create(project=made, user=actors.owner, role=Role.OWNER)
        if number == 0:
            queries()  # whose session it is is known from its first request on
            one = queries()
    assert queries() == one


def test_pages_of_the_list_meet_without_gap_or_repeat(owner: APIClient, actors: Actors) -> None:
    for number in range(5):
        made = Project.objects.create(name=f"p{number}")
        Membership.objects.create(project=made, user=actors.owner, role=Role.OWNER)
    seen, cursor = [], ""
    while cursor is not None:
        page = owner.get(PROJECTS, {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next"]
    assert seen == ["p4", "p3", "p2", "p1", "p0"]


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "W10", "WyJhIl0", "WzFlOTk5XQ", "%00", "WzFdWzFd"])
def test_a_made_up_cursor_is_an_error_and_no_crash(owner: APIClient, cursor: str) -> None:
    assert owner.get(PROJECTS, {"cursor": cursor}).status_code == 400


def test_an_unknown_parameter_is_an_error(owner: APIClient) -> None:
    answer = owner.get(PROJECTS, {"owner__password__startswith": "a"})
    assert answer.status_code == 400
    assert "owner__password__startswith" in answer.json()["fields"]


def test_an_owner_changes_settings(owner: APIClient, project: Project) -> None:
    changes = {"name": "Owls", "templates": ["a photo of a {}"], "blind_share": 0.2, "id": 7, "created_by": 9}
    answer = owner.patch(f"{PROJECTS}/{project.pk}", changes, format="json")
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["blind_share"], answer.json()["id"]) == ("Owls", 0.2, project.pk)


@pytest.mark.parametrize("template", ["no slot", "{} and {}", "{0}", ""])
def test_a_template_without_exactly_one_slot_is_refused(owner: APIClient, project: Project, template: str) -> None:
    answer = owner.patch(f"{PROJECTS}/{project.pk}", {"templates": [template]}, format="json")
    assert answer.status_code == 400
    project.refresh_from_db()
    assert project.templates == []


def test_deleting_needs_the_exact_name_and_hides_the_project_at_once(owner: APIClient, project: Project) -> None:
    address = f"{PROJECTS}/{project.pk}"
    assert owner.delete(address, {"confirm_name": "beetles"}, format="json").status_code == 400
    assert owner.delete(address, {}, format="json").status_code == 400
    assert owner.get(address).status_code == 200
    assert owner.delete(address, {"confirm_name": "Beetles"}, format="json").status_code == 204
    assert owner.get(address).status_code == 404
    assert Job.objects.get().kind == "purge"


def test_an_outsider_cannot_tell_a_project_from_none(outsider: APIClient, project: Project) -> None:
    real, random = outsider.get(f"{PROJECTS}/{project.pk}"), outsider.get(f"{PROJECTS}/999999999")
    assert (real.status_code, random.status_code) == (404, 404)
    a, b = real.json(), random.json()
    assert {**a, "request_id": ""} == {**b, "request_id": ""}
