"""Pages over REST: by role, retried, late, without a word about which tiles are known wrong."""

import uuid
from typing import Any

import pytest

from server.labeling.models import Annotation, BlindDraw, Gold, Purpose, QueueItem
from server.labeling.services.page_stock import Planned, stock_add
from tests.server.builders import World, predicted, with_vectors, world
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


def planned(made: World, images: list[int], *, traps: list[list[int]] | None = None) -> World:
    told = [[category, 0.6 / (nth + 1)] for nth, category in enumerate(made.categories)]
    tiles = [{"image": image, "folded": [], "suggestions": told} for image in images]
    plan = Planned(made.categories[0], tiles, 0.9, "they look alike", traps or [])
    stock_add(project_id=made.project.pk, version=1, planned=[plan])
    return made


def base(made: World) -> str:
    return f"/api/v1/projects/{made.project.pk}"


def lease(client: Any, made: World, **body: object) -> dict[str, Any]:
    answer = client.post(f"{base(made)}/pages/lease", {"count": 1, "tiles_max": 24, **body}, format="json")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def put(client: Any, made: World, page: str, commit: str, tiles: list[dict[str, Any]]) -> Any:
    body = {"tiles": tiles, "duration_ms": 5000, "client_at": "2026-11-21T10:00:00Z", "input": "keyboard"}
    return client.put(f"{base(made)}/pages/{page}/commits/{commit}", body, format="json")


@pytest.mark.parametrize(("actor", "status"), EXPECTED.items())
def test_only_those_who_label_may_lease_renew_and_release_pages(actors: Actors, actor: str, status: int) -> None:
    made = world(images=3)
    client = actors.client(actor)
    page = str(uuid.uuid4())
    for act, body in (("lease", {}), ("renew", {"pages": [page]}), ("release", {"pages": [page]})):
        assert client.post(f"{base(made)}/pages/{act}", body, format="json").status_code == status


def test_a_page_carries_all_that_its_screen_needs(actors: Actors) -> None:
    made = world(images=4)
    made.label(made.images[3], made.categories[0], by="reviewer")
    planned(made, made.images[:3])
    body = lease(actors.client("annotator"), made)
    (entry,) = body["entries"]
    assert (entry["kind"], body["empty"], body["teaching"]["version"]) == ("page", None, 0)
    page = entry["page"]
    assert (page["category"], page["reason"], page["expected_precision"]) == (
        made.categories[0],
        "they look alike",
        0.9,
    )
    assert [tile["image"]["id"] for tile in page["tiles"]] == made.images[:3]
    assert page["tiles"][0]["image"]["display"].endswith(f"/images/{made.images[0]}/display")
    assert page["tiles"][0]["suggestions"][0] == {"category": made.categories[0], "probability": 0.6}
    assert [image["id"] for image in page["exemplars"]] == [made.images[3]]


def test_a_known_wrong_tile_has_the_same_fields_as_any_other(actors: Actors) -> None:
    made = world(images=9)
    made.project.options = {"attention_share": 0.125}
    made.project.save()
    made.label(made.images[0], made.categories[1], by="owner")
    Gold.objects.create(project=made.project, image_id=made.images[0])
    planned(made, made.images[1:], traps=[[made.images[0], made.categories[1]]])
    client = actors.client("annotator")
    body = lease(client, made)
    assert "known" not in str(body) and "planted" not in str(body)
    page = body["entries"][0]["page"]
    assert made.images[0] in [tile["image"]["id"] for tile in page["tiles"]]
    assert len({tuple(sorted(tile)) for tile in page["tiles"]}) == 1
    assert {tile["suggestions"][0]["category"] for tile in page["tiles"]} == {made.categories[0]}
    tiles = [{"image": tile["image"]["id"], "verdict": "confirm"} for tile in page["tiles"]]
    attention = put(client, made, page["id"], str(uuid.uuid4()), tiles).json()["attention"]
    assert (attention["planted"], attention["caught"], attention["sent_to_review"]) == (1, 0, 8)
    assert [(one["image"]["id"], one["category"]) for one in attention["missed"]] == [
        (made.images[0], made.categories[1])
    ]
    assert attention["page_size"] == {"before": 16, "after": 8}


def test_a_commit_is_new_once_and_is_taken_back_once(actors: Actors) -> None:
    made = with_vectors(world(images=3))
    planned(made, made.images)
    client = actors.client("annotator")
    page = lease(client, made)["entries"][0]["page"]["id"]
    a, b, c = made.images
    tiles = [
        {"image": a, "verdict": "confirm"},
        {"image": b, "verdict": "strike"},
        {"image": c, "verdict": "label", "category": made.categories[2]},
    ]
    commit, undo = str(uuid.uuid4()), str(uuid.uuid4())
    first = put(client, made, page, commit, tiles)
    assert (first.status_code, first.json()) == (
        201,
        {"labels": 2, "struck": 2, "attention": None, "undoable": True},
    )
    again = put(client, made, page, commit, tiles)
    assert (again.status_code, again.json()) == (200, first.json())
    for _ in range(2):
        answer = client.post(f"{base(made)}/pages/commits/{commit}/undo", {"id": undo}, format="json")
        assert (answer.status_code, answer.json()) == (200, {"undone": 2})
    assert put(client, made, page, commit, tiles).json()["undoable"] is False
    assert Annotation.objects.count() == 4


def test_what_cannot_be_meant_is_refused(actors: Actors) -> None:
    made = world(images=2)
    planned(made, made.images)
    client = actors.client("annotator")
    page = lease(client, made)["entries"][0]["page"]["id"]
    for tile in (
        {"image": made.images[0], "verdict": "label"},
        {"image": made.images[0], "verdict": "confirm", "category": made.categories[0]},
        {"image": made.images[0], "verdict": "shout"},
        {"image": 2**40, "verdict": "confirm"},
        {"verdict": "confirm"},
    ):
        assert put(client, made, page, str(uuid.uuid4()), [tile]).status_code == 400
    assert put(actors.client("reviewer"), made, page, str(uuid.uuid4()), []).status_code == 404
    assert put(actors.client("viewer"), made, page, str(uuid.uuid4()), []).status_code == 403
    assert put(actors.client("outsider"), made, page, str(uuid.uuid4()), []).status_code == 404


def test_the_blind_share_comes_as_single_images_among_the_pages(actors: Actors) -> None:
    made = world(images=60, blind_share=0.5)
    blind, hard, *rest = made.images
    BlindDraw.objects.create(project=made.project, image_id=blind, seed=1)
    QueueItem.objects.create(project=made.project, image_id=hard, rank=0)
    QueueItem.objects.create(project=made.project, image_id=blind, rank=1, purpose=Purpose.BLIND)
    planned(made, rest)
    entries = lease(actors.client("annotator"), made)["entries"]
    assert sorted(entry["kind"] for entry in entries) == ["one", "one", "page"]
    singles = {entry["item"]["image"]["id"]: entry["item"] for entry in entries if entry["kind"] == "one"}
    assert {image: item["blind"] for image, item in singles.items()} == {blind: True, hard: False}
    assert singles[blind]["suggestions"] == []
    (page,) = [entry["page"] for entry in entries if entry["kind"] == "page"]
    assert blind not in [tile["image"]["id"] for tile in page["tiles"]]


def test_without_predictions_pages_are_single_images_and_an_empty_queue_says_why(actors: Actors) -> None:
    made = world(images=2)
    client, other = actors.client("annotator"), actors.client("reviewer")
    assert [entry["kind"] for entry in lease(client, made)["entries"]] == ["one", "one"]
    assert lease(other, made)["empty"] == "leased_by_others"
    for image in made.images:
        made.label(image, made.categories[0])
    assert lease(client, made)["empty"] == "all_labeled"
    assert lease(client, made, category=made.categories[0])["empty"] == "category_done"


def test_pages_of_one_category_hold_only_what_is_proposed_for_it(actors: Actors) -> None:
    made = with_vectors(world(images=6))
    owl, fox, elk = made.categories
    predicted(made, {image: [fox, owl, elk] if image in made.images[:2] else [owl, fox, elk] for image in made.images})
    (entry,) = lease(actors.client("annotator"), made, category=fox)["entries"]
    assert entry["page"]["category"] == fox
    assert sorted(tile["image"]["id"] for tile in entry["page"]["tiles"]) == made.images[:2]


def test_a_page_is_renewed_while_it_is_held_and_given_back_when_the_tab_closes(actors: Actors) -> None:
    made = world(images=2)
    planned(made, made.images)
    client = actors.client("annotator")
    page = lease(client, made)["entries"][0]["page"]["id"]
    assert client.post(f"{base(made)}/pages/renew", {"pages": [page]}, format="json").json() == {"pages": [page]}
    stranger = actors.client("reviewer").post(f"{base(made)}/pages/renew", {"pages": [page]}, format="json")
    assert stranger.json() == {"pages": []}
    assert client.post(f"{base(made)}/pages/release", {"pages": [page]}, format="json").json() == {"released": 2}
    assert client.post(f"{base(made)}/pages/release", {"pages": [page]}, format="json").json() == {"released": 0}


def test_who_comes_back_after_a_crash_is_given_the_same_page_where_nothing_else_is_left(actors: Actors) -> None:
    made = world(images=3)
    planned(made, made.images)
    client = actors.client("annotator")
    page = lease(client, made)["entries"][0]["page"]
    assert lease(client, made, holding=[page["id"]])["entries"] == []
    (again,) = lease(client, made)["entries"]
    assert again["page"]["id"] == page["id"]
    assert again["page"]["tiles"] == page["tiles"]
    assert lease(actors.client("reviewer"), made)["empty"] == "leased_by_others"


def test_what_was_struck_is_suggested_in_no_view_again(actors: Actors) -> None:
    made = with_vectors(world(images=1))
    owl, fox, elk = made.categories
    predicted(made, {made.images[0]: [owl, fox, elk]})
    client = actors.client("annotator")
    page = lease(client, made)["entries"][0]["page"]
    assert page["category"] == owl
    put(client, made, page["id"], str(uuid.uuid4()), [{"image": made.images[0], "verdict": "strike"}])
    answer = client.post(f"{base(made)}/queue/lease", {"count": 1}, format="json").json()
    assert [told["category"] for told in answer["items"][0]["suggestions"]] == [fox, elk]
