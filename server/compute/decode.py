"""Decoding behind the seam: hostile bytes in, findings out, children that may die in between."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from server.compute.errors import DecodeError


@dataclass(frozen=True)
class Found:
    """A decodable image: upright size, a signed 64-bit perceptual hash, and its renditions by size."""

    format: str
    width: int
    height: int
    perceptual_hash: int
    renditions: dict[int, bytes]


@dataclass(frozen=True)
class Undecodable:
    """Why not: `unsupported_format`, `too_many_pixels`, `truncated`, `corrupt`, `timeout`, `memory` or `crash`."""

    reason: str
    message: str


class Inspect(Protocol):
    """Takes (key, bytes) pairs lazily; yields (key, finding) in order."""

    def __call__(self, images: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Found | Undecodable]]: ...


@contextmanager
def decoders(*, workers: int, max_pixels: int) -> Iterator[Inspect]:
    """Disposable decoders for as long as the block lasts. Nothing that an image does reaches this process."""
    from ml.data.decode import DecodeLimits, DecoderPool

    with DecoderPool(workers=workers, limits=DecodeLimits(max_pixels=max_pixels)) as pool:

        def inspect(images: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Found | Undecodable]]:
            for result in pool.inspect(images):
                key = int(str(result.key))
                if isinstance(result, DecodeError):
                    yield key, Undecodable(result.reason, str(result))
                    continue
                renditions = {rendition.side: rendition.data for rendition in result.renditions}
                yield key, Found(result.format.lower(), result.width, result.height, result.perceptual_hash, renditions)

        yield inspect
