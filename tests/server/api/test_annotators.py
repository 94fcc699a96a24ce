"""People are measured against what the others settled on, and see their own figures."""

import pytest
from rest_framework.test import APIClient

from server.labeling.models import BlindDraw, PageSkill
from tests.server.builders import World, predicted, world

pytestmark = pytest.mark.django_db


def figures(made: World, name: str) -> dict[str, dict[str, object]]:
    client = APIClient()
    client.force_login(made.people[name])
    items = client.get(f"/api/v1/projects/{made.project.pk}/annotators").json()["items"]
    return {item["username"]: item for item in items}


def judged(*, suggested_right: bool) -> World:
    """Thirty owls; two people say so, the annotator takes the suggestion whatever it is."""
    made = world(images=30, overlap=3)
    owl, fox, _ = made.categories
    for image in made.images:
        told = owl if suggested_right else fox
        made.label(image, told, by="annotator", evidence_details={"suggested": told}, duration_ms=300)
        made.label(image, owl, by="reviewer", duration_ms=2000)
        made.label(image, owl, by="owner", duration_ms=1500)
    return made


def test_who_always_takes_the_first_suggestion_is_caught() -> None:
    found = figures(judged(suggested_right=False), "owner")
    anchoring = found["annotator"]["anchoring"]
    assert (found["annotator"]["signs"], anchoring["followed"], anchoring["misled"]) == (["follows"], 30, 30)
    assert found["annotator"]["led"]
    assert found["annotator"]["agreement"]["value"] == 0
    assert found["annotator"]["speeds"] == [{"evidence": "suggestion", "labels": 30, "median_ms": 300}]
    assert not found["reviewer"]["led"]


def test_right_suggestions_taken_are_no_fault() -> None:
    found = figures(judged(suggested_right=True), "owner")["annotator"]
    assert (found["led"], found["anchoring"]["misled"], found["agreement"]["value"]) == (False, 0, 1)
    assert found["categories"][0]["n"] == 30


def test_a_wrong_suggestion_passed_over_is_counted_too() -> None:
    """Half of the time the fox that was suggested first is not taken, although it is an owl."""
    made = world(images=20, overlap=3)
    owl, fox, _ = made.categories
    for at, image in enumerate(made.images):
        told = {"first": fox, "suggested": fox} if at % 2 else {"first": fox}
        made.label(image, fox if at % 2 else owl, by="annotator", evidence_details=told)
        made.label(image, owl, by="reviewer")
        made.label(image, owl, by="owner")
    anchoring = figures(made, "owner")["annotator"]["anchoring"]
    assert (anchoring["misled"], anchoring["followed"], anchoring["pull"]) == (20, 10, None)


def judged_blind(*, same: bool) -> World:
    """Half of sixty images is answered blind. The model says fox, all are owls; the annotator says fox in sight, and
    blind only where `same`."""
    made = world(images=60, overlap=3)
    owl, fox, elk = made.categories
    predicted(made, {image: [fox, owl, elk] for image in made.images})
    for image in made.images[:30]:
        BlindDraw.objects.create(project=made.project, image_id=image, seed=1)
    for at, image in enumerate(made.images):
        seen = {} if at < 30 else {"first": fox, "suggested": fox}
        made.label(image, fox if at >= 30 or same else owl, by="annotator", evidence_details=seen)
        made.label(image, owl, by="reviewer")
        made.label(image, owl, by="owner")
    return made


def test_the_pull_of_a_suggestion_is_measured_against_blind_answers_on_like_images() -> None:
    found = figures(judged_blind(same=False), "owner")["annotator"]
    pull = found["anchoring"]["pull"]
    assert (found["anchoring"]["unseen"], found["anchoring"]["unseen_same"], pull["value"]) == (30, 0, 1)
    assert 0.8 < pull["low"] < pull["high"] <= 1
    assert found["signs"] == ["follows"]


def test_who_errs_the_same_way_blind_is_not_led() -> None:
    found = figures(judged_blind(same=True), "owner")["annotator"]
    assert found["anchoring"]["pull"]["value"] == 0
    assert (found["led"], found["agreement"]["value"]) == (False, 0)


def test_taking_more_suggestions_than_can_be_right_is_noticed_by_nobody_else() -> None:
    """One person alone: the model is right on half of the blind images, and every suggestion is taken."""
    made = world(images=120)
    owl, fox, elk = made.categories
    predicted(made, {image: [fox, owl, elk] for image in made.images})
    for image in made.images[:40]:
        BlindDraw.objects.create(project=made.project, image_id=image, seed=1)
    for at, image in enumerate(made.images):
        told = {} if at < 40 else {"first": fox, "suggested": fox}
        made.label(image, owl if at < 20 else fox, by="annotator", evidence_details=told)
    found = figures(made, "owner")["annotator"]
    assert (found["offered"], found["taken"], found["signs"]) == (80, 80, ["takes"])


def test_who_leaves_known_wrong_tiles_standing_is_noticed() -> None:
    made = world()
    made.label(made.images[0], made.categories[0], by="annotator")
    PageSkill.objects.create(
        project=made.project,
        user=made.people["annotator"],
        category_id=made.categories[0],
        size=8,
        planted=12,
        caught=1,
    )
    found = figures(made, "owner")["annotator"]
    assert (found["planted"], found["caught"], found["signs"]) == (12, 1, ["misses"])


def test_little_evidence_says_nothing() -> None:
    made = world(images=5, overlap=2)
    for image in made.images:
        made.label(image, made.categories[0], by="annotator")
        made.label(image, made.categories[0], by="reviewer")
    agreement = figures(made, "owner")["annotator"]["agreement"]
    assert (agreement["value"], agreement["n"], agreement["needed"]) == (None, 5, 15)


def test_annotators_see_themselves_and_nobody_else() -> None:
    made = judged(suggested_right=True)
    assert set(figures(made, "annotator")) == {"annotator"}
    assert set(figures(made, "reviewer")) == {"annotator", "reviewer", "owner"}
