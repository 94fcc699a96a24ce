"""Accuracies of many episodes and how sure their mean is."""

import math
from dataclasses import dataclass

from ml.types import FloatArray

Z95 = 1.96


@dataclass(frozen=True, slots=True)
class EpisodeScores:
    """`accuracies` (episodes,) in [0, 1]; the interval is 1.96 standard errors of their mean."""

    accuracies: FloatArray

    @property
    def accuracy(self) -> float:
        return float(self.accuracies.mean())

    @property
    def ci95(self) -> float:
        count = len(self.accuracies)
        return float(Z95 * self.accuracies.std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan
