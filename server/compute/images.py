"""Images across the seam: encoded bytes in, unit vectors out. Decoders and model stay warm in the worker's process."""

import atexit
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.compute.encoders import Vectors, encoder_loaded

if TYPE_CHECKING:
    from ml.encoders import Encoder
    from ml.encoders.stream import EncodingPipeline

DECODERS = max(1, min(16, os.cpu_count() or 1))
SHARD_SIDE = 256
_warm: dict[str, "EncodingPipeline"] = {}


@dataclass(frozen=True)
class Encoded:
    """Unit vectors float32 (B, D) of the images `ids`, in order; of the others, (reason, message)."""

    ids: list[int]
    vectors: Vectors
    failures: dict[int, tuple[str, str]]


def shard_suffices(name: str, *, fingerprint: str) -> bool:
    """Whether the encoder looks at no more pixels than the 256-px copy of an image has.

    Raises:
        SpaceMismatchError: The encoder of this name is no longer the one with this fingerprint.
    """
    return max(encoder_loaded(name, fingerprint).preprocessing.resize_to) <= SHARD_SIDE


def images_encode(name: str, images: Iterable[tuple[int, bytes]], *, fingerprint: str) -> Iterator[Encoded]:
    """Encode (id, encoded bytes) pairs, read a few batches ahead. What cannot be encoded is named and stops nothing.

    Raises:
        SpaceMismatchError: The encoder of this name is no longer the one with this fingerprint.
    """
    encoder = encoder_loaded(name, fingerprint)
    for batch in _pipeline(encoder).encode(images):
        failures = {int(str(error.key)): (error.reason, str(error)) for error in batch.failures}
        yield Encoded([int(str(key)) for key in batch.keys], batch.vectors, failures)


def _pipeline(encoder: "Encoder") -> "EncodingPipeline":
    """One set of decoder processes, for the encoder in use. They end with this process."""
    if encoder.fingerprint not in _warm:
        from ml.encoders.stream import EncodingPipeline

        close_decoders()
        _warm[encoder.fingerprint] = EncodingPipeline(encoder, workers=DECODERS)
    return _warm[encoder.fingerprint]


@atexit.register
def close_decoders() -> None:
    """End the decoder processes, if any; the next image starts new ones."""
    while _warm:
        _warm.popitem()[1].close()
