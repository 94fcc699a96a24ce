"""A loaded encoder: images and texts in, unit vectors out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ml.data.decode_rgb import decode_rgb
from ml.data.preprocess import Pixels, to_pixels
from ml.encoders.spec import EncoderSpec, with_overrides
from ml.encoders.towers import Towers
from ml.errors import DecodeError, NonFiniteError, NoTextTowerError, ShapeError

ImageLike = bytes | Path | Image.Image
Vectors = NDArray[np.float32]

_TEXT_BATCH = 256


class Encoder:
    """Image and text towers of one space. Made by `load_encoder`; not safe to share between threads."""

    def __init__(self, spec: EncoderSpec, towers: Towers, *, device: torch.device, digest: str) -> None:
        self._towers = towers
        self.preprocessing = with_overrides(towers.preprocessing, spec.overrides)
        self.spec = replace(spec, preprocessing=self.preprocessing, weights_digest=digest)
        self.device = device
        towers.module.to(device)
        self._mean = torch.tensor(self.preprocessing.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(self.preprocessing.std, device=device).view(1, 3, 1, 1)
        self.dim = self._probe()

    @property
    def fingerprint(self) -> str:
        """Hash of everything that moves a vector: weights, preprocessing, decoder, resize, dtype policy."""
        return self.spec.fingerprint

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

    def encode_images(self, images: Iterable[ImageLike], *, batch_size: int | None = None, workers: int = 0) -> Vectors:
        """Encode in order.

        Args:
            images: Encoded bytes, paths, or Pillow images.
            batch_size: Images a forward; None chooses.
            workers: Decoder processes; 0 decodes here.

        Returns:
            float32 (B, D), unit norm, one row an image.

        Raises:
            DecodeError: An image cannot be decoded; the message names its position.
        """
        rows = [self.encode_pixels(batch) for batch in self._pixel_batches(images, batch_size or 64)]
        return np.concatenate(rows) if rows else np.empty((0, self.dim), np.float32)

    def encode_pixels(self, pixels: Pixels) -> Vectors:
        """Encode preprocessed pixels, uint8 (B, H, W, 3), to float32 (B, D) of unit norm."""
        height, width = self.preprocessing.size
        if pixels.ndim != 4 or pixels.shape[1:] != (height, width, 3):
            raise ShapeError(f"expected pixels (B, {height}, {width}, 3), got {pixels.shape}")
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float()
            features = self._towers.encode_image(batch.div_(255).sub_(self._mean).div_(self._std))
            return _unit(features, what=self.spec.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts to float32 (B, D) of unit norm, in order.

        Raises:
            NoTextTowerError: This encoder sees only images; use prototypes or an encoder with a text tower.
        """
        tokenize, encode = self._towers.tokenize, self._towers.encode_text
        if tokenize is None or encode is None:
            raise NoTextTowerError(
                f"{self.spec.name} sees only images and cannot read prompts: confirm a few images of each category "
                "(prototypes), or choose an encoder with a text tower"
            )
        rows = []
        with torch.inference_mode():
            for start in range(0, len(texts), _TEXT_BATCH):
                tokens = tokenize(texts[start : start + _TEXT_BATCH]).to(self.device)
                rows.append(_unit(encode(tokens), what=f"text tower of {self.spec.name}"))
        return np.concatenate(rows) if rows else np.empty((0, self.dim), np.float32)

    def _pixel_batches(self, images: Iterable[ImageLike], size: int) -> Iterator[Pixels]:
        pixels = (self._pixels(image, position) for position, image in enumerate(images))
        while chunk := list(islice(pixels, size)):
            yield np.stack(chunk)

    def _pixels(self, image: ImageLike, position: int) -> Pixels:
        if isinstance(image, Image.Image):
            return to_pixels(image.convert("RGB"), self.preprocessing)
        data = image.read_bytes() if isinstance(image, Path) else image
        label = f"image {position}" + (f" ({image})" if isinstance(image, Path) else "")
        try:
            decoded = decode_rgb(data, min_side=min(self.preprocessing.resize_to))
        except DecodeError as error:
            raise DecodeError(f"{label}: {error}", reason=error.reason) from error
        return to_pixels(decoded.image, self.preprocessing)

    def _probe(self) -> int:
        """One grey image through the model: its dimension, and that it gives numbers at the declared size."""
        height, width = self.preprocessing.size
        with torch.inference_mode():
            features = self._towers.encode_image(torch.zeros(1, 3, height, width, device=self.device))
        if features.ndim != 2:
            raise ShapeError(f"{self.spec.name} gives features of shape {tuple(features.shape)}, expected (B, D)")
        dim = int(features.shape[1])
        if self.spec.embedding_dim not in (None, dim):
            raise ShapeError(f"{self.spec.name} declares {self.spec.embedding_dim} dimensions and gives {dim}")
        return dim


def _unit(features: Tensor, *, what: str) -> Vectors:
    vectors = torch.nn.functional.normalize(features.float(), dim=-1)
    if not bool(torch.isfinite(vectors).all()):
        raise NonFiniteError(f"{what} gave NaN or infinity; check its weights and dtype")
    return vectors.cpu().numpy()
