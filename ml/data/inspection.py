"""What ingest wants to know of one image: size, format, a perceptual hash, and two small copies to show."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ml.data.decode_rgb import decode_rgb

THUMB_SIDE = 256
DISPLAY_SIDE = 1280

_THUMB_LONGEST = 1024  # a panorama keeps its shape without becoming a strip of megabytes
_HASH_SIDE = 32
_HASH_KEPT = 8


@dataclass(frozen=True)
class Rendition:
    """A smaller copy: upright, RGB, JPEG, without any metadata of the original. Never larger than the original."""

    side: int  # 256: the shorter side is at most this; 1280: the longer side is
    width: int
    height: int
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Inspected:
    """A decodable image. `width` and `height` are upright; `perceptual_hash` is a signed 64-bit integer."""

    key: object
    format: str
    width: int
    height: int
    perceptual_hash: int
    renditions: tuple[Rendition, ...]


def inspect_image(data: bytes, *, max_pixels: int) -> Inspected:
    """Decode once, to everything that ingest stores.

    Raises:
        DecodeError: As `decode_rgb`.
    """
    # JPEGs of twice 2560 px and more decode at half size or less: nothing below needs the rest of the pixels.
    decoded = decode_rgb(data, at_least=2 * DISPLAY_SIDE, max_pixels=max_pixels)
    image = decoded.image
    display = _fitted(image, longest=DISPLAY_SIDE)
    shorter = min(display.size)
    ratio = THUMB_SIDE / shorter if shorter > THUMB_SIDE else 1.0
    thumb = _fitted(display, longest=min(_THUMB_LONGEST, round(max(display.size) * ratio)))
    return Inspected(
        key=None,
        format=decoded.format,
        width=decoded.width,
        height=decoded.height,
        perceptual_hash=perceptual_hash(thumb),
        renditions=(
            _rendition(thumb, side=THUMB_SIDE, quality=90),
            _rendition(display, side=DISPLAY_SIDE, quality=87),
        ),
    )


def perceptual_hash(image: Image.Image) -> int:
    """Sign of 64 low frequencies against their median, as a signed 64-bit integer.

    Copies of a picture (resized, recompressed, slightly brightened) differ in a few bits, other pictures in about
    half of them.

    Reference:
        Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2: DCT of a
        32 × 32 grey copy, its 8 × 8 lowest frequencies. Differs: the constant term takes no part in the median.
    """
    grey = image.convert("L").resize((_HASH_SIDE, _HASH_SIDE), Image.Resampling.BOX)
    low = np.round(_DCT @ np.asarray(grey, np.float64) @ _DCT.T, 3)  # a flat picture has no signs in its rounding noise
    bits = (low > np.median(low.ravel()[1:])).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


def hamming(one: int, other: int) -> int:
    """Number of bits in which two perceptual hashes differ, 0 to 64."""
    return ((one ^ other) & (2**64 - 1)).bit_count()


def _fitted(image: Image.Image, *, longest: int) -> Image.Image:
    if max(image.size) <= longest:
        return image
    scale = longest / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _rendition(image: Image.Image, *, side: int, quality: int) -> Rendition:
    bare = image.copy()
    bare.info = {}  # Pillow would copy comments and profiles of the original into the new file
    buffer = io.BytesIO()
    # WebP is a quarter smaller and takes more than ten times as long to write: ingest would wait for it.
    bare.save(buffer, "JPEG", quality=quality)
    return Rendition(side, image.width, image.height, "image/jpeg", buffer.getvalue())


_DCT = np.cos(np.pi / _HASH_SIDE * (np.arange(_HASH_SIDE) + 0.5) * np.arange(_HASH_KEPT)[:, None])
