"""Confirmed labels become a candidate head; the gate decides whether it goes live."""

import errno
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from django.db import DatabaseError

from server.compute.errors import MlError
from server.compute.heads import head_probabilities
from server.compute.methods import FitReport
from server.compute.train import Said, head_fit, models_compare, peak_memory_mb, said_of, space_figures
from server.core.errors import ApplicationError, Unavailable
from server.core.failpoints import failpoint
from server.pipeline import flows
from server.pipeline.handle import Cancelled, JobHandle
from server.pipeline.station import station
from server.pipeline.stopwatch import Stopwatch
from server.pipeline.tasks.fit import fit_by_method
from server.pipeline.tasks.lesson import Material, material_of
from server.pipeline.tasks.publishing import run_measure
from server.pipeline.tasks.settle import Judged, settle
from server.pipeline.tasks.student import student_train
from server.registry.artefacts import head_folder
from server.registry.models import HeadVersion
from server.training.models import Method, Outcome, TrainingRun
from server.training.options import TrainingOptions, options_from
from server.training.services import metric_point_add, training_run_end, training_run_freeze

DISK_FULL = "The disk is full. Nothing was changed and the live model serves on; free space, then train again."
UNFORESEEN = "Stopped by an error that was not foreseen; the job says which. The live model serves on."
HELD_OUT = 0.3
"""Share of the labeled categories that episodes are drawn from."""


@station("train", then=lambda handle: after(handle))
def train(handle: JobHandle) -> None:
    """Params: `run`. Begun again after a crash it freezes nothing twice and ends with the same weights."""
    run = TrainingRun.objects.get(pk=handle.params["run"])
    if run.outcome not in (Outcome.PENDING, Outcome.STOPPED):
        return _ended_before(handle, run)
    try:
        _train(handle, run)
    except Cancelled:
        _stopped(handle, run, "Stopped by a person.")
        raise
    except (ApplicationError, MlError) as error:
        _stopped(handle, run, str(error))
        raise
    except DatabaseError:
        raise
    except Exception as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        _stopped(handle, run, DISK_FULL if full else UNFORESEEN)
        if full:
            raise Unavailable(DISK_FULL) from error
        raise


def _ended_before(handle: JobHandle, run: TrainingRun) -> None:
    """A worker died between the switch and the end of its job: do what comes after the switch."""
    live = handle.project.active_run
    if live is not None and live.head_id is not None and live.head_id == run.head_id:
        run_measure(live)
    handle.result = {"run": run.pk, "outcome": run.outcome, "promoted": run.outcome == Outcome.PROMOTED}


def _stopped(handle: JobHandle, run: TrainingRun, reason: str) -> None:
    """Behind the fence: a worker that lost the job to another one has no say in what became of the run."""
    with handle.commit():
        training_run_end(run=run, outcome=Outcome.STOPPED, reason=reason)


def after(handle: JobHandle) -> None:
    """Labels that came while it trained may already be enough for the next run; a promotion wants a new ranking."""
    if handle.result.get("promoted"):
        flows.after_predicted(handle.project_id)
        flows.after_head_promoted(handle.project_id)
    flows.train_when_due(handle.project_id)


def _train(handle: JobHandle, run: TrainingRun) -> None:
    options, clock = options_from(run.params), Stopwatch()
    failpoint("begun")
    if run.method == Method.STUDENT:
        return student_train(handle, run, options)
    with clock("read"):
        training_run_freeze(run=run, evidence=options.evidence)
        failpoint("frozen")
        material = material_of(handle, run)
    handle.progress(done=1, total=5, message=f"Learning from {len(material.taught):,} labels")
    with tempfile.TemporaryDirectory(prefix="winnow-head-") as place:
        folder, names = Path(place) / "candidate", Path(place) / "names"
        with clock("fit"):
            fit = fit_by_method(handle, run, material, options, folder)
        failpoint("fitted")
        handle.check()
        handle.progress(done=2, message="Measuring on the blind share")
        with clock("judge"):
            live, live_head = live_answers(handle, material, names)
            judged = _judge(run, material, options, folder=folder, live=live, live_head=live_head, fit=fit)
        failpoint("judged")
        handle.progress(done=3, message="Deciding")
        cost = {**clock.seconds, "peak_mb": round(peak_memory_mb())}
        settle(handle, run, material, options, judged, folder=folder, names=names, cost=cost)


def live_answers(handle: JobHandle, material: Material, names: Path) -> tuple[Said, HeadVersion | None]:
    """What serves, about the blind images: the live head. Before there is one, what the names alone say; with an
    encoder that reads no names, the most frequent category for every image."""
    head = handle.project.active_head
    vectors = np.asarray(material.pool.vectors[material.asked], np.float32)
    if head is not None and head.space_id == material.space.pk:
        probabilities = head_probabilities(head_folder(head), vectors, space=material.space.fingerprint)
        return said_of(probabilities, head.category_ids), head
    if material.lesson.text is not None:
        head_fit(names, material.lesson, kind="zero-shot", space=material.space.fingerprint, seed=0)
        probabilities = head_probabilities(names, vectors, space=material.space.fingerprint)
        return said_of(probabilities, material.lesson.categories), None
    counts = np.bincount(material.lesson.class_index, minlength=len(material.categories))
    shares = np.tile((counts / counts.sum()).astype(np.float32), (len(vectors), 1))
    return said_of(shares, material.lesson.categories), None


def _judge(
    run: TrainingRun,
    material: Material,
    options: TrainingOptions,
    *,
    folder: Path,
    live: Said,
    live_head: HeadVersion | None,
    fit: FitReport,
) -> Judged:
    vectors = np.asarray(material.pool.vectors[material.asked], np.float32)
    probabilities = head_probabilities(folder, vectors, space=material.space.fingerprint)
    said = said_of(probabilities, material.lesson.categories)
    rule = {"metric": options.metric, "needed": options.needed, "tolerance": options.tolerance}
    outcome, reason, summary = models_compare(material.truth, live=live, candidate=said, rule=rule, seed=run.seed)
    labels = np.asarray(material.lesson.categories, np.int64)[material.lesson.class_index]
    summary["space"] = space_figures(
        material.lesson.support, labels, held_out=_held_out(labels, seed=run.seed), seed=run.seed
    )
    summary["live_is"] = live_head.pk if live_head else "names" if material.lesson.text is not None else "most frequent"
    summary["changed"] = int((said.category_ids != live.category_ids).sum())
    for name, figure in (("accuracy", "candidate"), ("live_accuracy", "live")):
        if summary[figure] is not None:
            metric_point_add(run=run, name=name, step=run.label_count, value=summary[figure]["accuracy"]["value"])
    columns = (material.pool.ids[material.asked], material.truth, live.category_ids, live.probability)
    items = zip(*(np.asarray(column).tolist() for column in columns), strict=True)
    ours = zip(said.category_ids.tolist(), said.probability.tolist(), strict=True)
    rows: list[list[Any]] = [
        [image, truth, was, round(was_p, 4), now, round(now_p, 4)]
        for (image, truth, was, was_p), (now, now_p) in zip(items, ours, strict=True)
    ]
    return Judged(
        outcome=outcome,
        reason=reason,
        summary=summary | fit.details,
        items=rows,
        kind=fit.fitted.kind,
        live_head=live_head,
    )


def _held_out(labels: np.ndarray[Any, Any], *, seed: int) -> list[int]:
    """Categories that episodes are drawn from, by seed."""
    known = np.unique(labels)
    count = max(2, round(HELD_OUT * len(known)))
    return sorted(np.random.default_rng(seed).permutation(known)[:count].tolist())
