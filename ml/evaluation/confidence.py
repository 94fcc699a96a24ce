"""Do probabilities mean what they say? Calibration error and the table behind a reliability plot."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from ml.errors import ShapeError
from ml.types import FloatArray, IntArray

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """For each of 15 bins [lo, hi) of top-1 confidence: how many, how sure, how right; NaN where none."""

    count: IntArray
    confidence: FloatArray
    accuracy: FloatArray

    @property
    def expected_error(self) -> float:
        """ECE in [0, 1]: |confidence - accuracy| weighted by count (Guo et al. 2017)."""
        gaps = np.abs(np.nan_to_num(self.confidence) - np.nan_to_num(self.accuracy))
        return float((gaps * self.count).sum() / self.count.sum())


def log_odds(logits: FloatArray) -> FloatArray:
    """(B,) log of p / (1 - p) of the likeliest class of logits (B, N): a probability rounds to 1, this goes on rising.

    Raises:
        ShapeError: Fewer than two classes have no odds.
    """
    table = np.asarray(logits, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ShapeError(f"expected logits (B, N) of at least two classes, got {table.shape}")
    ranked = np.sort(table, axis=1)
    odds: FloatArray = ranked[:, -1] - special.logsumexp(ranked[:, :-1], axis=1)
    return odds


def reliability(probabilities: FloatArray, target: IntArray, *, bins: int = BINS) -> Reliability:
    """From probabilities (B, N) and true classes (B,)."""
    table = np.asarray(probabilities)
    if table.ndim != 2 or np.shape(target) != table.shape[:1] or not len(table):
        raise ShapeError(f"expected probabilities (B, N) and target (B,), got {table.shape} and {np.shape(target)}")
    confidence = table.max(axis=1).astype(np.float64)
    right = table.argmax(axis=1) == np.asarray(target)
    # A confidence of 1 belongs to the last bin, not to one of its own.
    place = np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), confidence, side="right") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        return Reliability(
            count=count,
            confidence=np.bincount(place, weights=confidence, minlength=bins) / count,
            accuracy=np.bincount(place, weights=right, minlength=bins) / count,
        )


def expected_calibration_error(probabilities: FloatArray, target: IntArray, *, bins: int = BINS) -> float:
    """ECE in [0, 1] with equal-width bins [lo, hi), as torchmetrics draws them."""
    return reliability(probabilities, target, bins=bins).expected_error
