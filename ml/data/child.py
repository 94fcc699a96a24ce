"""A helper process that may die: started when needed, asked with a deadline, buried with a reason."""

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.errors import DecodeError

LENGTH = struct.Struct("<Q")

_ROOT = Path(__file__).parents[2]
_MAX_HEADER = 1024 * 1024
_MAX_BLOB = 64 * 1024 * 1024
_START_S = 60.0


class Child:
    """One process that answers frames on its standard streams; it is started on first use and again after a death.

    A frame is a length, JSON, and (in answers) the blobs whose sizes the JSON lists under `blobs`. Never pickle: the
    process reads hostile bytes, and what a captured one sends back must not be able to harm who reads it.
    """

    def __init__(
        self, command: Sequence[str], config: dict[str, Any], *, requests: int, pass_fds: Sequence[int] = ()
    ) -> None:
        self._command = [*command, json.dumps(config)]
        self._requests = requests
        self._pass_fds = tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | None = None
        self._served = 0

    def ask(self, payload: bytes, *, wall_s: float) -> tuple[dict[str, Any], list[bytes]]:
        """Send one request and wait for its answer.

        Raises:
            DecodeError: The process died or was silent too long: reason `timeout`, `memory` or `crash`.
        """
        process = self._running()
        try:
            self._send(process, payload)
            return _receive(process, wait_s=wall_s)
        except _NoReplyError as error:
            raise self._burial(process, timed_out=error.timed_out) from None

    @property
    def process_id(self) -> int | None:
        """Id of the running process; None before the first request and after a death."""
        return self._process.pid if self._process else None

    def kill(self) -> None:
        """End the process, if there is one."""
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
        if self._served >= self._requests or (self._process and self._process.poll() is not None):
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
            pass_fds=self._pass_fds,
            start_new_session=True,  # an interrupt of the parent is the parent's to handle
        )
        try:
            _receive(process, wait_s=_START_S)
        except _NoReplyError:
            self._process = process
            self.kill()
            raise DecodeError("no decoder process could be started", reason="crash") from None
        return process

    def _send(self, process: subprocess.Popen[bytes], payload: bytes) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(LENGTH.pack(len(payload)))
            process.stdin.write(payload)
            process.stdin.flush()
        except OSError as error:
            raise _NoReplyError from error

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


class _NoReplyError(Exception):
    """The child is dead, silent, or no longer speaks the protocol."""

    def __init__(self, *, timed_out: bool = False) -> None:
        super().__init__()
        self.timed_out = timed_out


def _receive(process: subprocess.Popen[bytes], *, wait_s: float) -> tuple[dict[str, Any], list[bytes]]:
    assert process.stdout is not None
    reader = _Reader(process.stdout.fileno(), deadline=time.monotonic() + wait_s)
    size = LENGTH.unpack(reader.read(LENGTH.size))[0]
    if size > _MAX_HEADER:
        raise _NoReplyError
    try:
        header: dict[str, Any] = json.loads(reader.read(size))
        sizes = [int(size) for size in header["blobs"]]
    except (ValueError, TypeError, LookupError) as error:
        raise _NoReplyError from error
    if any(size < 0 for size in sizes) or sum(sizes) > _MAX_BLOB:
        raise _NoReplyError
    return header, [reader.read(size) for size in sizes]


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


def _environment() -> dict[str, str]:
    """Nothing of ours but what the loader needs: a decoder that was taken over finds no secret here."""
    kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    path = os.pathsep.join([str(_ROOT), *(entry for entry in sys.path if entry)])
    return {**kept, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
