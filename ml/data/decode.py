"""Hostile bytes to findings, in child processes that may die without anybody noticing."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from ml.data.child import Child
from ml.data.decode_rgb import MAX_PIXELS
from ml.data.inspection import Inspected, Rendition
from ml.errors import DecodeError

__all__ = ["DecodeLimits", "DecoderPool", "Inspected", "Rendition"]


@dataclass(frozen=True)
class DecodeLimits:
    """What one image may cost before it is given up."""

    max_pixels: int = MAX_PIXELS
    max_bytes: int = 256 * 1024 * 1024
    memory_bytes: int = 1024**3
    cpu_s: int = 10
    wall_s: float = 20.0
    images_per_child: int = 5000  # a codec that leaks does so within these


class DecoderPool:
    """Disposable decoders. A child that dies takes one image with it and is replaced before the next.

    `with DecoderPool(workers=2) as pool:` starts children on first use; the pool may be used from one thread.
    """

    def __init__(
        self, *, workers: int = 2, limits: DecodeLimits | None = None, command: Sequence[str] | None = None
    ) -> None:
        self._limits = limits or DecodeLimits()
        command = command or (sys.executable, "-m", "ml.data.decode_child")
        self._workers = max(1, workers)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="decoder")
        self._idle: SimpleQueue[Child] = SimpleQueue()
        config, share = asdict(self._limits), self._limits.images_per_child
        self._children = [Child(command, config, requests=share) for _ in range(self._workers)]
        for child in self._children:
            self._idle.put(child)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End every child. Safe to call twice."""
        for child in self._children:
            child.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for child in self._children:
            child.kill()

    def inspect(self, images: Iterable[tuple[object, bytes]]) -> Iterator[Inspected | DecodeError]:
        """Decode, measure and shrink images.

        Args:
            images: Pairs of a key of the caller's choice and encoded bytes. Read lazily, a few ahead of the results.

        Yields:
            For each image, in order, an `Inspected` or a `DecodeError` (not raised). Both carry the `key`; the error
            has a `reason` of `unsupported_format`, `too_many_pixels`, `truncated`, `corrupt`, `timeout`, `memory` or
            `crash`.
        """
        pending: deque[Future[Inspected | DecodeError]] = deque()
        try:
            for key, data in images:
                pending.append(self._threads.submit(self._inspect_one, key, data))
                if len(pending) > 2 * self._workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

    def _inspect_one(self, key: object, data: bytes) -> Inspected | DecodeError:
        if len(data) > self._limits.max_bytes:
            return DecodeError(f"{len(data)} bytes are above {self._limits.max_bytes}", reason="memory", key=key)
        child = self._idle.get()
        try:
            header, blobs = child.ask(data, wall_s=self._limits.wall_s)
            return replace(_inspected(header, blobs), key=key)
        except DecodeError as error:
            error.key = key
            return error
        finally:
            self._idle.put(child)


def _inspected(header: dict[str, Any], blobs: list[bytes]) -> Inspected:
    if "reason" in header:
        raise DecodeError(str(header.get("message")), reason=str(header["reason"]))
    try:
        renditions = tuple(
            Rendition(int(side), int(width), int(height), str(content_type), blob)
            for (side, width, height, content_type), blob in zip(header["renditions"], blobs, strict=True)
        )
        return Inspected(
            key=None,
            format=str(header["format"]),
            width=int(header["width"]),
            height=int(header["height"]),
            perceptual_hash=int(header["perceptual_hash"]),
            renditions=renditions,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise DecodeError("the decoder answered nonsense", reason="crash") from error
