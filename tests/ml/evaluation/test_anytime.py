"""Audits may be looked at after every answer: what is said then is rarely false at any look."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from ml.errors import ShapeError
from ml.evaluation.anytime import anytime_interval

PROJECTS = 300


def ever(wrong: int, *, size: int, target: float, looks: int, seed: int) -> tuple[float, float, float]:
    """Shares of projects in which some look missed the truth, called the lot broken, and called it proved.

    Audits are answered one by one and looked at after each.
    """
    rng = np.random.default_rng(seed)
    missed = broke = proved = 0
    known: dict[tuple[int, int], tuple[float, float]] = {}
    for _ in range(PROJECTS):
        found = np.cumsum(rng.permutation(np.arange(size) < wrong)[:looks])
        seen = []
        for n, k in enumerate(found.tolist(), start=1):
            if (n, k) not in known:
                interval = anytime_interval(k, audited=n, size=size)
                known[n, k] = (interval.low, interval.high)
            seen.append(known[n, k])
        low, high = np.array(seen).T
        missed += bool((low > wrong / size).any() or (high < wrong / size).any())
        broke += bool((low > target).any())
        proved += bool((high <= target).any())
    return missed / PROJECTS, broke / PROJECTS, proved / PROJECTS


@pytest.mark.parametrize("wrong", [0, 20, 50])
def test_a_lot_within_its_promise_is_rarely_revoked_however_often_one_looks(wrong: int) -> None:
    missed, broke, _ = ever(wrong, size=1000, target=0.05, looks=600, seed=wrong)
    most = stats.binom.ppf(0.999, PROJECTS, 0.05) / PROJECTS
    assert broke <= missed <= most


@pytest.mark.parametrize("wrong", [51, 60])
def test_a_lot_beyond_its_promise_is_rarely_called_proved_however_often_one_looks(wrong: int) -> None:
    missed, _, proved = ever(wrong, size=1000, target=0.05, looks=600, seed=wrong)
    most = stats.binom.ppf(0.999, PROJECTS, 0.05) / PROJECTS
    assert proved <= missed <= most


def test_a_bound_for_one_look_would_revoke_good_lots_that_are_looked_at_often() -> None:
    rng = np.random.default_rng(0)
    broke = 0
    for _ in range(PROJECTS):
        found = np.cumsum(rng.permutation(np.arange(1000) < 50)[:600])
        looks = np.arange(1, 601)
        lower = stats.beta.ppf(0.05, found, looks - found + 1)
        broke += bool((np.nan_to_num(lower) > 0.05).any())
    assert broke / PROJECTS > 0.1


def test_a_drift_is_seen_within_a_few_answers() -> None:
    assert anytime_interval(4, audited=4, size=2000).low > 0.05
    assert anytime_interval(12, audited=40, size=2000).low > 0.05
    assert anytime_interval(2, audited=40, size=2000).low < 0.05


def test_audits_that_agree_prove_the_lot_anew() -> None:
    assert anytime_interval(0, audited=30, size=2000).high > 0.05
    assert anytime_interval(0, audited=90, size=2000).high < 0.05


def test_all_looked_at_is_known_exactly() -> None:
    known = anytime_interval(7, audited=100, size=100)
    assert (known.low, known.high) == (0.07, 0.07)


def test_nothing_looked_at_leaves_everything_possible() -> None:
    known = anytime_interval(0, audited=0, size=100)
    assert (known.low, known.high) == (0.0, 1.0)


def test_what_is_not_answered_speaks_against_whatever_is_said() -> None:
    for errors, unanswered in product((0, 3, 10), (1, 20)):
        some = anytime_interval(errors, audited=100, size=1000, unanswered=unanswered)
        assert some.low == anytime_interval(errors, audited=100, size=1000).low
        assert some.high == anytime_interval(errors + unanswered, audited=100, size=1000).high


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ShapeError):
        anytime_interval(3, audited=2, size=10)
    with pytest.raises(ShapeError):
        anytime_interval(0, audited=20, size=10)
