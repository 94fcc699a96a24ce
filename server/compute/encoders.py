"""Encoders across the seam: bytes and texts in, numpy arrays out. The model stays warm in the worker's process."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from server.compute.errors import DecodeError, MlError, NonFiniteError, SpaceMismatchError

if TYPE_CHECKING:
    from ml.encoders import Encoder

BATCH = 64
DECODERS = 4
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Described:
    """What identifies a loaded encoder."""

    name: str
    fingerprint: str
    dim: int
    has_text: bool
    logit_scale: float | None
    spec: dict[str, Any]


@dataclass
class Encoded:
    """Unit vectors (B, D) of the images at `kept`; of the others, why not."""

    vectors: Vectors
    kept: list[int]
    failures: dict[int, tuple[str, str]] = field(default_factory=dict)


@lru_cache(maxsize=2)
def _load(name: str, device: str) -> "Encoder":
    from ml.encoders import load_encoder

    return load_encoder(name, device=device, cache_dir=None)


def device_name() -> str:
    """The device of this process: what WINNOW_DEVICE says, and with `auto` a CUDA device where there is one."""
    if settings.WINNOW_DEVICE != "auto":
        return str(settings.WINNOW_DEVICE)
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def encoder_describe(name: str) -> Described:
    """Load an encoder (seconds the first time) and say what it is."""
    encoder = _load(name, device_name())
    spec = {
        key: str(value) if key in ("weights", "tokenizer") else value for key, value in asdict(encoder.spec).items()
    }
    return Described(
        name=encoder.spec.name,
        fingerprint=encoder.fingerprint,
        dim=encoder.dim,
        has_text=encoder.has_text,
        logit_scale=encoder.logit_scale,
        spec=spec,
    )


def _loaded(name: str, fingerprint: str) -> "Encoder":
    encoder = _load(name, device_name())
    if encoder.fingerprint != fingerprint:
        raise SpaceMismatchError(
            f"{name} is not what filled this space: its weights, preprocessing or decoder changed. "
            "Switch the project to the encoder again, which fills a new space"
        )
    return encoder


def images_encode(name: str, blobs: Sequence[bytes], *, fingerprint: str) -> Encoded:
    """Encode images; one that cannot be decoded, or gives no finite vector, is named and stops no other.

    Raises:
        SpaceMismatchError: The encoder of this name is no longer the one with this fingerprint.
    """
    from ml.data.decode_rgb import decode_rgb
    from ml.data.preprocess import to_pixels

    encoder = _loaded(name, fingerprint)

    def pixels(blob: bytes) -> NDArray[np.uint8] | DecodeError:
        try:
            decoded = decode_rgb(blob, at_least=encoder.preprocessing.decode_at_least)
        except DecodeError as error:
            return error
        return to_pixels(decoded.image, encoder.preprocessing)

    with ThreadPoolExecutor(DECODERS) as pool:
        seen = list(pool.map(pixels, blobs))
    encoded = Encoded(np.empty((0, encoder.dim), np.float32), [])
    ready: dict[int, NDArray[np.uint8]] = {}
    for i, one in enumerate(seen):
        if isinstance(one, DecodeError):
            encoded.failures[i] = (one.reason, str(one))
        else:
            ready[i] = one
    rows = [_encode(encoder, part, encoded.failures) for part in _parts(ready, BATCH)]
    encoded.kept = [i for part in rows for i in part]
    encoded.vectors = np.stack([part[i] for part in rows for i in part]) if encoded.kept else encoded.vectors
    return encoded


def _parts(ready: Mapping[int, NDArray[np.uint8]], size: int) -> list[dict[int, NDArray[np.uint8]]]:
    items = list(ready.items())
    return [dict(items[start : start + size]) for start in range(0, len(items), size)]


def _encode(
    encoder: "Encoder", part: Mapping[int, NDArray[np.uint8]], failures: dict[int, tuple[str, str]]
) -> dict[int, Vectors]:
    """Halve on trouble until the one image that causes it is alone."""
    if not part:
        return {}
    try:
        return dict(zip(part, encoder.encode_pixels(np.stack(list(part.values()))), strict=True))
    except (NonFiniteError, MemoryError, RuntimeError) as error:
        if not isinstance(error, NonFiniteError | MemoryError) and "out of memory" not in str(error):
            raise
        if len(part) == 1:
            reason = "not_finite" if isinstance(error, NonFiniteError) else "out_of_memory"
            failures[next(iter(part))] = (reason, str(error))
            return {}
    halves = _parts(part, (len(part) + 1) // 2)
    return {i: row for half in halves for i, row in _encode(encoder, half, failures).items()}


def texts_encode(name: str, texts: Sequence[str], *, fingerprint: str) -> Vectors:
    """Unit vectors (B, D) of texts.

    Raises:
        MlError: The encoder sees only images, or is no longer the one with this fingerprint.
    """
    return _loaded(name, fingerprint).encode_texts(texts)


def class_texts_encode(name: str, prompts: Sequence[Sequence[str]], *, fingerprint: str) -> Vectors:
    """One unit vector (N, D) a class: the normalized mean of the unit vectors of its prompts.

    The order of open_clip's `build_zero_shot_classifier`: normalize, mean, normalize.
    """
    flat = [text for texts in prompts for text in texts]
    vectors = texts_encode(name, flat, fingerprint=fingerprint)
    ends = np.cumsum([len(texts) for texts in prompts])
    means = np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])])
    unit: Vectors = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return unit


__all__ = [
    "Described",
    "Encoded",
    "MlError",
    "class_texts_encode",
    "device_name",
    "encoder_describe",
    "images_encode",
    "texts_encode",
]
