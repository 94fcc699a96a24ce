"""What a customer opens: every format read back by a reader that is not ours."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from server.snapshots.formats.base import ExportSource
from server.snapshots.formats.registry import FORMATS
from server.snapshots.naming import class_folders, image_file_name, safe_name
from server.snapshots.selectors import ExportRow

CATEGORIES = [
    {"id": 7, "name": "ringed/longhorn", "parent": None, "path": ["ringed/longhorn"]},
    {"id": 9, "name": "=HYPERLINK()", "parent": 7, "path": ["ringed/longhorn", "=HYPERLINK()"]},
]


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Pillow.new("L", (4, 3), shade).save(buffer, "PNG")
    return buffer.getvalue()


def row(number: int, category: int, split: str, name: str) -> ExportRow:
    when = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    identity = str(UUID(int=number))
    return ExportRow(
        number, f"{number:064x}", name, "png", 4, 3, 70, category, split, "suggestion", split == "test", 1, identity,
        "ann", when,
    )  # fmt: skip


ROWS = [
    row(1, 7, "train", "a b.png"),
    row(2, 9, "train", "../../etc/passwd"),
    row(3, 9, "test", "-rf\u202egnp.exe"),
]


def source() -> ExportSource:
    def original(found: ExportRow) -> IO[bytes]:
        return io.BytesIO(png(found.image_id * 40))

    return ExportSource("Beetles", "d" * 64, 3, CATEGORIES, iter(ROWS), original)


def written(name: str) -> bytes:
    target = io.BytesIO()
    FORMATS[name].write(source(), target)
    return target.getvalue()


def test_json_lines_carry_every_field_that_an_import_needs() -> None:
    lines = [json.loads(line) for line in written("jsonl").splitlines()]
    assert [line["category"] for line in lines] == ["ringed/longhorn", "=HYPERLINK()", "=HYPERLINK()"]
    assert lines[1]["path"] == ["ringed/longhorn", "=HYPERLINK()"]
    assert lines[0]["sha256"] == f"{1:064x}"
    assert lines[2]["blind"] is True
    assert lines[0]["labeled_at"] == "2026-05-04T03:02:01+00:00"


def test_a_spreadsheet_runs_nothing_of_a_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv").decode())))
    assert len(rows) == 3
    assert rows[1]["category"] == "'=HYPERLINK()"
    assert not any(cell.startswith(("=", "+", "-", "@")) for found in rows for cell in found.values())


def test_label_studio_reads_choices() -> None:
    tasks = json.loads(written("labelstudio"))
    assert [task["annotations"][0]["result"][0]["value"]["choices"] for task in tasks] == [
        ["ringed/longhorn"],
        ["=HYPERLINK()"],
        ["=HYPERLINK()"],
    ]
    assert [task["annotations"][0]["ground_truth"] for task in tasks] == [False, False, True]


def test_torchvision_reads_the_image_folder(tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    with zipfile.ZipFile(io.BytesIO(written("imagefolder"))) as archive:
        assert archive.testzip() is None
        assert all(not name.startswith(("/", "..")) and "\\" not in name for name in archive.namelist())
        archive.extractall(tmp_path)
    train = ImageFolder(tmp_path / "train")
    assert train.classes == ["=HYPERLINK()", "ringed_longhorn"]
    assert [train[i][0].getpixel((0, 0))[0] for i in range(2)] == [80, 40]
    card = json.loads((tmp_path / "dataset.json").read_text())
    assert card["snapshot"] == "d" * 64
    sidecar = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert all((tmp_path / line["file_name"]).is_file() for line in sidecar)


def test_the_same_snapshot_gives_the_same_bytes() -> None:
    assert written("imagefolder") == written("imagefolder")


def test_parquet_carries_images_and_class_names_as_hugging_face_reads_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(written("parquet"))) as archive:
        archive.extractall(tmp_path)
    table = pq.read_table(tmp_path / "data" / "train-00000-of-00001.parquet")
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["label"]["names"] == ["ringed_longhorn", "=HYPERLINK()"]
    assert table.column("label").to_pylist() == [0, 1]
    assert table.column("image").to_pylist()[0]["bytes"] == png(40)
    assert (tmp_path / "data" / "test-00000-of-00001.parquet").is_file()


def test_an_empty_snapshot_makes_valid_files() -> None:
    for name, chosen in FORMATS.items():
        target = io.BytesIO()
        empty = ExportSource("Beetles", "d", 0, CATEGORIES, iter(()), lambda _: io.BytesIO())
        chosen.write(empty, target)
        assert name in ("jsonl", "csv") or target.tell() > 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("../../etc/passwd", "etc_passwd"),
        ("con", "_con"),
        ("  .hidden ", "hidden"),
        ("a\x00b", "a_b"),
        ("", "unnamed"),
        ("x" * 300, "x" * 80),
    ],
)
def test_names_are_safe_on_every_system(given: str, expected: str) -> None:
    assert safe_name(given) == expected


def test_class_folders_never_collide() -> None:
    nodes = [
        {"id": 1, "name": "Owl", "path": ["Owl"]},
        {"id": 2, "name": "owl", "path": ["Birds", "owl"]},
        {"id": 3, "name": "owl", "path": ["birds", "owl"]},
    ]
    folders = class_folders(nodes)
    assert len({name.casefold() for name in folders.values()}) == 3


def test_a_file_is_named_after_what_its_bytes_are() -> None:
    name = image_file_name(sha256="ab" * 32, original_name="photos\\evil.html", format="jpeg")
    assert name == "abababababab-evil.jpg"
