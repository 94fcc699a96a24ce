"""The one shape of every station: claim in SQL, beat, compute, write behind a fence, settle, tell the timetable."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from server.compute.errors import MlError
from server.core.errors import ApplicationError
from server.jobs.chunks import chunk_fail, job_settle
from server.jobs.models import Chunk, Job, State
from server.jobs.services import StaleAttempt, job_claim, job_end, job_fence
from server.pipeline import flows
from server.pipeline.handle import Cancelled, JobHandle, worker_name
from server.pipeline.kinds import KINDS

logger = logging.getLogger(__name__)
EXPECTED = (ApplicationError, MlError)
DATABASE_GONE = (OperationalError, InterfaceError)


@dataclass(frozen=True)
class Station:
    """A kind of job and the function that does it."""

    kind: str
    body: Callable[[JobHandle], None]
    chunked: bool
    parallel: int
    then: Callable[[JobHandle], None] | None


STATIONS: dict[str, Station] = {}


def station(
    kind: str, *, chunked: bool = False, parallel: int = 1, then: Callable[[JobHandle], None] | None = None
) -> Callable[[Callable[[JobHandle], None]], Callable[[JobHandle], None]]:
    """Make a function the worker side of `KINDS[kind]` and register it with Celery as `pipeline.<kind>`.

    `chunked`: several workers may share a job; the body runs `for chunk in handle.chunks()` and may be entered again.
    `then` runs in the transaction that ends the job, so what comes next is never forgotten and never started twice.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not in KINDS; add its queue and title there first")

    def register(body: Callable[[JobHandle], None]) -> Callable[[JobHandle], None]:
        STATIONS[kind] = Station(kind, body, chunked, parallel, then)

        @shared_task(name=f"pipeline.{kind}")  # type: ignore[untyped-decorator]
        def task(job_id: int, **unknown: Any) -> None:
            run(job_id, kind=kind)

        return body

    return register


def run(job_id: int, *, kind: str, inline: bool = False) -> None:
    """Do what there is to do of a job. A message for a job that has ended or is held by another worker does nothing."""
    spec = STATIONS[kind]
    job = job_claim(job_id=job_id, worker=worker_name(), shared=spec.chunked)
    if job is None:
        return
    handle = JobHandle(job, inline=inline, parallel=spec.parallel)
    try:
        with handle.beating():
            _work(spec, handle)
        _finish(spec, handle)
    except StaleAttempt:
        logger.warning("stale_attempt job=%s: another worker has it; nothing was written", job_id)
    except DATABASE_GONE:
        logger.exception("database_gone job=%s: the sweeper will queue it again", job_id)
    except Cancelled:
        _break_off(spec, handle, State.CANCELLED, "")
    except EXPECTED as error:
        _break_off(spec, handle, State.FAILED, str(error))
    except Exception:  # noqa: BLE001 (whatever a station raises belongs in its job's row)
        _break_off(spec, handle, State.ERRORED, _trace())
    if handle.handed_over:
        flows.send(job)


def _work(spec: Station, handle: JobHandle) -> None:
    """Run the body; where a chunk fails, note it at the chunk and go on with the next."""
    while True:
        try:
            return spec.body(handle)
        except DATABASE_GONE:
            raise
        except Exception as error:
            chunk = handle.drop_chunk()
            if chunk is None or isinstance(error, Cancelled):
                raise
            if not isinstance(error, StaleAttempt):
                _note_failure(chunk, error)


def _note_failure(chunk: Chunk, error: Exception) -> None:
    expected = isinstance(error, EXPECTED)
    text = str(error) if expected else _trace()
    logger.warning("chunk_failed job=%s chunk=%s attempt=%s", chunk.job_id, chunk.ordinal, chunk.attempt, exc_info=True)
    chunk_fail(chunk=chunk, error=text, final=expected)


@transaction.atomic
def _finish(spec: Station, handle: JobHandle) -> None:
    result = handle.result or None
    ended: Job | None
    if spec.chunked:
        ended, follow_up = job_settle(job=handle.job, result=result)
    else:
        job_fence(job_id=handle.job.pk, token=handle.job.attempt_token)
        ended = Job.objects.get(pk=handle.job.pk)
        follow_up = job_end(job=ended, state=State.DONE, result=result)
    if ended and spec.then and ended.state != State.CANCELLED and (ended.state == State.DONE or ended.done > 0):
        spec.then(handle)
    if follow_up:
        flows.send(follow_up)


def _break_off(spec: Station, handle: JobHandle, state: State, error: str) -> None:
    """End the job early. What was committed stays; what was not begun can be tried again by a person."""
    if error:
        logger.error("job_%s job=%s kind=%s %s", state, handle.job.pk, spec.kind, error)
    try:
        with transaction.atomic():
            job_fence(job_id=handle.job.pk, token=handle.job.attempt_token)
            job = Job.objects.get(pk=handle.job.pk)
            job.chunks.filter(state__in=[State.QUEUED, State.RUNNING]).update(state=State.CANCELLED)
            message = error.strip().rsplit("\n", 1)[-1] if error else ""
            follow_up = job_end(job=job, state=state, message=message, error=error, result=handle.result or None)
            if follow_up:
                flows.send(follow_up)
    except (StaleAttempt, DatabaseError):
        logger.exception("job_not_ended job=%s", handle.job.pk)


def _trace() -> str:
    """The current traceback without the folder that the server happens to be installed in."""
    return traceback.format_exc().replace(f"{settings.BASE_DIR}/", "")[-8000:]


def run_pending(*, project_id: int | None = None, kinds: set[str] | None = None) -> int:
    """Run queued jobs in this process until none is left: Winnow without a worker. Returns how many ran."""
    import_module("server.pipeline.tasks")
    count = 0
    while True:
        waiting = Job.objects.filter(state=State.QUEUED, kind__in=kinds or STATIONS).order_by("id")
        job = waiting.filter(project_id=project_id).first() if project_id else waiting.first()
        if job is None:
            return count
        run(job.pk, kind=job.kind, inline=True)
        count += 1
