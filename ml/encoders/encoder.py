"""A loaded encoder: images and texts in, unit vectors out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from ml.data.decode_rgb import decode_rgb
from ml.data.preprocess import Pixels, to_pixels
from ml.encoders.forward import Forward, Vectors
from ml.encoders.precision import features_of, tune_tower
from ml.encoders.spec import EncoderSpec, with_overrides
from ml.encoders.stream import EncodingPipeline
from ml.encoders.towers import Towers
from ml.errors import DecodeError, NonFiniteError, NoTextTowerError, ShapeError

ImageLike = bytes | Path | Image.Image

_TEXT_BATCH = 256


class Encoder:
    """Image and text towers of one space. Made by `load_encoder`; not safe to share between threads."""

    def __init__(self, spec: EncoderSpec, towers: Towers, *, device: torch.device, digest: str) -> None:
        self._towers = towers
        self.preprocessing = with_overrides(towers.preprocessing, spec.overrides)
        self.spec = replace(spec, preprocessing=self.preprocessing, weights_digest=digest)
        self.device = device
        towers.module.to(device)
        self.dim = self._probe()

    @property
    def fingerprint(self) -> str:
        """Hash of everything that moves a vector: weights, preprocessing, decoder, resize, dtype policy."""
        return self.spec.fingerprint

    @property
    def image_tower(self) -> nn.Module:
        """What maps (B, 3, H, W) normalised floats to features; train a copy of it, never the tower itself."""
        return self._towers.image

    @property
    def has_text(self) -> bool:
        """Whether `encode_texts` works."""
        return self._towers.encode_text is not None

    @property
    def logit_scale(self) -> float | None:
        """What the model multiplies a cosine by before softmax (or sigmoid); None for an image-only encoder."""
        return self._towers.logit_scale

    @property
    def logit_bias(self) -> float | None:
        """What a sigmoid-trained model adds after `logit_scale`; None elsewhere."""
        return self._towers.logit_bias

    @cached_property
    def forward(self) -> Forward:
        """The image tower in the number format that suits this machine; chosen at the first image."""
        size, device = self.preprocessing.size, self.device
        tower = tune_tower(self._towers.image, size=size, device=device, dtype=self.spec.dtype)
        return Forward(tower, self.preprocessing, device=device)

    def encode_images(self, images: Iterable[ImageLike], *, batch_size: int | None = None, workers: int = 0) -> Vectors:
        """Encode in order.

        Args:
            images: Encoded bytes, paths, or Pillow images.
            batch_size: Images a forward; None chooses.
            workers: Decoder processes; 0 decodes here, which suits Pillow images, tests and files that ingest has
                already accepted. For many calls, or to go on after a broken image, keep an `EncodingPipeline`.

        Returns:
            float32 (B, D), unit norm, one row an image.

        Raises:
            DecodeError: An image cannot be decoded; the message names its position.
            NonFiniteError: The model gave no numbers for an image.
        """
        if workers > 0:
            return self._encode_with_processes(images, batch_size=batch_size, workers=workers)
        size = batch_size or self.forward.batch_size
        rows = [self.encode_pixels(batch) for batch in self._pixel_batches(images, size)]
        return np.concatenate(rows) if rows else np.empty((0, self.dim), np.float32)

    def encode_pixels(self, pixels: Pixels) -> Vectors:
        """Encode preprocessed pixels, uint8 (B, H, W, 3), to float32 (B, D) of unit norm.

        Raises:
            ShapeError: Pixels of another size.
            NonFiniteError: The model gave no numbers.
        """
        height, width = self.preprocessing.size
        if pixels.ndim != 4 or pixels.shape[1:] != (height, width, 3):
            raise ShapeError(f"expected pixels (B, {height}, {width}, 3), got {pixels.shape}")
        return _checked(self.forward.vectors(pixels), what=self.spec.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to float32 (B, D) of unit norm, in order. Always in float32: texts are few.

        Raises:
            NoTextTowerError: This encoder sees only images; use prototypes or an encoder with a text tower.
        """
        tokenize, encode = self._towers.tokenize, self._towers.encode_text
        if tokenize is None or encode is None:
            raise NoTextTowerError(
                f"{self.spec.name} sees only images and cannot read prompts: confirm a few images of each category "
                "(prototypes), or choose an encoder with a text tower"
            )
        rows = [np.empty((0, self.dim), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(texts), _TEXT_BATCH):
                tokens = tokenize(texts[start : start + _TEXT_BATCH]).to(self.device)
                rows.append(torch.nn.functional.normalize(encode(tokens).float(), dim=-1).cpu().numpy())
        return _checked(np.concatenate(rows), what=f"the text tower of {self.spec.name}")

    def _encode_with_processes(self, images: Iterable[ImageLike], *, batch_size: int | None, workers: int) -> Vectors:
        items = ((position, _as_bytes(image)) for position, image in enumerate(images))
        rows = [np.empty((0, self.dim), np.float32)]
        with EncodingPipeline(self, workers=workers, batch_size=batch_size) as pipeline:
            for batch in pipeline.encode(items):
                for error in batch.failures:
                    raise DecodeError(f"image {error.key}: {error}", reason=error.reason, key=error.key)
                rows.append(batch.vectors)
        return np.concatenate(rows)

    def _pixel_batches(self, images: Iterable[ImageLike], size: int) -> Iterator[Pixels]:
        pixels = (self._pixels(image, position) for position, image in enumerate(images))
        while chunk := list(islice(pixels, size)):
            yield np.stack(chunk)

    def _pixels(self, image: ImageLike, position: int) -> Pixels:
        if isinstance(image, Image.Image):
            return to_pixels(image.convert("RGB"), self.preprocessing)
        label = f"image {position}" + (f" ({image})" if isinstance(image, Path) else "")
        try:
            decoded = decode_rgb(_as_bytes(image), at_least=self.preprocessing.decode_at_least)
        except DecodeError as error:
            raise DecodeError(f"{label}: {error}", reason=error.reason, key=position) from error
        return to_pixels(decoded.image, self.preprocessing)

    def _probe(self) -> int:
        """One grey image through the model: its dimension, and that it gives numbers at the declared size."""
        height, width = self.preprocessing.size
        with torch.inference_mode():
            features = features_of(self._towers.image, torch.zeros(1, 3, height, width, device=self.device))
        if features.ndim != 2:
            raise ShapeError(f"{self.spec.name} gives features of shape {tuple(features.shape)}, expected (B, D)")
        dim = int(features.shape[1])
        if self.spec.embedding_dim not in (None, dim):
            raise ShapeError(f"{self.spec.name} declares {self.spec.embedding_dim} dimensions and gives {dim}")
        return dim


def _as_bytes(image: ImageLike) -> bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, Path):
        return image.read_bytes()
    raise ShapeError("decoder processes take encoded bytes or paths; give Pillow images with workers=0")


def _checked(vectors: Vectors, *, what: str) -> Vectors:
    if not np.isfinite(vectors).all():
        raise NonFiniteError(f"{what} gave NaN or infinity; check its weights and dtype")
    return vectors
