"""The disposable decoder: `python -m ml.data.decode_child LIMITS` reads images on stdin and writes findings on stdout.

It holds nothing worth stealing and can reach nothing: an empty environment, a cap on memory and processor time, no
core files, and, once its codecs are loaded, no further file or socket. Frames are lengths and JSON, never pickle,
because what it sends back must not be able to harm who reads it.
"""

import contextlib
import io
import json
import resource
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

from PIL import Image

from ml.data.inspection import Inspected, inspect_image
from ml.errors import DecodeError

Inspect = Callable[[bytes], Inspected]

LENGTH = struct.Struct("<Q")


def main(inspect: Inspect | None = None) -> int:
    """Serve until stdin closes."""
    limits = json.loads(sys.argv[1])
    max_pixels, cpu_s = int(limits["max_pixels"]), int(limits["cpu_s"])
    work = inspect or (lambda data: inspect_image(data, max_pixels=max_pixels))
    _load_codecs()
    _seal(memory_bytes=int(limits["memory_bytes"]))
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    _reply(replies, {"ready": True}, [])
    while len(prefix := requests.read(LENGTH.size)) == LENGTH.size:
        data = requests.read(LENGTH.unpack(prefix)[0])
        _allow_cpu(cpu_s)
        _reply(replies, *_answer(work, data))
    return 0


def _answer(work: Inspect, data: bytes) -> tuple[dict[str, object], list[bytes]]:
    try:
        found = work(data)
    except DecodeError as error:
        return {"reason": error.reason, "message": str(error)}, []
    except MemoryError:
        return {"reason": "memory", "message": "the image needs more memory than a decoder may use"}, []
    header = {
        "format": found.format,
        "width": found.width,
        "height": found.height,
        "perceptual_hash": found.perceptual_hash,
        "renditions": [[r.side, r.width, r.height, r.content_type, len(r.data)] for r in found.renditions],
    }
    return header, [r.data for r in found.renditions]


def _reply(replies: BinaryIO, header: dict[str, object], blobs: list[bytes]) -> None:
    text = json.dumps(header).encode()
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


if __name__ == "__main__":
    sys.exit(main())
