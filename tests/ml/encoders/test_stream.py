"""The embedding pipeline: same vectors as one image at a time, whatever the batch, the processes and the bad files."""

import io
import sys

import numpy as np
import pytest
import torch

from ml.data.decode import DecodeLimits
from ml.encoders import EncodingPipeline, load_encoder
from ml.encoders.forward import Forward
from ml.encoders.precision import TunedTower, tune_tower
from ml.errors import ConfigError, DecodeError

from .conftest import photographs

# A child that behaves like the real one but dies of a word, as a codec with a hole would die of crafted bytes.
FRAGILE = """
import json, os, sys, time
from ml.data import pixel_child
from ml.data.decode_rgb import decode_rgb
from ml.data.preprocess import Preprocessing, to_pixels

preprocessing = Preprocessing.from_dict(json.loads(sys.argv[1])["preprocessing"])

def decode(data):
    if data == b"die": os.abort()
    if data == b"hang": time.sleep(60)
    return to_pixels(decode_rgb(data).image, preprocessing)

sys.exit(pixel_child.main(decode))
"""


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def encoder(tiny_folder):
    return load_encoder(tiny_folder, dtype="float32")


@pytest.fixture(scope="module")
def images():
    return [png(picture) for picture in photographs(23)]


@pytest.fixture(scope="module")
def expected(encoder, images):
    return encoder.encode_images(images)


@pytest.mark.parametrize(("workers", "batch_size"), [(1, 3), (2, 5), (2, None)])
def test_processes_and_batches_change_nothing(encoder, images, expected, workers, batch_size):
    vectors = encoder.encode_images(images, workers=workers, batch_size=batch_size)
    assert np.abs(vectors - expected).max() < 1e-5


def test_a_pipeline_is_used_again_and_again(encoder, images, expected):
    with EncodingPipeline(encoder, workers=1, batch_size=4) as pipeline:
        for _ in range(3):
            batches = list(pipeline.encode(enumerate(images)))
            assert [key for batch in batches for key in batch.keys] == list(range(23))
            assert np.abs(np.concatenate([b.vectors for b in batches]) - expected).max() < 1e-5


def test_bad_files_are_named_and_cost_their_neighbours_nothing(encoder, images, expected):
    mixed = list(enumerate(images))
    mixed.insert(5, ("svg", b"<svg/>"))
    mixed.insert(0, ("cut", images[0][:100]))
    mixed.append(("empty", b""))
    with EncodingPipeline(encoder, workers=2, batch_size=2) as pipeline:
        batches = list(pipeline.encode(mixed))
    failures = [(error.key, error.reason) for batch in batches for error in batch.failures]
    assert failures == [("cut", "truncated"), ("svg", "unsupported_format"), ("empty", "unsupported_format")]
    assert [key for batch in batches for key in batch.keys] == list(range(23))
    assert np.abs(np.concatenate([b.vectors for b in batches]) - expected).max() < 1e-5


def test_images_that_kill_or_stall_their_decoder_are_found_one_by_one(encoder, images):
    mixed = list(enumerate(images))
    mixed.insert(3, ("deadly", b"die"))
    mixed.insert(17, ("endless", b"hang"))
    limits = DecodeLimits(wall_s=1.0)
    command = [sys.executable, "-c", FRAGILE]
    with EncodingPipeline(encoder, workers=2, batch_size=8, limits=limits, command=command) as pipeline:
        batches = list(pipeline.encode(mixed))
    failures = {error.key: error.reason for batch in batches for error in batch.failures}
    assert failures == {"deadly": "crash", "endless": "timeout"}
    assert [key for batch in batches for key in batch.keys] == list(range(23))


def test_encode_images_with_processes_names_the_position_of_a_bad_file(encoder, images):
    with pytest.raises(DecodeError, match="image 2"):
        encoder.encode_images([*images[:2], b"nothing"], workers=1)


class Picky(torch.nn.Module):
    """Fails like a device without memory above `most` images, and gives NaN for, or refuses, a dark picture."""

    def __init__(self, most=1000, refuse=False):
        super().__init__()
        self.most, self.refuse, self.tried = most, refuse, []

    def forward(self, batch):
        self.tried.append(len(batch))
        if len(batch) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        means = batch.mean(dim=(1, 2, 3))
        if self.refuse and bool((means < -1.2).any()):
            raise RuntimeError("a kernel failed")
        marks = torch.where(means < -1.2, torch.nan, means)
        return torch.stack([marks, torch.ones_like(marks)], dim=1)


@pytest.fixture
def forward_of(encoder, monkeypatch):
    def make(module):
        forward = Forward(TunedTower(module, torch.float32), encoder.preprocessing, device=torch.device("cpu"))
        monkeypatch.setitem(encoder.__dict__, "forward", forward)
        monkeypatch.setattr(encoder, "dim", 2)
        return forward

    return make


def test_a_batch_that_does_not_fit_is_halved_and_the_size_remembered(encoder, forward_of):
    forward = forward_of(module := Picky(most=5))
    pixels = np.full((40, 64, 64, 3), 200, np.uint8)
    assert encoder.encode_pixels(pixels).shape == (40, 2)
    assert module.tried[:4] == [32, 16, 8, 4]
    assert set(module.tried[4:]) == {4}
    assert forward.batch_size == 4


@pytest.mark.parametrize("refuse", [False, True])
def test_an_image_that_breaks_the_forward_is_bisected_out_and_named(encoder, forward_of, images, refuse):
    forward_of(Picky(refuse=refuse))
    black = io.BytesIO()
    photographs(1)[0].point(lambda _: 0).save(black, "PNG")
    mixed = list(enumerate(images))
    mixed.insert(11, ("black", black.getvalue()))
    with EncodingPipeline(encoder, workers=1, batch_size=16) as pipeline:
        batches = list(pipeline.encode(mixed))
    assert [(e.key, e.reason) for b in batches for e in b.failures] == [("black", "forward")]
    assert [key for batch in batches for key in batch.keys] == list(range(23))


def test_bfloat16_agrees_with_float32_to_a_cosine_of_0_999(tiny_folder, images, expected):
    half = load_encoder(tiny_folder, dtype="bfloat16")
    assert half.forward.dtype == torch.bfloat16
    assert (half.encode_images(images) * expected).sum(axis=1).min() >= 0.999


def test_auto_never_takes_a_format_that_disagrees(monkeypatch):
    class Unstable(torch.nn.Module):
        def forward(self, batch):
            direction = [1.0, 0.0] if batch.dtype == torch.float32 else [0.0, 1.0]
            return torch.tensor([direction], dtype=batch.dtype).repeat(len(batch), 1)

    monkeypatch.setattr("ml.encoders.precision._has_bfloat16", lambda device: True)
    tower = tune_tower(Unstable(), size=(8, 8), device=torch.device("cpu"), dtype="auto")
    assert tower.dtype == torch.float32


def test_the_dtype_policy_is_part_of_the_space(tiny_folder, encoder):
    assert load_encoder(tiny_folder, dtype="bfloat16").fingerprint != encoder.fingerprint
    with pytest.raises(ConfigError, match="float16"):
        load_encoder(tiny_folder, dtype="float16")
