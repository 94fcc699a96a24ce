"""A planted law is found again, what is not known is said, and what cannot be reached is not promised."""

import numpy as np
import pytest

from ml.errors import ShapeError
from ml.evaluation.learning_curve import LearningCurve, curve_sizes, learning_curve

SIZES = np.array([20, 40, 80, 160, 320, 640])


def planted(*, floor: float, scale: float, rate: float, items: int, seed: int = 0) -> LearningCurve:
    """Every item has a hardness: it is right from the size on at which error falls below it."""
    rng = np.random.default_rng(seed)
    error = floor + scale * SIZES**-rate
    right = rng.random(items)[None, :] >= error[:, None]
    return learning_curve(SIZES, right, seed=seed)


def test_a_planted_law_is_found_again_within_its_interval() -> None:
    curve = planted(floor=0.0, scale=2.0, rate=0.5, items=4000)
    truth = 1 - 2.0 * 2560**-0.5
    found = curve.accuracy(2560)
    assert found.low <= truth <= found.high
    assert found.value == pytest.approx(truth, abs=0.02)
    reach = curve.reach(0.95)  # (2 / 0.05)² = 1600
    assert reach.low is not None
    assert reach.low <= 1600 <= (reach.high or np.inf)


def test_intervals_cover_what_is_true_as_often_as_they_say() -> None:
    truth = 1 - (0.02 + 1.5 * 1280**-0.5)
    held = [
        found.low <= truth <= found.high
        for seed in range(40)
        for found in [planted(floor=0.02, scale=1.5, rate=0.5, items=400, seed=seed).accuracy(1280)]
    ]
    assert np.mean(held) >= 0.75


def test_a_goal_beyond_the_floor_is_not_promised() -> None:
    curve = planted(floor=0.2, scale=3.0, rate=1.0, items=2000)
    assert curve.reach(0.9).value is None
    assert curve.reach(0.9).chance < 0.5
    assert curve.reach(0.7).value is not None


def test_few_answers_make_wide_intervals() -> None:
    few, many = (planted(floor=0, scale=2.0, rate=0.5, items=items).accuracy(2560) for items in (40, 4000))
    assert few.high - few.low > 2 * (many.high - many.low)


def test_more_labels_never_cost_accuracy_and_a_flat_curve_gains_nothing() -> None:
    gain = planted(floor=0, scale=2.0, rate=0.5, items=500).gain(640, more=100)
    assert 0 <= gain.low <= gain.value <= gain.high
    flat = learning_curve(SIZES, np.tile(np.arange(100) % 5 > 0, (len(SIZES), 1)), seed=0)
    assert flat.gain(640, more=1000).high < 0.005
    assert flat.accuracy(10_000).value == pytest.approx(0.8, abs=0.01)


def test_two_sizes_are_no_curve() -> None:
    with pytest.raises(ShapeError, match="3 different sizes"):
        learning_curve([10, 10, 20], np.ones((3, 5), bool), seed=0)


def test_sizes_are_spread_by_their_logarithm() -> None:
    assert curve_sizes(640, least=20, points=6).tolist() == [20, 40, 80, 160, 320, 640]
    assert curve_sizes(12, least=20).tolist() == [12]
