"""How wrong is wrong? Metrics over a tree of categories, where a sibling is a smaller mistake than a stranger."""

from dataclasses import dataclass

import numpy as np

from ml.errors import ShapeError
from ml.types import IntArray


@dataclass(frozen=True)
class HierarchyReport:
    """Set-based scores over ancestors (Kiritchenko et al. 2006), and the mean height of wrong answers.

    `precision`, `recall`, `f1` in [0, 1] compare the paths from the root: an answer that stops at the right parent
    keeps full precision and loses recall. `mistake_height` is the mean number of steps from the true class up to what
    it shares with a wrong answer (0 where nothing is wrong); an answer above the truth on its own path is not wrong.
    `exact` is the share of answers that are the true class itself.
    """

    precision: float
    recall: float
    f1: float
    mistake_height: float
    exact: float


def hierarchy_report(target: IntArray, answer: IntArray, *, parents: IntArray) -> HierarchyReport:
    """From true nodes (B,), answered nodes (B,) and the tree (M,) of parents, -1 above a root."""
    truth, given = np.asarray(target), np.asarray(answer)
    if truth.shape != given.shape or not truth.size:
        raise ShapeError(f"expected one answer for each item, got {truth.shape} and {given.shape}")
    paths = ancestor_table(parents)
    shared = (paths[truth] & paths[given]).sum(axis=1)
    true_length, given_length = paths[truth].sum(axis=1), paths[given].sum(axis=1)
    precision, recall = shared.sum() / given_length.sum(), shared.sum() / true_length.sum()
    wrong = shared < given_length
    heights = (true_length - shared)[wrong]
    return HierarchyReport(
        precision=float(precision),
        recall=float(recall),
        f1=float(2 * precision * recall / (precision + recall)) if shared.any() else 0.0,
        mistake_height=float(heights.mean()) if len(heights) else 0.0,
        exact=float((truth == given).mean()),
    )


def ancestor_table(parents: IntArray) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """(M, M): row i marks i and every node above it."""
    above = np.asarray(parents)
    table = np.eye(len(above), dtype=bool)
    node = above.copy()
    rows = np.arange(len(above))
    for _ in range(len(above) + 1):
        alive = node >= 0
        if not alive.any():
            return table
        table[rows[alive], node[alive]] = True
        node = np.where(alive, above[np.clip(node, 0, None)], -1)
    raise ShapeError("parents holds a cycle: every path upwards ends at a root, marked -1")
