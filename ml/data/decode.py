"""Hostile bytes to findings, in child processes that may die without anybody noticing."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from ml.data.decode_child import LENGTH
from ml.data.decode_rgb import MAX_PIXELS
from ml.data.inspection import Inspected, Rendition
from ml.errors import DecodeError

__all__ = ["DecodeLimits", "DecoderPool", "Inspected", "Rendition"]

_ROOT = Path(__file__).parents[2]
_MAX_HEADER = 64 * 1024
_MAX_BLOB = 64 * 1024 * 1024
_START_S = 60.0


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
        self._command = list(command or (sys.executable, "-m", "ml.data.decode_child"))
        self._workers = max(1, workers)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="decoder")
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        self._children = [_Child(self._command, self._limits) for _ in range(self._workers)]
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
        child = self._idle.get()
        try:
            return replace(child.inspect(data), key=key)
        except DecodeError as error:
            error.key = key
            return error
        finally:
            self._idle.put(child)


class _Child:
    """One decoder process, started when needed and again after it died."""

    def __init__(self, command: list[str], limits: DecodeLimits) -> None:
        self._command = [*command, json.dumps(asdict(limits))]
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0

    def inspect(self, data: bytes) -> Inspected:
        if len(data) > self._limits.max_bytes:
            raise DecodeError(f"{len(data)} bytes are above {self._limits.max_bytes}", reason="memory")
        process = self._running()
        try:
            self._send(process, data)
            header, blobs = self._receive(process, wait_s=self._limits.wall_s)
        except _NoReplyError as error:
            raise self._burial(process, timed_out=error.timed_out) from None
        if "reason" in header:
            raise DecodeError(header["message"], reason=header["reason"])
        return _inspected(header, blobs)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._served >= self._limits.images_per_child or (self._process and self._process.poll() is not None):
            self.kill()
        if self._process is None:
            self._process = self._start()
            self._served = 0
        self._served += 1
        return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=_environment(),
            start_new_session=True,  # an interrupt of the parent is the parent's to handle
        )
        try:
            self._receive(process, wait_s=_START_S)
        except _NoReplyError:
            self._process = process
            self.kill()
            raise DecodeError("no decoder process could be started", reason="crash") from None
        return process

    def _send(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(LENGTH.pack(len(data)))
            process.stdin.write(data)
            process.stdin.flush()
        except OSError as error:
            raise _NoReplyError from error

    def _receive(self, process: subprocess.Popen[bytes], *, wait_s: float) -> tuple[dict[str, Any], list[bytes]]:
        assert process.stdout is not None
        reader = _Reader(process.stdout.fileno(), deadline=time.monotonic() + wait_s)
        size = LENGTH.unpack(reader.read(LENGTH.size))[0]
        if size > _MAX_HEADER:
            raise _NoReplyError
        try:
            header: dict[str, Any] = json.loads(reader.read(size))
            sizes = [int(entry[4]) for entry in header.get("renditions", [])]
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise _NoReplyError from error
        if any(size < 0 for size in sizes) or sum(sizes) > _MAX_BLOB:
            raise _NoReplyError
        return header, [reader.read(size) for size in sizes]

    def _burial(self, process: subprocess.Popen[bytes], *, timed_out: bool) -> DecodeError:
        if not timed_out:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1.0)  # a broken pipe is seen a moment before the exit status
        status = process.poll()
        self.kill()
        if timed_out or status == -signal.SIGXCPU:
            return DecodeError("decoding took too long", reason="timeout")
        if status == -signal.SIGKILL:
            return DecodeError("the decoder was killed, most likely for its memory", reason="memory")
        return DecodeError("the decoder died on this image", reason="crash")


def _environment() -> dict[str, str]:
    """Nothing of ours but what the loader needs: a decoder that was taken over finds no secret here."""
    kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    return {**kept, "PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class _NoReplyError(Exception):
    """The child is dead, silent, or no longer speaks the protocol."""

    def __init__(self, *, timed_out: bool = False) -> None:
        super().__init__()
        self.timed_out = timed_out


class _Reader:
    """Exact reads from a pipe, all before one deadline."""

    def __init__(self, descriptor: int, *, deadline: float) -> None:
        self._descriptor = descriptor
        self._deadline = deadline
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            left = self._deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                raise _NoReplyError(timed_out=True)
            part = os.read(self._descriptor, min(size - len(parts), 1 << 20))
            if not part:
                raise _NoReplyError
            parts += part
        return bytes(parts)


def _inspected(header: dict[str, Any], blobs: list[bytes]) -> Inspected:
    try:
        renditions = tuple(
            Rendition(int(side), int(width), int(height), str(content_type), blob)
            for (side, width, height, content_type, _), blob in zip(header["renditions"], blobs, strict=True)
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
