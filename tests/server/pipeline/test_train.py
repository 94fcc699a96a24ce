"""Confirmed labels train a head by themselves, and only one that is shown to be better goes live."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.core.errors import Conflict
from server.jobs.models import Job
from server.labeling.models import Consensus
from server.pipeline import flows, tasks
from server.pipeline.station import run_pending
from server.pipeline.tasks import judging
from server.predictions.models import Prediction, PredictionRun
from server.projects.models import Project
from server.registry.artefacts import head_folder, head_is_whole
from server.registry.heads import head_promote, rollback
from server.registry.models import HeadState, Promotion
from server.snapshots.models import Snapshot
from server.taxonomy.models import Category
from server.training.models import Outcome, TrainingRun, Trigger
from server.training.options import TrainingOptions, options_from
from server.training.selectors import snapshot_labels
from tests.server.builders import World
from tests.server.pipeline.wood import BLIND, kinds, settled, teach

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("places")]
assert tasks


def test_enough_new_labels_train_measure_and_promote_by_themselves(wood: World) -> None:
    teach(wood, 40, 100)
    run = settled(wood)
    assert (run.trigger, run.outcome, run.label_count) == (Trigger.LABELS, Outcome.PROMOTED, 60)
    assert run.head is not None and run.head == wood.project.active_head
    assert head_is_whole(run.head)
    live = PredictionRun.objects.get(pk=wood.project.active_run_id)
    assert live.head == run.head
    told = dict(Prediction.objects.filter(run=live).values_list("image_id", "category_id"))
    right = [told[image] == wood.categories[i % 3] for i, image in enumerate(wood.images)]
    assert np.mean(right) > 0.9
    summary = run.report.summary
    assert summary["images"] == BLIND == len(run.report.items)
    assert summary["difference"]["low"] > 0
    assert summary["live_is"] == "most frequent"
    assert summary["space"]["distances"]["ratio"] < 1
    assert Promotion.objects.filter(head=run.head).count() == 1


def test_blind_labels_never_teach(wood: World) -> None:
    teach(wood, 40, 100)
    run = settled(wood)
    assert run.snapshot is not None
    asked = snapshot_labels(snapshot_id=run.snapshot.pk, blind=True)
    assert asked.image_ids.tolist() == wood.images[:BLIND]
    assert not np.intersect1d(snapshot_labels(snapshot_id=run.snapshot.pk, blind=False).image_ids, asked.image_ids).size
    assert run.label_count == 60


def test_fewer_labels_start_nothing_and_the_count_begins_anew_after_a_run(wood: World) -> None:
    teach(wood, 40, 99)
    assert flows.train_when_due(wood.project.pk) is None
    teach(wood, 99, 100)
    assert settled(wood).label_count == 60
    teach(wood, 100, 120)
    assert flows.train_when_due(wood.project.pk) is None


def test_the_event_of_the_last_label_is_what_starts_it(wood: World, django_capture_on_commit_callbacks: Any) -> None:
    teach(wood, 40, 99)
    with django_capture_on_commit_callbacks(execute=True):
        flows.after_annotated(wood.project.pk)
    assert TrainingRun.objects.count() == 0
    teach(wood, 99, 100)
    with django_capture_on_commit_callbacks(execute=True):
        flows.after_annotated(wood.project.pk)
    assert TrainingRun.objects.count() == 1


def test_shuffled_labels_do_not_go_live(wood: World) -> None:
    teach(wood, 40, 100, shuffled=True)
    run = settled(wood)
    assert run.outcome in (Outcome.CANDIDATE, Outcome.REFUSED)
    assert wood.project.active_head is None


def test_a_head_that_is_worse_than_the_live_one_is_refused_and_says_why(wood: World) -> None:
    teach(wood, 40, 100)
    first = settled(wood)
    teach(wood, 40, 160, shifted=1)
    second = settled(wood)
    assert second.outcome == Outcome.REFUSED
    assert "worse than the live model" in second.reason
    assert second.live_head == first.head == wood.project.active_head
    assert second.head is not None and second.head.state == HeadState.REFUSED
    assert second.report.summary["difference"]["high"] < 0


def test_one_run_at_a_time_whoever_asks(wood: World) -> None:
    teach(wood, 40, 100)
    options = TrainingOptions()
    first = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=options)
    assert flows.train(wood.project.pk, trigger=Trigger.LABELS, options=options) == first
    assert Job.objects.filter(kind="train").count() == 1


def test_without_blind_answers_no_run_starts_by_itself(wood: World) -> None:
    Project.objects.filter(pk=wood.project.pk).update(options={"training": {"every": 60, "needed": 41}})
    teach(wood, 40, 160)
    assert flows.train_when_due(wood.project.pk) is None


def test_going_back_serves_what_served_before_and_twice_goes_further(wood: World) -> None:
    teach(wood, 40, 100)
    first = settled(wood).head
    assert first is not None
    made = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=options_from({"head": "prototypes"}))
    run_pending(project_id=wood.project.pk)
    made.refresh_from_db()
    assert made.outcome == Outcome.CANDIDATE and made.head is not None
    head_promote(head=made.head, by=wood.people["owner"], reason="I know better")
    rollback(project=wood.project, by=None, reason="I did not")
    wood.project.refresh_from_db()
    assert wood.project.active_head == first
    rollback(project=wood.project, by=None, reason="further")
    wood.project.refresh_from_db()
    assert wood.project.active_head is None
    with pytest.raises(Conflict, match="nothing to go back to"):
        rollback(project=wood.project, by=None, reason="too far")


def test_predictions_follow_the_live_head_until_a_category_is_new_to_it(wood: World) -> None:
    teach(wood, 40, 100)
    run = settled(wood)
    flows.after_embedded(wood.project.pk)
    run_pending(project_id=wood.project.pk)
    wood.project.refresh_from_db()
    assert wood.project.active_run is not None and wood.project.active_run.head == run.head
    bat = Category.objects.create(project=wood.project, name="bat", position=9)
    wood.label(wood.images[159], bat.pk)
    flows.after_taxonomy_changed(wood.project.pk)
    run_pending(project_id=wood.project.pk)
    wood.project.refresh_from_db()
    assert wood.project.active_run.head is None
    assert bat.pk in wood.project.active_run.category_ids


def test_a_category_deleted_since_is_no_longer_predicted(wood: World) -> None:
    teach(wood, 40, 100)
    settled(wood)
    Category.objects.filter(pk=wood.categories[0]).update(deprecated_at="2030-01-01T00:00Z")
    flows.after_taxonomy_changed(wood.project.pk)
    run_pending(project_id=wood.project.pk)
    wood.project.refresh_from_db()
    run = wood.project.active_run
    assert run is not None and run.head == wood.project.active_head
    assert wood.categories[0] not in set(Prediction.objects.filter(run=run).values_list("category_id", flat=True))


def test_a_head_whose_files_were_changed_is_not_served(wood: World, settings: Any) -> None:
    teach(wood, 40, 100)
    head = settled(wood).head
    assert head is not None
    folder = head_folder(head)
    assert folder.is_dir()
    stored = Path(settings.STORAGES["default"]["OPTIONS"]["location"]) / head.storage_key / "head.json"
    stored.write_text("{}")
    assert not head_is_whole(head)


def test_the_same_snapshot_and_seed_give_the_same_bytes(wood: World) -> None:
    teach(wood, 40, 100)
    first = settled(wood)
    again = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=options_from(first.params))
    run_pending(project_id=wood.project.pk)
    again.refresh_from_db()
    assert first.head is not None and again.head is not None
    assert first.head.digest == again.head.digest
    assert again.outcome == Outcome.CANDIDATE


def test_a_category_that_appears_while_it_trains_keeps_the_candidate_waiting(
    wood: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where the encoder reads names: else nobody can tell the new one apart yet."""
    teach(wood, 40, 100)
    assert wood.space is not None
    wood.space.has_text = True
    wood.space.save()
    monkeypatch.setattr("server.pipeline.tasks.lesson.text_vectors", lambda *_: np.eye(8, dtype=np.float32)[:3])

    def meanwhile(name: str) -> None:
        if name == "stored":
            Category.objects.create(project=wood.project, name="bat", position=9)

    monkeypatch.setattr("server.pipeline.tasks.settle.failpoint", meanwhile)
    monkeypatch.setattr("server.pipeline.tasks.judging.head_fit", _refitted)
    flows.train_when_due(wood.project.pk)
    run_pending(project_id=wood.project.pk, kinds={"train"})
    run = TrainingRun.objects.get()
    assert run.outcome == Outcome.CANDIDATE
    assert run.reason.startswith("The taxonomy moved on while it trained: “bat” is new to it.")


def _refitted(folder: Path, lesson: Any, *, kind: str, space: str, seed: int) -> Any:
    """The names of this test say the wrong thing, so that there is something to gain."""
    from dataclasses import replace

    from server.compute.train import head_fit

    if kind == "zero-shot":
        lesson = replace(lesson, text=np.roll(lesson.text, 1, axis=0))
    return head_fit(folder, lesson, kind=kind, space=space, seed=seed)


def test_snapshots_of_runs_are_not_among_those_of_people(wood: World) -> None:
    teach(wood, 40, 100)
    settled(wood)
    assert Snapshot.objects.filter(project=wood.project, filters__purpose__isnull=True).count() == 0


def test_pseudo_labels_leave_a_trail_and_never_touch_the_blind_share(wood: World) -> None:
    teach(wood, 40, 70)
    run = flows.train(wood.project.pk, trigger=Trigger.MANUAL, options=options_from({"method": "self_training"}))
    run_pending(project_id=wood.project.pk)
    run.refresh_from_db()
    told = run.report.summary["self_training"]
    assert told["pseudo_labels"] and set(told["pseudo_labels"][0]) == {
        "image",
        "category",
        "confidence",
        "round",
        "teacher",
    }
    assert {line["image"] for line in told["pseudo_labels"]} <= set(wood.images[70:])
    assert run.head is not None and run.head.kind == "self-trained gda"
    assert Consensus.objects.filter(project=wood.project).count() == 70


def test_an_adapter_run_draws_its_curves_and_is_judged_like_any_other() -> None:
    made = kinds()
    run = flows.train(made.project.pk, trigger=Trigger.MANUAL, options=options_from({"method": "adapter"}))
    run_pending(project_id=made.project.pk)
    run.refresh_from_db()
    assert run.outcome == Outcome.PROMOTED
    assert {point.name for point in run.points.all()} == {"loss", "held_out_accuracy", "accuracy", "live_accuracy"}
    assert run.report.summary["adapter"]["accuracy"][0][0] == 0


def test_whatever_else_a_run_tries_is_shown_beside_the_plain_refit_of_the_head() -> None:
    made = kinds()
    refit, adapted = (
        trained(made, options_from({"method": method, "promote": False})) for method in ("head", "adapter")
    )
    shown = adapted.report.summary["refit"]
    assert "refit" not in refit.report.summary
    assert shown["figures"] == refit.report.summary["candidate"]
    right = {
        run: {image for image, truth, _, _, said, _ in run.report.items if said == truth} for run in (refit, adapted)
    }
    assert shown["better"] == len(right[adapted] - right[refit])
    assert shown["worse"] == len(right[refit] - right[adapted])


def test_what_does_worse_than_the_plain_refit_does_not_go_live_however_bad_the_live_model_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The adapter of this test says a neighbor of the right category for every third image."""
    made = kinds()
    real = judging.head_probabilities

    def astray(folder: Path, vectors: Any, *, space: str) -> Any:
        told = real(folder, vectors, space=space)
        if folder.name == "candidate":
            told[::3] = np.roll(told[::3], 1, axis=1)
        return told

    monkeypatch.setattr(judging, "head_probabilities", astray)
    run = trained(made, options_from({"method": "adapter"}))
    assert run.report.summary["difference"]["low"] > 0
    assert run.outcome == Outcome.CANDIDATE
    assert run.reason.endswith(judging.REFIT_DOES_BETTER)


def trained(made: World, options: TrainingOptions) -> TrainingRun:
    run = flows.train(made.project.pk, trigger=Trigger.MANUAL, options=options)
    run_pending(project_id=made.project.pk)
    run.refresh_from_db()
    return run
