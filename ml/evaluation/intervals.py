"""Intervals: what a number measured on a sample says about the number itself."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ml.errors import NonFiniteError, ShapeError
from ml.types import FloatArray

RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half its length; the ± of a symmetric interval."""
        return (self.high - self.low) / 2


def mean_interval(values: FloatArray, *, confidence: float = 0.95) -> Interval:
    """Mean ± z · sd / √n over independent values (n,), as few-shot papers report over episodes."""
    sample = _sample(values)
    spread = float(stats.norm.ppf((1 + confidence) / 2) * sample.std(ddof=1) / np.sqrt(len(sample)))
    mean = float(sample.mean())
    return Interval(mean, mean - spread, mean + spread)


def student_interval(values: FloatArray, *, confidence: float = 0.95) -> Interval:
    """Mean with Student's t interval over a handful of independent values (n,), as over splits of classes."""
    sample = _sample(values)
    spread = float(stats.t.ppf((1 + confidence) / 2, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample)))
    mean = float(sample.mean())
    return Interval(mean, mean - spread, mean + spread)


def wilson_interval(successes: int, *, trials: int, confidence: float = 0.95) -> Interval:
    """Share of successes with Wilson's score interval (1927); right at 0 and at `trials` too."""
    return _proportion(successes, trials=trials, confidence=confidence, method="wilson")


def exact_interval(successes: int, *, trials: int, confidence: float = 0.95) -> Interval:
    """Share of successes with Clopper and Pearson's interval (1934): covers at least `confidence`, always."""
    return _proportion(successes, trials=trials, confidence=confidence, method="exact")


def bootstrap_interval(
    values: FloatArray, *, seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> Interval:
    """Mean of values (n,) with the percentile bootstrap interval."""
    sample = _sample(values)
    rng = np.random.default_rng(seed)
    means = np.array([sample[rng.integers(0, len(sample), len(sample))].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(sample.mean()), float(low), float(high))


@dataclass(frozen=True)
class PairedDifference:
    """Mean of a - b over the same items, its interval, and the two-sided sign-flip p-value."""

    interval: Interval
    p_value: float


def paired_difference(
    first: FloatArray, second: FloatArray, *, seed: int, confidence: float = 0.95, resamples: int = RESAMPLES
) -> PairedDifference:
    """Compare two methods on the same episodes or items (n,): pairing removes what is hard for both.

    Under the hypothesis of no difference each pair's sign is a coin, so the p-value needs no distribution.
    """
    a, b = _sample(first), _sample(second)
    if a.shape != b.shape:
        raise ShapeError(f"pairs need the same items on both sides, got {len(a)} and {len(b)}")
    difference = a - b
    rng = np.random.default_rng(seed)
    flips = [abs((difference * rng.choice((-1.0, 1.0), len(difference))).mean()) for _ in range(resamples)]
    # The observed arrangement is one of those possible, so p is never 0. Equal up to rounding counts as as far.
    reached = np.count_nonzero(np.array(flips) >= abs(difference.mean()) * (1 - 1e-12))
    interval = bootstrap_interval(difference, seed=seed, confidence=confidence, resamples=resamples)
    return PairedDifference(interval=interval, p_value=(1 + int(reached)) / (1 + resamples))


def _proportion(successes: int, *, trials: int, confidence: float, method: str) -> Interval:
    if not 0 <= successes <= trials or trials < 1:
        raise ShapeError(f"expected 0 ≤ successes ≤ trials and at least one trial, got {successes} of {trials}")
    ends = stats.binomtest(successes, trials).proportion_ci(confidence_level=confidence, method=method)
    return Interval(successes / trials, float(ends.low), float(ends.high))


def _sample(values: FloatArray) -> FloatArray:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) < 2:
        raise ShapeError(f"an interval needs at least two values in one row, got shape {sample.shape}")
    if not np.isfinite(sample).all():
        raise NonFiniteError("an interval needs finite values; find the item whose value is NaN or infinite")
    return sample
