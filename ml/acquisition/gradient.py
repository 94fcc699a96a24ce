"""Doubt with diversity: BADGE's gradients and DropQuery's wavering answers.

BADGE: Ash et al., "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds" (2020). DropQuery: Gupte et
al., "Revisiting Active Learning in the Era of Vision Foundation Models" (2024).
"""

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.base import Candidates, Ranking, in_order, labels_of, top_of
from ml.acquisition.geometry import centroids, filled, view_of
from ml.heads import Examples, fit_head
from ml.types import IntArray

DROPPED = 0.75
TRIALS = 3
CHUNK = 2048


def badge(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """k-means++ over the gradients that the likeliest class would give the last layer.

    A gradient is the outer product of a = p - e_ŷ (N) and x (D), so ⟨g, h⟩ = ⟨a, b⟩⟨x, y⟩ and no N × D row is ever
    made. Of p the head's best classes are kept, sparse; what lies beyond them is spread over nothing.
    """
    top = top_of(candidates)
    view = view_of(candidates, budget, rng)
    index, residual = top.class_index[view.rows], np.array(top.probability[view.rows], np.float32)
    residual[:, 0] -= 1
    norm = (residual**2).sum(axis=1) * (view.points**2).sum(axis=1)
    picks: list[int] = []
    distance, free = np.maximum(norm, 1e-12).astype(np.float64), np.ones(len(norm), bool)
    while len(picks) < min(budget, len(norm)):
        mass = np.where(free, distance, 0)
        total = mass.sum()
        pick = int(rng.choice(len(mass), p=mass / total if total > 0 else free / free.sum()))
        picks.append(pick)
        free[pick] = False
        inner = factorized_inner(index, residual, index[pick], residual[pick]) * (view.points @ view.points[pick])
        distance = np.minimum(distance, np.maximum(norm + norm[pick] - 2 * inner, 0))
    return in_order(view.rows[picks])


def factorized_inner(
    index: IntArray, value: NDArray[np.float32], one_index: IntArray, one_value: NDArray[np.float32]
) -> NDArray[np.float32]:
    """⟨a, b⟩ (M,) of sparse rows (M, K) with one sparse row (K,)."""
    same = index[:, :, None] == one_index[None, None, :]
    return np.asarray((same * (value[:, :, None] * one_value[None, None, :])).sum(axis=(1, 2)), np.float32)


def drop_query(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Images whose answer changes when three quarters of the vector are dropped, one of each cluster of them.

    Without labels to learn from there are no answers to waver: cluster centroids of the whole pool.
    """
    view = view_of(candidates, budget, rng)
    rows = np.arange(len(view.rows))
    if candidates.labeled is not None and len(candidates.labeled):
        wavering = np.flatnonzero(_wavering(candidates, view.rows, rng))
        rows = wavering if len(wavering) >= budget else rows
    picks, _ = centroids(view.points[rows], min(budget, len(rows)), rng=rng)
    chosen = np.asarray(list(dict.fromkeys(picks.tolist())), np.int64)
    return in_order(filled(view.rows[rows[chosen]], view.rows, budget, rng=rng))


def _wavering(candidates: Candidates, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """(M,) whether most trials with dropped inputs answer otherwise than the head on the whole vector."""
    labeled, classes = labels_of(candidates)
    head = fit_head("prototypes", Examples.of(labeled, classes, n_classes=int(classes.max()) + 1))
    differs = np.zeros(len(rows), np.int64)
    for start in range(0, len(rows), CHUNK):
        x = np.asarray(candidates.pool.vectors[rows[start : start + CHUNK]], np.float32)
        answer = head.logits(x).argmax(dim=1)
        for _ in range(TRIALS):
            kept = rng.random(x.shape, np.float32) >= DROPPED
            differs[start : start + CHUNK] += (head.logits(x * kept / (1 - DROPPED)).argmax(dim=1) != answer).numpy()
    return 2 * differs > TRIALS
