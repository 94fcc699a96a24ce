"""What a head says of the labels it was taught, each judged by a fit that saw neither it nor its near-duplicates.

`ml.heads.cross_fit` judges a sample to calibrate with; here every item is judged, and whole groups are left out.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ml.heads.base import Examples
from ml.heads.fit import fit_head
from ml.types import FloatArray, IntArray

FOLDS = 5


def out_of_sample(
    kind: str,
    examples: Examples,
    *,
    group: IntArray,
    seed: int,
    folds: int = FOLDS,
    after_fold: Callable[[int], None] = lambda fold: None,
) -> FloatArray:
    """(S, N) calibrated probabilities of every support item by fits on the other folds; NaN rows are never judged.

    Args:
        kind: Of `fit_head`.
        examples: As for any head; classes need no minimum.
        group: (S,) items of one group (near-duplicates) fall into one fold.
        seed: Decides folds.
        folds: At most; the commonest class needs as many groups.
        after_fold: Told the number of folds done.

    Items whose class would be left without any other group teach in every fold and are never judged.
    """
    fold = _grouped_folds(examples.class_index.numpy(), group, seed=seed, folds=folds)
    said = np.full((len(fold), examples.n_classes), np.nan)
    for at in range(int(fold.max(initial=-1)) + 1):
        judged, taught = torch.from_numpy(fold == at), torch.from_numpy(fold != at)
        part = replace(examples, support=examples.support[taught], class_index=examples.class_index[taught])
        said[fold == at] = fit_head(kind, part, seed=seed).probabilities(examples.support[judged]).numpy()
        after_fold(at + 1)
    return said


def _grouped_folds(classes: IntArray, group: IntArray, *, seed: int, folds: int) -> IntArray:
    """(S,) fold of each item, stratified by the class of its group's first item; -1 where it must always teach."""
    names, first, member = np.unique(group, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    leading = classes[first][shuffled]
    order = shuffled[np.argsort(leading, kind="stable")]
    shots = np.bincount(classes[first])
    rank = np.arange(len(names)) - np.repeat(np.cumsum(shots) - shots, shots)
    of_group = np.empty(len(names), np.int64)
    of_group[order] = rank % max(min(folds, int(shots.max(initial=0))), 1)
    fold = of_group[member]
    for name in np.unique(classes):
        if len(np.unique(fold[classes == name])) == 1:
            fold[np.isin(member, member[classes == name])] = -1
    return fold
