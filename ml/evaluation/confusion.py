"""Which classes are taken for which, and how near classes lie to one another."""

from dataclasses import dataclass

import numpy as np

from ml.errors import EmptyClassError, ShapeError
from ml.types import FloatArray, IntArray


def confusion_matrix(target: IntArray, predicted: IntArray, *, n_classes: int) -> IntArray:
    """(N, N) int64: rows are true classes, columns predicted ones."""
    truth, guess = np.asarray(target), np.asarray(predicted)
    if truth.shape != guess.shape:
        raise ShapeError(f"expected one prediction an item, got {truth.shape} and {guess.shape}")
    for name, values in (("target", truth), ("predicted", guess)):
        if values.size and not 0 <= values.min() <= values.max() < n_classes:
            raise ShapeError(f"{name} lies in [0, {n_classes}), got {values.min()}…{values.max()}")
    return np.bincount(truth * n_classes + guess, minlength=n_classes**2).reshape(n_classes, n_classes)


def mean_recall(confusion: IntArray) -> float:
    """Macro recall in [0, 1] over the classes that occur, so that rare classes count as much as common ones."""
    present = confusion.sum(axis=1) > 0
    if not present.any():
        raise EmptyClassError("the confusion matrix counts no item")
    return float((confusion.diagonal()[present] / confusion.sum(axis=1)[present]).mean())


@dataclass(frozen=True)
class ClassDistances:
    """Mean Euclidean distances in a space: within classes, between classes, and their ratio (small is good)."""

    intra: float
    inter: float

    @property
    def ratio(self) -> float:
        """intra / inter."""
        return self.intra / self.inter


def class_distances(vectors: FloatArray, class_index: IntArray) -> ClassDistances:
    """Of items to their own class mean, and of class means to one another, from (S, D) and (S,).

    Raises:
        EmptyClassError: Fewer than two classes, so nothing lies between.
    """
    x = np.asarray(vectors, dtype=np.float64)
    names, place = np.unique(np.asarray(class_index), return_inverse=True)
    if len(names) < 2:
        raise EmptyClassError(f"distances between classes need two classes, got {len(names)}")
    sums = np.zeros((len(names), x.shape[1]))
    np.add.at(sums, place, x)
    counts = np.bincount(place)
    means = sums / counts[:, None]
    own = np.linalg.norm(x - means[place], axis=1)
    intra = (np.bincount(place, weights=own) / counts).mean()
    squared = (means**2).sum(axis=1)
    apart = np.sqrt(np.clip(squared[:, None] + squared - 2 * means @ means.T, 0, None))
    return ClassDistances(intra=float(intra), inter=float(apart[np.triu_indices(len(names), k=1)].mean()))
