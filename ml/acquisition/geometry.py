"""What the functions that look at vectors share: a bounded sample of the pool, few dimensions, kernels, centroids.

None of them holds more than `SAMPLE`² similarities whatever the pool's size. A uniform sample of some thousand images
speaks for the density of the whole pool; what is drawn from it is drawn from the pool.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.base import Candidates
from ml.errors import ConfigError
from ml.types import FloatArray, IntArray

SAMPLE = 4096
SAMPLES_A_PICK = 2
"""A budget that nears the sample widens it, so that there is always something to choose between."""
DIMENSIONS = 64


@dataclass(frozen=True)
class View:
    """`rows` (M,) of the pool that are looked at, `points` (M, d) unit float32 and `labeled` (L, d), one space."""

    rows: NDArray[np.int64]
    points: NDArray[np.float32]
    labeled: NDArray[np.float32]


def view_of(candidates: Candidates, budget: int, rng: np.random.Generator, *, dims: int = DIMENSIONS) -> View:
    """A sample of the pool, and what is labelled, in the sample's principal directions and on the unit sphere.

    Raises:
        ConfigError: The candidates carry no vectors.
    """
    total, width = candidates.pool.vectors.shape
    if width == 0:
        raise ConfigError("this acquisition function looks at vectors and got none of any dimension")
    most = max(SAMPLE, SAMPLES_A_PICK * budget)
    rows = np.arange(total) if total <= most else np.sort(rng.choice(total, most, replace=False))
    points = np.asarray(candidates.pool.vectors[rows], np.float32)
    labeled = np.empty((0, width), np.float32)
    if candidates.labeled is not None and len(candidates.labeled):
        kept = np.arange(len(candidates.labeled))
        if len(kept) > SAMPLE:
            kept = np.sort(rng.choice(kept, SAMPLE, replace=False))
        labeled = np.asarray(candidates.labeled[kept], np.float32)
    mean = points.mean(axis=0) if len(points) else np.zeros(width, np.float32)
    basis = principal(points - mean, dims, rng=rng)
    return View(rows.astype(np.int64), unit((points - mean) @ basis), unit((labeled - mean) @ basis))


def principal(centered: NDArray[np.float32], dims: int, *, rng: np.random.Generator) -> NDArray[np.float32]:
    """Orthonormal directions (D, d) that hold most of the variance, by randomized range finding (Halko et al. 2011)."""
    width = centered.shape[1]
    if min(centered.shape) <= dims:
        return np.eye(width, dtype=np.float32)
    probe = centered.T @ (centered @ rng.standard_normal((width, dims + 8), dtype=np.float32))
    probe = centered.T @ (centered @ np.linalg.qr(probe)[0])
    basis: NDArray[np.float32] = np.linalg.qr(probe)[0]
    _, _, directions = np.linalg.svd(centered @ basis, full_matrices=False)
    return np.asarray(basis @ directions[:dims].T, np.float32)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; a row of zeros stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), np.float32)


def squared_distances(a: FloatArray, b: FloatArray) -> NDArray[np.float32]:
    """(A, B) squared Euclidean distances, never below zero."""
    inner = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
    return np.asarray(np.maximum(inner, 0), np.float32)


def centroids(
    points: NDArray[np.float32], count: int, *, rng: np.random.Generator, steps: int = 20
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """k-means of `points` (M, d): the nearest point to each center, largest cluster first, and (M,) cluster of each.

    Starts by k-means++ (Arthur and Vassilvitskii 2007). Clusters that run empty are dropped.
    """
    start = spread_out(points, count, rng=rng)
    centers = points[start]
    assigned = np.zeros(len(points), np.int64)
    for _ in range(steps):
        fresh = squared_distances(points, centers).argmin(axis=1)
        if np.array_equal(fresh, assigned) and _ > 0:
            break
        assigned = fresh
        sizes = np.bincount(assigned, minlength=len(centers))
        sums = np.zeros_like(centers)
        np.add.at(sums, assigned, points)
        centers = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centers)
    distance = squared_distances(points, centers)
    sizes = np.bincount(assigned, minlength=len(centers))
    order = np.argsort(-sizes, kind="stable")
    picks = [int(np.where(assigned == c, distance[:, c], np.inf).argmin()) for c in order if sizes[c]]
    return np.asarray(picks, np.int64), assigned


def spread_out(
    points: NDArray[np.float32],
    count: int,
    *,
    rng: np.random.Generator,
    weight: FloatArray | None = None,
) -> NDArray[np.int64]:
    """k-means++ seeding: `count` distinct rows, each drawn with probability ∝ squared distance to those before it.

    `weight` (M,) decides the first draw; uniform without it.
    """
    total = len(points)
    first = rng.choice(total, p=None if weight is None else weight / weight.sum()) if total else 0
    picks: list[int] = []
    distance = np.full(total, np.inf, np.float64)
    free = np.ones(total, bool)
    pick = int(first)
    while len(picks) < min(count, total):
        picks.append(pick)
        free[pick] = False
        distance = np.minimum(distance, squared_distances(points, points[pick][None])[:, 0])
        mass = np.where(free, distance, 0)
        if not free.any():
            break
        chances = mass / mass.sum() if mass.sum() > 0 else free / free.sum()
        pick = int(rng.choice(total, p=chances))
    return np.asarray(picks, np.int64)


def best_free(gain: FloatArray, free: NDArray[np.bool_], *, rng: np.random.Generator) -> int:
    """The free row of highest gain; the generator decides among equals."""
    masked = np.where(free, gain, -np.inf)
    equal = np.flatnonzero(masked >= masked.max())
    return int(equal[0] if len(equal) == 1 else rng.choice(equal))


def filled(picked: IntArray, rows: IntArray, budget: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """`picked` rows, and random others of `rows` behind them up to the budget."""
    rest = rng.permutation(np.setdiff1d(rows, picked))[: max(budget - len(picked), 0)]
    return np.concatenate([picked, rest]).astype(np.int64)[:budget]
