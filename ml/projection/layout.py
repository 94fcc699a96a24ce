"""Two coordinates for every vector: UMAP, t-SNE, or the two directions that vary most.

UMAP (McInnes, Healy and Melville 2018, umap-learn) and t-SNE (van der Maaten and Hinton 2008; openTSNE with the
interpolation of Linderman et al. 2019) both start from the principal plane, so that a map drawn again after new images
or new labels does not turn or jump, and both read 50 principal axes instead of the whole vectors.
"""

import numpy as np

from ml.errors import ConfigError, NonFiniteError, ShapeError
from ml.types import FloatArray

METHODS = ("umap", "tsne", "pca")
AXES = 50
NEIGHBORS = 15
PERPLEXITY = 30.0
FEWEST = 10
"""Fewer points than this have no neighborhoods: their map is the principal plane."""
MANY = 10_000
STRAYS = 0.1
"""Percent of the points on each side that lie on the border of the map, so that a few strays do not shrink it."""


def lay_out(vectors: FloatArray, *, method: str, seed: int, threads: int = 1) -> FloatArray:
    """Points (P, 2) float32 in [0, 1] of vectors (P, D); one scale for both directions.

    UMAP and the principal plane are the same for the same vectors and seed; t-SNE is on one machine.

    Raises:
        ConfigError: An unknown method. ShapeError: Not a matrix. NonFiniteError: NaN or infinity in it.
    """
    if method not in METHODS:
        raise ConfigError(f"no map {method!r}; there are {', '.join(METHODS)}")
    if vectors.ndim != 2:
        raise ShapeError(f"a map needs vectors (P, D), got {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise NonFiniteError("a vector has NaN or infinity; embed its image again")
    axes = principal(np.asarray(vectors, np.float32), AXES)
    plane = np.zeros((len(axes), 2), np.float32)
    plane[:, : min(2, axes.shape[1])] = axes[:, :2]
    if method == "pca" or len(axes) < FEWEST:
        return framed(plane)
    start = (plane / max(float(plane.std(axis=0).max()), 1e-12)).astype(np.float32)
    if method == "umap":
        return framed(_umap(axes, start * 10, seed=seed))
    return framed(_tsne(axes, start * 1e-4, seed=seed, threads=threads))


def principal(vectors: FloatArray, count: int) -> FloatArray:
    """(P, min(count, D)) coordinates along the directions of largest variance; the largest entry of each direction is
    positive, so that the sign is no accident."""
    if not len(vectors):
        return np.empty((0, min(count, vectors.shape[1])), np.float32)
    centered = vectors - vectors.mean(axis=0)
    covariance = (centered.T @ centered).astype(np.float64) / len(vectors)
    _, directions = np.linalg.eigh(covariance)
    chosen = directions[:, ::-1][:, :count]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])
    return np.asarray(centered @ chosen.astype(np.float32), np.float32)


def framed(points: FloatArray) -> FloatArray:
    """Into the unit square, in the middle of the shorter direction."""
    if not len(points):
        return np.asarray(points, np.float32)
    low, high = np.percentile(points, [STRAYS, 100 - STRAYS], axis=0)
    side = max(float((high - low).max()), 1e-12)
    moved = (points - (low + high) / 2) / side + 0.5
    return np.asarray(moved.clip(0, 1), np.float32)


def _umap(axes: FloatArray, start: FloatArray, *, seed: int) -> FloatArray:
    from umap import UMAP

    made = UMAP(
        n_neighbors=min(NEIGHBORS, len(axes) - 1),
        min_dist=0.1,
        init=start,
        n_epochs=200 if len(axes) >= MANY else 400,
        random_state=seed % 2**32,
        n_jobs=1,
    )
    return np.asarray(made.fit_transform(axes), np.float32)


def _tsne(axes: FloatArray, start: FloatArray, *, seed: int, threads: int) -> FloatArray:
    from openTSNE import TSNE

    made = TSNE(
        perplexity=min(PERPLEXITY, (len(axes) - 1) / 3),
        initialization=start.astype(np.float64),
        negative_gradient_method="fft" if len(axes) >= MANY else "bh",
        random_state=seed % 2**32,
        n_jobs=threads,
    )
    return np.asarray(made.fit(axes), np.float32)
