"""One decoder: what it accepts, what it refuses, and that what it gives is upright RGB."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from ml.data.decode_rgb import decode_rgb, sniff_format
from ml.errors import DecodeError

from .pictures import encoded, gif_that_claims, jpeg_that_claims, picture, png_chunk, png_that_claims

KINDS = ("JPEG", "PNG", "WEBP", "GIF")

# What was done to an upright picture so that a camera would tag it with this orientation.
UNDO = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_allowed_format_becomes_rgb_of_its_size(kind):
    decoded = decode_rgb(encoded(picture(), kind))
    assert (decoded.format, decoded.width, decoded.height) == (kind, 120, 90)
    assert (decoded.image.mode, decoded.image.size) == ("RGB", (120, 90))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_orientation_comes_out_upright(kind, orientation):
    upright = picture(48, 32)
    stored = upright if UNDO[orientation] is None else upright.transpose(UNDO[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    decoded = decode_rgb(encoded(stored, kind, exif=exif.tobytes(), **options))
    assert (decoded.width, decoded.height) == (48, 32)
    difference = np.abs(np.asarray(decoded.image, int) - np.asarray(upright, int))
    assert difference.max() <= (8 if kind == "JPEG" else 0)


def test_orientation_agrees_with_what_pillow_shows():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture(48, 32), "PNG", exif=exif.tobytes())
    with Image.open(io.BytesIO(data)) as opened:
        shown = ImageOps.exif_transpose(opened)
    assert np.array_equal(np.asarray(decode_rgb(data).image), np.asarray(shown))


def test_sixteen_bit_grey_keeps_its_range():
    ramp = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    values = np.asarray(decode_rgb(encoded(Image.fromarray(ramp), "PNG")).image)[..., 0]
    assert np.abs(values.astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


def test_cmyk_is_not_inverted():
    red = decode_rgb(encoded(Image.new("RGB", (16, 16), (220, 20, 20)).convert("CMYK"), "JPEG")).image
    r, g, b = np.asarray(red)[8, 8].astype(int)
    assert r > 180
    assert max(g, b) < 80


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_on_white(mode):
    clear = decode_rgb(encoded(Image.new(mode, (8, 8), 0), "PNG")).image
    assert np.asarray(clear).min() == 255


def test_a_palette_with_a_clear_colour_lies_on_white():
    image = Image.new("P", (8, 8), 3)
    image.putpalette([0, 0, 0] * 256)
    decoded = decode_rgb(encoded(image, "PNG", transparency=3))
    assert np.asarray(decoded.image).min() == 255


def test_only_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (16, 16), (i * 2, 200, 0)) for i in range(100)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(decode_rgb(data).image)[0, 0].tolist() == [0, 200, 0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM" + bytes(100),
        b"II*\x00" + bytes(100),
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"SIMPLE  =                    T",
    ],
)
def test_everything_else_is_refused_whatever_it_is_called(data):
    assert sniff_format(data) is None
    with pytest.raises(DecodeError) as refused:
        decode_rgb(data)
    assert refused.value.reason == "unsupported_format"


@pytest.mark.parametrize(
    "data",
    [
        png_that_claims(65_500, 65_500),
        png_that_claims(1, 2**31 - 1),
        jpeg_that_claims(30_000, 30_000),
        gif_that_claims(65_535, 65_535),
    ],
)
def test_a_picture_of_too_many_pixels_is_refused_before_any_is_decoded(data):
    with pytest.raises(DecodeError) as refused:
        decode_rgb(data)
    assert refused.value.reason == "too_many_pixels"


def test_the_pixel_cap_is_the_callers():
    data = encoded(picture(20, 10), "PNG")
    assert decode_rgb(data, max_pixels=200).width == 20
    with pytest.raises(DecodeError, match="20 × 10"):
        decode_rgb(data, max_pixels=199)


def test_a_text_chunk_that_unpacks_to_gigabytes_is_refused():
    bomb = png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(80_000_000)))
    with pytest.raises(DecodeError) as refused:
        decode_rgb(png_that_claims(8, 8, extra=bomb))
    assert refused.value.reason == "corrupt"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_is_decoded_or_named_damaged(kind):
    data = encoded(picture(160, 120), kind)
    reasons = set()
    for percent in range(100):
        try:
            decode_rgb(data[: len(data) * percent // 100])
        except DecodeError as error:
            reasons.add(error.reason)
    assert "truncated" in reasons
    assert reasons <= {"truncated", "corrupt", "unsupported_format"}


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_never_raise_anything_but_a_decode_error(kind):
    rng = np.random.default_rng(1)
    clean = np.frombuffer(encoded(picture(64, 48), kind), np.uint8)
    reasons = set()
    for _ in range(150):
        dirty = clean.copy()
        places = rng.integers(12, len(dirty), 6)
        dirty[places] = rng.integers(0, 256, 6)
        try:
            decode_rgb(dirty.tobytes(), max_pixels=1_000_000)
        except DecodeError as error:
            reasons.add(error.reason)
    assert reasons <= {"truncated", "corrupt", "too_many_pixels"}


def test_a_broken_exif_block_costs_only_the_orientation():
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f\xff\xff")
    assert decode_rgb(data).width == 120


def test_a_large_jpeg_is_shrunk_on_load_but_stays_at_or_above_what_is_asked_for():
    data = encoded(picture(2000, 1500), "JPEG")
    assert decode_rgb(data).image.size == (2000, 1500)
    shrunk = decode_rgb(data, at_least=448)
    assert shrunk.image.size == (1000, 750)  # a quarter would leave 375
    assert (shrunk.width, shrunk.height) == (2000, 1500)
