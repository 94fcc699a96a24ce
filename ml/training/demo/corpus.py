"""The photographs in memory, split by a hash that never changes and by class."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import Tensor

HELD_OUT_SHARE = 0.10


@dataclass(frozen=True)
class Photos:
    """Photographs (P, 3, side, side) uint8 with a class index each; `part` 0 train, 1 val, 2 test."""

    pixels: Tensor
    labels: Tensor
    part: Tensor

    def of(self, part: int) -> tuple[Tensor, Tensor]:
        """Pixels and labels of one part."""
        chosen = self.part == part
        return self.pixels[chosen], self.labels[chosen]


@dataclass(frozen=True)
class Corpus:
    """`imagenet`: 160 classes in the order of class-texts.json, train and held-out test images of every class.
    `cifar`: 100 classes in alphabetical order `cifar_names`, split by class as CIFAR-FS does."""

    imagenet: Photos
    cifar: Photos
    cifar_names: list[str]


def held_out(file_name: str) -> bool:
    """Whether an ImageNet photograph is kept for the test: a tenth, by the hash of its file name."""
    return hashlib.sha256(file_name.encode()).digest()[0] < 256 * HELD_OUT_SHARE


def read_corpus(data: Path, wnids: list[str]) -> Corpus:
    """Decode both Parquet files of the shared data folder; `wnids` gives the order of the 160 classes."""
    table = pq.read_table(data / "tiny-imagenet-160.parquet", columns=["image", "wnid", "file_name"])
    order = {wnid: i for i, wnid in enumerate(wnids)}
    labels = torch.tensor([order[w] for w in table["wnid"].to_pylist()])
    part = torch.tensor([2 if held_out(name) else 0 for name in table["file_name"].to_pylist()])
    imagenet = Photos(_decoded(table["image"].to_pylist(), 64), labels, part)
    table = pq.read_table(data / "cifar100.parquet", columns=["image", "fine_label", "cifar_fs"])
    names = sorted(set(table["fine_label"].to_pylist()))
    index = {name: i for i, name in enumerate(names)}
    labels = torch.tensor([index[w] for w in table["fine_label"].to_pylist()])
    part = torch.tensor([("train", "val", "test").index(w) for w in table["cifar_fs"].to_pylist()])
    return Corpus(imagenet, Photos(_decoded(table["image"].to_pylist(), 32), labels, part), names)


def _decoded(blobs: list[bytes], side: int) -> Tensor:
    pixels = np.empty((len(blobs), side, side, 3), np.uint8)
    for i, blob in enumerate(blobs):
        pixels[i] = np.asarray(Image.open(io.BytesIO(blob)).convert("RGB"))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
