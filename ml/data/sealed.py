"""The inside of a helper process: serve frames with nothing at hand that a hostile image could use.

An empty environment, caps on memory and processor time, no core files, and, once its codecs are loaded, no further
file or socket.
"""

import contextlib
import io
import json
import resource
import sys
from collections.abc import Callable

from PIL import Image

from ml.data.child import LENGTH
from ml.data.inspection import inspect_image
from ml.errors import DecodeError

Answer = Callable[[bytes], tuple[dict[str, object], list[bytes]]]


def serve(answer: Answer, *, memory_bytes: int, cpu_s: int) -> int:
    """Answer frames until stdin closes."""
    _load_codecs()
    _seal(memory_bytes=memory_bytes)
    _reply({"ready": True}, [])
    requests = sys.stdin.buffer
    while len(prefix := requests.read(LENGTH.size)) == LENGTH.size:
        data = requests.read(LENGTH.unpack(prefix)[0])
        _allow_cpu(cpu_s)
        _reply(*answer(data))
    return 0


def _reply(header: dict[str, object], blobs: list[bytes]) -> None:
    text = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}).encode()
    replies = sys.stdout.buffer
    replies.write(LENGTH.pack(len(text)) + text)
    for blob in blobs:
        replies.write(blob)
    replies.flush()


def _load_codecs() -> None:
    """Decode and encode once in every format: after the seal nothing can be imported any more."""
    for kind in ("PNG", "GIF", "WEBP", "JPEG"):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, kind)
        inspect_image(buffer.getvalue(), max_pixels=64)
    with contextlib.suppress(DecodeError):
        inspect_image(b"", max_pixels=64)
    Image.new("P", (8, 8)).convert("RGBA")


def _seal(*, memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # stdin, stdout, stderr: no number is left for a new one
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _allow_cpu(seconds: int) -> None:
    """The limit is one of the whole process, so it moves ahead of what was used; crossing it kills with SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))
