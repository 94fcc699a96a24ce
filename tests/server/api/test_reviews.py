"""What a reviewer is asked, how it is answered, and what gold is."""

import uuid
from typing import Any

import pytest

from server.labeling.models import BlindDraw, Consensus, Gold, ReviewReason, ReviewRequest, Teaching
from tests.server.builders import World, predicted, with_vectors, world
from tests.server.conftest import Actors

pytestmark = pytest.mark.django_db


def base(made: World) -> str:
    return f"/api/v1/projects/{made.project.pk}"


def waiting(actors: Actors, made: World, **params: Any) -> list[dict[str, Any]]:
    answer = actors.client("reviewer").get(f"{base(made)}/review", params)
    assert answer.status_code == 200
    return list(answer.json()["items"])


def asked(made: World, image: int, reason: ReviewReason) -> None:
    newest = max((event.sequence for event in made.events()), default=0)
    ReviewRequest.objects.create(project=made.project, image_id=image, reason=reason, after_sequence=newest)


def decide(actors: Actors, made: World, image: int, category: int) -> None:
    body = {"image": image, "kind": "label", "category": category, "evidence_details": {"review": True}}
    answer = actors.client("reviewer").put(f"{base(made)}/annotations/{uuid.uuid4()}", body, format="json")
    assert answer.status_code == 201, answer.content


def test_disputes_flags_and_what_was_sent_wait_for_a_reviewer_until_one_decides(actors: Actors) -> None:
    made = with_vectors(world(images=5))
    owl, fox, elk = made.categories
    predicted(made, {image: [elk, owl, fox] for image in made.images})
    dispute, flag, attention, both, calm = made.images
    for image in (dispute, both):
        made.label(image, owl, by="annotator")
        made.label(image, fox, by="owner")
    made.label(flag, kind="flag", comment="what is this?")
    made.label(attention, owl)
    made.label(calm, owl)
    asked(made, attention, ReviewReason.ATTENTION)
    asked(made, both, ReviewReason.LABEL_ERROR)
    items = waiting(actors, made)
    assert [(one["image"]["id"], one["reason"]) for one in items] == [
        (dispute, "disagreement"),
        (flag, "sent"),
        (attention, "attention"),
        (both, "disagreement"),
    ]
    said = {one["annotator"]["username"]: one["category"] for one in items[0]["opinions"]}
    assert said == {"annotator": owl, "owner": fox}
    assert items[0]["suggestions"][0]["category"] == elk
    assert items[1]["opinions"][0]["comment"] == "what is this?"
    for image in (dispute, flag, attention, both):
        decide(actors, made, image, elk)
    assert waiting(actors, made) == []
    assert set(Consensus.objects.filter(pk__in=made.images[:4]).values_list("category_id", "evidence")) == {
        (elk, "review")
    }


def test_a_review_that_is_taken_back_waits_again_and_pages_of_reviews_follow_each_other(actors: Actors) -> None:
    made = world(images=3)
    for image in made.images:
        made.label(image, made.categories[0])
        asked(made, image, ReviewReason.ATTENTION)
    said = made.label(made.images[1], made.categories[0], by="reviewer", evidence="review")
    assert [one["image"]["id"] for one in waiting(actors, made)] == [made.images[0], made.images[2]]
    made.label(made.images[1], kind="undo", undoes_id=said.id, by="reviewer")
    first = actors.client("reviewer").get(f"{base(made)}/review", {"limit": 2}).json()
    second = actors.client("reviewer").get(f"{base(made)}/review", {"limit": 2, "cursor": first["next"]}).json()
    assert [one["image"]["id"] for one in first["items"] + second["items"]] == made.images
    assert second["next"] is None


@pytest.mark.parametrize(
    ("actor", "status"), {"owner": 200, "reviewer": 200, "annotator": 403, "viewer": 403, "outsider": 404}.items()
)
def test_only_reviewers_see_reviews_and_choose_gold(actors: Actors, actor: str, status: int) -> None:
    made = world(images=1)
    made.label(made.images[0], made.categories[0])
    client = actors.client(actor)
    assert client.get(f"{base(made)}/review").status_code == status
    for act in (client.post, client.delete):
        assert act(f"{base(made)}/gold", {"images": made.images}, format="json").status_code == status


def test_gold_is_agreed_not_blind_and_of_this_project_or_nothing_is_changed(actors: Actors) -> None:
    made, other = world(images=4), world(images=1)
    agreed, blind, open_, _ = made.images
    made.label(agreed, made.categories[0])
    BlindDraw.objects.create(project=made.project, image_id=blind, seed=1)
    made.label(blind, made.categories[0])
    client = actors.client("reviewer")

    def post(images: list[int]) -> Any:
        return client.post(f"{base(made)}/gold", {"images": images}, format="json")

    assert [post([agreed, bad]).status_code for bad in (blind, open_)] == [400, 400]
    assert post([agreed, other.images[0]]).status_code == 404
    assert not Gold.objects.exists()
    assert [post([agreed]).json(), post([agreed]).json()] == [{"gold": 1}, {"gold": 1}]
    listed = client.get(f"{base(made)}/images", {"gold": "true"}).json()["items"]
    assert [image["id"] for image in listed] == [agreed]
    assert client.delete(f"{base(made)}/gold", {"images": [agreed]}, format="json").json() == {"gold": 0}


def test_the_images_that_a_teaching_changed_can_be_listed(actors: Actors) -> None:
    made = world(images=4)
    changed = made.images[1:3]
    Teaching.objects.create(project=made.project, version=7, changed=2, changed_images=changed, corrections=3)
    client = actors.client("viewer")
    listed = client.get(f"{base(made)}/images", {"changed": 7, "order": "oldest"}).json()["items"]
    assert [image["id"] for image in listed] == changed
    assert client.get(f"{base(made)}/images", {"changed": 6}).json()["items"] == []
    told = client.get(f"{base(made)}/teaching").json()
    assert (told["version"], told["changed"], told["corrections"], told["running"]) == (7, 2, 3, False)


def test_an_owner_sets_attention_page_size_and_lease_within_bounds(actors: Actors) -> None:
    made = world(images=1)
    client = actors.client("owner")
    made.project.options = {"encoder": "demo"}
    made.project.save()
    wanted = {"attention_share": 0.1, "page_size_max": 24, "lease_minutes": 3}
    answer = client.patch(base(made), {"options": wanted}, format="json")
    assert answer.json()["options"] == {"encoder": "demo", **wanted}
    for wrong in ({"attention_share": 0.5}, {"page_size_max": 0}, {"lease_minutes": 10_000}):
        assert client.patch(base(made), {"options": wrong}, format="json").status_code == 400
    assert client.patch(base(made), {"options": {"encoder": "other", "secret": 1}}, format="json").json()[
        "options"
    ] == {"encoder": "demo", **wanted}
