"""Pixels through shared memory: the right rows, in order, with memory that does not grow."""

import numpy as np
import pytest

from ml.data.decode_rgb import decode_rgb
from ml.data.pipeline import PixelPipeline
from ml.data.pixel_child import pack_request, unpack_request
from ml.data.preprocess import Preprocessing, to_pixels

from .pictures import encoded, picture

SMALL = Preprocessing((16, 12), (16, 12), (0.5,) * 3, (0.5,) * 3, resize_mode="squash")


@pytest.fixture(scope="module")
def pipeline():
    with PixelPipeline(SMALL, batch_size=5, workers=2) as pipeline:
        yield pipeline


def test_each_row_holds_its_image(pipeline):
    images = [encoded(picture(40 + i, 30, seed=i), "PNG") for i in range(33)]
    seen = 0
    for batch in pipeline.batches(enumerate(images)):
        for key, row in zip(batch.keys, batch.pixels, strict=True):
            assert np.array_equal(row, to_pixels(decode_rgb(images[key]).image, SMALL))
            seen += 1
    assert seen == 33


def test_the_same_memory_serves_any_number_of_images(pipeline):
    image = encoded(picture(), "PNG")
    addresses = {batch.pixels.ctypes.data for batch in pipeline.batches((i, image) for i in range(60))}
    assert len(addresses) == 4
    assert pipeline.memory.nbytes == 4 * 5 * 16 * 12 * 3


def test_a_batch_of_nothing_but_failures_is_still_heard_of(pipeline):
    (batch,) = pipeline.batches([("a", b""), ("b", b"")])
    assert (batch.keys, len(batch.pixels)) == ([], 0)
    assert [error.key for error in batch.failures] == ["a", "b"]


def test_requests_survive_their_packing():
    images = [(3, b""), (7, b"\0\1\2"), (1, b"x" * 1000)]
    assert unpack_request(pack_request(images)) == images


def test_preprocessing_survives_json():
    import json

    assert Preprocessing.from_dict(json.loads(json.dumps(SMALL.as_dict()))) == SMALL
