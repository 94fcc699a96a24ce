"""Stored images: classes, splits, statistics and augmentation."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from ml.errors import ConfigError, DecodeError, ShapeError
from ml.training.augment import AUGMENTATIONS, Augmentation, named_augmentation
from ml.training.partition import DataSpec, load_partition
from ml.training.store import ImageStore

CORNER = torch.zeros((1, 1, 4, 4), dtype=torch.uint8)
CORNER[0, 0, 0, 0] = 255


def png(color: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 12), color).save(buffer, format="PNG")
    return buffer.getvalue()


def write_parquet(path: Path, *, parts: list[str], images: list[bytes] | None = None) -> Path:
    """One class a part name and index: three images each."""
    names = [f"{part}-{i}" for i, part in enumerate(parts) for _ in range(3)]
    values = images or [png((10 * i, 0, 200)) for i, _ in enumerate(names)]
    table = pa.table({"image": values, "label": names, "part": [p for p in parts for _ in range(3)]})
    pq.write_table(table, path)
    return path


def test_a_split_column_gives_three_stores_without_common_classes(tmp_path):
    path = write_parquet(tmp_path / "set.parquet", parts=["train", "train", "val", "test"])
    parts = load_partition(DataSpec(path, split_column="part", size=8))
    assert [store.class_names for store in (parts.train, parts.val, parts.test)] == [
        ("train-0", "train-1"),
        ("val-2",),
        ("test-3",),
    ]
    assert parts.train.images.shape == (6, 3, 8, 8)


def test_a_class_in_two_parts_is_refused(tmp_path):
    path = tmp_path / "set.parquet"
    table = pa.table({"image": [png((0, 0, 0))] * 4, "label": list("abca"), "part": ["train", "val", "test", "test"]})
    pq.write_table(table, path)
    with pytest.raises(ConfigError, match="'a' is in two parts"):
        load_partition(DataSpec(path, split_column="part", size=8))


def test_without_a_column_classes_are_shared_out_by_seed(tmp_path):
    path = write_parquet(tmp_path / "set.parquet", parts=[f"c{i}" for i in range(10)])
    first, again = (load_partition(DataSpec(path, size=8, seed=3)) for _ in range(2))
    assert (len(first.train.class_names), len(first.val.class_names), len(first.test.class_names)) == (6, 2, 2)
    assert first.test.class_names == again.test.class_names


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    images = [png((0, 0, 0))] * 5 + [b"junk"]
    path = write_parquet(tmp_path / "set.parquet", parts=["train", "val"], images=images)
    with pytest.raises(DecodeError, match="image 2"):
        load_partition(DataSpec(path, split_column="part", size=8))


def test_quarter_turns_become_classes():
    store = ImageStore(CORNER, np.array([0]), ("a",)).with_rotations()
    assert store.class_names == ("a@0", "a@90", "a@180", "a@270")
    corners = [tuple(image[0].nonzero()[0].tolist()) for image in store.images]
    assert corners == [(0, 0), (3, 0), (3, 3), (0, 3)]


def test_statistics_are_those_of_all_pixels():
    images = torch.randint(0, 256, (50, 3, 9, 9), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    statistics = ImageStore(images, np.zeros(50, dtype=np.int64), ("a",)).statistics()
    scaled = images.double() / 255
    assert statistics.mean == pytest.approx(scaled.mean(dim=(0, 2, 3)).tolist(), abs=1e-9)
    assert statistics.std == pytest.approx(scaled.std(dim=(0, 2, 3), unbiased=False).tolist(), abs=1e-9)


def test_labels_must_match_images():
    with pytest.raises(ShapeError):
        ImageStore(CORNER, np.array([0, 1]), ("a", "b"))


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_augmentation_keeps_shape_and_range_and_repeats_by_seed(name):
    images = torch.rand((6, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    first, again, other = (
        named_augmentation(name).apply(images, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert first.shape == images.shape
    assert first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (name == "none")


def test_drawings_are_never_mirrored():
    assert not AUGMENTATIONS["drawing"].flip


def test_a_mirrored_image_is_the_image_mirrored():
    images = torch.rand((40, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    seen = Augmentation(flip=True).apply(images, generator=torch.Generator().manual_seed(0))
    mirrored = [torch.equal(new, old.flip(2)) for new, old in zip(seen, images, strict=True)]
    kept = [torch.equal(new, old) for new, old in zip(seen, images, strict=True)]
    assert all(m or k for m, k in zip(mirrored, kept, strict=True))
    assert 8 < sum(mirrored) < 32


def test_an_unknown_augmentation_is_refused():
    with pytest.raises(ConfigError, match="photo-strong"):
        named_augmentation("photos")
