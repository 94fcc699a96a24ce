"""Disposable decoders: one bad file costs one image, never a neighbour, never a worker."""

import sys

import numpy as np
import pytest

from ml.data.decode import DecodeLimits, DecoderPool, Inspected
from ml.data.decode_rgb import decode_rgb
from ml.errors import DecodeError

from .pictures import encoded, jpeg_of_many_scans, picture, png_that_claims

# A child that behaves like the real one but obeys a few words, as a codec with a hole would obey crafted bytes.
OBEDIENT = """
import ctypes, os, socket, sys, time
from ml.data import decode_child
from ml.data.inspection import inspect_image
from ml.errors import DecodeError

def obey(data):
    if data == b"segfault": ctypes.string_at(0)
    if data == b"abort": os.abort()
    if data == b"hang": time.sleep(60)
    if data == b"spin":
        while True: pass
    if data == b"eat": bytearray(8 * 1024**3)
    if data == b"babble": os.write(1, b"x" * 4096)
    if data == b"killed": os.kill(os.getpid(), 9)
    if data == b"environment": raise DecodeError(",".join(sorted(os.environ)), reason="corrupt")
    if data in (b"file", b"socket"):
        try:
            open("/etc/passwd") if data == b"file" else socket.socket()
        except OSError as error:
            raise DecodeError(error.strerror, reason="corrupt")
    return inspect_image(data, max_pixels=10**6)

sys.exit(decode_child.main(obey))
"""


@pytest.fixture(scope="module")
def pool():
    with DecoderPool(workers=1) as pool:
        yield pool


@pytest.fixture
def obedient():
    limits = DecodeLimits(cpu_s=1, wall_s=3.0, memory_bytes=1024**3)
    with DecoderPool(workers=1, limits=limits, command=[sys.executable, "-c", OBEDIENT]) as pool:
        yield pool


GOOD = encoded(picture(), "PNG")


def test_results_come_in_order_each_with_its_key():
    images = [(f"image {i}", encoded(picture(20 + i, 20), "PNG")) for i in range(12)]
    with DecoderPool(workers=2) as two:
        found = list(two.inspect(images))
    assert [r.key for r in found] == [key for key, _ in images]
    assert [r.width for r in found] == list(range(20, 32))


def test_an_image_is_described_and_shrunk(pool):
    (found,) = pool.inspect([("a", encoded(picture(3000, 2000), "JPEG"))])
    assert (found.format, found.width, found.height) == ("JPEG", 3000, 2000)
    thumb, display = found.renditions
    assert (thumb.side, thumb.width, thumb.height) == (256, 384, 256)
    assert (display.side, display.width, display.height) == (1280, 1280, 853)
    for rendition in found.renditions:
        shown = decode_rgb(rendition.data)
        assert (shown.width, shown.height) == (rendition.width, rendition.height)
        assert rendition.content_type == "image/jpeg"
        assert shown.format == "JPEG"


def test_a_small_image_is_never_enlarged(pool):
    (found,) = pool.inspect([("a", encoded(picture(64, 64), "PNG"))])
    assert [(r.width, r.height) for r in found.renditions] == [(64, 64), (64, 64)]


def test_renditions_carry_nothing_of_the_originals_metadata(pool):
    from PIL import Image

    exif = Image.Exif()
    exif[0x010E] = "taken at my house"
    data = encoded(picture(), "JPEG", exif=exif.tobytes(), comment=b"secret comment", icc_profile=b"secret profile" * 9)
    assert b"secret comment" in data
    (found,) = pool.inspect([("a", data)])
    for rendition in found.renditions:
        assert b"secret" not in rendition.data
        assert b"house" not in rendition.data
        assert b"Exif" not in rendition.data


def test_one_bad_file_leaves_its_neighbours_alone(pool):
    jpeg = encoded(picture(400, 300), "JPEG")
    images = [
        ("good", GOOD),
        ("html", b"<html>"),
        ("cut", jpeg[: len(jpeg) // 2]),
        ("bomb", png_that_claims(60_000, 60_000)),
    ]
    found = list(pool.inspect([*images, ("again", GOOD)]))
    assert [getattr(r, "reason", "decoded") for r in found] == [
        "decoded",
        "unsupported_format",
        "truncated",
        "too_many_pixels",
        "decoded",
    ]
    assert [r.key for r in found] == ["good", "html", "cut", "bomb", "again"]


@pytest.mark.parametrize(
    ("crafted", "reason"),
    [
        (b"segfault", "crash"),
        (b"abort", "crash"),
        (b"hang", "timeout"),
        (b"spin", "timeout"),
        (b"eat", "memory"),
        (b"killed", "memory"),
        (b"babble", "crash"),
    ],
)
def test_a_decoder_that_dies_takes_one_image_with_it(obedient, crafted, reason):
    found = list(obedient.inspect([("before", GOOD), ("crafted", crafted), ("after", GOOD)]))
    assert isinstance(found[0], Inspected)
    assert isinstance(found[1], DecodeError)
    assert (found[1].key, found[1].reason) == ("crafted", reason)
    assert isinstance(found[2], Inspected)
    assert found[2].perceptual_hash == found[0].perceptual_hash


@pytest.mark.parametrize("crafted", [b"file", b"socket"])
def test_a_decoder_that_was_taken_over_can_open_nothing(obedient, crafted):
    (found,) = obedient.inspect([("crafted", crafted)])
    assert str(found) == "Too many open files"


def test_a_decoder_finds_no_secret_in_its_environment(obedient, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    (found,) = obedient.inspect([("crafted", b"environment")])
    assert "DATABASE_URL" not in str(found)


def test_a_jpeg_of_thousands_of_scans_is_given_up_in_time():
    limits = DecodeLimits(cpu_s=1, wall_s=4.0)
    with DecoderPool(workers=1, limits=limits) as pool:
        scans, good = pool.inspect([("scans", jpeg_of_many_scans(4000, side=2000)), ("good", GOOD)])
    assert isinstance(scans, DecodeError)
    assert scans.reason in {"timeout", "corrupt"}
    assert isinstance(good, Inspected)


def test_more_bytes_than_the_limit_never_reach_a_decoder():
    with DecoderPool(workers=1, limits=DecodeLimits(max_bytes=10)) as pool:
        (found,) = pool.inspect([("large", GOOD)])
    assert isinstance(found, DecodeError)
    assert found.reason == "memory"


def test_a_child_is_replaced_after_its_share_and_nobody_notices():
    with DecoderPool(workers=1, limits=DecodeLimits(images_per_child=2)) as pool:
        found = list(pool.inspect([(i, GOOD) for i in range(5)]))
    assert all(isinstance(r, Inspected) for r in found)


def test_images_are_read_only_a_few_ahead_of_the_results(pool):
    read = []

    def images():
        for i in range(50):
            read.append(i)
            yield i, GOOD

    results = pool.inspect(images())
    next(results)
    assert len(read) <= 5
    results.close()


def test_sixteen_bit_files_are_inspected_inside_the_sealed_child(pool):
    from PIL import Image

    ramp = Image.fromarray((np.arange(4096, dtype=np.uint16) * 16).reshape(64, 64))
    kinds = [encoded(ramp, "PNG"), encoded(picture().convert("CMYK"), "JPEG"), encoded(picture().convert("LA"), "WEBP")]
    assert all(isinstance(r, Inspected) for r in pool.inspect(enumerate(kinds)))
