"""A stream of encoded images to batches of pixels, decoded by disposable processes into shared memory."""

import mmap
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import numpy as np

from ml.data.child import Child
from ml.data.decode import DecodeLimits
from ml.data.pixel_child import pack_request
from ml.data.preprocess import Pixels, Preprocessing
from ml.errors import DecodeError

Item = tuple[object, bytes]

_SLOTS = 4  # one being written, one waiting, one with the consumer, one on its way to a device
_CHUNK = 16


@dataclass(frozen=True)
class PixelBatch:
    """Preprocessed images of one batch, uint8 (B, H, W, 3), in order, and those that could not be decoded.

    `pixels` lies in shared memory and holds until three more batches were taken: use it or copy it before.
    """

    keys: list[object]
    pixels: Pixels
    failures: list[DecodeError]


class PixelPipeline:
    """Decoder processes and their shared memory. Keep one for many calls: starting processes costs a second.

    A decoder that dies on an image is replaced; its chunk is halved until the image is alone, and that image alone
    is reported. One consumer at a time.
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        *,
        batch_size: int,
        workers: int = 2,
        limits: DecodeLimits | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._limits = limits or DecodeLimits()
        self._batch_size = batch_size
        self._workers = max(1, workers)
        rows = _SLOTS * batch_size
        self._descriptor = os.memfd_create("winnow-pixels")
        os.ftruncate(self._descriptor, rows * preprocessing.bytes_a_row)
        self._memory = mmap.mmap(self._descriptor, rows * preprocessing.bytes_a_row)
        self.memory: Pixels = np.frombuffer(self._memory, np.uint8).reshape(rows, *preprocessing.size, 3)
        config = {
            "descriptor": self._descriptor,
            "rows": rows,
            "preprocessing": preprocessing.as_dict(),
            "max_pixels": self._limits.max_pixels,
            "memory_bytes": self._limits.memory_bytes,
            "cpu_s": self._limits.cpu_s,
        }
        command = command or (sys.executable, "-m", "ml.data.pixel_child")
        share = max(1, self._limits.images_per_child // _CHUNK)
        fds = (self._descriptor,)
        self._children = [Child(command, config, requests=share, pass_fds=fds) for _ in range(self._workers)]
        self._idle: SimpleQueue[Child] = SimpleQueue()
        for child in self._children:
            self._idle.put(child)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="pixels")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def process_ids(self) -> list[int]:
        """Ids of the decoder processes that run now."""
        return [pid for child in self._children if (pid := child.process_id) is not None]

    def close(self) -> None:
        """End the processes. Safe to call twice."""
        for child in self._children:
            child.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for child in self._children:
            child.kill()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def batches(self, items: Iterable[Item]) -> Iterator[PixelBatch]:
        """Decode in order.

        Args:
            items: Pairs of a key and encoded bytes, read one batch at a time.

        Yields:
            Batches of at most `batch_size` images. A batch whose images all failed has no pixels and is still given,
            so that the failures are heard of.
        """
        stream = iter(items)
        slot = 0
        while batch := list(islice(stream, self._batch_size)):
            yield self._decode(batch, first_row=slot * self._batch_size)
            slot = (slot + 1) % _SLOTS

    def _decode(self, batch: list[Item], *, first_row: int) -> PixelBatch:
        rows = [(first_row + offset, data) for offset, (_, data) in enumerate(batch)]
        size = max(1, min(_CHUNK, -(-len(rows) // (2 * self._workers))))
        chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
        failed = {row: error for part in self._threads.map(self._decode_chunk, chunks) for row, error in part}
        for row, error in failed.items():
            error.key = batch[row - first_row][0]
        pixels = self.memory[first_row : first_row + len(rows)]
        if failed:
            kept = [row for row, _ in rows if row not in failed]
            pixels = self.memory[kept]
        keys = [key for offset, (key, _) in enumerate(batch) if first_row + offset not in failed]
        return PixelBatch(keys=keys, pixels=pixels, failures=[failed[row] for row in sorted(failed)])

    def _decode_chunk(self, chunk: list[tuple[int, bytes]]) -> list[tuple[int, DecodeError]]:
        child = self._idle.get()
        try:
            header, _ = child.ask(pack_request(chunk), wall_s=self._limits.wall_s)
            return [(int(row), DecodeError(str(text), reason=str(reason))) for row, reason, text in header["failed"]]
        except DecodeError as error:
            died = error
        finally:
            self._idle.put(child)
        if len(chunk) == 1:
            return [(chunk[0][0], died)]
        half = len(chunk) // 2
        return self._decode_chunk(chunk[:half]) + self._decode_chunk(chunk[half:])
