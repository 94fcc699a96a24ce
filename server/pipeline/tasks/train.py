"""Confirmed labels become a candidate head; the gate decides whether it goes live."""

import errno
import tempfile
from pathlib import Path

from django.db import DatabaseError

from server.compute.errors import MlError
from server.compute.train import peak_memory_mb
from server.core.errors import ApplicationError, Unavailable
from server.core.failpoints import failpoint
from server.pipeline import flows
from server.pipeline.handle import Cancelled, JobHandle
from server.pipeline.station import station
from server.pipeline.stopwatch import Stopwatch
from server.pipeline.tasks.fit import fit_by_method
from server.pipeline.tasks.judging import judge, rivals
from server.pipeline.tasks.lesson import material_of
from server.pipeline.tasks.publishing import run_measure
from server.pipeline.tasks.settle import settle
from server.pipeline.tasks.student import student_train
from server.training.models import Method, Outcome, TrainingRun
from server.training.options import options_from
from server.training.services import training_run_end, training_run_freeze

DISK_FULL = "The disk is full. Nothing was changed and the live model serves on; free space, then train again."
UNFORESEEN = "Stopped by an error that was not foreseen; the job says which. The live model serves on."


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
            beside = rivals(handle, run, material, options, Path(place))
            judged = judge(run, material, options, folder=folder, beside=beside, fit=fit)
        failpoint("judged")
        handle.progress(done=3, message="Deciding")
        cost = {**clock.seconds, "peak_mb": round(peak_memory_mb())}
        settle(handle, run, material, options, judged, folder=folder, names=names, cost=cost)
