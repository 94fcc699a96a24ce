"""The labelled sets of the labelling benches, as vectors: what they are tuned on is never what they report."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ml.data.inspection import inspect_image
from ml.data.labelled import LabelledImages, load_labelled
from ml.data.vectors import CACHE_FOLDER, cached_vectors, progress_lines
from ml.encoders import load_encoder
from ml.errors import ConfigError

DATA = Path("../shared/data")
MOBILENET = "ml/bench/specs/mobilenetv2-160.json"
GUIDES = Path(".winnow/field-guides")
GUIDE_SCALE = 2.0
TUNING_CLASSES = 60
"""Of the 160 photographed classes the first 60 by name serve to choose settings, the other 100 to report."""
NEAR_BITS = 4
"""What the product takes for near-duplicates (`python -m ml.bench near_duplicates`)."""
MOST_PIXELS = 50_000_000
Part = Literal["tuning", "reported"]


@dataclass(frozen=True)
class LabelledVectors:
    """`vectors` (n, D) unit float32 and `labels` (n,) in [0, classes). `twins` (n,) number groups of near-duplicates,
    -1 where there is none."""

    name: str
    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    twins: NDArray[np.int64]

    @property
    def classes(self) -> int:
        """N."""
        return int(self.labels.max()) + 1

    def only(self, classes: NDArray[np.int64]) -> "LabelledVectors":
        """The items of some classes, renumbered in the given order."""
        number = np.full(self.classes, -1)
        number[classes] = np.arange(len(classes))
        kept = self.of(np.flatnonzero(number[self.labels] >= 0))
        return replace(kept, labels=number[kept.labels])

    def of(self, rows: NDArray[np.int64]) -> "LabelledVectors":
        """Some items, with the classes as they are."""
        return replace(self, vectors=self.vectors[rows], labels=self.labels[rows], twins=self.twins[rows])

    def split(self, *, held_out: float, most: int, seed: int) -> tuple["LabelledVectors", "LabelledVectors"]:
        """A pool of at most `most` items and a held-out share, at random."""
        order = np.random.default_rng(seed).permutation(len(self.labels))
        apart = round(held_out * len(order))
        parts = order[apart : apart + most], order[:apart]
        pool, rest = (self.of(rows) for rows in parts)
        return pool, rest


def labelled_vectors(name: str, *, part: Part, seed: int) -> LabelledVectors:
    """One of `tiny-N` (N photographed categories), `distinct-N` (N that look little like each other),
    `cifar-superclasses` and `field-guide`.

    Tuning sees other classes (tiny-imagenet), the first ten superclasses (cifar100; all 20 are reported), and another
    guide. `seed` picks the classes of `tiny-N`, and the first of `distinct-N`.

    Raises:
        ConfigError: No such set, or its data are not here.
    """
    kind, _, count = name.partition("-")
    if kind in ("tiny", "distinct") and count.isdigit():
        found = _encoded(load_labelled(_file("tiny-imagenet-160.parquet"), label_columns=("name",)), MOBILENET, name)
        choice = np.arange(TUNING_CLASSES) if part == "tuning" else np.arange(TUNING_CLASSES, found.classes)
        order = np.random.default_rng(seed).permutation(choice)
        return found.only(order[: int(count)] if kind == "tiny" else _far_apart(found, order, count=int(count)))
    if name == "cifar-superclasses":
        images = load_labelled(_file("cifar100.parquet"), label_columns=("coarse_label",), split=("split=test",))
        found = _encoded(images, MOBILENET, name)
        return found.only(np.arange(10)) if part == "tuning" else found
    if name == "field-guide":
        images = load_labelled(_guide(seed=1 if part == "tuning" else 0))
        return replace(_encoded(images, "demo", name), twins=near_duplicates(images))
    raise ConfigError(
        f"no set is called {name!r}: choose tiny-5, tiny-20, …, distinct-5, …, cifar-superclasses or field-guide"
    )


def _far_apart(found: LabelledVectors, order: NDArray[np.int64], *, count: int) -> NDArray[np.int64]:
    """The first class of `order`, then each time the one whose mean is least like any that was taken."""
    means = np.stack([found.vectors[found.labels == c].mean(axis=0) for c in order])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    taken = [0]
    while len(taken) < count:
        nearest = (means @ means[taken].T).max(axis=1)
        nearest[taken] = np.inf
        taken.append(int(nearest.argmin()))
    return order[taken]


def _file(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        raise ConfigError(f"expected {path}; the README of the data says where it comes from")
    return path


def _encoded(images: LabelledImages, encoder: str, name: str) -> LabelledVectors:
    vectors = cached_vectors(
        images, load_encoder(encoder, device="cpu"), folder=CACHE_FOLDER, progress=progress_lines(name)
    )
    return LabelledVectors(name, vectors, images.labels.astype(np.int64), np.full(len(vectors), -1))


def near_duplicates(images: LabelledImages) -> NDArray[np.int64]:
    """Groups of images whose perceptual hashes differ in as few bits as ingest allows, chained: (n,), -1 for none."""
    found = [inspect_image(images.image_bytes(row), max_pixels=MOST_PIXELS) for row in range(len(images))]
    hashes = np.asarray([one.perceptual_hash for one in found], np.int64).view(np.uint64)
    near = [np.flatnonzero(np.bitwise_count(hashes ^ own) <= NEAR_BITS) for own in hashes]
    graph = csr_array((np.ones(sum(map(len, near))), np.concatenate(near), np.cumsum([0, *map(len, near)])))
    group = connected_components(graph, directed=False)[1].astype(np.int64)
    return np.where(np.bincount(group)[group] > 1, group, -1)


def _guide(*, seed: int) -> Path:
    folder = GUIDES / f"{seed}-{GUIDE_SCALE:g}"
    if not (folder / "manifest.jsonl").is_file():
        command = [sys.executable, "-m", "ml.data.fieldguide", str(folder), "--seed", str(seed)]
        subprocess.run([*command, "--scale", f"{GUIDE_SCALE:g}"], check=True, stdout=subprocess.DEVNULL)
    return folder / "images"
