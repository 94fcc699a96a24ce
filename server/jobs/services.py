"""What can happen to a job. All times are the database's; no clock of a worker or of the web enters."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from server.accounts.models import User
from server.core.errors import Conflict
from server.core.events import publish
from server.jobs.models import LIVE_STATES, Chunk, Job, JobLogLine, State

MAX_ATTEMPTS = 3
"""A job or chunk whose worker died this often is given up: it is what kills workers."""

CLAIM = """
UPDATE jobs_job SET state = 'running', worker = %(worker)s, heartbeat_at = clock_timestamp(),
       started_at = coalesce(started_at, clock_timestamp()),
       attempt = attempt + (state = 'queued')::int,
       attempt_token = CASE WHEN state = 'queued' THEN gen_random_uuid() ELSE attempt_token END
 WHERE id = %(job)s AND cancel_requested_at IS NULL
   AND (state = 'queued' OR (%(shared)s AND state = 'running'))
RETURNING *
"""


class StaleAttempt(Exception):
    """Another worker has taken this work over, or it was cancelled. Whoever holds this attempt writes nothing."""


def job_create(
    *,
    project_id: int | None,
    kind: str,
    queue: str = "default",
    params: dict[str, Any] | None = None,
    total: int = 0,
    created_by: User | None = None,
    coalesce_key: str | None = None,
) -> Job:
    """A queued job; with a `coalesce_key` the live one of that key where there is one.

    A live one that has already begun may have read old data, so it is marked to run `again` when it ends. Its row is
    locked until the caller commits: it cannot begin or end between the caller's writes and their visibility.
    """
    while True:
        if coalesce_key and (live := _live_again(coalesce_key)):
            return live
        try:
            with transaction.atomic():
                job = Job.objects.create(
                    project_id=project_id,
                    kind=kind,
                    queue=queue,
                    params=params or {},
                    total=total,
                    created_by=created_by,
                    coalesce_key=coalesce_key,
                )
        except IntegrityError:
            if coalesce_key is None:
                raise
            continue  # somebody else created or finished it at this moment: look again
        _tell(job)
        return job


def _live_again(coalesce_key: str) -> Job | None:
    with transaction.atomic():
        live = Job.objects.select_for_update().filter(coalesce_key=coalesce_key, state__in=LIVE_STATES).first()
        if live and (live.state == State.RUNNING or live.attempt > 0) and not live.again:
            live.again = True
            live.save(update_fields=["again"])
        return live


def job_claim(*, job_id: int, worker: str, shared: bool = False) -> Job | None:
    """Begin the job, or None where there is nothing to begin. Several workers may begin a `shared` (chunked) one."""
    found = list(Job.objects.raw(CLAIM, {"job": job_id, "worker": worker[:120], "shared": shared}))
    if found:
        _tell(found[0])
    return found[0] if found else None


def job_fence(*, job_id: int, token: UUID | None) -> None:
    """Inside the caller's transaction: hold the job's row and make sure that this attempt is still the current one."""
    held = Job.objects.select_for_update().filter(pk=job_id, attempt_token=token, state=State.RUNNING)
    if not held.exists():
        raise StaleAttempt


def job_advance(*, job_id: int, done: int = 0, failed: int = 0) -> None:
    """Count items in. Called in the transaction that writes them, so the figures are never ahead of the rows."""
    Job.objects.filter(pk=job_id).update(done=F("done") + done, failed=F("failed") + failed, heartbeat_at=Now())


def job_progress(*, job_id: int, done: int | None = None, total: int | None = None, message: str | None = None) -> None:
    """Set figures of a job that is not chunked, or say what it is doing."""
    values: dict[str, Any] = {"heartbeat_at": Now()}
    if done is not None:
        values["done"] = done
    if total is not None:
        values["total"] = total
    if message is not None:
        values["message"] = message[:500]
    Job.objects.filter(pk=job_id).update(**values)


def job_log(*, job_id: int, message: str, level: str = "info") -> None:
    JobLogLine.objects.create(job_id=job_id, message=message.replace("\0", ""), level=level)


@transaction.atomic
def job_end(
    *, job: Job, state: State, message: str = "", error: str = "", result: dict[str, Any] | None = None
) -> Job | None:
    """End a job whose row the caller holds. Returns the job that runs after it where it was asked for again."""
    Job.objects.filter(pk=job.pk).update(
        state=state,
        finished_at=Now(),
        error=error.replace("\0", ""),
        message=message[:500] or F("message"),
        result=result if result is not None else F("result"),
    )
    job.state = state
    _tell(job)
    if not job.again or state == State.CANCELLED:
        return None
    return job_create(
        project_id=job.project_id,
        kind=job.kind,
        queue=job.queue,
        params=job.params,
        coalesce_key=job.coalesce_key,
        created_by=job.created_by,
    )


@transaction.atomic
def job_cancel(*, job: Job) -> Job:
    """Stop what has not begun at once and the rest at the next chunk or heartbeat. Work already done is kept."""
    held = Job.objects.select_for_update().get(pk=job.pk)
    if held.state not in LIVE_STATES:
        raise Conflict(f"This job has already ended ({held.state}); there is nothing left to cancel.")
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=Coalesce("cancel_requested_at", Now()))
    Chunk.objects.filter(job=held, state=State.QUEUED).update(state=State.CANCELLED, finished_at=Now())
    if held.state == State.QUEUED:
        job_end(job=held, state=State.CANCELLED)
    return Job.objects.get(pk=job.pk)


@transaction.atomic
def job_retry(*, job: Job) -> Job:
    """Queue what is left of a job that ended early. Chunks that were done stay done."""
    held = Job.objects.select_for_update().get(pk=job.pk)
    if held.state not in (State.FAILED, State.ERRORED, State.CANCELLED):
        raise Conflict(f"Only a failed or cancelled job can be tried again; this one is {held.state}.")
    if held.coalesce_key and Job.objects.filter(coalesce_key=held.coalesce_key, state__in=LIVE_STATES).exists():
        raise Conflict("The same work is already queued or running in a newer job.")
    left = held.chunks.filter(state__in=[State.FAILED, State.ERRORED, State.CANCELLED])
    lost = sum(left.exclude(state=State.CANCELLED).values_list("size", flat=True))
    left.update(state=State.QUEUED, attempt=0, next_attempt_at=None, finished_at=None, error="")
    Job.objects.filter(pk=job.pk).update(
        state=State.QUEUED,
        attempt=0,
        failed=F("failed") - lost,
        error="",
        message="",
        again=False,
        heartbeat_at=None,
        finished_at=None,
        started_at=None,
        cancel_requested_at=None,
    )
    fresh = Job.objects.get(pk=job.pk)
    _tell(fresh)
    return fresh


def job_sent(*, job_id: int) -> None:
    """A message about this job reached the broker; the sweeper waits a while before it sends another."""
    Job.objects.filter(pk=job_id, state=State.QUEUED).update(heartbeat_at=Now())


def _tell(job: Job) -> None:
    if job.project_id:
        publish(job.project_id, "jobs")
