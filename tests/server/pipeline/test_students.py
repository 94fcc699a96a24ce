"""The live model as one small file, and heads of pseudo-labels that are taken back."""

import io
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from rest_framework.test import APIClient

from ml.training.deployment import student_probabilities
from server.core.errors import InvalidInput
from server.labeling.models import BlindDraw
from server.pipeline import flows, tasks
from server.pipeline.station import run_pending
from server.pipeline.tasks.upkeep import train_wherever_due
from server.projects.models import Project
from server.registry.heads import head_promote
from server.registry.models import Promotion
from server.training.models import Outcome, TrainingRun, Trigger
from server.training.options import options_from, training_options_set
from server.training.selectors import fresh_confirmed
from tests.server.builders import World
from tests.server.pipeline.photographs import pictured
from tests.server.pipeline.wood import settled, teach

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("places")]
assert tasks


def run_of(made: World, **options: object) -> TrainingRun:
    run = flows.train(made.project.pk, trigger=Trigger.MANUAL, options=options_from(options))
    run_pending(project_id=made.project.pk)
    run.refresh_from_db()
    made.project.refresh_from_db()
    return run


def colors(count: int) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 90, (count, 24, 32, 3)).astype(np.uint8)
    pixels[np.arange(count), :, :, np.arange(count) % 3] += 120
    return pixels


def test_the_live_model_becomes_one_small_file_that_says_the_same(wood: World, tmp_path: Path) -> None:
    pixels = colors(len(wood.images))
    pictured(wood, pixels)
    teach(wood, 40, 100)
    head = settled(wood).head
    teach(wood, 100, 105)
    run = run_of(wood, method="student")
    assert run.outcome == Outcome.DELIVERED, run.reason
    assert run.reason.startswith("Ready to take along")
    made = run.report.summary["student"]
    assert head is not None and made["teacher"] == head.pk == wood.project.active_head_id
    assert made["size_bytes"] <= 5_000_000 and made["largest_difference"] <= 1e-3
    assert made["images"] == 120, "the blind share teaches nobody"
    assert {"loss", "held_out_accuracy"} <= {point.name for point in run.points.all()}
    assert fresh_confirmed(project_id=wood.project.pk, at_most=99) == 5, "a student uses no label up"
    downloads(wood, run, tmp_path, pixels)


def downloads(wood: World, run: TrainingRun, tmp_path: Path, pixels: np.ndarray) -> None:
    url = f"/api/v1/projects/{wood.project.pk}/runs/{run.pk}/student"
    api = APIClient()
    api.force_login(wood.people["reviewer"])
    answer = api.get(url)
    data = b"".join(answer)  # type: ignore[arg-type]
    notes = {note.key: note.value for note in onnx.load(io.BytesIO(data)).metadata_props}
    labels = json.loads(notes["labels"])
    assert [label["name"] for label in labels] == ["owl", "fox", "elk"]
    path = tmp_path / "taken.onnx"
    path.write_bytes(data)
    said = student_probabilities(path, list(pixels[:9])).argmax(axis=1)
    assert [labels[i]["name"] for i in said] == ["owl", "fox", "elk"] * 3
    first = TrainingRun.objects.filter(project=wood.project).order_by("pk")[0]
    assert api.get(f"/api/v1/projects/{wood.project.pk}/runs/{first.pk}/student").status_code == 409
    api.force_login(wood.people["viewer"])
    assert api.get(url).status_code == 403


def test_without_a_live_model_there_is_no_teacher(wood: World) -> None:
    run = run_of(wood, method="student")
    assert (run.outcome, run.head) == (Outcome.STOPPED, None)
    assert run.reason.startswith("No trained model serves yet.")


def test_a_student_is_not_what_a_project_trains_by_itself(wood: World) -> None:
    with pytest.raises(InvalidInput, match="made by hand"):
        training_options_set(project=wood.project, changes={"method": "student"})


def test_a_head_of_pseudo_labels_is_taken_back_when_the_blind_share_says_that_it_fell(wood: World) -> None:
    teach(wood, 40, 100)
    first = settled(wood).head
    second = run_of(wood, method="self_training")
    assert second.head is not None
    head_promote(head=second.head, by=None, reason="the gate said so")
    TrainingRun.objects.filter(pk=second.pk).update(outcome=Outcome.PROMOTED)
    flows.after_promoted(wood.project.pk)
    run_pending(project_id=wood.project.pk)
    train_wherever_due()
    assert Project.objects.get(pk=wood.project.pk).active_head == second.head, "nothing says that it fell yet"
    for i in range(100, 140):
        BlindDraw.objects.create(project=wood.project, image_id=wood.images[i], seed=1)
        wood.label(wood.images[i], wood.categories[(i + 1) % 3])
    train_wherever_due()
    assert Project.objects.get(pk=wood.project.pk).active_head == first
    act = Promotion.objects.latest("pk")
    assert act.undoes is not None and act.reason.startswith("Taken back by itself")
    train_wherever_due()
    assert Promotion.objects.latest("pk") == act, "it goes back once, and no further"
