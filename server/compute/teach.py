"""Teaching and pages across the seam: what people confirmed in, the best of a whole pool and pages out."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.predict import TOP, background_of

LOOKED_THROUGH = 40_000
"""Rows among which pages are sought, other ones each time: a sample of a larger pool holds thousands of pages."""


@dataclass(frozen=True)
class Taught:
    """`best` (P, 2) int32 class indices, best first, and `probability` (P, 2) float32, after people's corrections.

    `_head` and `_spread` are the seam's own; whoever holds this hands it back to `pool_pages` and looks no further.
    """

    best: NDArray[np.int32]
    probability: NDArray[np.float32]
    _head: Any = field(repr=False)
    _spread: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class PlannedPage:
    """`rows` of the pool, most doubtful first; `groups[i]` all rows that tile i stands for, itself first.

    `top` (T, k) class indices and `chance` (T, k) float32: each tile's own best classes."""

    class_index: int
    rows: NDArray[np.int64]
    groups: list[NDArray[np.int64]]
    top: NDArray[np.int32]
    chance: NDArray[np.float32]
    expected_precision: float
    reason: str


def pool_teach(
    vectors: NDArray[np.float16],
    *,
    support: NDArray[np.int64],
    class_index: NDArray[np.int64],
    n_classes: int,
    text: NDArray[np.float32] | None,
    text_scale: float,
    background: NDArray[np.float32],
    seed: int,
    graph: NDArray[np.int32] | None = None,
) -> Taught:
    """Fit the head that these confirmed rows call for and sweep every row of `vectors` (P, D).

    As `pool_predict`, with the support thinned where it is large (newest last in `support`) and two classes a row, so
    that the answer is there for the next page. Where there is a `graph` (P, m) of look-alikes, every row is drawn
    towards what they are taken for.

    Raises:
        MlError: A class has neither example nor text, or a vector is not finite.
    """
    from ml.acquisition.sweep import best_two
    from ml.acquisition.teach import TAUGHT_BY_AT_MOST, taught_head, thinned
    from ml.heads import Examples

    if len(support) > TAUGHT_BY_AT_MOST:  # before their vectors are read
        kept = thinned(class_index, most=TAUGHT_BY_AT_MOST, seed=seed)
        support, class_index = support[kept], class_index[kept]
    examples = Examples.of(
        np.asarray(vectors[support], np.float32),
        class_index,
        n_classes=n_classes,
        text=text,
        text_scale=text_scale,
        background=background,
    )
    head = taught_head(examples, seed=seed)
    if graph is not None:
        return _spread_taught(head, vectors, graph, support, class_index, n_classes)
    swept = best_two(head, vectors)
    return Taught(swept.class_index, swept.probability, head)


def _spread_taught(
    head: Any,
    vectors: NDArray[np.float16],
    graph: NDArray[np.int32],
    support: NDArray[np.int64],
    class_index: NDArray[np.int64],
    n_classes: int,
) -> Taught:
    from ml.acquisition.neighbors import spread
    from ml.acquisition.teach import rescore

    top = spread(rescore(head, vectors, k=TOP), graph, labeled=support, labeled_class=class_index, classes=n_classes)
    best = np.full((len(vectors), 2), -1, np.int32)
    chance = np.zeros((len(vectors), 2), np.float32)
    width = min(2, top.class_index.shape[1])
    best[:, :width], chance[:, :width] = top.class_index[:, :width], top.probability[:, :width]
    return Taught(best, chance, head, top)


def pool_graph(vectors: NDArray[np.float16], *, seed: int) -> NDArray[np.int32] | None:
    """(P, m) the look-alikes of each row; None where the pool is too large to compare all pairs of."""
    from ml.acquisition.neighbors import GRAPH_AT_MOST, neighbor_graph

    return neighbor_graph(vectors, seed=seed) if len(vectors) <= GRAPH_AT_MOST else None


def pool_background(vectors: NDArray[np.float16], *, seed: int) -> NDArray[np.float32]:
    """(D,) mean of the pool, from at most twenty thousand rows."""
    return background_of(vectors, seed)


def pool_pages(
    vectors: NDArray[np.float16],
    taught: Taught,
    *,
    eligible: NDArray[np.bool_],
    struck: Mapping[int, Set[int]],
    reliability: NDArray[np.float32],
    size: NDArray[np.int64],
    count: int,
    group: NDArray[np.int64],
    seed: int,
) -> list[PlannedPage]:
    """At most `count` pages, the most useful first; arrays as `ml.acquisition.pages.compose_pages` has them.

    Of a large pool a sample is looked through, with everything that was struck and whole near-duplicate groups.
    """
    from ml.acquisition.pages import compose_pages

    rows = _looked_through(eligible, struck, group, seed=seed)
    near = np.asarray(vectors[rows])
    place = {int(row): at for at, row in enumerate(rows.tolist())} if struck else {}
    refused = {place[row]: refused for row, refused in struck.items() if row in place}
    top, chance = _top_of(taught, near, rows, sorted(refused))
    plans = compose_pages(
        vectors=near,
        top_categories=top,
        top_probabilities=chance,
        eligible=np.ones(len(rows), bool),
        struck=refused,
        reliability=reliability,
        size=size,
        count=count,
        duplicate_group=group[rows],
        seed=seed,
    )
    shown = np.concatenate([plan.rows for plan in plans]) if plans else np.empty(0, np.int64)
    own = _best_of(taught, near[shown]) if taught._spread is None else (top[shown], chance[shown])
    told = dict(zip(shown.tolist(), zip(*own, strict=True), strict=True))
    return [
        PlannedPage(
            plan.category,
            rows[plan.rows],
            [rows[part] for part in plan.groups],
            np.stack([told[row][0] for row in plan.rows.tolist()]),
            np.stack([told[row][1] for row in plan.rows.tolist()]),
            plan.expected_precision,
            plan.reason,
        )
        for plan in plans
    ]


def _looked_through(
    eligible: NDArray[np.bool_], struck: Mapping[int, Set[int]], group: NDArray[np.int64], *, seed: int
) -> NDArray[np.int64]:
    """Rows ascending."""
    rows = np.flatnonzero(eligible)
    if len(rows) <= LOOKED_THROUGH:
        return rows
    chosen = np.zeros(len(eligible), bool)
    chosen[rows[np.random.default_rng(seed).integers(0, len(rows), LOOKED_THROUGH)]] = True
    chosen[list(struck)] = True
    grouped = np.flatnonzero(group >= 0)
    if len(grouped):
        begun = np.unique(group[chosen & (group >= 0)])
        chosen[grouped[np.isin(group[grouped], begun)]] = True
    return np.flatnonzero(chosen & eligible)


def _top_of(
    taught: Taught, near: NDArray[np.float16], rows: NDArray[np.int64], refused: list[int]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(classes, probabilities) (R, k): at least two of each row, and as many as there are of rows refused before."""
    if taught._spread is not None:
        return taught._spread.class_index[rows], taught._spread.probability[rows]
    top = np.full((len(rows), TOP), -1, np.int32)
    chance = np.zeros((len(rows), TOP), np.float32)
    top[:, :2], chance[:, :2] = taught.best[rows], taught.probability[rows]
    if refused:
        classes, chances = _best_of(taught, near[refused])
        top[refused, : classes.shape[1]], chance[refused, : classes.shape[1]] = classes, chances
    return top, chance


def _best_of(taught: Taught, near: NDArray[np.float16]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    from ml.heads import predict_topk

    if not len(near):
        return np.empty((0, TOP), np.int32), np.empty((0, TOP), np.float32)
    told = predict_topk(taught._head, near, k=TOP)
    return np.asarray(told.class_index, np.int32), np.asarray(told.probability, np.float32)
