"""What every acquisition function takes and gives. None of them ever sees a label or changes an input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.errors import ConfigError, ShapeError
from ml.types import FloatArray, IntArray, Pool, TopK

Need = Literal["top", "classes", "vectors", "labeled", "votes"]
"""`top`: the head's figures; `classes`: also which classes they are of; the others by the names in `Candidates`."""


@dataclass(frozen=True)
class Candidates:
    """A pool of P unlabelled items and, where a head has spoken, what it says of each.

    Attributes:
        pool: Its `ids` (P,) and `vectors` (P, D); vectors may be (P, 0) for functions that do not look at them.
        top: The head's best classes with margin and entropy, row by row the pool's.
        labeled: (L, D) vectors of what people have labelled; they are not in the pool.
        labeled_class: (L,) their classes in [0, n_classes); may be known without vectors.
        n_classes: N, or 0 where nobody said.
        votes: (P, A) what each annotator has said so far, -1 for nothing, where images get several opinions.
    """

    pool: Pool
    top: TopK | None = None
    labeled: FloatArray | None = None
    labeled_class: IntArray | None = None
    n_classes: int = 0
    votes: IntArray | None = None

    def __post_init__(self) -> None:
        size = len(self.pool.ids)
        parts: dict[str, FloatArray | IntArray] = {"vectors": self.pool.vectors}
        if self.votes is not None:
            parts["votes"] = self.votes
        if self.top is not None:
            parts |= {"probability": self.top.probability, "margin": self.top.margin, "entropy": self.top.entropy}
        wrong = {name: len(values) for name, values in parts.items() if len(values) != size}
        if wrong:
            raise ShapeError(f"expected {size} rows, one an item of the pool, got {wrong}")
        labeled, classes = self.labeled, self.labeled_class
        if labeled is not None and (classes is None or len(labeled) != len(classes)):
            raise ShapeError("labeled vectors come with their classes, one class a vector")

    def __len__(self) -> int:
        """P."""
        return len(self.pool.ids)


@dataclass(frozen=True)
class Ranking:
    """`index` (budget,) int64 rows of the pool, best first, each at most once; `score` (budget,) float32, higher is
    more worth a look, comparable within one ranking only."""

    index: IntArray
    score: FloatArray


Rank = Callable[[Candidates, int, np.random.Generator], Ranking]


@dataclass(frozen=True)
class Function:
    """An acquisition function with what it needs and, in a person's words, what it is for."""

    name: str
    goal: str
    description: str
    needs: frozenset[Need]
    rank: Rank


def in_order(index: IntArray) -> Ranking:
    """A ranking of rows that were picked one after another: its score falls evenly from 1 towards 0."""
    rows = np.asarray(index, np.int64)
    return Ranking(rows, np.linspace(1, 0, len(rows), endpoint=False, dtype=np.float32))


def top_of(candidates: Candidates) -> TopK:
    """What the head says; raises ConfigError where it has not spoken."""
    if candidates.top is None:
        raise ConfigError("this acquisition function reads predictions and there are none; use random until there are")
    return candidates.top


def labels_of(candidates: Candidates) -> tuple[FloatArray, IntArray]:
    """Labelled vectors (L, D) with classes 0…M-1 in the order of their numbers; raises ConfigError with none."""
    if candidates.labeled is None or candidates.labeled_class is None or not len(candidates.labeled):
        raise ConfigError("this acquisition function learns from labeled images and there are none; label some first")
    _, classes = np.unique(candidates.labeled_class, return_inverse=True)
    return np.asarray(candidates.labeled, np.float32), classes.astype(np.int64)


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
