"""How far people agree beyond chance: Cohen's and Fleiss' kappa, Krippendorff's alpha, with bootstrap intervals.

1 is perfect agreement, 0 what chance gives, below 0 worse than chance. All are NaN where chance itself would always
agree (everybody always says one category): then there is nothing to measure.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ml.errors import ShapeError
from ml.evaluation.intervals import Interval
from ml.types import FloatArray, IntArray

RESAMPLES = 1000


def cohen_kappa(first: ArrayLike, second: ArrayLike, *, classes: int) -> float:
    """Two people on the same items (Cohen 1960); columns (n,) of categories."""
    one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if one.shape != other.shape or one.ndim != 1 or not len(one):
        raise ShapeError(f"expected two columns of one length, got {one.shape} and {other.shape}")
    together = np.bincount(one * classes + other, minlength=classes * classes).reshape(classes, classes) / len(one)
    expected = float(together.sum(axis=1) @ together.sum(axis=0))
    return _beyond_chance(float(np.trace(together)), expected)


def fleiss_kappa(counts: ArrayLike) -> float:
    """Items (n, N) with how many of equally many people said each category (Fleiss 1971).

    Raises:
        ShapeError: Items with different numbers of votes, or with fewer than two; use Krippendorff's alpha there.
    """
    table = np.asarray(counts, dtype=np.float64)
    people = table.sum(axis=1) if table.ndim == 2 and len(table) else np.zeros(1)
    if people.min() < 2 or people.min() != people.max():
        raise ShapeError(
            "Fleiss' kappa needs the same number of votes, at least two, of each item; Krippendorff's alpha does not"
        )
    raters = people[0]
    observed = float(((table * (table - 1)).sum(axis=1) / (raters * (raters - 1))).mean())
    share = table.sum(axis=0) / table.sum()
    return _beyond_chance(observed, float(share @ share))


def krippendorff_alpha(counts: ArrayLike) -> float:
    """Nominal alpha of items (n, N) with any number of votes each (Krippendorff 2011); items with fewer than two do not
    count. NaN where none has two."""
    return _alpha(np.asarray(counts, dtype=np.float64))


def interval_over_items(
    statistic: Callable[[IntArray], float],
    *,
    items: int,
    seed: int,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Interval:
    """Percentile bootstrap over items; `statistic` takes rows (n,), repeats included; NaN resamples are left out."""
    rng = np.random.default_rng(seed)
    draws = np.array([statistic(rng.integers(0, items, items)) for _ in range(resamples)])
    defined = draws[np.isfinite(draws)]
    value = statistic(np.arange(items))
    if not len(defined):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high))


def alpha_interval(counts: ArrayLike, *, seed: int, confidence: float = 0.95) -> Interval:
    """Krippendorff's alpha with its interval over items."""
    table = np.asarray(counts, dtype=np.float64)
    return interval_over_items(lambda rows: _alpha(table[rows]), items=len(table), seed=seed, confidence=confidence)


def _alpha(table: FloatArray) -> float:
    if table.ndim != 2:
        raise ShapeError(f"expected counts (items, classes), got {table.shape}")
    votes = table.sum(axis=1)
    paired = table[votes >= 2]
    if not len(paired):
        return float("nan")
    people = paired.sum(axis=1, keepdims=True)
    total = float(people.sum())
    agreeing = float((paired * (paired - 1) / (people - 1)).sum()) / total
    share = paired.sum(axis=0)
    expected = float((share * (share - 1)).sum()) / (total * (total - 1))
    return _beyond_chance(agreeing, expected)


def _beyond_chance(observed: float, expected: float) -> float:
    return float("nan") if expected >= 1 else (observed - expected) / (1 - expected)
