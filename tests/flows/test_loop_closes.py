"""Labels train a model, the gate decides, predictions come from it: real photographs, real workers, one command.

The figures of docs/methods/training-loop.md come from the same command with more labels and five seeds.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.installation import ROOT, Installation

PHOTOGRAPHS = ROOT.parent / "shared" / "data" / "cifar100.parquet"
pytestmark = [
    pytest.mark.flows,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="needs ../shared/data/cifar100.parquet"),
]


@pytest.fixture(scope="module")
def winnow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("loop") / "state", "--no-demo")
    installation.start()
    yield installation
    installation.stop()


def play(winnow: Installation, *more: str, photographs: Path = PHOTOGRAPHS) -> dict[str, Any]:
    said = winnow.manage(
        "simulate_loop",
        *("--images", str(photographs), "--label-column", "coarse_label", "--encoder", "demo"),
        *("--confirmations", "110", "--every", "100", "--limit", "320", "--blind-share", "0.5"),
        *("--workers", "real", "--json", *more),
    )
    return dict(json.loads(said.strip().splitlines()[-1]))


def test_true_labels_go_live_and_the_predictions_are_theirs(winnow: Installation) -> None:
    report = play(winnow)
    assert report["workers"] == "real"
    assert [run["trigger"] for run in report["runs"]] == ["labels"]
    assert report["promoted"], report["reason"]
    assert report["predicted_by"] == report["live_head"] == report["runs"][0]["head"]
    assert report["paired_ci95"][0] > 0


def test_shuffled_labels_do_not(winnow: Installation) -> None:
    report = play(winnow, "--shuffle-labels")
    assert report["runs"] and not report["promoted"], report["reason"]
