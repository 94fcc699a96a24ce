"""Facets that the database keeps count of are those that looking at every image gives."""

from collections import Counter
from typing import Any

import pytest

from server.insights import columns
from server.insights.browse import STATES, Filters, images_page
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


ASKED: list[dict[str, Any]] = [
    {"probability_min": 0.0},
    {"probability_min": 0.6, "probability_max": 1.0, "blind": False},
    {"margin_max": 0.5, "state": "unlabeled"},
    {"state": "labeled", "evidence": "free"},
    {"state": "disputed"},
    {"blind": True},
    {"search": "1"},
    {"duplicates": False, "state": "skipped"},
    {"gold": False, "probability_min": 0.0},
    {"batch": 2**40},
    {"changed": 1},
]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_what_is_counted_is_what_the_list_shows(made: World, asked: dict[str, Any]) -> None:
    rows = images_page(made.project, filters=Filters(**asked), order="newest", after=None, limit=100)
    counted = told(made, **asked)
    assert counted["total"] == len(rows)
    for name, column in {"categories": "c_category", "predicted": "p_category"}.items():
        assert {one["id"]: one["count"] for one in counted[name]} == _counts(rows, column)
    assert counted["evidence"] == _counts(rows, "c_evidence")
    names = {agreed: name for name, agreed in STATES.items()}
    assert counted["state"] == {names[row]: n for row, n in Counter(row["c_state"] for row in rows).items()}


def _counts(rows: list[dict[str, Any]], column: str) -> dict[Any, int]:
    return dict(Counter(row[column] for row in rows if row[column] is not None))


def test_by_category_and_by_person(made: World) -> None:
    owl, _, elk = made.categories
    reviewer = made.people["reviewer"]
    assert told(made, category=[owl, elk])["total"] == 3  # the disputed one has no category yet
    own = told(made, annotator=reviewer.pk)
    assert (own["total"], own["state"]) == (2, {"labeled": 1, "disputed": 1})
    assert {one["username"]: one["count"] for one in own["annotators"]} == {"annotator": 1, "reviewer": 2}


def test_a_label_is_counted_within_seconds_and_another_run_at_once(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, fox, _ = made.categories
    before = told(made, state="labeled")["total"]
    made.label(made.images[9], fox)
    assert told(made, state="labeled")["total"] == before
    monkeypatch.setattr(columns, "FRESH_S", 0)
    assert told(made, state="labeled")["total"] == before + 1
    monkeypatch.undo()
    predicted(made, {image: [fox] for image in made.images[:2]})
    assert told(made, probability_min=0.0)["predicted"] == [{"id": fox, "count": 2}]


def test_the_columns_of_few_projects_stay_in_memory(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "PROJECTS", 1)
    told(made, state="labeled")
    other = world(images=1)
    assert told(other, state="unlabeled")["total"] == 1
    assert [project for project, _ in columns.kept.holds()] == [other.project.pk]


def test_a_filter_counts_what_it_lets_through(made: World) -> None:
    owl, fox, _ = made.categories
    narrow = told(made, predicted=[fox])
    assert (narrow["total"], narrow["predicted"]) == (5, [{"id": fox, "count": 5}])
    assert narrow["state"] == {"labeled": 2, "disputed": 1, "unlabeled": 2}
    assert sum(one["count"] for one in narrow["annotators"]) == 4
    assert told(made, category=[owl])["total"] == 2
    assert told(made, search="nothing is called this")["state"] == {}
