"""Decoded images held as one uint8 tensor, so that an episode is a gather and a training never waits for
decoding.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from ml.data.labelled import LabelledImages
from ml.errors import ConfigError, DecodeError, ShapeError
from ml.types import IntArray

MAX_BYTES = 16 * 2**30
DECODE_THREADS = 8
BATCH = 256


@dataclass(frozen=True)
class ImageStore:
    """`images` (S, C, H, W) uint8 on any device, `labels` (S,) int64 indexing `class_names`."""

    images: Tensor
    labels: IntArray
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != torch.uint8 or len(self.images) != len(self.labels):
            raise ShapeError(
                f"images are uint8 (S, C, H, W) beside (S,) labels; got {self.images.dtype} "
                f"{tuple(self.images.shape)} and {len(self.labels)} labels"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def channels(self) -> int:
        return int(self.images.shape[1])

    @property
    def size(self) -> int:
        return int(self.images.shape[2])

    @property
    def device(self) -> torch.device:
        return self.images.device

    def to(self, device: torch.device | str) -> "ImageStore":
        return replace(self, images=self.images.to(device))

    def with_rotations(self) -> "ImageStore":
        """Each class turned by 0, 90, 180 and 270 degrees becomes four classes, as usual for Omniglot."""
        turned = torch.cat([torch.rot90(self.images, turn, dims=(2, 3)) for turn in range(4)])
        n = len(self.class_names)
        labels = np.concatenate([self.labels + turn * n for turn in range(4)])
        names = tuple(f"{name}@{turn * 90}" for turn in range(4) for name in self.class_names)
        return ImageStore(turned.contiguous(), labels, names)

    def statistics(self) -> "Normalization":
        """Mean and standard deviation a channel, in [0, 1]."""
        mean, square = [], []
        for channel in range(self.channels):
            # Exact integer counts: a float32 sum over millions of pixels would lose digits.
            counts = torch.bincount(self.images[:, channel].flatten().long(), minlength=256).double().cpu()
            values = torch.arange(256, dtype=torch.float64) / 255
            mean.append(float((counts * values).sum() / counts.sum()))
            square.append(float((counts * values**2).sum() / counts.sum()))
        std = [max((s - m**2) ** 0.5, 1e-3) for m, s in zip(mean, square, strict=True)]
        return Normalization(tuple(mean), tuple(std))


@dataclass(frozen=True)
class Normalization:
    """Belongs to a trained network: inputs are (x / 255 - mean) / std."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def tensors(self, device: torch.device | str) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation as (C, 1, 1)."""
        mean, std = torch.tensor(self.mean, device=device), torch.tensor(self.std, device=device)
        return mean.view(-1, 1, 1), std.view(-1, 1, 1)


def decode_store(labelled: LabelledImages, *, size: int, channels: int, invert: bool = False) -> ImageStore:
    """Decode and resize everything: shorter side to `size`, centre crop, `channels` 1 or 3.

    `invert` makes dark strokes on white bright strokes on black. Raises ConfigError where the set would not
    fit into 16 GiB, DecodeError (with the row) where an image cannot be read.
    """
    if channels not in (1, 3):
        raise ConfigError(f"channels are 1 (grey) or 3 (RGB), got {channels}")
    if len(labelled) * channels * size * size > MAX_BYTES:
        raise ConfigError(f"{len(labelled)} images at {size} px need more than 16 GiB: choose a smaller size")
    images = np.empty((len(labelled), channels, size, size), dtype=np.uint8)

    def fill(start: int, encoded: list[bytes]) -> None:
        for row, data in enumerate(encoded, start=start):
            images[row] = _decode(data, row=row, size=size, grey=channels == 1)

    # A Parquet reader belongs to one thread: bytes are read here, and only decoding is shared out.
    with ThreadPoolExecutor(DECODE_THREADS) as pool:
        for done in [pool.submit(fill, i * BATCH, b) for i, b in enumerate(labelled.batches(BATCH))]:
            done.result()
    if invert:
        np.subtract(255, images, out=images)
    return ImageStore(torch.from_numpy(images), labelled.labels.astype(np.int64), labelled.class_names)


def _decode(data: bytes, *, row: int, size: int, grey: bool) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data)) as opened:
            image = ImageOps.exif_transpose(opened).convert("L" if grey else "RGB")
    except (OSError, ValueError) as error:
        raise DecodeError(f"image {row} cannot be read: {error}", reason="undecodable") from error
    if image.size != (size, size):
        image = ImageOps.fit(image, (size, size), method=Image.Resampling.LANCZOS)
    array: NDArray[np.uint8] = np.asarray(image)
    return array[None] if grey else array.transpose(2, 0, 1)


def check_disjoint(stores: Sequence[ImageStore]) -> None:
    """Raises ConfigError where two parts of a class split share a class name."""
    seen: set[str] = set()
    for store in stores:
        shared = seen & set(store.class_names)
        if shared:
            raise ConfigError(f"class {min(shared)!r} is in two parts of the split: give each class one part")
        seen |= set(store.class_names)
