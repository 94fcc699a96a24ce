"""What a modelled person costs, added up by hand, and what interfaces make of it."""

import numpy as np
import pytest

from ml.simulation import person as model
from ml.simulation.interfaces import Bench, composed_pages, naive_pages, one_at_a_time
from ml.simulation.person import Person
from ml.types import TopK


def careful() -> Person:
    return Person(0.0, np.random.default_rng(0))


def test_a_right_suggestion_costs_one_key() -> None:
    one = careful()
    assert one.labels_one(3, [3, 1], classes=5) == 3
    assert one.tally.actions == 1
    assert one.tally.seconds == pytest.approx(1.35 + 0.28)


def test_the_third_suggestion_is_read_up_to_and_an_unlisted_one_is_typed() -> None:
    third, typed = careful(), careful()
    third.labels_one(7, [1, 2, 7], classes=9)
    assert (third.tally.actions, third.tally.seconds) == (1, pytest.approx(1.35 + 2 * 0.33 + 0.28))
    typed.labels_one(7, [1, 2], classes=9)
    assert (typed.tally.actions, typed.tally.seconds) == (4, pytest.approx(1.35 + 2 * 0.33 + 1.35 + 4 * 0.28))
    typed.labels_one(7, [1, 2], classes=9)  # the same as the last one: one key
    assert typed.tally.actions == 5


def test_a_page_of_four_with_one_wrong_tile_by_hand() -> None:
    one = careful()
    one.opens_page(2)
    stands = [one.leaves_standing(right, precision=0.9, wrong_share=0.25) for right in (True, True, False, True)]
    one.names_struck(1, [1, 0])
    one.commits_page()
    assert stands == [True, True, False, True]
    assert one.tally.actions == 3  # strike, digit, commit
    opening, looking, striking = 1.35 + 3 * 0.33, 4 * 0.33, 0.33 + 1.1 + 0.2
    assert one.tally.seconds == pytest.approx(opening + looking + striking + 0.33 + 0.28 + 1.35 + 0.28)
    one.opens_page(2)  # the same question again is only recognized
    assert one.tally.seconds == pytest.approx(opening + looking + striking + 0.33 + 0.28 + 1.35 + 0.28 + 0.33)


def test_rare_wrong_tiles_are_missed_more_often_and_right_ones_seldom_struck() -> None:
    def missed(wrong_share: float) -> float:
        one = Person(0.02, np.random.default_rng(1))
        return np.mean([one.leaves_standing(False, precision=0.9, wrong_share=wrong_share) for _ in range(20_000)])

    assert missed(0.5) == pytest.approx(0.02 * np.mean([1.0, 1 + 0.25 * 11]), rel=0.4)  # eleven hours make tired
    assert missed(0.01) > 2 * missed(0.5)
    one = Person(0.02, np.random.default_rng(2))
    struck = [not one.leaves_standing(True, precision=0.9, wrong_share=0.1) for _ in range(5000)]
    assert 0 < np.mean(struck) < 0.02


def pool(*, right: float, classes: int = 4, size: int = 400, seed: int = 0) -> Bench:
    """Two blobs a class; the head is right for a share of images and calibrated."""
    rng = np.random.default_rng(seed)
    truth = np.arange(size) % classes
    vectors = np.eye(16)[truth * 2 + (np.arange(size) // classes) % 2] + 0.1 * rng.standard_normal((size, 16))
    hits = rng.random(size) < right
    best = np.where(hits, truth, (truth + 1) % classes)
    first = np.where(hits, rng.uniform(0.7, 0.99, size), rng.uniform(0.4, 0.8, size)).astype(np.float32)
    index = np.stack([best, np.where(hits, (truth + 1) % classes, truth)], axis=1).astype(np.int32)
    probability = np.stack([first, 1 - first], axis=1)
    top = TopK(index, probability, probability[:, 0] - probability[:, 1], np.zeros(size, np.float32))
    return Bench(vectors.astype(np.float32), truth, classes, lambda rows, labels: top)


@pytest.mark.parametrize("label", [one_at_a_time, naive_pages, composed_pages])
def test_every_interface_labels_everything_once(label: object) -> None:
    bench, one = pool(right=0.8), careful()
    label(bench, one)  # type: ignore[operator]
    assert np.array_equal(bench.given, bench.truth)
    assert one.tally.labels == one.tally.right == len(bench.truth) == len(set(bench.order))


def test_pages_take_fewer_actions_and_less_time_the_better_the_head() -> None:
    costs = []
    for right in (0.75, 0.95):
        one, single = careful(), careful()
        composed_pages(pool(right=right), one)
        one_at_a_time(pool(right=right), single)
        assert one.tally.actions < single.tally.actions
        assert one.tally.seconds < single.tally.seconds
        costs.append(one.tally.seconds)
    assert costs[1] < costs[0]


def test_every_constant_has_a_value_that_its_source_allows() -> None:
    assert model.KEY_S == 0.28
    assert 0.18 + 0.02 <= model.FIXATION_S <= 0.33 + 0.05
    assert list(model.MISSES) == sorted(model.MISSES, reverse=True)
