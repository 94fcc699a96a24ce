"""`python -m ml.bench certify` simulates projects on real photographs and prints one JSON object."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import ml.bench
from ml.bench.certify import main
from ml.bench.confirm import main as confirm
from ml.commands import dispatch

SHARED = Path("../shared/data")
NAMES = ("orange", "rocket", "whale")
SPEC = Path(__file__).parents[3] / "ml/bench/specs/mobilenetv2-160.json"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not (SHARED / "cifar100.parquet").exists(), reason="../shared/data is not here"),
]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photographs of each of three classes."""
    rows = [("fine_label", "in", NAMES)]
    table = pq.read_table(SHARED / "cifar100.parquet", columns=["image", "fine_label"], filters=rows)
    kept = pa.concat_tables(table.filter(pc.field("fine_label") == name).slice(0, 40) for name in NAMES)
    file = tmp_path_factory.mktemp("data") / "three.parquet"
    pq.write_table(kept, file)
    return file


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors are made once for all tests here."""
    return tmp_path_factory.mktemp("vectors")


def test_the_report_holds_both_methods_and_what_broke(
    capsys: pytest.CaptureFixture[str], photographs: Path, kept: Path
) -> None:
    arguments = ["--data", str(photographs), "--label-column", "fine_label", "--encoder", str(SPEC), "--json"]
    arguments += ["--cache", str(kept), "--labels-per-class", "5", "--audits", "40", "--error", "0.2"]
    assert main([*arguments, "--projects", "6", "--seed", "0"]) == 0
    report = json.loads(capsys.readouterr().out)
    for key in ("accepted", "baseline_accepted", "broken", "head_accuracy", "actions_per_label"):
        value = report.get(key, report["by_error"]["0.2"].get(key))
        assert 0 <= value <= 1
    assert report["accepted"] > 0.5
    assert report["head_accuracy"] > 0.8
    assert (report["projects"], report["categories"], report["audits"]) == (6, 3, 40)


def test_too_few_images_are_said_in_one_line(capsys: pytest.CaptureFixture[str], photographs: Path, kept: Path) -> None:
    arguments = ["--data", str(photographs), "--label-column", "fine_label", "--encoder", str(SPEC)]
    rest = ["--cache", str(kept), "--labels-per-class", "40", "--projects", "1"]
    assert dispatch(ml.bench, ["certify", *arguments, *rest]) == 1
    assert "needs more than 40 images" in capsys.readouterr().err


def test_auditors_who_err_can_be_modelled(capsys: pytest.CaptureFixture[str], photographs: Path, kept: Path) -> None:
    arguments = ["--data", str(photographs), "--label-column", "fine_label", "--encoder", str(SPEC), "--json"]
    arguments += ["--cache", str(kept), "--labels-per-class", "5", "--audits", "40", "--error", "0.2"]
    assert main([*arguments, "--projects", "2", "--auditor-error", "0.02"]) == 0
    report = json.loads(capsys.readouterr().out)["by_error"]["0.2"]
    assert report["accepted"] > 0
    assert "weighted_broken" not in report


def test_pages_teach_and_the_rest_is_proved_and_presses_add_up(
    capsys: pytest.CaptureFixture[str], photographs: Path, kept: Path
) -> None:
    arguments = ["--data", str(photographs), "--label-column", "fine_label", "--encoder", str(SPEC), "--json"]
    arguments += ["--cache", str(kept), "--labels-per-class", "5", "--categories", "3", "--error", "0.05", "0.3"]
    assert confirm([*arguments, "--projects", "2"]) == 0
    found = json.loads(capsys.readouterr().out)["by_error"]
    for cost in found.values():
        assert cost["presses"] == pytest.approx(cost["audits"] + cost["pages"] + cost["repairs"], abs=2e-4)
        assert 0 < cost["presses"] < 1
    assert found["0.3"]["accepted"] >= found["0.05"]["accepted"]
