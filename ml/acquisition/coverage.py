"""Diversity and typicality: pick images that stand for many others. None of them asks the head anything.

k-center: Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach" (2018), greedy.
TypiClust: Hacohen, Dekel and Weinshall, "Active Learning on a Budget" (2022). ProbCover: Yehuda et al., "Active
Learning Through a Covering Lens" (2022). MaxHerding: Bae, Noh and Sutherland, "Generalized Coverage for More Robust
Low-Budget Active Learning" (2024). All work on a bounded sample of the pool in its 64 principal directions.
"""

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.base import Candidates, Ranking, in_order
from ml.acquisition.geometry import best_free, centroids, filled, squared_distances, view_of

NEIGHBORS = 20
PURITY = 0.95
MOST_CLUSTERS = 500
HERDING_RADIUS = 0.5
NO_GAIN = 1e-6


def k_center(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """The point farthest from everything labelled or picked, again and again."""
    view = view_of(candidates, budget, rng)
    points, free = view.points, np.ones(len(view.rows), bool)
    nearest = np.full(len(points), np.inf, np.float32)
    if len(view.labeled):
        nearest = squared_distances(points, view.labeled).min(axis=1)
    picks = []
    for _ in range(min(budget, len(points))):
        pick = best_free(nearest, free, rng=rng)
        picks.append(pick)
        free[pick] = False
        nearest = np.minimum(nearest, squared_distances(points, points[pick][None])[:, 0])
    return in_order(view.rows[picks])


def typiclust(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """The most typical point of each cluster that holds no label, largest cluster first.

    There are as many clusters as labels and picks together (at most 500); typicality is the inverse mean distance to
    the 20 nearest of the cluster. Where picks outnumber clusters the rounds go on.
    """
    view = view_of(candidates, budget, rng)
    labeled = len(view.labeled)
    everything = np.concatenate([view.points, view.labeled])
    count = min(labeled + budget, MOST_CLUSTERS, len(everything))
    if count == 0:
        return in_order(view.rows[:0])
    _, cluster = centroids(everything, count, rng=rng)
    pool_cluster, covered = cluster[: len(view.points)], np.bincount(cluster[len(view.points) :], minlength=count)
    typical = _typicality(view.points, pool_cluster)
    sizes = np.bincount(pool_cluster, minlength=count)
    order = np.lexsort((rng.random(len(typical)), -typical))
    within = np.empty(len(typical), np.int64)
    for c in range(count):
        members = order[pool_cluster[order] == c]
        within[members] = np.arange(len(members))
    turn = within + covered[pool_cluster]  # a cluster that holds labels waits as many rounds
    best = np.lexsort((-sizes[pool_cluster], turn))[:budget]
    return in_order(view.rows[best])


def _typicality(points: NDArray[np.float32], cluster: NDArray[np.int64]) -> NDArray[np.float32]:
    typical = np.zeros(len(points), np.float32)
    for c in np.unique(cluster):
        members = np.flatnonzero(cluster == c)
        distance = np.sqrt(squared_distances(points[members], points[members]))
        near = min(NEIGHBORS, len(members) - 1)
        if near:
            nearest = np.partition(distance, near, axis=1)[:, : near + 1].sum(axis=1) / near
            typical[members] = 1 / np.maximum(nearest, 1e-6)
    return typical


def prob_cover(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Greedy cover by balls whose radius keeps 95 % of them pure, judged by k-means clusters as pseudo-classes."""
    view = view_of(candidates, budget, rng)
    if not len(view.points):
        return in_order(view.rows)
    distance = squared_distances(view.points, view.points)
    classes = candidates.n_classes or max(2, min(budget, 20))
    radius = _pure_radius(distance, centroids(view.points, min(classes, len(view.points)), rng=rng)[1])
    reach = distance <= radius
    if len(view.labeled):
        reach[:, (squared_distances(view.points, view.labeled) <= radius).any(axis=1)] = False
    gain = reach.sum(axis=1).astype(np.float32)
    free, picks = np.ones(len(gain), bool), []
    for _ in range(min(budget, len(gain))):
        if not (gain[free] > 0).any():
            break
        pick = best_free(gain, free, rng=rng)
        picks.append(pick)
        free[pick] = False
        fresh = reach[pick].copy()
        gain -= reach[:, fresh].sum(axis=1)
        reach[:, fresh] = False
    return in_order(filled(view.rows[picks], view.rows, budget, rng=rng))


def _pure_radius(distance: NDArray[np.float32], cluster: NDArray[np.int64]) -> float:
    """The largest squared radius at which at most 5 % of balls hold a point of another cluster."""
    other = np.where(cluster[:, None] != cluster[None, :], distance, np.inf).min(axis=1)
    finite = other[np.isfinite(other)]
    return float(np.quantile(finite, 1 - PURITY)) if len(finite) else float(np.median(distance))


def max_herding(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Greedy kernel coverage: each pick raises the pool's mean similarity to its nearest pick the most."""
    view = view_of(candidates, budget, rng)
    even = np.ones(len(view.points), np.float32)
    picks = herded(view.points, view.labeled, budget, weight=even, radius=HERDING_RADIUS, rng=rng)
    return in_order(view.rows[picks])


def herded(
    points: NDArray[np.float32],
    labeled: NDArray[np.float32],
    budget: int,
    *,
    weight: NDArray[np.float32],
    radius: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Rows in greedy order of Σᵢ wᵢ max(k(xᵢ, picks and labeled)), with k = exp(-‖x - y‖² / 2 radius²).

    A row counts for itself with its own weight, so what is certain and far from everything is never picked for that.
    """
    kernel = np.exp(squared_distances(points, points) / np.float32(-2 * radius**2))
    covered = np.zeros(len(points), np.float32)
    if len(labeled):
        covered = np.exp(squared_distances(points, labeled).min(axis=1) / np.float32(-2 * radius**2))
    gain = np.asarray(weight @ np.maximum(kernel - covered[:, None], 0), np.float64)
    free, picks = np.ones(len(points), bool), []
    for _ in range(min(budget, len(points))):
        pick = best_free(gain, free, rng=rng)
        picks.append(pick)
        free[pick] = False
        # Only what this pick covers better than before lowers the gains of others: the kernel is symmetric.
        near = np.flatnonzero(kernel[pick] > covered + NO_GAIN)
        block, before, now = kernel[near], covered[near, None], kernel[pick, near, None]
        gain -= weight[near] @ (np.maximum(block - before, 0) - np.maximum(block - now, 0))
        covered[near] = kernel[pick, near]
    return np.asarray(picks, np.int64)
