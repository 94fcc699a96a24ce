"""Labelled images come from folders and Parquet files alike, lazily, with sorted classes."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ml.data.labelled import first_of_each, load_labelled
from ml.errors import ConfigError, EmptyClassError


def png(color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), color).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    table = pa.table(
        {
            "image": [png("red"), png("green"), png("blue"), png("red")],
            "kind": ["owl", "elk", "owl", "asp"],
            "habitat": ["wood", "wood", "moor", "moor"],
            "part": ["train", "test", "train", "train"],
            "year": [1999, 2000, 1999, 2001],
        }
    )
    pq.write_table(table, tmp_path / "beasts.parquet", row_group_size=2)
    return tmp_path / "beasts.parquet"


def test_class_indices_follow_the_sorted_class_names(parquet: Path) -> None:
    images = load_labelled(parquet, label_columns=["kind"])
    assert images.class_names == ("asp", "elk", "owl")
    assert images.labels.tolist() == [2, 1, 2, 0]


def test_every_split_condition_must_hold_and_bytes_follow_the_kept_rows(parquet: Path) -> None:
    images = load_labelled(parquet, label_columns=["kind"], split=["part=train", "year=1999"])
    assert images.class_names == ("owl",)
    assert [images.image_bytes(0), images.image_bytes(1)] == [png("red"), png("blue")]


def test_batches_cross_row_groups_and_end_with_the_remainder(parquet: Path) -> None:
    batches = list(load_labelled(parquet, label_columns=["kind"]).batches(3))
    assert [len(batch) for batch in batches] == [3, 1]
    assert batches[0][1] == png("green")


def test_several_label_columns_make_one_joined_class(parquet: Path) -> None:
    images = load_labelled(parquet, label_columns=["habitat", "kind"])
    assert images.class_names == ("moor/asp", "moor/owl", "wood/elk", "wood/owl")


def test_images_stored_as_records_of_bytes_and_path_are_read(tmp_path: Path) -> None:
    records = [{"bytes": png("red"), "path": "a.png"}]
    pq.write_table(pa.table({"image": records, "label": [7]}), tmp_path / "hub.parquet")
    images = load_labelled(tmp_path / "hub.parquet")
    assert images.class_names == ("7",)
    assert images.image_bytes(0) == png("red")


def test_a_folder_of_class_folders_ignores_what_is_no_image(tmp_path: Path) -> None:
    for name, color in (("owl/b.png", "blue"), ("asp/a.png", "red")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png(color))
    (tmp_path / "owl" / "notes.txt").write_text("seen at dusk")
    images = load_labelled(tmp_path)
    assert images.class_names == ("asp", "owl")
    assert images.image_bytes(1) == png("blue")


def test_the_digest_changes_with_the_selection_and_with_a_file(parquet: Path) -> None:
    whole = load_labelled(parquet, label_columns=["kind"]).digest
    assert whole == load_labelled(parquet, label_columns=["kind"]).digest
    assert whole != load_labelled(parquet, label_columns=["kind"], split=["part=train"]).digest
    pq.write_table(pa.table({"image": [png("red")], "kind": ["owl"]}), parquet)
    assert whole != load_labelled(parquet, label_columns=["kind"]).digest


def test_a_missing_column_is_named_beside_those_that_exist(parquet: Path) -> None:
    with pytest.raises(ConfigError, match=r"no column label; it has image, kind"):
        load_labelled(parquet)


def test_a_selection_without_rows_is_refused(parquet: Path) -> None:
    with pytest.raises(EmptyClassError, match="part=nowhere"):
        load_labelled(parquet, label_columns=["kind"], split=["part=nowhere"])


def test_a_path_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found nothing such"):
        load_labelled(tmp_path / "absent.parquet")
    with pytest.raises(ConfigError, match="folder of class folders"):
        load_labelled(tmp_path, split=["part=train"])


def test_the_first_images_of_each_class_keep_their_order_and_bytes(parquet: Path) -> None:
    whole = load_labelled(parquet, label_columns=["kind"])
    part = first_of_each(whole, 1)
    assert part.labels.tolist() == [2, 1, 0]
    assert [part.image_bytes(row) for row in range(3)] == [png("red"), png("green"), png("red")]
    assert part.digest != whole.digest
