"""Given labels that are probably wrong: confident learning (Northcutt, Jiang and Chuang 2021), by cleanlab.

Probabilities must be out of sample: of a head that did not see the label it judges.
"""

from dataclasses import dataclass

import numpy as np
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray

from ml.errors import ShapeError
from ml.types import FloatArray, IntArray


@dataclass(frozen=True)
class LabelErrors:
    """`queue` (n,) all items, likeliest error first; `issue` (n,) True where the confident joint says so;
    `suspicion` (n,) in [0, 1]; `instead` (n,) the class the head would give."""

    queue: IntArray
    issue: NDArray[np.bool_]
    suspicion: FloatArray
    instead: IntArray


def likely_label_errors(given: IntArray, probabilities: FloatArray) -> LabelErrors:
    """From labels (n,) and out-of-sample probabilities (n, N) of a calibrated head.

    The queue is ordered by how much less the head believes the given label than its own, p(given) / max p. On reviewed
    labels of CIFAR-10 that finds more of the confirmed errors than self-confidence (`docs/methods/label-errors.md`).

    Raises:
        ShapeError: Shapes that do not match, or a label without a column.
    """
    labels, table = np.asarray(given, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2 or labels.shape != table.shape[:1] or not len(labels):
        raise ShapeError(f"expected labels (n,) and probabilities (n, N), got {labels.shape} and {table.shape}")
    if labels.min() < 0 or labels.max() >= table.shape[1]:
        raise ShapeError(f"labels lie in [0, {table.shape[1]}), got {labels.min()}…{labels.max()}")
    issue = find_label_issues(labels, table, filter_by="confident_learning", n_jobs=1)
    quality = table[np.arange(len(labels)), labels] / table.max(axis=1)
    return LabelErrors(
        queue=np.argsort(quality, kind="stable"),
        issue=np.asarray(issue, dtype=bool),
        suspicion=1 - quality,
        instead=table.argmax(axis=1),
    )


def confident_joint(given: IntArray, probabilities: FloatArray) -> IntArray:
    """(N, N): items given i that are confidently j. A class is confident above its own mean self-confidence."""
    labels, table = np.asarray(given, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    classes = table.shape[1]
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    threshold = np.bincount(labels, weights=table[np.arange(len(labels)), labels], minlength=classes) / counts
    above = table >= threshold - 1e-12
    sure = above.any(axis=1)
    best = np.where(above, table, -1).argmax(axis=1)
    joint = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(joint, (labels[sure], best[sure]), 1)
    return joint
