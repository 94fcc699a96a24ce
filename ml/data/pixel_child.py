"""The decoder of the embedding pipeline: `python -m ml.data.pixel_child CONFIG` turns bytes into rows of pixels.

Pixels go straight into memory shared with the parent; only the list of what failed travels back.
"""

import json
import mmap
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ml.data.child import LENGTH
from ml.data.decode_rgb import decode_rgb
from ml.data.preprocess import Pixels, Preprocessing, to_pixels
from ml.data.sealed import serve
from ml.errors import DecodeError

Decode = Callable[[bytes], Pixels]


def main(decode: Decode | None = None) -> int:
    """Serve until stdin closes."""
    config = json.loads(sys.argv[1])
    preprocessing = Preprocessing.from_dict(config["preprocessing"])
    descriptor, rows = int(config["descriptor"]), int(config["rows"])
    shape = (rows, *preprocessing.size, 3)
    shared = mmap.mmap(descriptor, rows * preprocessing.bytes_a_row)
    os.close(descriptor)
    pixels = np.frombuffer(shared, np.uint8).reshape(shape)
    at_least, max_pixels = preprocessing.decode_at_least, int(config["max_pixels"])

    def here(data: bytes) -> Pixels:
        return to_pixels(decode_rgb(data, at_least=at_least, max_pixels=max_pixels).image, preprocessing)

    memory = int(config["memory_bytes"]) + rows * preprocessing.bytes_a_row
    return serve(lambda data: _answer(decode or here, data, pixels), memory_bytes=memory, cpu_s=int(config["cpu_s"]))


def _answer(decode: Decode, payload: bytes, pixels: Pixels) -> tuple[dict[str, object], list[bytes]]:
    failed = []
    for row, data in unpack_request(payload):
        try:
            pixels[row] = decode(data)
        except DecodeError as error:
            failed.append([row, error.reason, str(error)])
        except MemoryError:
            failed.append([row, "memory", "the image needs more memory than a decoder may use"])
    return {"failed": failed}, []


def pack_request(images: list[tuple[int, bytes]]) -> bytes:
    """Rows and the bytes that belong into them, as one payload."""
    head = json.dumps([[row, len(data)] for row, data in images]).encode()
    return b"".join([LENGTH.pack(len(head)), head, *(data for _, data in images)])


def unpack_request(payload: bytes) -> list[tuple[int, bytes]]:
    """The inverse of `pack_request`."""
    at = LENGTH.size + LENGTH.unpack_from(payload)[0]
    entries: list[Any] = json.loads(payload[LENGTH.size : at])
    images = []
    for row, size in entries:
        images.append((row, payload[at : at + size]))
        at += size
    return images


if __name__ == "__main__":
    sys.exit(main())
