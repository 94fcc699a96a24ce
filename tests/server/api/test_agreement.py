"""Agreement is measured by a worker, kept, and shown to each person as far as it is theirs to know."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from server.pipeline.station import run_pending
from tests.server.builders import World, world

pytestmark = pytest.mark.django_db


def client(made: World, name: str) -> APIClient:
    found = APIClient()
    found.force_login(made.people[name])
    return found


def agreement(made: World, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = client(made, name).get(f"/api/v1/projects/{made.project.pk}/agreement").json()
    return answer


def measured(made: World) -> World:
    answer = client(made, "reviewer").post(f"/api/v1/projects/{made.project.pk}/agreement")
    assert answer.status_code == 202
    run_pending(project_id=made.project.pk)
    return made


def two_people(*, images: int = 40) -> World:
    """Owl and fox in turn; the second person says elk instead of every fourth owl."""
    made = world(images=images, overlap=2)
    owl, fox, elk = made.categories
    for at, image in enumerate(made.images):
        truth = owl if at % 2 == 0 else fox
        made.label(image, truth, by="annotator")
        made.label(image, elk if at % 8 == 0 else truth, by="reviewer")
    return made


def test_before_anything_was_measured_nothing_is_said() -> None:
    found = agreement(world(), "annotator")
    assert (found["at"], found["alpha"], found["pairs"], found["images"]) == (None, None, [], 0)


def test_one_opinion_an_image_is_no_agreement() -> None:
    made = world()
    made.label(made.images[0], made.categories[0])
    found = agreement(measured(made), "owner")
    assert found["at"] is not None
    assert (found["images"], found["votes"], found["alpha"]) == (0, 0, None)


def test_two_people_who_part_on_one_image_in_eight() -> None:
    made = measured(two_people())
    found = agreement(made, "owner")
    owl, _, elk = made.categories
    assert (found["images"], found["votes"], found["since"]) == (40, 80, 0)
    (pair,) = found["pairs"]
    assert (pair["images"], pair["agreed"]) == (40, 35)
    # observed 35/40; expected (20·15 + 20·20)/1600: kappa (0.875 − 0.4375) / (1 − 0.4375)
    assert pair["kappa"]["value"] == pytest.approx(0.7778, abs=1e-4)
    assert pair["kappa"]["low"] < 0.7778 < pair["kappa"]["high"]
    assert found["alpha"]["low"] < found["alpha"]["value"] < found["alpha"]["high"]
    assert found["fleiss"]["people"] == 2
    assert found["confused"] == [{"first": owl, "second": elk, "images": 5}]


def test_a_review_has_seen_the_others_and_is_no_independent_opinion() -> None:
    made = world(images=4)
    for image in made.images:
        made.label(image, made.categories[0], by="annotator")
        made.label(image, made.categories[1], by="reviewer", evidence="review")
    assert agreement(measured(made), "owner")["images"] == 0


def test_annotators_see_their_own_pairs_and_not_whose_they_are() -> None:
    made = two_people()
    for image in made.images[:5]:
        made.label(image, made.categories[0], by="owner")
    found = agreement(measured(made), "annotator")
    me = made.people["annotator"].pk
    assert [(pair["first"], pair["second"]) for pair in found["pairs"]] == [(me, None), (me, None)]
    assert len(agreement(made, "owner")["pairs"]) == 3


def test_what_came_since_is_counted_and_measuring_again_takes_it_in() -> None:
    made = measured(two_people())
    made.label(made.images[0], made.categories[1], by="owner")
    assert agreement(made, "owner")["since"] == 1
    assert agreement(measured(made), "owner")["since"] == 0
