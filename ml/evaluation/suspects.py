"""Labels to look at again: what the head doubts, what resembles nothing, and which classes run into each other."""

from dataclasses import dataclass

import numpy as np

from ml.evaluation.label_errors import confident_joint
from ml.types import FloatArray, IntArray

NEIGHBORS = 10
FAR = 4.0
"""Robust standard deviations beyond the usual distance from which an item resembles nothing."""
MAD_TO_SD = 1.4826
ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class Near:
    """`row` (n, k) of the most similar items outside an item's own group, best first, -1 where there are fewer;
    `similarity` (n, k) their cosines."""

    row: IntArray
    similarity: FloatArray


def nearest_labeled(vectors: FloatArray, group: IntArray, *, k: int = NEIGHBORS) -> Near:
    """Exact neighbors among unit vectors (n, D), all pairs compared in chunks: O(n² D)."""
    unit = np.asarray(vectors, np.float32)
    width = min(k, max(len(unit) - 1, 1))
    rows = np.full((len(unit), width), -1, np.int64)
    near = np.full((len(unit), width), -1.0)
    for start in range(0, len(unit), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        cosine = unit[part] @ unit.T
        cosine[group[part, None] == group[None, :]] = -2
        best = np.argpartition(-cosine, min(width, len(unit)) - 1, axis=1)[:, :width]
        value = np.take_along_axis(cosine, best, axis=1)
        order = np.argsort(-value, axis=1, kind="stable")
        best, value = np.take_along_axis(best, order, axis=1), np.take_along_axis(value, order, axis=1)
        rows[part], near[part] = np.where(value > -2, best, -1), np.maximum(value, -1)
    return Near(rows, near)


def outlying(near: Near) -> tuple[IntArray, FloatArray]:
    """(rows, z) of items whose mean distance to their neighbors is far beyond the usual, the farthest first.

    Distance to the k nearest (Kuan and Mueller, "Back to the Basics: Revisiting Out-of-Distribution Detection
    Baselines", 2022), measured in robust standard deviations, so that no share has to be chosen.
    """
    distance = 1 - near.similarity.mean(axis=1)
    middle = float(np.median(distance))
    spread = MAD_TO_SD * float(np.median(np.abs(distance - middle)))
    if spread <= 0:
        return np.empty(0, np.int64), np.empty(0)
    z = (distance - middle) / spread
    rows = np.flatnonzero(z > FAR)
    rows = rows[np.argsort(-z[rows], kind="stable")]
    return rows, z[rows]


def ambiguous_pairs(given: IntArray, probabilities: FloatArray, *, least: int = 2) -> list[tuple[int, int, int, int]]:
    """(i, j, items given i that are confidently j, the other way round) by how many both ways together."""
    joint = confident_joint(given, probabilities)
    both = np.triu(joint + joint.T, k=1)
    first, second = np.nonzero(both >= least)
    order = np.argsort(-both[first, second], kind="stable")
    pairs = zip(first[order].tolist(), second[order].tolist(), strict=True)
    return [(i, j, int(joint[i, j]), int(joint[j, i])) for i, j in pairs]
