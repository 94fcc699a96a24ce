"""Vectors are computed once for each data set and encoder."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ml.data.labelled import load_labelled
from ml.data.vectors import cached_vectors
from ml.errors import ArtefactError


class CountingEncoder:
    """Answers with the length of each file, and counts what it was asked."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self.seen = 0

    def encode_images(self, images: list[bytes], /) -> NDArray[np.float32]:
        self.seen += len(images)
        return np.array([[len(image), 1.0] for image in images], dtype=np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "data" / name / "0.png")
    return tmp_path / "data"


def test_a_second_call_asks_the_encoder_nothing(folder: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder("one")
    told: list[tuple[int, int]] = []
    images = load_labelled(folder)
    first = cached_vectors(images, encoder, folder=tmp_path / "kept", progress=lambda a, b: told.append((a, b)))
    second = cached_vectors(load_labelled(folder), encoder, folder=tmp_path / "kept")
    assert np.array_equal(first, second)
    assert encoder.seen == 2
    assert told == [(2, 2)]


def test_another_encoder_or_a_changed_file_is_embedded_again(folder: Path, tmp_path: Path) -> None:
    encoder, other = CountingEncoder("one"), CountingEncoder("two")
    cached_vectors(load_labelled(folder), encoder, folder=tmp_path / "kept")
    cached_vectors(load_labelled(folder), other, folder=tmp_path / "kept")
    assert other.seen == 2
    Image.new("RGB", (9, 9)).save(folder / "a" / "0.png")
    cached_vectors(load_labelled(folder), encoder, folder=tmp_path / "kept")
    assert encoder.seen == 4


def test_a_damaged_file_is_named_and_not_believed(folder: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder("one")
    cached_vectors(load_labelled(folder), encoder, folder=tmp_path / "kept")
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(kept.read_bytes()[:90])
    with pytest.raises(ArtefactError, match="delete it"):
        cached_vectors(load_labelled(folder), encoder, folder=tmp_path / "kept")
