"""What each image of a pool is proposed as, and how sure that is: the ground on which pages are composed."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.errors import ShapeError
from ml.types import FloatArray, IntArray

SURE_AT_MOST = 0.995
"""No proposal counts as surer than this: calibrated heads are wrong now and then at any confidence."""
LEFT_STRUCK = 0.8
"""A tile that was struck and not named is likely what it is taken for next: that stood beside it when it was struck."""


@dataclass(frozen=True)
class Proposals:
    """Row by row of the pool: `category` (P,) int64, -1 where nothing may be proposed; `precision` (P,) float32, how
    likely a person will agree; `doubt` (P,) float32 in [0, 1], one minus the gap to the runner-up; `struck` (P,) bool,
    where a person has refused something before."""

    category: NDArray[np.int64]
    precision: NDArray[np.float32]
    doubt: NDArray[np.float32]
    struck: NDArray[np.bool_]


def proposals(
    top_categories: IntArray,
    top_probabilities: FloatArray,
    *,
    eligible: NDArray[np.bool_],
    struck: Mapping[int, Set[int]],
    reliability: FloatArray,
) -> Proposals:
    """Each row's best category that nobody struck, with a probability that fits what people said before.

    A struck category's probability goes to the others in proportion. A row whose top-k is struck whole, or whose
    best category is negative, is proposed nothing. Odds are scaled by category, so that the mean precision of a
    category's proposals is its measured `reliability` (N,); NaN leaves them as the head gave them.

    Raises:
        ShapeError: Arrays of different lengths.
    """
    size = len(eligible)
    if top_categories.shape != top_probabilities.shape or top_categories.ndim != 2 or len(top_categories) != size:
        raise ShapeError(
            f"expected top_categories and top_probabilities (P, K) with P = {size}, got {top_categories.shape} and "
            f"{top_probabilities.shape}"
        )
    category = np.array(top_categories[:, 0], np.int64)
    precision = np.array(top_probabilities[:, 0], np.float32)
    second = top_probabilities[:, 1] if top_probabilities.shape[1] > 1 else np.zeros(size, np.float32)
    doubt = np.clip(1 - (precision - second), 0, 1).astype(np.float32)
    refused = np.zeros(size, bool)
    for row, categories in struck.items():
        if categories and eligible[row]:
            refused[row] = True
            category[row], chance = _next_best(top_categories[row], top_probabilities[row], categories)
            precision[row] = max(chance, LEFT_STRUCK) if category[row] >= 0 else 0
    category[~eligible] = -1
    precision = _as_measured(category, precision, reliability)
    return Proposals(category, precision, doubt, refused)


def _next_best(categories: IntArray, probabilities: FloatArray, struck: Set[int]) -> tuple[int, float]:
    left = [i for i, category in enumerate(categories.tolist()) if category not in struck]
    if not left:
        return -1, 0.0
    taken = sum(float(p) for i, p in enumerate(probabilities) if i not in left)
    return int(categories[left[0]]), float(probabilities[left[0]]) / max(1 - taken, 1e-6)


def _as_measured(
    category: NDArray[np.int64], probability: NDArray[np.float32], reliability: FloatArray
) -> NDArray[np.float32]:
    p = np.clip(probability, 1 - SURE_AT_MOST, SURE_AT_MOST)
    known = np.isfinite(reliability)
    valid = category >= 0
    if not known.any() or not valid.any():
        return np.where(valid, p, 0).astype(np.float32)
    number = len(reliability)
    counts = np.bincount(category[valid], minlength=number)
    means = np.bincount(category[valid], weights=p[valid], minlength=number) / np.maximum(counts, 1)
    wanted = np.clip(np.where(known, reliability, 0.5), 1 - SURE_AT_MOST, SURE_AT_MOST)
    believed = np.clip(means, 1 - SURE_AT_MOST, SURE_AT_MOST)
    factor = np.where(known, wanted / (1 - wanted) * (1 - believed) / believed, 1.0).astype(np.float32)
    odds = p / (1 - p) * factor[np.where(valid, category, 0)]
    return np.where(valid, np.minimum(odds / (1 + odds), SURE_AT_MOST), 0).astype(np.float32)


def folded(
    found: Proposals, duplicate_group: IntArray | None, *, eligible: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], dict[int, NDArray[np.int64]]]:
    """Rows that get a tile, and for each tile that stands for several, the rows it stands for (itself first).

    Near-duplicates of one group get one decision: the member that is proposed with most certainty is the tile.
    Groups are numbers ≥ 0; -1 means alone.
    """
    rows = np.flatnonzero(eligible & (found.category >= 0))
    if duplicate_group is None or not len(rows):
        return rows, {}
    group = np.asarray(duplicate_group)[rows]
    grouped = rows[group >= 0]
    order = grouped[np.lexsort((-found.precision[grouped], np.asarray(duplicate_group)[grouped]))]
    starts = np.flatnonzero(np.diff(np.asarray(duplicate_group)[order], prepend=-2))
    members = {int(part[0]): part for part in np.split(order, starts[1:]) if len(part) > 1} if len(order) else {}
    tiles = np.concatenate([rows[group < 0], order[starts]]) if len(order) else rows
    return np.sort(tiles), members
