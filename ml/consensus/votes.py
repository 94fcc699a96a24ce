"""Votes as three columns, and the plain count of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.errors import ShapeError
from ml.types import FloatArray, IntArray


@dataclass(frozen=True)
class Votes:
    """V votes: `item` (V,) in [0, items), `annotator` (V,) in [0, annotators), `category` (V,) in [0, classes)."""

    item: IntArray
    annotator: IntArray
    category: IntArray
    items: int
    annotators: int
    classes: int

    @classmethod
    def of(cls, item: ArrayLike, annotator: ArrayLike, category: ArrayLike, *, classes: int) -> "Votes":
        """Columns of indices from 0.

        Raises:
            ShapeError: Columns of different lengths, a negative index, or a category beyond `classes`.
        """
        columns = [np.asarray(column, dtype=np.int64) for column in (item, annotator, category)]
        if any(column.shape != columns[0].shape or column.ndim != 1 for column in columns):
            raise ShapeError(f"expected three columns of one length, got {[column.shape for column in columns]}")
        if len(columns[0]) and (min(int(column.min()) for column in columns) < 0 or columns[2].max() >= classes):
            raise ShapeError(f"indices start at 0 and categories lie below {classes}")
        items, annotators = (int(column.max()) + 1 if len(column) else 0 for column in columns[:2])
        return cls(columns[0], columns[1], columns[2], items=items, annotators=annotators, classes=classes)

    @classmethod
    def table(cls, table: ArrayLike, *, classes: int) -> "Votes":
        """From a table (items, annotators) with -1 where nobody voted."""
        said = np.asarray(table, dtype=np.int64)
        item, annotator = np.nonzero(said >= 0)
        votes = cls.of(item, annotator, said[item, annotator], classes=classes)
        return cls(votes.item, votes.annotator, votes.category, said.shape[0], said.shape[1], classes)


def tally(votes: Votes) -> IntArray:
    """(items, classes): how many said what."""
    flat = np.bincount(votes.item * votes.classes + votes.category, minlength=votes.items * votes.classes)
    return flat.reshape(votes.items, votes.classes)


def majority(votes: Votes, *, order: ArrayLike | None = None) -> tuple[IntArray, FloatArray, NDArray[np.bool_]]:
    """The commonest category of each item, its share of the votes, and whether it is tied.

    Of tied categories the first in `order` (all N of them) stands, by default the lowest index, so that the answer does
    not change from run to run; the third array says where that decided, which is where another opinion is worth asking
    for. Items without a vote: category -1.
    """
    counts = tally(votes)
    most = counts.max(axis=1)
    total = counts.sum(axis=1)
    tied = (counts == most[:, None]).sum(axis=1) > 1
    ranked = np.arange(votes.classes) if order is None else np.asarray(order, dtype=np.int64)
    winner = np.where(total > 0, ranked[counts[:, ranked].argmax(axis=1)], -1)
    return winner, most / np.maximum(total, 1), tied & (total > 0)


def met_order(category: ArrayLike, *, classes: int) -> IntArray:
    """(N,) categories in the order in which they are first met in a column of votes; those never met come last.

    This is how crowd-kit settles ties, so its figures depend on the order of the rows that it is given.
    """
    said = np.asarray(category, dtype=np.int64)
    met, first = np.unique(said, return_index=True)
    rest = np.setdiff1d(np.arange(classes), met)
    order: IntArray = np.concatenate([met[np.argsort(first)], rest])
    return order
