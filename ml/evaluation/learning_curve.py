"""How many more labels a goal takes: a power law through accuracy on held-out answers, with what it does not know.

Error falls as c + a·n^(-b) (Hestness et al., "Deep Learning Scaling is Predictable, Empirically", 2017; Mahmood et al.,
"How Much More Data Do I Need?", CVPR 2022). All heads of one curve are judged on the same held-out items, so items are
resampled, all sizes at once, and the law is fitted anew to each sample: its spread is the uncertainty of everything
read off it, and "it may never get there" is an answer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.errors import ShapeError
from ml.evaluation.intervals import Interval
from ml.types import FloatArray, IntArray

RESAMPLES = 500
FEWEST_SIZES = 3
RATES = np.linspace(0.1, 1.5, 15)
FLOORS = np.linspace(0, 1, 11)
"""Of the smallest error seen: where error may level off."""
TAIL = 0.05
NEVER = 1e7
"""Beyond so many labels a goal counts as out of reach."""


@dataclass(frozen=True)
class Reach:
    """Labels in all at which a goal is met, with a 90 % interval; None where that is out of reach.

    `chance` is the share of resamples in which it is met at all. `value` is None where most say never, `high` where
    more than one in twenty does.
    """

    value: float | None
    low: float | None
    high: float | None
    chance: float


@dataclass(frozen=True)
class LearningCurve:
    """Laws (R + 1,) of which the first fits what was seen, and the rest its resamples: c + a·n^(-b)."""

    floor: FloatArray
    scale: FloatArray
    rate: FloatArray

    def accuracy(self, labels: float) -> Interval:
        """At so many labels, with its 90 % interval."""
        return _spread(1 - self._error(labels))

    def gain(self, labels: float, *, more: float) -> Interval:
        """What `more` labels beyond `labels` add to accuracy, with its 90 % interval."""
        return _spread(self._error(labels) - self._error(labels + more))

    def reach(self, accuracy: float) -> Reach:
        """Where the curve passes `accuracy`."""
        room = 1 - accuracy - self.floor
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            labels = np.where(room > 0, (self.scale / np.maximum(room, 1e-12)) ** (1 / self.rate), np.inf)
        labels = np.where(self.scale <= 0, np.where(room > 0, 0.0, np.inf), labels)
        drawn = np.sort(np.where(labels > NEVER, np.inf, labels)[1:])

        def at(quantile: float) -> float | None:
            found = float(drawn[min(int(quantile * len(drawn)), len(drawn) - 1)])
            return found if np.isfinite(found) else None

        return Reach(at(0.5), at(TAIL), at(1 - TAIL), float(np.isfinite(drawn).mean()))

    def _error(self, labels: float) -> FloatArray:
        error: FloatArray = self.floor + self.scale * float(labels) ** -self.rate
        return error


def learning_curve(sizes: ArrayLike, right: ArrayLike, *, seed: int, resamples: int = RESAMPLES) -> LearningCurve:
    """Fit the law to heads taught by `sizes` (k,) labels, `right` (k, n): whether each got each held-out item.

    Raises:
        ShapeError: Fewer than three different sizes, a size below 1, no item, or shapes that do not match.
    """
    counts, table = np.asarray(sizes, np.float64), np.asarray(right, bool)
    if table.ndim != 2 or counts.shape != table.shape[:1] or not table.shape[1]:
        raise ShapeError(f"expected sizes (k,) and right (k, n) with n > 0, got {counts.shape} and {table.shape}")
    if len(np.unique(counts)) < FEWEST_SIZES or counts.min() < 1:
        raise ShapeError(f"a curve needs {FEWEST_SIZES} different sizes of at least one label, got {counts.tolist()}")
    wrong = (~table).astype(np.float64)
    drawn = np.random.default_rng(seed).multinomial(table.shape[1], _even(table.shape[1]), size=resamples)
    errors = np.vstack([wrong.mean(axis=1), drawn @ wrong.T / table.shape[1]])
    return _fitted(counts, errors)


def curve_sizes(labels: int, *, least: int, points: int = 8) -> IntArray:
    """Numbers of labels to teach with, evenly spaced in their logarithm, the last being all of them."""
    if labels <= least:
        return np.array([labels], np.int64)
    return np.unique(np.geomspace(least, labels, points).round().astype(np.int64))


def _fitted(sizes: FloatArray, errors: FloatArray) -> LearningCurve:
    """Least squares on a grid of rates and floors, the scale in closed form, for each row of errors (R, k) at once."""
    best = np.full(len(errors), np.inf)
    law = np.zeros((3, len(errors)))
    smallest = errors.min(axis=1)
    for rate in RATES:
        basis = sizes**-rate
        for share in FLOORS:
            floor = share * smallest
            rest = errors - floor[:, None]
            scale = np.maximum(rest @ basis / (basis @ basis), 0)
            miss = ((rest - scale[:, None] * basis) ** 2).sum(axis=1)
            better = miss < best - 1e-15
            best = np.where(better, miss, best)
            law[:, better] = np.stack([floor, scale, np.full(len(errors), rate)])[:, better]
    return LearningCurve(floor=law[0], scale=law[1], rate=law[2])


def _even(n: int) -> NDArray[np.float64]:
    return np.full(n, 1 / n)


def _spread(values: FloatArray) -> Interval:
    low, high = np.quantile(values[1:], [TAIL, 1 - TAIL])
    return Interval(float(values[0]), float(low), float(high))
