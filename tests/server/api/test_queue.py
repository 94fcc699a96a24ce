"""Leasing over REST: by role, with what may be shown beside an image, and the truth about an empty queue."""

import pytest

from server.labeling.models import BlindDraw, Lease, Purpose, QueueItem
from server.labeling.services.leases import leases_take
from tests.server.builders import predicted, with_vectors, world
from tests.server.conftest import Actors

EXPECTED = {
    "owner": 200,
    "reviewer": 200,
    "annotator": 200,
    "viewer": 403,
    "outsider": 404,
    "staff": 404,
    "anonymous": 401,
}


@pytest.mark.parametrize(("actor", "status"), EXPECTED.items())
def test_only_those_who_label_may_lease_renew_and_release(actors: Actors, actor: str, status: int) -> None:
    made = world(images=3)
    base = f"/api/v1/projects/{made.project.pk}/queue"
    client = actors.client(actor)
    token = "7a1f64a4-4be2-4f5c-8f2e-5f7c8c5a1d11"
    assert client.post(f"{base}/lease", {"count": 1}, format="json").status_code == status
    assert client.post(f"{base}/renew", {"tokens": [token]}, format="json").status_code == status
    assert client.post(f"{base}/release", {"tokens": [token]}, format="json").status_code == status


def test_a_lease_shows_suggestions_and_the_nearest_confirmed_images(actors: Actors) -> None:
    made = with_vectors(world(images=4))
    owl, fox, elk = made.categories
    made.label(made.images[0], owl)
    made.label(made.images[1], fox)
    predicted(made, {image: [owl, elk, fox] for image in made.images})
    QueueItem.objects.create(project=made.project, image_id=made.images[2], rank=0, reason="margin")
    body = (
        actors.client("annotator")
        .post(f"/api/v1/projects/{made.project.pk}/queue/lease", {"count": 1}, format="json")
        .json()
    )
    (item,) = body["items"]
    assert item["image"]["id"] == made.images[2]
    assert item["image"]["display"] == f"/api/v1/projects/{made.project.pk}/images/{made.images[2]}/display"
    assert [told["category"] for told in item["suggestions"]] == [owl, elk, fox]
    assert [(one["category"], [image["id"] for image in one["images"]]) for one in item["exemplars"]] == [
        (owl, [made.images[0]])
    ]
    assert (body["empty"], item["blind"], item["reason"]) == (None, False, "margin")


def test_a_blind_image_comes_without_anything_that_could_lead(actors: Actors) -> None:
    made = with_vectors(world(images=2))
    predicted(made, dict.fromkeys(made.images, made.categories))
    made.label(made.images[1], made.categories[0])
    BlindDraw.objects.create(project=made.project, image_id=made.images[0], seed=1)
    QueueItem.objects.create(project=made.project, image_id=made.images[0], rank=0, purpose=Purpose.BLIND)
    client = actors.client("annotator")
    (item,) = client.post(f"/api/v1/projects/{made.project.pk}/queue/lease", {"count": 1}, format="json").json()[
        "items"
    ]
    assert (item["blind"], item["suggestions"], item["exemplars"]) == (True, [], [])


def test_a_new_project_gets_a_random_queue_without_any_worker(actors: Actors) -> None:
    made = world(images=5)
    client = actors.client("annotator")
    body = client.post(f"/api/v1/projects/{made.project.pk}/queue/lease", {"count": 3}, format="json").json()
    assert len(body["items"]) == 3
    assert body["remaining"] == 5
    assert {item["reason"] for item in body["items"]} == {"picked at random"}


def test_an_empty_queue_says_why(actors: Actors) -> None:
    made, nothing = world(images=1), world(images=0)
    taken = (
        actors.client("annotator")
        .post(f"/api/v1/projects/{made.project.pk}/queue/lease", {"count": 5}, format="json")
        .json()
    )
    assert len(taken["items"]) == 1
    other = actors.client("reviewer")
    assert (
        other.post(f"/api/v1/projects/{made.project.pk}/queue/lease", {}, format="json").json()["empty"]
        == "leased_by_others"
    )
    assert (
        other.post(f"/api/v1/projects/{nothing.project.pk}/queue/lease", {}, format="json").json()["empty"]
        == "no_images"
    )
    made.label(made.images[0], made.categories[0])
    assert (
        other.post(f"/api/v1/projects/{made.project.pk}/queue/lease", {}, format="json").json()["empty"]
        == "all_labeled"
    )


def test_renew_answers_with_what_is_still_held_and_release_gives_it_back(actors: Actors) -> None:
    made = world(images=2)
    base = f"/api/v1/projects/{made.project.pk}/queue"
    client = actors.client("annotator")
    tokens = [item["token"] for item in client.post(f"{base}/lease", {"count": 2}, format="json").json()["items"]]
    assert set(client.post(f"{base}/renew", {"tokens": tokens}, format="json").json()["tokens"]) == set(tokens)
    stranger = actors.client("reviewer")
    assert stranger.post(f"{base}/release", {"tokens": tokens}, format="json").json() == {"released": 0}
    assert client.post(f"{base}/release", {"tokens": tokens}, format="json").json() == {"released": 2}
    assert client.post(f"{base}/renew", {"tokens": tokens}, format="json").json() == {"tokens": []}
    assert not Lease.objects.exists()


@pytest.mark.parametrize("count", [0, 51, -1, "many", 2**63])
def test_a_lease_is_for_one_to_fifty_images(actors: Actors, count: object) -> None:
    made = world(images=1)
    client = actors.client("annotator")
    answer = client.post(f"/api/v1/projects/{made.project.pk}/queue/lease", {"count": count}, format="json")
    assert answer.status_code == 400
    assert not leases_take(project_id=made.project.pk, user_id=actors.annotator.pk, count=1)


def test_a_lease_costs_the_same_queries_for_one_image_and_for_fifty(
    actors: Actors, django_assert_max_num_queries: object
) -> None:
    made = with_vectors(world(images=60))
    predicted(made, dict.fromkeys(made.images, made.categories))
    for rank, image in enumerate(made.images):
        QueueItem.objects.create(project=made.project, image_id=image, rank=rank)
    client = actors.client("annotator")
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        assert (
            len(
                client.post(f"/api/v1/projects/{made.project.pk}/queue/lease", {"count": 50}, format="json").json()[
                    "items"
                ]
            )
            == 50
        )


def test_a_tab_that_was_killed_leaves_its_images_to_its_person_and_not_to_others(actors: Actors) -> None:
    made = world(images=3)
    base = f"/api/v1/projects/{made.project.pk}/queue"
    client = actors.client("annotator")
    first = client.post(f"{base}/lease", {"count": 3}, format="json").json()["items"]
    tokens = [item["token"] for item in first]
    held = client.post(f"{base}/lease", {"count": 3, "holding": tokens}, format="json").json()
    assert (held["items"], held["empty"]) == ([], "all_labeled")  # nothing is left but what this tab has
    assert actors.client("reviewer").post(f"{base}/lease", {}, format="json").json()["empty"] == "leased_by_others"
    again = client.post(f"{base}/lease", {"count": 3}, format="json").json()
    assert {item["image"]["id"] for item in again["items"]} == set(made.images)
    assert again["empty"] is None


def test_one_request_deals_no_image_twice(actors: Actors) -> None:
    made = world(images=3)
    client = actors.client("annotator")
    items = client.post(f"/api/v1/projects/{made.project.pk}/queue/lease", {"count": 50}, format="json").json()["items"]
    assert sorted(item["image"]["id"] for item in items) == made.images
