"""Encoded bytes to an upright RGB image: the one decoder of Winnow, for the ingest check, renditions and embedding."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from ml.errors import DecodeError

DECODER = "pillow/upright-rgb/draft-4x/1"
"""Part of every fingerprint. Raise the last number when pixels change by more than a cosine of 0.9999 forgives."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000

_UPRIGHT = 1
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class Decoded:
    """An upright RGB image, with the format and the upright size that its bytes declare."""

    image: Image.Image
    format: str
    width: int
    height: int


def sniff_format(data: bytes) -> str | None:
    """Format by magic number; None for anything outside the allow-list. Names and content types are never asked."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    return None


def decode_rgb(data: bytes, *, at_least: int | None = None, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode the first frame.

    Args:
        data: Bytes of a JPEG, PNG, WebP or GIF.
        at_least: A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, as long as its shorter side stays at or above
            this. Decoding less than what a following resize wants to see moves its result.
        max_pixels: Refused above this, before any pixel is decoded.

    Raises:
        DecodeError: with reason `unsupported_format`, `too_many_pixels`, `truncated`, `corrupt` or `memory`.
    """
    kind = sniff_format(data)
    if kind is None:
        raise DecodeError("expected JPEG, PNG, WebP or GIF, got other bytes", reason="unsupported_format")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's bomb warning: `max_pixels` is stricter and raises
            return _decode(data, kind, at_least=at_least, max_pixels=max_pixels)
    except DecodeError:
        raise
    except MemoryError as error:
        raise DecodeError("the image needs more memory than a decoder may use", reason="memory") from error
    except Image.DecompressionBombError as error:
        raise DecodeError(f"more than {max_pixels} pixels", reason="too_many_pixels") from error
    except Exception as error:
        raise _as_decode_error(error, kind, data) from error


def _decode(data: bytes, kind: str, *, at_least: int | None, max_pixels: int) -> Decoded:
    with Image.open(io.BytesIO(data), formats=[kind]) as opened:
        width, height = opened.size
        if width * height > max_pixels:
            raise DecodeError(f"{width} × {height} is above {max_pixels} pixels", reason="too_many_pixels")
        orientation = _orientation(opened)
        if kind == "JPEG":
            _draft(opened, at_least)
        opened.load()
        image = _to_rgb(opened)
    if orientation != _UPRIGHT:
        image = _upright(image, orientation)
        if orientation >= 5:
            width, height = height, width
    return Decoded(image=image, format=kind, width=width, height=height)


def _draft(opened: Image.Image, at_least: int | None) -> None:
    if at_least is None:
        return
    width, height = opened.size
    shorter = min(width, height)
    # Pillow keeps each side at or above what is asked for, so ask for both sides at the scale of the shorter one.
    scale = at_least / shorter
    if scale <= 0.5:
        opened.draft("RGB", (int(width * scale), int(height * scale)))


def _orientation(opened: Image.Image) -> int:
    try:
        value = opened.getexif().get(_ORIENTATION_TAG, _UPRIGHT)
    except Exception:  # noqa: BLE001  a broken EXIF block says nothing about the pixels
        return _UPRIGHT
    return value if isinstance(value, int) and 1 <= value <= 8 else _UPRIGHT


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = orientation
    image.info["exif"] = exif.tobytes()
    upright = ImageOps.exif_transpose(image)
    upright.info.pop("exif", None)
    return upright


def _to_rgb(image: Image.Image) -> Image.Image:
    """RGB; 16-bit grey is scaled to 8 bits (Pillow would clip it), transparency lies on white."""
    if image.mode.startswith("I") or image.mode == "F":
        peak = 65535.0 if image.mode.startswith("I;16") or image.mode == "I" else 255.0
        return image.convert("F").point(lambda value: value * (255.0 / peak)).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", rgba.size, (255, 255, 255))
        white.paste(rgba, mask=rgba)
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _as_decode_error(error: Exception, kind: str, data: bytes) -> DecodeError:
    text = str(error).lower()
    if isinstance(error, EOFError) or "truncated" in text or "unexpected end" in text or _declares_more(kind, data):
        return DecodeError(f"the {kind} file ends too early", reason="truncated")
    if isinstance(error, UnidentifiedImageError):
        return DecodeError(f"the bytes begin like {kind} and are not", reason="corrupt")
    return DecodeError(f"the {kind} file is damaged ({type(error).__name__})", reason="corrupt")


def _declares_more(kind: str, data: bytes) -> bool:
    """WebP says its length at the start, and its decoder does not say what it missed."""
    return kind == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data)
