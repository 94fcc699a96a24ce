"""Training, validation and test classes of one data set, as stores that cannot share a class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ml.data.labelled import load_labelled
from ml.episodes.splits import ClassSplit
from ml.training.store import ImageStore, Normalization, check_disjoint, decode_store


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Where images and classes come from and how they are decoded.

    split_column names a Parquet column with the values train, val and test; without one, classes are shared
    out at random by `seed`, a fifth for validation and a fifth for test. `rotations` makes four classes of
    each.
    """

    path: Path
    label_columns: tuple[str, ...] = ()
    split_column: str | None = None
    size: int = 32
    channels: int = 3
    invert: bool = False
    rotations: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Partition:
    """Three stores with disjoint classes, and the normalisation measured on the training part alone."""

    train: ImageStore
    val: ImageStore
    test: ImageStore
    normalization: Normalization

    def to(self, device: torch.device) -> "Partition":
        return Partition(self.train.to(device), self.val.to(device), self.test.to(device), self.normalization)


def load_partition(spec: DataSpec) -> Partition:
    """Decode all three parts. Raises ConfigError where two parts share a class."""
    if spec.split_column:
        train, val, test = (_part(spec, split=(f"{spec.split_column}={part}",)) for part in ("train", "val", "test"))
    else:
        whole = _part(spec, split=())
        classes = ClassSplit.random(whole.labels, val=0.2, test=0.2, seed=spec.seed)
        train, val, test = (_select(whole, part) for part in (classes.train, classes.val, classes.test))
    check_disjoint([train, val, test])
    normalization = train.statistics()
    if spec.rotations:
        train, val, test = train.with_rotations(), val.with_rotations(), test.with_rotations()
    return Partition(train, val, test, normalization)


def _part(spec: DataSpec, *, split: tuple[str, ...]) -> ImageStore:
    labelled = load_labelled(spec.path, label_columns=spec.label_columns, split=split)
    return decode_store(labelled, size=spec.size, channels=spec.channels, invert=spec.invert)


def _select(store: ImageStore, classes: tuple[int, ...]) -> ImageStore:
    """Only the items of `classes`, labelled 0…n-1 anew."""
    rows = np.flatnonzero(np.isin(store.labels, classes))
    labels = np.searchsorted(np.asarray(classes), store.labels[rows])
    return ImageStore(store.images[torch.from_numpy(rows)], labels, tuple(store.class_names[c] for c in classes))
