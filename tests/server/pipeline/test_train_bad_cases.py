"""Runs that cannot help, or that something happens to: each ends with a reason, and what served goes on serving."""

import math

import pytest

from server.jobs.models import Job, State
from server.jobs.services import job_cancel
from server.pipeline import flows, tasks
from server.pipeline.station import run_pending
from server.pipeline.tasks.upkeep import sweep_jobs
from server.predictions.models import Prediction
from server.registry.models import HeadVersion
from server.taxonomy.services import category_deprecate
from server.training.models import Outcome, TrainingRun, Trigger
from server.training.options import TrainingOptions, options_from
from tests.server.builders import World
from tests.server.pipeline.wood import kinds, settled, teach

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("places")]
assert tasks


@pytest.mark.parametrize(
    ("labels", "said"), [(0, "Nothing is confirmed yet"), (1, "All confirmed labels are of one category")]
)
def test_too_little_to_learn_from_is_said_in_plain_words(wood: World, labels: int, said: str) -> None:
    for i in range(labels * 3):
        wood.label(wood.images[60 + 3 * i], wood.categories[0])
    run = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=TrainingOptions())
    run_pending(project_id=wood.project.pk)
    run.refresh_from_db()
    assert run.outcome == Outcome.STOPPED
    assert run.reason.startswith(said)
    assert Job.objects.get(kind="train").state == State.FAILED
    assert HeadVersion.objects.count() == 0


def test_one_label_a_category_is_enough_for_prototypes(wood: World) -> None:
    teach(wood, 40, 43)
    run = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=TrainingOptions())
    run_pending(project_id=wood.project.pk)
    run.refresh_from_db()
    assert run.head is not None and run.head.kind == "prototypes"
    assert run.outcome == Outcome.PROMOTED


def test_an_adapter_needs_more_categories_and_says_so(wood: World) -> None:
    teach(wood, 40, 100)
    run = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=options_from({"method": "adapter"}))
    run_pending(project_id=wood.project.pk)
    run.refresh_from_db()
    assert (run.outcome, run.head) == (Outcome.STOPPED, None)
    assert "needs 6 categories with 10 examples each" in run.reason


def test_a_full_disk_changes_nothing_and_says_what_to_do(wood: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    teach(wood, 40, 100)
    monkeypatch.setattr("server.pipeline.tasks.settle.head_store", full)
    run = settled(wood)
    assert run.outcome == Outcome.STOPPED and run.reason.startswith("The disk is full.")
    assert wood.project.active_head is None
    monkeypatch.undo()
    flows.retry(Job.objects.get(kind="train"))
    run_pending(project_id=wood.project.pk)
    run.refresh_from_db()
    assert run.outcome == Outcome.PROMOTED


def test_contradicting_people_teach_nothing_until_someone_decides(wood: World) -> None:
    teach(wood, 40, 100)
    for i in range(40, 50):
        wood.label(wood.images[i], wood.categories[(i + 1) % 3], by="owner")
    run = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=TrainingOptions())
    run_pending(project_id=wood.project.pk)
    run.refresh_from_db()
    assert run.label_count == 50


def test_a_loss_that_is_no_number_stops_the_run_and_the_live_model_serves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made = kinds()
    first = flows.train(made.project.pk, trigger=Trigger.MANUAL, options=TrainingOptions())
    run_pending(project_id=made.project.pk)
    first.refresh_from_db()
    assert first.outcome == Outcome.PROMOTED
    monkeypatch.setattr("ml.training.adapter.Adapter.loss", lambda self, batch: self.up.sum() * math.nan)
    second = flows.train(made.project.pk, trigger=Trigger.MANUAL, options=options_from({"method": "adapter"}))
    run_pending(project_id=made.project.pk)
    second.refresh_from_db()
    assert (second.outcome, second.head) == (Outcome.STOPPED, None)
    assert "nan" in second.reason.lower()
    assert Job.objects.get(pk=second.job_id).state == State.FAILED
    made.project.refresh_from_db()
    assert made.project.active_head == first.head
    assert made.project.active_run is not None and made.project.active_run.head == first.head


def test_a_category_deleted_during_the_run_is_not_predicted_by_the_head_that_learned_it(
    wood: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(wood, 40, 100)
    gone = wood.categories[0]

    def meanwhile(name: str) -> None:
        if name == "fitted":
            category_deprecate(project=wood.project, category_id=gone)

    monkeypatch.setattr("server.pipeline.tasks.train.failpoint", meanwhile)
    flows.train_when_due(wood.project.pk)
    run_pending(project_id=wood.project.pk, kinds={"train"})
    run = TrainingRun.objects.get()
    wood.project.refresh_from_db()
    assert run.outcome == Outcome.PROMOTED
    live = Prediction.objects.filter(run=wood.project.active_run)
    assert live.count() == 160 and not live.filter(category_id=gone).exists()


def test_a_run_whose_taxonomy_moved_on_learns_what_is_left_of_its_snapshot(
    wood: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen with three categories, taken up again when one of them is out of use."""
    teach(wood, 40, 100)
    monkeypatch.setattr("server.pipeline.tasks.train.material_of", _out_of_space)
    run = settled(wood)
    assert run.outcome == Outcome.STOPPED and run.snapshot is not None
    monkeypatch.undo()
    category_deprecate(project=wood.project, category_id=wood.categories[0])
    flows.retry(Job.objects.get(kind="train"))
    run_pending(project_id=wood.project.pk, kinds={"train"})
    run.refresh_from_db()
    assert run.head is not None and run.head.category_ids == wood.categories[1:]
    assert run.report.summary["images"] == 26, "blind answers of the category that is gone measure nothing"


def test_a_run_with_one_category_left_says_so(wood: World, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(wood, 40, 100)

    def meanwhile(name: str) -> None:
        if name == "frozen":
            for category in wood.categories[:2]:
                category_deprecate(project=wood.project, category_id=category)

    monkeypatch.setattr("server.pipeline.tasks.train.failpoint", meanwhile)
    run = settled(wood)
    assert run.outcome == Outcome.STOPPED
    assert run.reason == "Fewer than two of the labeled categories still exist. Restore one or label others."


def _out_of_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_run_whose_job_was_cancelled_before_it_began_is_not_left_pending(wood: World) -> None:
    teach(wood, 40, 100)
    run = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=TrainingOptions())
    job_cancel(job=Job.objects.get(pk=run.job_id))
    sweep_jobs()
    run.refresh_from_db()
    assert (run.outcome, run.reason) == (Outcome.STOPPED, "Stopped by a person.")


def test_a_run_that_keeps_killing_its_worker_is_given_up_and_says_so(wood: World) -> None:
    teach(wood, 40, 100)
    run = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=TrainingOptions())
    Job.objects.filter(pk=run.job_id).update(
        state=State.RUNNING, attempt=3, worker="w", heartbeat_at="2020-01-01T00:00Z"
    )
    sweep_jobs()
    run.refresh_from_db()
    assert run.outcome == Outcome.STOPPED
    assert run.reason == "Its worker died 3 times; it is given up. The live model serves on."
