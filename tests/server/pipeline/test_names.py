"""Before a first promotion the names of the categories serve where blind images say that labels do no better."""

import numpy as np
import pytest

from server.pipeline import flows, tasks
from server.pipeline.station import run_pending
from server.predictions.models import PredictionRun
from tests.server.builders import World
from tests.server.pipeline.wood import grown, teach

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("places")]
assert tasks
NAMES = np.eye(8, dtype=np.float32)[:3]


def named(monkeypatch: pytest.MonkeyPatch, vectors: np.ndarray) -> World:
    """A project whose encoder reads text, and says this of its three categories."""
    made = grown()
    assert made.space is not None
    made.space.has_text = True
    made.space.save()
    for station in ("names", "predict", "composition"):
        monkeypatch.setattr(f"server.pipeline.tasks.{station}.text_vectors", lambda *_: vectors)
    return made


def predicted(made: World) -> PredictionRun:
    flows.after_embedded(made.project.pk)
    run_pending(project_id=made.project.pk, kinds={"predict"})
    made.project.refresh_from_db()
    assert made.project.active_run is not None
    return made.project.active_run


def test_labels_that_do_worse_than_the_names_leave_these_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    made = named(monkeypatch, NAMES)
    teach(made, 40, 99, shifted=1)
    run = predicted(made)
    assert run.method == "zero-shot"
    assert run.details["names"]["worse"] > run.details["names"]["better"]
    assert run.details["blind"]["right"] > 0.9 * run.details["blind"]["answered"]


def test_labels_that_do_better_than_the_names_serve_before_any_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made = named(monkeypatch, np.roll(NAMES, 1, axis=0))
    teach(made, 40, 99)
    run = predicted(made)
    assert run.method != "zero-shot" and "names" not in run.details
    assert run.details["blind"]["right"] > 0.9 * run.details["blind"]["answered"]
