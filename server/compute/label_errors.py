"""Doubted labels across the seam: confirmed vectors and their labels in, rows to look at again out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.train import Indices, Lesson, examples_of

STEPS = 7
"""What `after` counts: five folds, the neighbors, the rest."""
ERRORS_AT_MOST, OUTLIERS_AT_MOST, PAIRS_AT_MOST = 500, 50, 20
BEST, NEAREST = 3, 5


@dataclass(frozen=True)
class Doubted:
    """`row` of the lesson; class `instead` (-1 for none) and what the head thinks, best first; nearest labeled rows."""

    row: int
    instead: int
    suspicion: float
    best: list[tuple[int, float]]
    nearest: list[tuple[int, float]]


@dataclass(frozen=True)
class Findings:
    """`issues` of `judged` labels lie off the diagonal of the confident joint; `pairs` (i, j, i as j, j as i)."""

    judged: int = 0
    issues: int = 0
    errors: list[Doubted] = field(default_factory=list)
    outliers: list[Doubted] = field(default_factory=list)
    pairs: list[tuple[int, int, int, int]] = field(default_factory=list)


def labels_doubted(
    lesson: Lesson, group: Indices, *, kind: str, seed: int, asked: NDArray[np.bool_], after: Callable[[int], None]
) -> Findings:
    """Judge every label of the lesson by heads that saw neither it nor its near-duplicates.

    Only rows of `asked` (S,) are reported; the others teach. `after` is told the steps done, of `STEPS`.

    Raises:
        MlError: A class has neither example nor text.
    """
    from ml.evaluation.suspects import nearest_labeled, outlying
    from ml.heads.out_of_sample import out_of_sample

    said = out_of_sample(kind, examples_of(lesson), group=group, seed=seed, after_fold=after)
    after(STEPS - 2)
    near = nearest_labeled(np.asarray(lesson.support, np.float32), group)
    after(STEPS - 1)

    def doubted(row: int, instead: int, suspicion: float) -> Doubted:
        known = said[row] if np.isfinite(said[row]).all() else np.zeros(said.shape[1])
        best = [(at, float(known[at])) for at in np.argsort(-known, kind="stable")[:BEST].tolist() if known[at] > 0]
        shown = zip(near.row[row, :NEAREST].tolist(), near.similarity[row, :NEAREST].tolist(), strict=True)
        return Doubted(row, instead, suspicion, best, [(at, float(value)) for at, value in shown if at >= 0])

    rows, z = outlying(near) if len(said) > 1 else (np.empty(0, np.int64), np.empty(0))
    far = [doubted(row, -1, float(score)) for row, score in zip(rows.tolist(), z.tolist(), strict=True) if asked[row]]
    found = _errors(lesson, said, asked, doubted)
    after(STEPS)
    return Findings(found.judged, found.issues, found.errors, far[:OUTLIERS_AT_MOST], found.pairs)


def _errors(
    lesson: Lesson,
    said: NDArray[np.floating[Any]],
    asked: NDArray[np.bool_],
    doubted: Callable[[int, int, float], Doubted],
) -> Findings:
    """Classes that nobody was judged in are left out of the joint: they have no self-confidence to compare with."""
    from ml.evaluation.label_errors import likely_label_errors
    from ml.evaluation.suspects import ambiguous_pairs

    judged = np.flatnonzero(np.isfinite(said).all(axis=1))
    classes, given = np.unique(lesson.class_index[judged], return_inverse=True)
    if len(classes) < 2:
        return Findings(len(judged))
    table: Any = said[np.ix_(judged, classes)]
    table = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
    found = likely_label_errors(given, table)
    order = found.queue[found.issue[found.queue] & asked[judged[found.queue]]]
    errors = [
        doubted(int(judged[at]), int(classes[found.instead[at]]), float(found.suspicion[at]))
        for at in order[:ERRORS_AT_MOST].tolist()
    ]
    pairs = [(int(classes[i]), int(classes[j]), one, other) for i, j, one, other in ambiguous_pairs(given, table)]
    return Findings(len(judged), int(found.issue.sum()), errors, [], pairs[:PAIRS_AT_MOST])
