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

RESAMPLES, BLOCK = 1000, 50


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
    table, times = _patterns(counts)
    return float(_alphas(table, times[None].astype(np.float64))[0])


def alpha_interval(counts: ArrayLike, *, seed: int, confidence: float = 0.95) -> Interval:
    """Krippendorff's alpha with its interval over items."""
    table, times = _patterns(counts)
    return _resampled(lambda weights: _alphas(table, weights), times, seed=seed, confidence=confidence)


def fleiss_interval(counts: ArrayLike, *, seed: int, confidence: float = 0.95) -> Interval:
    """Fleiss' kappa with its interval over items.

    Raises:
        ShapeError: As `fleiss_kappa`.
    """
    value = fleiss_kappa(counts)
    table, times = _patterns(counts)
    raters = table[0].sum()
    pairs = (table * (table - 1)).sum(axis=1) / (raters * (raters - 1))

    def kappas(weights: FloatArray) -> FloatArray:
        items = weights.sum(axis=1)
        share = (weights @ table) / (items[:, None] * raters)
        return _all_beyond_chance(weights @ pairs / items, (share**2).sum(axis=1))

    found = _resampled(kappas, times, seed=seed, confidence=confidence)
    return Interval(value, found.low, found.high)


def cohen_interval(
    first: ArrayLike, second: ArrayLike, *, classes: int, seed: int, confidence: float = 0.95
) -> Interval:
    """Cohen's kappa of two people with its interval over items."""
    value = cohen_kappa(first, second, classes=classes)
    pairs = np.asarray(first, dtype=np.int64) * classes + np.asarray(second, dtype=np.int64)
    cells, times = np.unique(pairs, return_counts=True)
    one, other = np.eye(classes)[cells // classes], np.eye(classes)[cells % classes]
    same = (cells // classes == cells % classes).astype(np.float64)

    def kappas(weights: FloatArray) -> FloatArray:
        items = weights.sum(axis=1)
        expected = ((weights @ one) * (weights @ other)).sum(axis=1) / items**2
        return _all_beyond_chance(weights @ same / items, expected)

    found = _resampled(kappas, times, seed=seed, confidence=confidence)
    return Interval(value, found.low, found.high)


def _patterns(counts: ArrayLike) -> tuple[FloatArray, IntArray]:
    """The different rows of a table, and how many items show each: so few that a bootstrap is a product of matrices."""
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2:
        raise ShapeError(f"expected counts (items, classes), got {table.shape}")
    rows, times = np.unique(table, axis=0, return_counts=True)
    return rows, times


def _resampled(
    statistic: Callable[[FloatArray], FloatArray], times: IntArray, *, seed: int, confidence: float
) -> Interval:
    """Percentile bootstrap over items that come in patterns (U,) shown `times` each.

    `statistic` takes weights (R, U) to values (R,). Items drawn with replacement are a multinomial draw of their
    patterns. Draws at which nothing can be measured are left out.
    """
    rng = np.random.default_rng(seed)
    value = float(statistic(times[None].astype(np.float64))[0])
    share = times / times.sum()
    blocks = [rng.multinomial(times.sum(), share, size=BLOCK) for _ in range(RESAMPLES // BLOCK)]
    draws = np.concatenate([statistic(block.astype(np.float64)) for block in blocks])
    defined = draws[np.isfinite(draws)]
    if not len(defined):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high))


def _alphas(table: FloatArray, weights: FloatArray) -> FloatArray:
    """(R,) alpha of rows (U, N) that count `weights` (R, U) times each."""
    votes = table.sum(axis=1)
    paired = votes >= 2
    table, votes, weights = table[paired], votes[paired], weights[:, paired]
    total = weights @ votes
    agreeing = weights @ ((table * (table - 1)).sum(axis=1) / (votes - 1))
    share = weights @ table
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = (share * (share - 1)).sum(axis=1) / (total * (total - 1))
        return _all_beyond_chance(agreeing / total, expected)


def _all_beyond_chance(observed: FloatArray, expected: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond: FloatArray = np.where(expected >= 1, np.nan, (observed - expected) / (1 - expected))
    return beyond


def _beyond_chance(observed: float, expected: float) -> float:
    return float("nan") if expected >= 1 else (observed - expected) / (1 - expected)
