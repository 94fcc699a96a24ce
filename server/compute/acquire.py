"""Acquisition across the seam: arrays in, ranked rows out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RowsOf:
    """Some rows of a matrix, read where they are asked for: a pool inside a memory map without a copy of it."""

    def __init__(self, vectors: NDArray[np.float16], rows: NDArray[np.int64]) -> None:
        self._vectors, self._rows = vectors, rows

    @property
    def shape(self) -> tuple[int, int]:
        """(P, D)."""
        return len(self._rows), int(self._vectors.shape[1])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: slice | NDArray[np.int64]) -> NDArray[np.float16]:
        return self._vectors[self._rows[key]]


@dataclass(frozen=True)
class PoolView:
    """What there is to rank `size` (P) images by. None of it is copied before a function asks for it.

    `vectors` (P, D) may be a memory map; `top_categories` and `top_probabilities` (P, k) are what the live run says,
    with `margin` and `entropy` (P,); `labeled` (L, D) and `labeled_class` (L,) what people have confirmed.
    """

    size: int
    vectors: RowsOf | None = None
    top_categories: NDArray[np.integer[Any]] | None = None
    top_probabilities: NDArray[np.float32] | None = None
    margin: NDArray[np.float32] | None = None
    entropy: NDArray[np.float32] | None = None
    labeled: NDArray[np.float16] | None = None
    labeled_class: NDArray[np.int64] | None = None
    n_classes: int = 0


def pool_rank(name: str, view: PoolView, *, budget: int, seed: int) -> NDArray[np.int64]:
    """Rows of the pool, most worth a look first.

    Raises:
        MlError: No such function, or something that it needs is not there.
    """
    from ml.acquisition import Candidates, acquire
    from ml.types import Pool, TopK

    top = None
    if view.top_probabilities is not None and view.margin is not None and view.entropy is not None:
        categories = view.top_categories
        known = np.zeros(view.top_probabilities.shape, np.int32) if categories is None else categories.astype(np.int32)
        top = TopK(class_index=known, probability=view.top_probabilities, margin=view.margin, entropy=view.entropy)
    vectors: Any = np.empty((view.size, 0), np.float16) if view.vectors is None else view.vectors
    candidates = Candidates(
        Pool(ids=np.arange(view.size), vectors=vectors),
        top,
        labeled=view.labeled,
        labeled_class=view.labeled_class,
        n_classes=view.n_classes,
    )
    return np.asarray(acquire(name, candidates, budget=budget, seed=seed).index, np.int64)


def function_needs() -> dict[str, frozenset[str]]:
    """Name → what a function needs: `top`, `vectors`, `labeled`, `votes`."""
    from ml.acquisition import FUNCTIONS

    return {name: frozenset(one.needs) for name, one in FUNCTIONS.items()}


def functions_known() -> dict[str, tuple[str, str]]:
    """Name → (goal, description) of every function for images without a label.

    Those that read votes are not among them: images on which people disagree are in review, not in the pool.
    """
    from ml.acquisition import FUNCTIONS

    return {name: (one.goal, one.description) for name, one in FUNCTIONS.items() if "votes" not in one.needs}
