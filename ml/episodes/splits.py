"""Class splits for few-shot learning: no class of one part may occur in another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ClassSplit:
    """Disjoint labels for training, validation and test. Raises ConfigError where two parts share a class."""

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]

    def __post_init__(self) -> None:
        for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
            shared = set(getattr(self, first)) & set(getattr(self, second))
            if shared:
                raise ConfigError(
                    f"{first} and {second} share {len(shared)} classes, such as {min(shared)}: a class that "
                    "was trained on says nothing about new classes; give each class one part"
                )

    @classmethod
    def from_column(cls, labels: ArrayLike, parts: Sequence[str]) -> "ClassSplit":
        """Split by a column that names each item's part ("train", "val" or "test"); (S,) labels and parts.

        Items with another value ("") are left out. Raises ConfigError where one class occurs in two parts.
        """
        values, names = np.asarray(labels), np.asarray(parts)
        chosen = {name: tuple(np.unique(values[names == name]).tolist()) for name in ("train", "val", "test")}
        return cls(**chosen)

    @classmethod
    def random(cls, labels: ArrayLike, *, val: float, test: float, seed: int) -> "ClassSplit":
        """Random classes: shares `val` and `test` of them in [0, 1), the rest for training."""
        classes: NDArray[np.int64] = np.unique(np.asarray(labels))
        n_val, n_test = round(val * len(classes)), round(test * len(classes))
        if min(val, test) < 0 or n_val + n_test >= len(classes):
            raise ConfigError(f"shares {val} and {test} of {len(classes)} classes leave none to train on")
        order = np.random.default_rng(seed).permutation(classes).tolist()
        return cls(
            train=tuple(sorted(order[n_val + n_test :])),
            val=tuple(sorted(order[:n_val])),
            test=tuple(sorted(order[n_val : n_val + n_test])),
        )
