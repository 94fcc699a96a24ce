"""May a new model go live? Decided on images that both models were asked about and neither was taught.

The paired interval of accuracy is exact: only images that one model has right and the other wrong say anything, and of
those each is a coin under the hypothesis of no difference (McNemar 1947; Clopper and Pearson 1934 for its ends).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from ml.errors import ConfigError, ShapeError
from ml.evaluation.intervals import RESAMPLES, Interval
from ml.types import IntArray

Metric = Literal["accuracy", "macro_f1"]
Outcome = Literal["promote", "wait", "refuse"]
METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1")


@dataclass(frozen=True)
class GateRule:
    """What a candidate has to show: at least `needed` blind answers, an accuracy interval that does not reach below
    -`tolerance`, and a gain of `metric` whose interval lies above 0."""

    metric: Metric = "accuracy"
    needed: int = 20
    tolerance: float = 0.0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.metric not in METRICS or self.needed < 2 or not 0 <= self.tolerance < 1 or not 0 < self.confidence < 1:
            raise ConfigError(
                f"a gate needs a metric of {', '.join(METRICS)}, needed >= 2, 0 <= tolerance < 1, 0 < confidence < 1"
            )


@dataclass(frozen=True)
class Verdict:
    """`promote`: shown to be better. `refuse`: shown to be worse. `wait`: neither, so it stays a candidate.

    `difference` is the paired one in accuracy, `gain` that in the chosen metric; both None below two answers.
    """

    outcome: Outcome
    reason: str
    difference: Interval | None
    gain: Interval | None
    better: int
    worse: int


def judge(truth: IntArray, live: IntArray, candidate: IntArray, *, rule: GateRule, seed: int) -> Verdict:
    """Compare predictions (n,) of two models with what people said of the same n images.

    Class numbers are the caller's own; a model that said nothing of an image has -1 there. `seed` resamples macro-F1.
    """
    if not truth.shape == live.shape == candidate.shape or truth.ndim != 1:
        raise ShapeError(f"expected three rows of one length, got {truth.shape}, {live.shape}, {candidate.shape}")
    right_live, right_candidate = live == truth, candidate == truth
    better = int((right_candidate & ~right_live).sum())
    worse = int((right_live & ~right_candidate).sum())
    if len(truth) < max(2, rule.needed):
        reason = f"Only {len(truth)} blind answers so far; a comparison needs {rule.needed}."
        return Verdict("wait", reason, None, None, better, worse)
    difference = paired_accuracy_interval(better, worse, images=len(truth), confidence=rule.confidence)
    gain = difference
    if rule.metric == "macro_f1":
        gain = macro_f1_gain(truth, live, candidate, seed=seed, confidence=rule.confidence)
    outcome, reason = _decide(difference, gain, rule=rule, images=len(truth))
    return Verdict(outcome, reason, difference, gain, better, worse)


def paired_accuracy_interval(better: int, worse: int, *, images: int, confidence: float = 0.95) -> Interval:
    """(better - worse) / images with its exact conditional interval.

    Given m = better + worse decided images, `better` is binomial (m, p); the ends of p give those of m (2p - 1) / n.
    With m = 0 nothing is known of p, but an m of 0 in n bounds how often the models can differ (rule of three).
    """
    decided = better + worse
    if decided == 0:
        reach = 1 - (1 - confidence) ** (1 / images)
        return Interval(0.0, -reach, reach)
    ends = stats.binomtest(better, decided).proportion_ci(confidence_level=confidence, method="exact")
    scale = decided / images
    return Interval((better - worse) / images, scale * (2 * float(ends.low) - 1), scale * (2 * float(ends.high) - 1))


def macro_f1_gain(
    truth: IntArray, live: IntArray, candidate: IntArray, *, seed: int, confidence: float = 0.95
) -> Interval:
    """Difference in macro-F1 with its percentile bootstrap over images, the same images for both models."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(truth), (RESAMPLES, len(truth)))
    gains = [macro_f1(truth[r], candidate[r]) - macro_f1(truth[r], live[r]) for r in rows]
    low, high = np.quantile(gains, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(macro_f1(truth, candidate) - macro_f1(truth, live), float(low), float(high))


def macro_f1(truth: IntArray, predicted: IntArray) -> float:
    """Mean F1 in [0, 1] over the classes that occur in `truth`; a class never predicted counts 0."""
    present, place = np.unique(truth, return_inverse=True)
    at = np.searchsorted(present, predicted)
    known = present[np.minimum(at, len(present) - 1)] == predicted
    hits = np.bincount(place[truth == predicted], minlength=len(present))
    said = np.bincount(at[known], minlength=len(present))
    return float((2 * hits / (np.bincount(place, minlength=len(present)) + said)).mean())


def _decide(difference: Interval, gain: Interval, *, rule: GateRule, images: int) -> tuple[Outcome, str]:
    points = f"{_points(difference.value)} [{_points(difference.low)}, {_points(difference.high)}] on {images} images"
    if difference.high < 0:
        return "refuse", f"It is worse than the live model: accuracy {points}."
    if difference.low < -rule.tolerance:
        return "wait", f"A loss cannot be ruled out: accuracy {points}. More blind answers narrow this."
    if gain.low <= 0:
        name = rule.metric.replace("_", "-")
        return "wait", f"No gain in {name} is shown: {_points(gain.value)} [{_points(gain.low)}, {_points(gain.high)}]."
    return "promote", f"It is better than the live model: accuracy {points}."


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
