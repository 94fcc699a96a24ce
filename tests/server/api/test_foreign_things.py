"""Ids of another project in a body: refused as if they were made up, and nothing is written."""

import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from server.labeling.models import Annotation, Lease
from server.labeling.services.leases import leases_take
from server.labeling.services.queue import queue_top_up
from server.taxonomy.models import Category
from tests.server.builders import World, world

pytestmark = pytest.mark.django_db
NOWHERE = 999_999_999


@pytest.fixture
def mine() -> World:
    return world(images=3)


@pytest.fixture
def theirs() -> World:
    made = world(images=3)
    for person in made.people.values():
        person.memberships.filter(project=made.project).delete()
    return made


@pytest.fixture
def client(mine: World, theirs: World) -> APIClient:
    made = APIClient()
    made.force_login(mine.people["owner"])
    return made


def base(made: World) -> str:
    return f"/api/v1/projects/{made.project.pk}"


def put(client: APIClient, made: World, **body: Any) -> Any:
    return client.put(f"{base(made)}/annotations/{uuid.uuid4()}", {"kind": "label", **body}, format="json")


def told(answer: Any) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["code"], body["message"]


def test_a_label_for_a_foreign_image_or_category_is_refused_like_one_for_none(
    client: APIClient, mine: World, theirs: World
) -> None:
    foreign = put(client, mine, image=theirs.images[0], category=mine.categories[0])
    assert foreign.status_code == 404
    assert told(foreign) == told(put(client, mine, image=NOWHERE, category=mine.categories[0]))
    category = put(client, mine, image=mine.images[0], category=theirs.categories[0])
    assert category.status_code == 400
    assert told(category) == told(put(client, mine, image=mine.images[0], category=NOWHERE))
    assert not Annotation.objects.exists()


def test_an_undo_of_a_foreign_event_is_refused(client: APIClient, mine: World, theirs: World) -> None:
    said = theirs.label(theirs.images[0], theirs.categories[0])
    answer = put(client, mine, kind="undo", image=mine.images[0], undoes=str(said.id))
    assert answer.status_code == 404
    assert Annotation.objects.count() == 1


def test_a_foreign_parent_or_neighbor_in_the_tree_is_refused(client: APIClient, mine: World, theirs: World) -> None:
    count = Category.objects.count()
    made = client.post(f"{base(mine)}/categories", {"name": "x", "parent": theirs.categories[0]}, format="json")
    assert made.status_code in (400, 404)
    moved = client.patch(
        f"{base(mine)}/categories/{mine.categories[0]}", {"parent": theirs.categories[0]}, format="json"
    )
    assert moved.status_code in (400, 404)
    assert Category.objects.count() == count
    assert Category.objects.get(pk=mine.categories[0]).parent is None


def test_foreign_leases_are_neither_renewed_nor_released(client: APIClient, mine: World, theirs: World) -> None:
    owner = theirs.people["owner"].pk
    queue_top_up(project=theirs.project, user_id=owner, count=3)
    tokens = [str(leased.token) for leased in leases_take(project_id=theirs.project.pk, user_id=owner, count=3)]
    before = list(Lease.objects.order_by("pk").values_list("token", "lease_until"))
    assert client.post(f"{base(mine)}/queue/renew", {"tokens": tokens}, format="json").json() == {"tokens": []}
    assert client.post(f"{base(mine)}/queue/release", {"tokens": tokens}, format="json").json() == {"released": 0}
    assert list(Lease.objects.order_by("pk").values_list("token", "lease_until")) == before


@pytest.mark.parametrize("path", ["", "/thumb", "/display", "/original"])
def test_a_foreign_image_below_my_own_project_is_404(client: APIClient, mine: World, theirs: World, path: str) -> None:
    foreign = client.get(f"{base(mine)}/images/{theirs.images[0]}{path}")
    assert foreign.status_code == 404
    assert told(foreign) == told(client.get(f"{base(mine)}/images/{NOWHERE}{path}"))


def test_filters_by_foreign_categories_find_nothing(client: APIClient, mine: World, theirs: World) -> None:
    mine.label(mine.images[0], mine.categories[0])
    answer = client.get(f"{base(mine)}/images?category={theirs.categories[0]}")
    assert answer.status_code in (400, 404) or answer.json()["items"] == []


@pytest.mark.parametrize("route", ["queue/renew", "queue/release"])
def test_an_empty_list_of_ids_is_an_error_and_changes_nothing(client: APIClient, mine: World, route: str) -> None:
    owner = mine.people["owner"].pk
    queue_top_up(project=mine.project, user_id=owner, count=3)
    leases_take(project_id=mine.project.pk, user_id=owner, count=3)
    assert client.post(f"{base(mine)}/{route}", {"tokens": []}, format="json").status_code == 400
    assert Lease.objects.count() == 3


def test_deleting_images_without_naming_one_is_no_method(client: APIClient, mine: World) -> None:
    assert client.delete(f"{base(mine)}/images").status_code == 405
    assert client.delete(f"{base(mine)}/categories").status_code == 405


def test_what_a_label_says_of_itself_beyond_its_fields_is_ignored(client: APIClient, mine: World) -> None:
    extra = {"annotator": NOWHERE, "created_at": "2000-01-01", "project": NOWHERE, "evidence": "review", "sequence": 1}
    assert put(client, mine, image=mine.images[0], category=mine.categories[0], **extra).status_code == 201
    stored = Annotation.objects.get()
    assert (stored.annotator_id, stored.project_id) == (mine.people["owner"].pk, mine.project.pk)
    assert (stored.evidence, stored.created_at.year > 2000) == ("free", True)


def test_project_settings_beyond_those_listed_are_ignored(client: APIClient, mine: World) -> None:
    wishes = {"created_by": NOWHERE, "active_run": NOWHERE, "archived_at": "2000-01-01", "options": {"x": 1}, "id": 1}
    assert client.patch(base(mine), wishes, format="json").status_code == 200
    mine.project.refresh_from_db()
    assert (mine.project.archived_at, mine.project.active_run_id, "x" in mine.project.options) == (None, None, False)
