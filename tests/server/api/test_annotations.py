"""Judgements over REST: 201 once, 200 ever after, and never a label for somebody else's images."""

import uuid

import pytest
from rest_framework.test import APIClient

from server.labeling.models import Annotation, Consensus
from tests.server.builders import World, world
from tests.server.conftest import Actors

EXPECTED = {
    "owner": 201,
    "reviewer": 201,
    "annotator": 201,
    "viewer": 403,
    "outsider": 404,
    "staff": 404,
    "anonymous": 401,
}


def put(client: APIClient, made: World, event: uuid.UUID | None = None, **body: object):  # type: ignore[no-untyped-def]
    body = {"image": made.images[0], "kind": "label", "category": made.categories[0], **body}
    return client.put(f"/api/v1/projects/{made.project.pk}/annotations/{event or uuid.uuid4()}", body, format="json")


@pytest.mark.parametrize(("actor", "status"), EXPECTED.items())
def test_only_those_who_label_may_annotate(actors: Actors, actor: str, status: int) -> None:
    made = world()
    assert put(actors.client(actor), made).status_code == status
    assert Annotation.objects.count() == (status == 201)


@pytest.mark.parametrize("actor", EXPECTED)
def test_every_member_reads_the_judgements_and_nobody_else(actors: Actors, actor: str) -> None:
    made = world()
    made.label(made.images[0], made.categories[0])
    expected = {"viewer": 200, "outsider": 404, "staff": 404, "anonymous": 401}.get(actor, 200)
    answer = actors.client(actor).get(f"/api/v1/projects/{made.project.pk}/annotations")
    assert answer.status_code == expected
    if expected == 200:
        assert [item["image"] for item in answer.json()["items"]] == [made.images[0]]


def test_a_retry_is_answered_with_200_and_the_same_event(actors: Actors) -> None:
    made, event, client = world(), uuid.uuid4(), actors.client("annotator")
    first, again = put(client, made, event), put(client, made, event)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["consensus"] == {
        "category": made.categories[0],
        "state": "agreed",
        "evidence": "free",
        "blind": False,
    }


def test_a_late_label_with_an_unknown_token_is_taken(actors: Actors) -> None:
    made = world()
    assert put(actors.client("annotator"), made, token=str(uuid.uuid4())).status_code == 201


def test_undo_takes_the_label_back(actors: Actors) -> None:
    made, event, client = world(), uuid.uuid4(), actors.client("annotator")
    put(client, made, event)
    answer = put(client, made, kind="undo", category=None, undoes=str(event))
    assert (answer.status_code, answer.json()["consensus"]) == (201, None)
    items = client.get(f"/api/v1/projects/{made.project.pk}/annotations?annotator=me").json()["items"]
    assert [(item["kind"], item["undone"]) for item in items] == [("undo", False), ("label", True)]


def test_things_of_another_project_cannot_be_named(actors: Actors) -> None:
    made, other, client = world(), world(), actors.client("annotator")
    foreign = other.label(other.images[0], other.categories[0])
    assert put(client, made, image=other.images[0]).status_code == 404
    assert put(client, made, category=other.categories[0]).status_code == 400
    assert put(client, made, kind="undo", category=None, undoes=str(foreign.id)).status_code == 404
    assert Annotation.objects.filter(project=made.project).count() == 0


def test_whose_label_it_is_and_how_it_counts_is_not_the_clients_to_say(actors: Actors) -> None:
    made = world()
    put(
        actors.client("annotator"),
        made,
        annotator=actors.owner.pk,
        evidence="review",
        blind=True,
        created_at="2001-01-01T00:00:00Z",
        evidence_details={"suggested": made.categories[0], "probability": 0.75, "secret": "x"},
    )
    event = Annotation.objects.get()
    assert (event.annotator_id, event.evidence) == (actors.annotator.pk, "suggestion")
    assert event.evidence_details == {"suggested": made.categories[0], "probability": 0.75}
    assert event.created_at.year > 2001


def test_a_review_is_for_reviewers_and_settles_a_dispute(actors: Actors) -> None:
    made = world()
    made.label(made.images[0], made.categories[0], by="annotator")
    made.label(made.images[0], made.categories[1], by="owner")
    assert put(actors.client("annotator"), made, review=True).status_code == 403
    answer = put(actors.client("reviewer"), made, review=True, category=made.categories[1])
    assert answer.json()["consensus"]["state"] == "agreed"
    assert Consensus.objects.get().category_id == made.categories[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "shout"},
        {"category": None},
        {"image": 2**70},
        {"image": "one"},
        {"duration_ms": -1},
        {"duration_ms": 2**40},
        {"evidence_details": {"probability": "nan"}},
        {"evidence_details": {"probability": 1.5}},
        {"evidence_details": {"input": "telepathy"}},
        {"evidence_details": []},
        {"comment": "x" * 2001},
        {"comment": "nul \u0000"},
        {"undoes": str(uuid.uuid4())},
        {"client_at": "yesterday"},
    ],
)
def test_what_makes_no_sense_is_a_400_and_writes_nothing(actors: Actors, wrong: dict[str, object]) -> None:
    made = world()
    assert put(actors.client("annotator"), made, **wrong).status_code == 400
    assert not Annotation.objects.exists()


def test_the_list_pages_by_key_newest_first(actors: Actors) -> None:
    made, client = world(images=5), actors.client("viewer")
    for image in made.images:
        made.label(image, made.categories[0])
    base = f"/api/v1/projects/{made.project.pk}/annotations?limit=2"
    seen, cursor = [], ""
    while cursor is not None:
        body = client.get(base + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [item["image"] for item in body["items"]]
        cursor = body["next"]
    assert seen == made.images[::-1]
    assert client.get(f"{base}&annotator=drop").status_code == 400
