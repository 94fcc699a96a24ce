"""Encoders across the seam: names and texts in, numpy arrays out. The model stays warm in the worker's process."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from server.compute.errors import MlError, SpaceMismatchError

if TYPE_CHECKING:
    from ml.encoders import Encoder

Vectors = NDArray[np.float32]
SOURCE = "shard-256/jpeg-90/1"
"""Which bytes of an image are embedded: part of every space's identity, beside what the encoder itself says.

An image whose shorter side is above 256 px is embedded from the 256-px copy that ingest made where the encoder looks
at no more than that, so that filling another space reads and decodes kilobytes instead of camera files.
"""


@dataclass(frozen=True)
class Described:
    """What identifies a loaded encoder."""

    name: str
    fingerprint: str
    dim: int
    has_text: bool
    logit_scale: float | None
    spec: dict[str, Any]


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
        fingerprint=_space_fingerprint(encoder),
        dim=encoder.dim,
        has_text=encoder.has_text,
        logit_scale=encoder.logit_scale,
        spec=spec,
    )


def _space_fingerprint(encoder: "Encoder") -> str:
    return hashlib.sha256(f"{encoder.fingerprint}/{SOURCE}".encode()).hexdigest()


def encoder_loaded(name: str, fingerprint: str) -> "Encoder":
    """The encoder of a space, warm after the first call.

    Raises:
        SpaceMismatchError: The encoder of this name is no longer the one with this fingerprint.
    """
    encoder = _load(name, device_name())
    if _space_fingerprint(encoder) != fingerprint:
        raise SpaceMismatchError(
            f"{name} is not what filled this space: its weights, preprocessing or decoder changed. "
            "Switch the project to the encoder again, which fills a new space"
        )
    return encoder


def texts_encode(name: str, texts: Sequence[str], *, fingerprint: str) -> Vectors:
    """Unit vectors (B, D) of texts.

    Raises:
        MlError: The encoder sees only images, or is no longer the one with this fingerprint.
    """
    return encoder_loaded(name, fingerprint).encode_texts(texts)


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
    "MlError",
    "class_texts_encode",
    "device_name",
    "encoder_describe",
    "encoder_loaded",
    "texts_encode",
]
