"""What look-alikes say: scores drawn towards those of the nearest images, labelled ones with their labels.

One pass of label spreading (Zhou et al., "Learning with Local and Global Consistency", 2003) over a graph of nearest
neighbors that is made once for a space. An uncertain image among look-alikes gets their common answer, so that a
coherent group is one decision on one page.
"""

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.geometry import DIMENSIONS, principal, unit
from ml.errors import ShapeError
from ml.types import FloatArray, IntArray, TopK

NEIGHBORS = 10
GRAPH_AT_MOST = 20_000
"""Images among which all pairs are compared: some seconds on two cores, made once a space."""
OWN_SHARE = 0.5
CHUNK = 2048
BISECTIONS = 16


def neighbor_graph(vectors: FloatArray, *, count: int = NEIGHBORS, seed: int = 0) -> NDArray[np.int32]:
    """The `count` nearest other rows of each row of `vectors` (P, D), (P, count) int32, in 64 principal directions.

    Raises:
        ShapeError: More than `GRAPH_AT_MOST` rows; take the graph of an index then.
    """
    total = len(vectors)
    if total > GRAPH_AT_MOST:
        raise ShapeError(f"a graph of all pairs is made for at most {GRAPH_AT_MOST} images, got {total}")
    points = np.asarray(vectors, np.float32)
    points = points - points.mean(axis=0) if total else points
    points = unit(points @ principal(points, DIMENSIONS, rng=np.random.default_rng(seed)))
    count = max(min(count, total - 1), 0)
    graph = np.empty((total, count), np.int32)
    for start in range(0, total if count else 0, CHUNK):
        rows = slice(start, min(start + CHUNK, total))
        similarity = points[rows] @ points.T
        similarity[np.arange(rows.stop - start), np.arange(start, rows.stop)] = -np.inf
        graph[rows] = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
    return graph


def spread(
    top: TopK,
    graph: IntArray,
    *,
    labeled: IntArray | None = None,
    labeled_class: IntArray | None = None,
    classes: int,
) -> TopK:
    """`top` with half of each row's probability taken from its neighbors' mean.

    Args:
        top: What the head says of P rows, k classes each; what lies beyond them counts as nothing.
        graph: (P, m) neighbors of each row.
        labeled: (L,) rows whose category people know, `labeled_class` (L,): they say it without doubt.
        classes: N.

    Returns:
        k classes a row, best first. Entropy is that of the kept classes with the rest as one.

    Raises:
        ShapeError: A graph of another pool.
    """
    total, k = top.class_index.shape
    if len(graph) != total:
        raise ShapeError(f"expected a graph of {total} rows, got {len(graph)}")
    said_class, said = top.class_index.astype(np.int32), top.probability
    if labeled is not None and labeled_class is not None and len(labeled):
        said_class, said = said_class.copy(), said.copy()
        said[labeled] = 0
        said_class[labeled, 0], said[labeled, 0] = labeled_class, 1
    index, probability = np.empty((total, k), np.int32), np.empty((total, k), np.float32)
    second = np.zeros(total, np.float32)
    for start in range(0, total, CHUNK):
        rows = slice(start, min(start + CHUNK, total))
        table = _table(rows, top, graph, said_class, said, classes=classes)
        order = np.argsort(-table, axis=1, kind="stable")[:, : max(k, 2)]
        best = np.take_along_axis(table, order, axis=1)
        index[rows], probability[rows] = order[:, :k], best[:, :k]
        second[rows] = best[:, 1] if best.shape[1] > 1 else 0
    terms = _as_confident(np.column_stack([probability, second]), float(top.probability[:, 0].mean()) if total else 1.0)
    probability, second, rest = terms[:, :k], terms[:, k], terms[:, k + 1]
    terms = np.column_stack([probability, rest])
    entropy = -(terms * np.log(np.maximum(terms, 1e-12))).sum(axis=1)
    return TopK(index, probability, (probability[:, 0] - second).astype(np.float32), entropy.astype(np.float32))


def _as_confident(kept: NDArray[np.float32], wanted: float) -> NDArray[np.float32]:
    """Rows (k probabilities and, apart, the second) sharpened to a mean first probability, with the rest appended.

    Means of neighbors are flatter than the head's calibrated answers, though they are right more often.
    """
    rest = np.maximum(1 - kept[:, :-1].sum(axis=1), 0)
    logs = np.log(np.maximum(np.column_stack([kept, rest]), 1e-9))
    low, high = -1.0, 3.0
    shares = np.exp(logs)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        powered = np.exp(logs * np.exp(middle))
        shares = powered / (powered.sum(axis=1) - powered[:, -2])[:, None]
        low, high = (middle, high) if shares[:, 0].mean() < wanted else (low, middle)
    return np.asarray(shares, np.float32)


def _table(
    rows: slice, top: TopK, graph: IntArray, said_class: IntArray, said: NDArray[np.float32], *, classes: int
) -> NDArray[np.float32]:
    """Blended probabilities (B, N) of one chunk."""
    near = graph[rows]
    own = OWN_SHARE if near.shape[1] else 1.0
    size = len(near)
    flat = np.arange(size)[:, None] * classes
    table = np.bincount(
        np.concatenate(
            [(flat + top.class_index[rows]).ravel(), (flat[:, :, None] + said_class[near]).reshape(size, -1).ravel()]
        ),
        weights=np.concatenate(
            [(own * top.probability[rows]).ravel(), ((1 - own) / max(near.shape[1], 1) * said[near]).ravel()]
        ),
        minlength=size * classes,
    )
    return table.reshape(size, classes).astype(np.float32)
