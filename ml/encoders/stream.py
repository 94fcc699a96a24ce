"""Encoded images in, unit vectors out, as fast as the machine can: decode, forward and collect in one stream."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from ml.data.decode import DecodeLimits
from ml.data.pipeline import Item, PixelBatch, PixelPipeline
from ml.data.preprocess import Pixels
from ml.encoders.forward import Vectors
from ml.errors import DecodeError

if TYPE_CHECKING:
    from ml.encoders.encoder import Encoder

_CPU_BURST = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EncodedBatch:
    """Vectors float32 (B, D) of unit norm for the images named by `keys`, in order, and the images that have none.

    A failure carries its `key` and a `reason`: those of `decode_rgb`, `timeout`, `memory` or `crash` of its decoder,
    or `forward` where the encoder gave no numbers.
    """

    keys: list[object]
    vectors: Vectors
    failures: list[DecodeError]


class EncodingPipeline:
    """Decoder processes beside one encoder. Keep one for many calls; used by one thread at a time.

    On a GPU decoding runs ahead of the forward. On a processor both want the same cores, and decoding during the
    forward makes every one of its parallel loops wait for the core that was taken: there they take turns.
    """

    def __init__(
        self,
        encoder: "Encoder",
        *,
        workers: int = 2,
        batch_size: int | None = None,
        limits: DecodeLimits | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._encoder = encoder
        self._ahead = encoder.device.type != "cpu"
        forward = encoder.forward
        if batch_size is not None:
            forward.batch_size = batch_size
        size = forward.batch_size if self._ahead else _CPU_BURST * forward.batch_size
        self._pixels = PixelPipeline(
            encoder.preprocessing, batch_size=size, workers=workers, limits=limits, command=command
        )
        self._pinned = encoder.device.type == "cuda" and _pin(self._pixels.memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def process_ids(self) -> list[int]:
        """Ids of the decoder processes that run now."""
        return self._pixels.process_ids

    def close(self) -> None:
        """End the decoder processes. Safe to call twice."""
        if self._pinned:
            torch.cuda.cudart().cudaHostUnregister(self._pixels.memory.ctypes.data)  # type: ignore[no-untyped-call]
            self._pinned = False
        self._pixels.close()

    def encode(self, items: Iterable[Item]) -> Iterator[EncodedBatch]:
        """Encode in order.

        Args:
            items: Pairs of a key and encoded bytes, read a few batches ahead.

        Yields:
            One `EncodedBatch` a batch. No image raises: what cannot be encoded is in `failures`.
        """
        batches = self._pixels.batches(items)
        for batch in _ahead_of_use(batches) if self._ahead else batches:
            yield self._encoded(batch)

    def _encoded(self, batch: PixelBatch) -> EncodedBatch:
        vectors = self._vectors(batch.pixels)
        if np.isfinite(vectors).all():
            return EncodedBatch(batch.keys, vectors, batch.failures)
        finite = [bool(np.isfinite(vector).all()) for vector in vectors]
        poisoned = [key for key, fine in zip(batch.keys, finite, strict=True) if not fine]
        failures = [DecodeError("the encoder gave no numbers", reason="forward", key=key) for key in poisoned]
        keys = [key for key, fine in zip(batch.keys, finite, strict=True) if fine]
        return EncodedBatch(keys, vectors[finite], batch.failures + failures)

    def _vectors(self, pixels: Pixels) -> Vectors:
        """Vectors with rows of NaN for images on which the forward fails: the batch is halved until they are alone."""
        if not len(pixels):
            return np.empty((0, self._encoder.dim), np.float32)
        try:
            return self._encoder.forward.vectors(pixels)
        except RuntimeError as error:
            if len(pixels) == 1:
                _log.warning("forward_failed", extra={"error": str(error)})
                return np.full((1, self._encoder.dim), np.nan, np.float32)
        half = len(pixels) // 2
        return np.concatenate([self._vectors(pixels[:half]), self._vectors(pixels[half:])])


def _pin(memory: Pixels) -> bool:
    """Tell the GPU driver that this memory never moves, so that copies from it need no detour and no waiting."""
    runtime = torch.cuda.cudart()  # type: ignore[no-untyped-call]
    status = runtime.cudaHostRegister(memory.ctypes.data, memory.nbytes, 0)
    if int(status) != 0:
        _log.warning("pixels_not_pinned", extra={"status": int(status)})
    return int(status) == 0


def _ahead_of_use(batches: Iterator[PixelBatch]) -> Iterator[PixelBatch]:
    """The same batches, with the next one already being made while one is in use."""
    ready: Queue[PixelBatch | BaseException | None] = Queue(maxsize=1)
    stop = Event()

    def put(thing: PixelBatch | BaseException | None) -> None:
        while not stop.is_set():
            with contextlib.suppress(Full):
                ready.put(thing, timeout=0.1)
                return

    def produce() -> None:
        try:
            for batch in batches:
                put(batch)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  raised again where the batches are used
            put(error)

    thread = Thread(target=produce, name="pixels-ahead", daemon=True)
    thread.start()
    try:
        while (thing := ready.get()) is not None:
            if isinstance(thing, BaseException):
                raise thing
            yield thing
    finally:
        stop.set()
        with contextlib.suppress(Empty):
            ready.get_nowait()
        thread.join()
