"""The end of a training run: one transaction in which the head, its predictions and the report appear together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from server.compute.heads import head_score_pool
from server.compute.predict import PoolScores
from server.compute.train import library_versions
from server.core.events import publish
from server.core.failpoints import failpoint
from server.pipeline.handle import JobHandle
from server.pipeline.tasks.lesson import Material
from server.pipeline.tasks.publishing import run_measure, run_write
from server.predictions.models import PredictionRun
from server.predictions.selectors import categories_predicted
from server.projects.models import Project
from server.registry.artefacts import head_store
from server.registry.heads import HeadFacts, head_create, head_promote, head_refuse
from server.registry.models import HeadVersion
from server.taxonomy.models import Category
from server.training.models import Outcome, TrainingRun
from server.training.options import TrainingOptions
from server.training.services import report_write, training_run_end

OUTCOMES = {"promote": Outcome.PROMOTED, "wait": Outcome.CANDIDATE, "refuse": Outcome.REFUSED}


@dataclass(frozen=True)
class Judged:
    """What the gate said of a candidate, and everything that it said it on."""

    outcome: str
    reason: str
    summary: dict[str, Any]
    items: list[list[Any]]
    kind: str
    live_head: HeadVersion | None


@dataclass(frozen=True)
class Serving:
    """A head that is to go live: its files, what it says of the pool, and why."""

    facts: HeadFacts
    categories: list[Category]
    scores: PoolScores


def settle(
    handle: JobHandle,
    run: TrainingRun,
    material: Material,
    options: TrainingOptions,
    judged: Judged,
    *,
    folder: Path,
    names: Path,
    cost: Mapping[str, float],
) -> None:
    """Promote, keep or refuse the candidate. Live is the old head or the new one with its predictions, never both."""
    facts = _facts(run, material, judged.kind, folder)
    failpoint("stored")
    outcome, reason = _outcome(judged, options, _newer(handle.project, material))
    serving = _serving(handle.project, material, facts, folder) if outcome == Outcome.PROMOTED else None
    refuge = _refuge(run, handle.project, material, names) if outcome == Outcome.REFUSED else None
    failpoint("scored")
    with handle.commit(done=1):
        if serving is not None and not _unmoved(handle, judged):
            serving, outcome = None, Outcome.CANDIDATE
            reason = "Another model went live while this one was judged; compare it with that one in a new run."
        head = _head(handle.project, material, facts, metrics=_metrics(judged))
        report_write(run=run, summary=judged.summary, items=judged.items)
        live_id = judged.live_head.pk if judged.live_head else None
        training_run_end(run=run, outcome=outcome, reason=reason, head=head, live_head_id=live_id, cost=cost)
        made = _go_live(handle, run, material, serving, head=head, reason=f"Run {run.pk}: {reason}")
        if outcome == Outcome.REFUSED:
            head_refuse(head)
        if refuge is not None and _unmoved(handle, judged):
            standing = _head(handle.project, material, refuge.facts, metrics={})
            why = f"Run {run.pk}: the labels so far do worse than the names of the categories alone, so those serve."
            made = _go_live(handle, run, material, refuge, head=standing, reason=why)
        failpoint("flipping")
    failpoint("flipped")
    if made is not None:
        run_measure(made)
    handle.progress(done=5, total=5, message=reason)
    handle.result = {"run": run.pk, "outcome": outcome.value, "head": head.pk, "promoted": made is not None}
    publish(handle.project_id, "training", "predictions")


def _outcome(judged: Judged, options: TrainingOptions, newer: list[str]) -> tuple[Outcome, str]:
    outcome = OUTCOMES[judged.outcome]
    if outcome != Outcome.PROMOTED:
        return outcome, judged.reason
    if newer:
        what = ", ".join(f"“{name}”" for name in newer[:3])
        return Outcome.CANDIDATE, f"The taxonomy moved on while it trained: {what} is new to it. {judged.reason}"
    if not options.promote:
        return Outcome.CANDIDATE, f"{judged.reason} This project leaves the last word to a person."
    return outcome, judged.reason


def _newer(project: Project, material: Material) -> list[str]:
    """Categories of this moment that the candidate does not know."""
    fresh = Project.objects.get(pk=project.pk)
    known = {category.pk for category in material.categories}
    taught = np.asarray(material.lesson.categories)[material.lesson.class_index]
    today = categories_predicted(fresh, labeled=set(taught.tolist()))
    return [category.name for category in today if category.pk not in known] if material.space.has_text else []


def _facts(run: TrainingRun, material: Material, kind: str, folder: Path) -> HeadFacts:
    key, digest = head_store(project_id=run.project_id, folder=folder)
    snapshot = run.snapshot.digest if run.snapshot else ""
    return HeadFacts(
        kind=kind,
        category_ids=material.lesson.categories,
        storage_key=key,
        digest=digest,
        params=run.params,
        provenance={"run": run.pk, "seed": run.seed, "snapshot": snapshot, **library_versions()},
    )


def _serving(project: Project, material: Material, facts: HeadFacts, folder: Path) -> Serving:
    """What the head says of the whole pool, among those of its categories that still exist."""
    today = set(Category.objects.filter(project=project, deprecated_at__isnull=True).values_list("pk", flat=True))
    kept = [(i, category) for i, category in enumerate(material.categories) if category.pk in today]
    columns = np.asarray([i for i, _ in kept], np.int64)
    scores = head_score_pool(folder, material.pool.vectors, space=material.space.fingerprint, columns=columns)
    return Serving(facts, [category for _, category in kept], scores)


def _refuge(run: TrainingRun, project: Project, material: Material, names: Path) -> Serving | None:
    """Where no head serves, predictions were fits on the very labels that were just shown to do harm: the names of
    the categories, which the candidate lost against, are made a head and serve instead."""
    if project.active_head_id is not None or not names.is_dir():
        return None
    return _serving(project, material, _facts(run, material, "zero-shot", names), names)


def _head(project: Project, material: Material, facts: HeadFacts, *, metrics: Mapping[str, Any]) -> HeadVersion:
    return head_create(
        project=project,
        space=material.space,
        facts=facts,
        metrics=metrics,
        taxonomy_revision=project.taxonomy_revision,
    )


def _go_live(
    handle: JobHandle, run: TrainingRun, material: Material, serving: Serving | None, *, head: HeadVersion, reason: str
) -> PredictionRun | None:
    if serving is None:
        return None
    head_promote(head=head, by=None, reason=reason)
    return run_write(
        handle.project,
        material.space,
        [category.pk for category in serving.categories],
        material.pool,
        serving.scores,
        label_count=run.label_count,
        details={"last_sequence": run.last_sequence},
        head_id=head.pk,
        while_head=head.pk,
    )


def _unmoved(handle: JobHandle, judged: Judged) -> bool:
    """Whether what the candidate was compared with still serves; the project's row is held from here on."""
    held = Project.objects.select_for_update().get(pk=handle.project_id)
    return held.active_space_id == handle.project.active_space_id and held.active_head_id == (
        judged.live_head.pk if judged.live_head else handle.project.active_head_id
    )


def _metrics(judged: Judged) -> dict[str, Any]:
    """The few figures that a list of heads shows."""
    figures = judged.summary["candidate"]
    if figures is None:
        return {}
    return {
        "images": judged.summary["images"],
        "accuracy": figures["accuracy"],
        "macro_f1": figures["macro_f1"],
        "calibration_error": figures["calibration_error"],
    }
