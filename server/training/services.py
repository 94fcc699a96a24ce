"""The life of a training run: asked for, frozen, measured, ended."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from server.accounts.models import User
from server.core import sql
from server.core.events import publish
from server.jobs.models import LIVE_STATES, Job, State
from server.projects.models import Project
from server.registry.models import HeadVersion
from server.snapshots.models import Snapshot
from server.snapshots.packing import snapshot_pack
from server.training.models import EvaluationReport, MetricPoint, Outcome, TrainingRun, Trigger

PURPOSE = "training"
"""Marks the snapshots of runs, which people did not ask for and do not see among their own."""


def training_run_create(
    *,
    project: Project,
    trigger: Trigger,
    method: str,
    params: Mapping[str, Any],
    seed: int,
    created_by: User | None,
) -> TrainingRun:
    """A run that waits for its job."""
    return TrainingRun.objects.create(
        project=project,
        trigger=trigger,
        method=method,
        params=dict(params),
        seed=seed,
        space_id=project.active_space_id,
        created_by=created_by,
    )


def training_run_queued(*, run: TrainingRun, job: Job) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(job=job)
    publish(run.project_id, "training")


def training_run_freeze(*, run: TrainingRun, evidence: Sequence[str]) -> Snapshot:
    """The labels that this run learns from and is measured with; frozen once, however often the run is begun again."""
    with transaction.atomic():
        held = TrainingRun.objects.select_for_update(of=("self",)).select_related("snapshot").get(pk=run.pk)
        if held.snapshot is None:
            newest = "SELECT COALESCE(max(sequence), 0) FROM labeling_annotation WHERE project_id = %s"
            held.last_sequence = int(sql.fetch_value(newest, [run.project_id]))
            project = Project.objects.get(pk=run.project_id)
            held.snapshot, held.label_count = snapshot_pack(
                project=project, name=f"Training run {run.pk}", purpose=PURPOSE, evidence=evidence
            )
            held.save(update_fields=["snapshot", "last_sequence", "label_count"])
    for name in ("snapshot", "snapshot_id", "last_sequence", "label_count"):
        setattr(run, name, getattr(held, name))
    assert held.snapshot is not None
    return held.snapshot


def metric_point_add(*, run: TrainingRun, name: str, step: int, value: float) -> None:
    """Add a point to a curve, or correct it where a resumed run comes by again."""
    MetricPoint.objects.update_or_create(run=run, name=name, step=step, defaults={"value": value})
    publish(run.project_id, "training")


def report_write(*, run: TrainingRun, summary: Mapping[str, Any], items: Sequence[Sequence[Any]]) -> None:
    """The comparison with what served, in the caller's transaction."""
    EvaluationReport.objects.update_or_create(
        run=run, defaults={"summary": dict(summary), "items": [list(item) for item in items]}
    )


def training_run_end(
    *,
    run: TrainingRun,
    outcome: Outcome,
    reason: str,
    head: HeadVersion | None = None,
    live_head_id: int | None = None,
    cost: Mapping[str, float] | None = None,
) -> None:
    """Say what became of it, in the caller's transaction."""
    TrainingRun.objects.filter(pk=run.pk).update(
        outcome=outcome,
        reason=reason[:500],
        head=head,
        live_head_id=live_head_id,
        cost=dict(cost or {}),
        finished_at=Now(),
    )
    publish(run.project_id, "training")


def training_runs_abandoned_end() -> int:
    """Say of runs whose job ended without them, cancelled before it began or given up with its workers, that they
    stopped. Returns how many."""
    left = TrainingRun.objects.filter(outcome=Outcome.PENDING).exclude(job__state__in=LIVE_STATES).select_related("job")
    count = 0
    for run in left:
        last_words = run.job.error.strip().rsplit("\n", 1)[-1] if run.job else ""
        by_hand = run.job is not None and run.job.state == State.CANCELLED
        reason = "Stopped by a person." if by_hand else f"{last_words} The live model serves on.".strip()
        count += TrainingRun.objects.filter(pk=run.pk, outcome=Outcome.PENDING).update(
            outcome=Outcome.STOPPED, reason=reason[:500], finished_at=Now()
        )
        publish(run.project_id, "training")
    return count
