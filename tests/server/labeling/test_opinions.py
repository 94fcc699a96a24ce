"""Further opinions are asked for where people leave it open, of those who can tell, and the lease knows."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from server.compute.opinions import opinions_wanted
from server.insights.models import Measurement
from server.labeling.models import BlindDraw, Purpose, QueueItem
from server.labeling.services.leases import leases_take
from server.labeling.services.opinions import opinions_ask, opinions_most
from server.labeling.services.queue import queue_top_up
from server.pipeline import flows
from server.pipeline.station import run_pending
from server.pipeline.tasks.upkeep import ask_wherever_divided
from tests.server.builders import World, world

pytestmark = pytest.mark.django_db
KINDS = {"ask_opinions"}


def offered(made: World, name: str) -> list[int]:
    return [one.image_id for one in leases_take(project_id=made.project.pk, user_id=made.people[name].pk, count=9)]


def divided(**options: object) -> World:
    """Two people disagree about the first image."""
    made = world(overlap=2)
    made.project.options = options
    made.project.save()
    made.label(made.images[0], made.categories[0], by="annotator")
    made.label(made.images[0], made.categories[1], by="reviewer")
    return made


def ask(made: World, *, of: tuple[str, ...] = ("owner",)) -> int:
    return opinions_ask(project=made.project, asked={made.images[0]: [made.people[name].pk for name in of]})


def asked_about(made: World) -> QueueItem:
    return QueueItem.objects.get(image_id=made.images[0])


def test_only_who_is_asked_gets_the_image_and_before_anything_else() -> None:
    made = divided()
    queue_top_up(project=made.project, user_id=made.people["owner"].pk, count=3)
    assert ask(made) == 1
    assert made.images[0] not in offered(made, "viewer")
    assert offered(made, "owner")[0] == made.images[0]


def test_after_an_hour_without_an_answer_anybody_may_give_one_who_has_not_yet() -> None:
    made = divided()
    ask(made)
    QueueItem.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    assert offered(made, "annotator") == []
    assert offered(made, "viewer") == [made.images[0]]


def test_what_is_meant_for_others_leaves_nobody_with_an_empty_queue() -> None:
    made = divided()
    ask(made)
    assert queue_top_up(project=made.project, user_id=made.people["viewer"].pk, count=1) > 0
    assert set(offered(made, "viewer")) == set(made.images[1:])


def test_an_answer_settles_it_and_it_is_not_asked_twice() -> None:
    made = divided()
    ask(made)
    made.label(made.images[0], made.categories[0], by="owner")
    item = asked_about(made)
    assert (item.wanted, item.remaining, item.slots) == (3, 0, 0)
    assert offered(made, "owner") == []


def test_a_question_that_is_settled_otherwise_is_withdrawn() -> None:
    made = divided()
    ask(made)
    opinions_ask(project=made.project, asked={})
    assert offered(made, "owner") == []


def test_who_holds_the_image_keeps_it_when_the_question_is_withdrawn() -> None:
    made = divided()
    ask(made)
    assert offered(made, "owner") == [made.images[0]]
    opinions_ask(project=made.project, asked={})
    assert asked_about(made).remaining == 1


def test_a_blind_image_is_asked_about_blind() -> None:
    made = world()
    BlindDraw.objects.create(project=made.project, image_id=made.images[0], seed=1)
    made.label(made.images[0], made.categories[0])
    ask(made)
    item = asked_about(made)
    assert (item.purpose, item.reason) == (Purpose.BLIND, "")


def test_a_project_that_wants_no_more_than_its_overlap_asks_for_nothing() -> None:
    assert opinions_most(divided().project) == 2
    assert opinions_most(divided(opinions_max=4).project) == 4
    ask_wherever_divided()
    assert run_pending(kinds=KINDS) == 1  # of the second project alone


def test_the_clock_asks_where_people_are_divided_and_rests_until_somebody_says_more() -> None:
    made = divided(opinions_max=3)
    made.label(made.images[1], made.categories[2], by="annotator")
    made.label(made.images[1], made.categories[2], by="reviewer")
    ask_wherever_divided()
    run_pending(kinds=KINDS)
    assert asked_about(made).asked_of == [made.people["owner"].pk]
    assert not QueueItem.objects.filter(image_id=made.images[1]).exists()
    assert Measurement.objects.get(project=made.project, kind="opinions").content == {"images": 1, "people": 1}
    ask_wherever_divided()
    assert run_pending(kinds=KINDS) == 0
    made.label(made.images[0], made.categories[0], by="owner")
    ask_wherever_divided()
    run_pending(kinds=KINDS)
    assert asked_about(made).remaining == 0


def test_what_a_reviewer_decided_is_asked_of_nobody() -> None:
    made = divided(opinions_max=5)
    made.label(made.images[0], made.categories[0], by="owner", evidence="review")
    flows.ask_opinions(made.project.pk)
    run_pending(kinds=KINDS)
    assert not QueueItem.objects.exists()


def asked(
    rows: list[tuple[int, int, int]], *, most: int = 5, people: tuple[int, ...] = (1, 2, 3, 4, 5)
) -> dict[int, list[int]]:
    image, annotator, category = np.array(rows).T
    none = np.empty(0, np.int64)
    return opinions_wanted(image, annotator, category, most=most, people=np.array(people), settled=none, count=50)


def known_people() -> list[tuple[int, int, int]]:
    """120 images of owls (0) and foxes (1), seen alike by 1, 2 and 4; 3 cannot tell the two apart."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 120)
    rows = [(at, person, int(name)) for at, name in enumerate(truth) for person in (1, 2, 4)]
    return rows + [(at, 3, int(rng.integers(0, 2))) for at in range(120)]


def test_whoever_can_tell_the_pair_apart_is_asked() -> None:
    rows = [*known_people(), (120, 1, 0), (120, 2, 1)]
    assert asked(rows) == {120: [4]}
    assert asked(rows, people=(1, 2, 3)) == {120: [3]}  # nobody else is left


def test_where_one_of_two_is_known_to_confuse_them_the_others_word_decides() -> None:
    assert asked([*known_people(), (120, 1, 0), (120, 3, 1)]) == {}


def test_where_all_agree_or_everybody_answered_nobody_is_asked() -> None:
    assert asked([*known_people(), (120, 1, 0), (120, 2, 0)]) == {}
    assert asked([*known_people(), (120, 1, 0), (120, 2, 1)], people=(1, 2)) == {}
    assert asked([*known_people(), (120, 1, 0), (120, 2, 1)], most=2) == {}
