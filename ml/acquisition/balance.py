"""By category: hunt the rare ones, or give every predicted category its turn.

Both read what the head predicts, as in Bang et al., "Active Prompt Learning in Vision Language Models" (2024), who
found that balance is what uncertainty lacks on skewed pools.
"""

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.base import Candidates, Ranking, in_order, ranked, top_of
from ml.types import TopK


def rare(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Images that may belong to categories with few labels: Σ over the top-k of p(c) / (1 + labels of c)."""
    top = top_of(candidates)
    labels = _labels(candidates, top)
    score = (top.probability / (1 + labels[np.maximum(top.class_index, 0)])).sum(axis=1)
    return ranked(np.asarray(score, np.float32), budget=budget, rng=rng)


def balanced(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Every predicted category in turn, the one with fewest labels first; within it the closest call first."""
    top = top_of(candidates)
    labels = _labels(candidates, top)
    predicted = np.maximum(top.class_index[:, 0], 0).astype(np.int64)
    order = np.lexsort((rng.random(len(predicted)), top.margin))
    by_class = order[np.argsort(predicted[order], kind="stable")]
    sizes = np.bincount(predicted, minlength=len(labels))
    turn = np.arange(len(by_class)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    level = turn + labels[predicted[by_class]]
    return in_order(by_class[np.lexsort((rng.random(len(level)), level))][:budget])


def _labels(candidates: Candidates, top: TopK) -> NDArray[np.int64]:
    classes = max(candidates.n_classes, int(top.class_index.max(initial=-1)) + 1, 1)
    if candidates.labeled_class is None:
        return np.zeros(classes, np.int64)
    return np.bincount(np.asarray(candidates.labeled_class, np.int64), minlength=classes)
