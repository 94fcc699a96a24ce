"""The photographs in memory, split by a hash that never changes; a compact file of them for another machine."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

HELD_OUT_SHARE = 0.10
TILES = 32  # a mosaic of the compact file holds TILES × TILES pictures


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


def save_corpus(corpus: Corpus, path: Path, *, quality: int, cifar_test_per_class: int = 40) -> None:
    """Write the corpus as WebP mosaics. Lossy: for training elsewhere, never for the figures of the card."""
    few = _few_of_each(corpus.cifar, cifar_test_per_class)
    out: dict[str, Tensor] = {}
    for name, photos, chosen, level in (
        ("imagenet", corpus.imagenet, torch.arange(len(corpus.imagenet.labels)), quality),
        ("cifar", corpus.cifar, few, min(quality + 8, 95)),
    ):
        blobs = _mosaics(photos.pixels[chosen], level)
        out[f"{name}.bytes"] = torch.frombuffer(bytearray(b"".join(blobs)), dtype=torch.uint8)
        out[f"{name}.sizes"] = torch.tensor([len(b) for b in blobs])
        out[f"{name}.labels"] = photos.labels[chosen].to(torch.uint8)
        out[f"{name}.part"] = photos.part[chosen].to(torch.uint8)
    save_file(out, path, metadata={"cifar_names": ",".join(corpus.cifar_names)})


def _few_of_each(photos: Photos, n: int) -> Tensor:
    """All training photographs, and the first `n` of each other class."""
    keep = photos.part == 0
    for label in torch.unique(photos.labels[~keep]):
        keep[(photos.labels == label).nonzero()[:n, 0]] = True
    return keep.nonzero()[:, 0]


def _mosaics(pixels: Tensor, quality: int) -> list[bytes]:
    side, blobs = pixels.shape[-1], []
    for chunk in torch.split(pixels, TILES * TILES):
        canvas = np.zeros((TILES * TILES, side, side, 3), np.uint8)
        canvas[: len(chunk)] = chunk.permute(0, 2, 3, 1).numpy()
        grid = canvas.reshape(TILES, TILES, side, side, 3).swapaxes(1, 2).reshape(TILES * side, TILES * side, 3)
        buffer = io.BytesIO()
        Image.fromarray(grid).save(buffer, "WEBP", quality=quality, method=4)
        blobs.append(buffer.getvalue())
    return blobs


def load_corpus(path: Path) -> Corpus:
    """Read what `save_corpus` wrote."""
    with safe_open(path, framework="pt") as file:
        names = file.metadata()["cifar_names"].split(",")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    return Corpus(_photos(tensors, "imagenet", 64), _photos(tensors, "cifar", 32), names)


def _photos(tensors: dict[str, Tensor], name: str, side: int) -> Photos:
    labels, blob, start = tensors[f"{name}.labels"].long(), tensors[f"{name}.bytes"].numpy().tobytes(), 0
    parts: list[NDArray[np.uint8]] = []
    for size in tensors[f"{name}.sizes"].tolist():
        grid = np.asarray(Image.open(io.BytesIO(blob[start : start + size])).convert("RGB"))
        tiles = grid.reshape(TILES, side, TILES, side, 3).swapaxes(1, 2).reshape(TILES * TILES, side, side, 3)
        parts.append(tiles)
        start += size
    pixels = torch.from_numpy(np.concatenate(parts)[: len(labels)].copy()).permute(0, 3, 1, 2).contiguous()
    return Photos(pixels, labels, tensors[f"{name}.part"].long())
