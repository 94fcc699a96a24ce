"""Intervals agree with their published definitions."""

import numpy as np
import pytest

from ml.errors import NonFiniteError, ShapeError
from ml.evaluation.intervals import (
    bootstrap_interval,
    exact_interval,
    mean_interval,
    paired_difference,
    student_interval,
    wilson_interval,
)


def test_the_interval_of_a_mean_is_1_96_standard_errors_wide() -> None:
    interval = mean_interval(np.array([0.2, 0.4, 0.6, 0.8]))
    assert interval.value == pytest.approx(0.5)
    assert interval.half_width == pytest.approx(1.95996 * 0.2581989 / 2, rel=1e-5)


def test_wilson_and_exact_intervals_of_nine_in_ten() -> None:
    wilson, exact = wilson_interval(9, trials=10), exact_interval(9, trials=10)
    assert (wilson.low, wilson.high) == (pytest.approx(0.59585, abs=1e-5), pytest.approx(0.98212, abs=1e-5))
    assert (exact.low, exact.high) == (pytest.approx(0.55498, abs=1e-5), pytest.approx(0.99747, abs=1e-5))


def test_no_error_in_twenty_is_not_a_promise_of_none() -> None:
    # The rule of three: about 3 / n.
    assert exact_interval(0, trials=20).high == pytest.approx(0.16843, abs=1e-5)
    assert wilson_interval(0, trials=20).low == pytest.approx(0.0, abs=1e-9)


def test_the_bootstrap_covers_what_the_normal_interval_covers_on_plain_data() -> None:
    values = np.random.default_rng(1).normal(0.7, 0.1, 400)
    normal, bootstrap = mean_interval(values), bootstrap_interval(values, seed=0)
    assert bootstrap.low == pytest.approx(normal.low, abs=0.002)
    assert bootstrap.high == pytest.approx(normal.high, abs=0.002)


def test_pairing_sees_a_small_difference_that_separate_intervals_miss() -> None:
    rng = np.random.default_rng(0)
    difficulty = rng.normal(0.7, 0.1, 200)
    better, worse = difficulty + 0.005, difficulty + rng.normal(0, 0.002, 200)
    assert mean_interval(better).low < mean_interval(worse).high
    paired = paired_difference(better, worse, seed=0)
    assert paired.interval.low > 0
    assert paired.p_value < 0.01


def test_equal_methods_are_not_told_apart() -> None:
    values = np.linspace(0, 1, 50)
    paired = paired_difference(values, values, seed=0)
    assert paired.p_value == 1.0
    assert paired.interval.value == 0.0


def test_what_has_no_interval_is_refused() -> None:
    with pytest.raises(ShapeError):
        mean_interval(np.array([0.5]))
    with pytest.raises(NonFiniteError):
        mean_interval(np.array([0.5, np.nan]))
    with pytest.raises(ShapeError):
        wilson_interval(5, trials=4)
    with pytest.raises(ShapeError, match="same items"):
        paired_difference(np.zeros(3), np.zeros(4), seed=0)


def test_a_handful_of_splits_gets_students_interval() -> None:
    found = student_interval(np.array([1.0, 2.0, 3.0]))
    assert found.value == 2.0
    assert found.half_width == pytest.approx(4.303 / 3**0.5, rel=1e-3)
