"""Two models side by side on the same images: what each has right, how sure it is, where they differ."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.errors import ShapeError
from ml.evaluation.confidence import Reliability, reliability
from ml.evaluation.gate import macro_f1
from ml.evaluation.intervals import wilson_interval
from ml.types import FloatArray, IntArray


@dataclass(frozen=True)
class Answers:
    """What a model said of n images: class numbers (n,) of the caller's, -1 for nothing, and confidence (n,)."""

    predicted: IntArray
    confidence: FloatArray

    @classmethod
    def of(cls, probabilities: FloatArray, names: IntArray) -> "Answers":
        """From probabilities (n, N) and the class number of each column (N,)."""
        if probabilities.ndim != 2 or probabilities.shape[1] != len(names):
            raise ShapeError(f"expected one name a column, got {probabilities.shape} and {len(names)} names")
        best = probabilities.argmax(axis=1)
        return cls(np.asarray(names)[best], probabilities[np.arange(len(best)), best])


def model_figures(truth: IntArray, answers: Answers) -> dict[str, Any]:
    """Accuracy with Wilson's interval, macro-F1, calibration, and one entry a class, as JSON values."""
    right = int((answers.predicted == truth).sum())
    table = _reliability(truth, answers)
    return {
        "accuracy": asdict(wilson_interval(right, trials=len(truth))),
        "macro_f1": macro_f1(truth, answers.predicted),
        "calibration_error": table.expected_error,
        "reliability": {
            "count": table.count.tolist(),
            "confidence": _numbers(table.confidence),
            "accuracy": _numbers(table.accuracy),
        },
        "classes": _classes(truth, answers.predicted),
    }


def confusion_cells(truth: IntArray, predicted: IntArray) -> list[list[int]]:
    """[true, predicted, count] of every pair that occurs, most frequent first: a matrix without its zeros."""
    pairs, counts = np.unique(np.stack([truth, predicted], axis=1), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [[int(pairs[i, 0]), int(pairs[i, 1]), int(counts[i])] for i in order]


def _reliability(truth: IntArray, answers: Answers) -> Reliability:
    """`reliability` reads probabilities of all classes; two columns, said and not said, carry the same top-1."""
    right = (answers.predicted == truth).astype(np.int64)
    confidence = np.clip(answers.confidence, 0.0, 1.0)
    top = np.stack([np.full(len(truth), -1.0), confidence], axis=1)
    return reliability(top, right)


def _classes(truth: IntArray, predicted: IntArray) -> list[dict[str, Any]]:
    figures = []
    for name in np.unique(truth).tolist():
        count, said = int((truth == name).sum()), int((predicted == name).sum())
        hits = int(((truth == name) & (predicted == name)).sum())
        figures.append(
            {
                "class": name,
                "count": count,
                "recall": asdict(wilson_interval(hits, trials=count)),
                "precision": hits / said if said else None,
                "f1": 2 * hits / (count + said),
            }
        )
    return figures


def _numbers(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
