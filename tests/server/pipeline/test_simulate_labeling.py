"""Simulated people at the real interface: what they cost is told, what they say is in the database."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image as Picture

from server.labeling.models import Annotation, Consensus, Evidence
from server.projects.models import Project
from tests.ml.encoders.conftest import write_folder

pytestmark = pytest.mark.django_db(transaction=True)
COLORS = {"red": 0, "green": 1, "blue": 2}


@pytest.fixture
def photographs(tmp_path: Path, settings: Any) -> Path:
    settings.WINNOW_CACHE_DIR = tmp_path / "cache"
    settings.WINNOW_DEVICE = "cpu"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
    }
    rng = np.random.default_rng(0)
    for name, channel in COLORS.items():
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(24):
            pixels = rng.integers(0, 90, (48, 64, 3), np.uint8)
            pixels[:, :, channel] += 120
            Picture.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    return tmp_path


def simulated(photographs: Path, interface: str, *more: str) -> dict[str, Any]:
    encoder = write_folder(photographs / "encoder", seed=0)
    said = StringIO()
    call_command(
        "simulate_labeling",
        *("--images", str(photographs / "images"), "--encoder", str(encoder), "--annotators", "2"),
        *("--interface", interface, "--budget", "60", "--workers", "inline", "--json", *more),
        stdout=said,
    )
    return dict(json.loads(said.getvalue()))


def test_people_label_by_pages_and_every_label_is_in_the_database(photographs: Path) -> None:
    plot = photographs / "curve.svg"
    report = simulated(photographs, "page", "--error-rate", "0", "--plot", str(plot))
    assert report["labels"] >= 40
    assert report["label_accuracy"] == 1.0
    assert report["labels"] == Consensus.objects.filter(project=report["project"]).count()
    by_page = Annotation.objects.filter(project=report["project"], evidence=Evidence.PAGE)
    assert by_page.count() > report["labels"] / 3
    commits = by_page.values("evidence_details__page").distinct().count()
    assert report["actions"] >= commits + report["labels"] - by_page.count()  # a key a page, and one a single image
    assert [point["labels"] for point in report["curve"]] == sorted(point["labels"] for point in report["curve"])
    assert report["head_accuracy"] > 0.8
    assert plot.read_text().startswith("<svg")


def test_one_at_a_time_costs_an_action_a_label(photographs: Path) -> None:
    report = simulated(photographs, "single", "--error-rate", "0", "--strategy", "margin")
    assert report["actions_per_label"] >= 1
    assert report["label_accuracy"] == 1.0
    assert Project.objects.get(pk=report["project"]).acquisition_function == "margin"
