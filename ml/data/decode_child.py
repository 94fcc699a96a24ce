"""The disposable decoder of ingest: `python -m ml.data.decode_child LIMITS` turns bytes into findings."""

import json
import sys
from collections.abc import Callable

from ml.data.inspection import Inspected, inspect_image
from ml.data.sealed import serve
from ml.errors import DecodeError

Inspect = Callable[[bytes], Inspected]


def main(inspect: Inspect | None = None) -> int:
    """Serve until stdin closes."""
    limits = json.loads(sys.argv[1])
    max_pixels = int(limits["max_pixels"])
    work = inspect or (lambda data: inspect_image(data, max_pixels=max_pixels))
    return serve(lambda data: _answer(work, data), memory_bytes=int(limits["memory_bytes"]), cpu_s=int(limits["cpu_s"]))


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
        "renditions": [[r.side, r.width, r.height, r.content_type] for r in found.renditions],
    }
    return header, [r.data for r in found.renditions]


if __name__ == "__main__":
    sys.exit(main())
