"""What every acquisition function takes and gives. None of them ever sees a label or changes an input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.errors import ShapeError
from ml.types import FloatArray, IntArray, Pool, TopK

Need = Literal["top", "vectors"]


@dataclass(frozen=True)
class Candidates:
    """A pool of P unlabelled items and, where a head has spoken, what it says of each.

    Attributes:
        pool: Its `ids` (P,) and `vectors` (P, D); vectors may be (P, 0) for functions that do not look at them.
        top: The head's best classes with margin and entropy, row by row the pool's.
    """

    pool: Pool
    top: TopK | None = None

    def __post_init__(self) -> None:
        size = len(self.pool.ids)
        parts = {"vectors": self.pool.vectors}
        if self.top is not None:
            parts |= {"probability": self.top.probability, "margin": self.top.margin, "entropy": self.top.entropy}
        wrong = {name: len(values) for name, values in parts.items() if len(values) != size}
        if wrong:
            raise ShapeError(f"expected {size} rows, one an item of the pool, got {wrong}")

    def __len__(self) -> int:
        """P."""
        return len(self.pool.ids)


@dataclass(frozen=True)
class Ranking:
    """`index` (budget,) int64 rows of the pool, best first, each at most once; `score` (budget,) float32, higher is
    more worth a look, comparable within one ranking only."""

    index: IntArray
    score: FloatArray


@dataclass(frozen=True)
class Function:
    """An acquisition function with what it needs and, in a person's words, what it is for."""

    name: str
    goal: str
    description: str
    needs: frozenset[Need]
    rank: Callable[[Candidates, int, np.random.Generator], Ranking]


def ranked(score: FloatArray, *, budget: int, rng: np.random.Generator) -> Ranking:
    """The `budget` highest of `score` (P,), best first; the generator decides among equals.

    Linear in P: only the chosen are sorted.
    """
    values = np.asarray(score, np.float32)
    tie = rng.random(len(values), np.float32)
    if budget < len(values):
        border = np.partition(values, len(values) - budget)[len(values) - budget]
        above, level = np.flatnonzero(values > border), np.flatnonzero(values == border)
        chosen = np.concatenate([above, level[np.argsort(tie[level])][: budget - len(above)]])
    else:
        chosen = np.arange(len(values))
    order = np.lexsort((tie[chosen], -values[chosen]))
    index = chosen[order].astype(np.int64)
    return Ranking(index, values[index])
