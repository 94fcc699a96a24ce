"""`python -m ml.bench episodes` prints one JSON object and keeps its vectors."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import ml.bench
from ml.bench.episodes import main
from ml.commands import dispatch

SHARED = Path("../shared/data")
NAMES = ("orange", "rocket", "whale")
CLASSES = [("fine_label", "in", NAMES)]
SPEC = Path(__file__).parents[3] / "ml/bench/specs/mobilenetv2-160.json"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not (SHARED / "cifar100.parquet").exists(), reason="../shared/data is not here"),
]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight photographs of each of three classes, lifted from the shared file."""
    table = pq.read_table(SHARED / "cifar100.parquet", columns=["image", "fine_label"], filters=CLASSES)
    kept = pa.concat_tables(table.filter(pc.field("fine_label") == name).slice(0, 8) for name in NAMES)
    file = tmp_path_factory.mktemp("data") / "three.parquet"
    pq.write_table(kept, file)
    return file


def run(capsys: pytest.CaptureFixture[str], data: Path, cache: Path) -> dict[str, object]:
    arguments = ["--data", str(data), "--label-column", "fine_label", "--encoder", str(SPEC), "--json"]
    arguments += ["--cache", str(cache), "--episodes", "20", "--queries", "5", "--ways", "3", "--shots", "2"]
    assert main([*arguments, "--confusion"]) == 0
    report: dict[str, object] = json.loads(capsys.readouterr().out)
    return report


def test_the_report_names_what_was_measured(
    capsys: pytest.CaptureFixture[str], photographs: Path, tmp_path: Path
) -> None:
    report = run(capsys, photographs, tmp_path)
    assert (report["n_way"], report["k_shot"], report["episodes"], report["head"]) == (3, 2, 20, "default")
    assert report["encoder"] == str(SPEC)
    assert 1 / 3 < float(str(report["accuracy"])) < 1
    assert 0 < float(str(report["ci95"])) < 0.2
    assert 0 <= float(str(report["ece"])) <= 1
    assert len(list(tmp_path.iterdir())) == 1
    again = run(capsys, photographs, tmp_path)
    assert again["accuracy"] == report["accuracy"]


def test_what_cannot_be_measured_is_said_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--data", str(tmp_path / "absent.parquet"), "--encoder", str(SPEC)]
    assert dispatch(ml.bench, ["episodes", *arguments]) == 1
    assert "found nothing such" in capsys.readouterr().err
