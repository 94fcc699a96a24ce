"""People are measured against what the others settled on, and see their own figures."""

import pytest
from rest_framework.test import APIClient

from tests.server.builders import World, world

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
    assert (found["annotator"]["led"], found["annotator"]["followed"], found["annotator"]["misled"]) == (True, 30, 30)
    assert found["annotator"]["agreement"]["value"] == 0
    assert found["annotator"]["median_ms"] == 300
    assert not found["reviewer"]["led"]


def test_right_suggestions_taken_are_no_fault() -> None:
    found = figures(judged(suggested_right=True), "owner")["annotator"]
    assert (found["led"], found["misled"], found["agreement"]["value"]) == (False, 0, 1)
    assert found["categories"][0]["n"] == 30


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
