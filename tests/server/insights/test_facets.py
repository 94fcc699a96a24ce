"""Facets that the database keeps count of are those that looking at every image gives."""

from typing import Any

import pytest

from server.insights.browse import Filters
from server.insights.facets import images_facets
from server.labeling.models import BlindDraw
from tests.server.builders import World, predicted, world

pytestmark = pytest.mark.django_db


def told(made: World, **filters: Any) -> dict[str, Any]:
    """As a page shows them, in an order of their own."""
    found = images_facets(made.project, filters=Filters(**filters))
    return {**found, **{name: sorted(found[name], key=lambda one: one["id"]) for name in ("categories", "predicted")}}


@pytest.fixture
def made() -> World:
    """Ten images: three labeled, one disputed, one skipped, two drawn blind of which one is answered."""
    made = world(images=10)
    owl, fox, elk = made.categories
    predicted(made, {image: [fox if nth % 2 else owl, elk] for nth, image in enumerate(made.images)})
    for image in made.images[7:9]:
        BlindDraw.objects.create(project=made.project, image_id=image, seed=0)
    made.label(made.images[0], owl)
    made.label(made.images[1], owl, by="reviewer")
    made.label(made.images[2], fox)
    made.label(made.images[3], fox)
    made.label(made.images[3], elk, by="reviewer")
    made.label(made.images[4], kind="skip")
    made.label(made.images[7], elk)
    return made


def test_without_a_filter_they_are_counted_by_hand(made: World) -> None:
    owl, fox, elk = made.categories
    annotator, reviewer = made.people["annotator"], made.people["reviewer"]
    assert told(made) == {
        "categories": [{"id": one, "count": n} for one, n in ((owl, 2), (fox, 1), (elk, 1))],
        "predicted": [{"id": owl, "count": 4}, {"id": fox, "count": 5}],  # image 8 waits for its blind answer
        "state": {"labeled": 4, "disputed": 1, "skipped": 1, "unlabeled": 4},
        "evidence": {"free": 5, "blind": 1},
        "total": 10,
        "annotators": [
            {"id": annotator.pk, "username": "annotator", "count": 4},
            {"id": reviewer.pk, "username": "reviewer", "count": 2},
        ],
    }


def test_a_filter_that_lets_everything_through_gives_the_same(made: World) -> None:
    assert told(made, duplicates=False) == told(made)


@pytest.mark.parametrize(
    "asked",
    [{"probability_min": 0.0}, {"margin_max": 1.0}, {"probability_max": 1.0, "state": "unlabeled"}],
    ids=str,
)
def test_what_asks_for_a_prediction_alone_counts_the_same_as_by_way_of_the_images(
    made: World, asked: dict[str, Any]
) -> None:
    alone = told(made, **asked)
    assert alone["total"] > 0
    assert alone == told(made, duplicates=False, **asked)


def test_a_filter_counts_what_it_lets_through(made: World) -> None:
    owl, fox, _ = made.categories
    narrow = told(made, predicted=[fox])
    assert (narrow["total"], narrow["predicted"]) == (5, [{"id": fox, "count": 5}])
    assert narrow["state"] == {"labeled": 2, "disputed": 1, "unlabeled": 2}
    assert sum(one["count"] for one in narrow["annotators"]) == 4
    assert told(made, category=[owl])["total"] == 2
    assert told(made, search="nothing is called this")["state"] == {}
