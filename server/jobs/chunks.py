"""What can happen to a chunk: claimed in one statement, counted before the work, written behind a fence."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now

from server.jobs.models import Chunk, Job, State
from server.jobs.services import MAX_ATTEMPTS, StaleAttempt, job_advance, job_end

BACKOFF_S = 10
CLAIM = """
UPDATE jobs_chunk SET state = 'running', attempt = attempt + 1, attempt_token = gen_random_uuid(),
       worker = %(worker)s, heartbeat_at = clock_timestamp(), started_at = clock_timestamp()
 WHERE id = (
    SELECT chunk.id FROM jobs_chunk chunk JOIN jobs_job job ON job.id = chunk.job_id
     WHERE chunk.job_id = %(job)s AND chunk.state = 'queued'
       AND job.state = 'running' AND job.cancel_requested_at IS NULL
       AND (%(impatient)s OR chunk.next_attempt_at IS NULL OR chunk.next_attempt_at <= clock_timestamp())
     ORDER BY chunk.ordinal LIMIT 1 FOR UPDATE OF chunk SKIP LOCKED)
RETURNING *
"""
HEARTBEAT = """
WITH beat AS (
    UPDATE jobs_chunk SET heartbeat_at = clock_timestamp()
     WHERE id = %(chunk)s AND attempt_token = %(token)s AND state = 'running')
UPDATE jobs_job SET heartbeat_at = clock_timestamp()
 WHERE id = %(job)s AND attempt_token = %(attempt)s AND state = 'running'
RETURNING cancel_requested_at IS NOT NULL
"""
STALE = """
SELECT * FROM jobs_chunk WHERE job_id = %(job)s AND state = 'running'
   AND heartbeat_at < clock_timestamp() - %(stale_s)s * interval '1 second' FOR UPDATE SKIP LOCKED
"""


@dataclass
class Tally:
    """How many items of a chunk went well and how many did not; the body of a commit may still add to it."""

    done: int = 0
    failed: int = 0


def chunks_create(*, job: Job, payloads: Iterable[tuple[dict[str, Any], int]]) -> int:
    """Cut a job into chunks of (payload, number of items), once. Returns how many chunks it has.

    Safe to call by several workers and again after a crash: chunks appear all at once or not at all.
    """
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        if count := Chunk.objects.filter(job=job).count():
            return count
        parts = list(payloads)  # they may query, and a connection in COPY answers nothing else
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "COPY jobs_chunk (job_id, ordinal, payload, size, state, attempt, worker, error) FROM STDIN"
            ) as copy,
        ):
            for count, (payload, size) in enumerate(parts, start=1):
                copy.write_row((job.pk, count, json.dumps(payload), size, State.QUEUED.value, 0, "", ""))
        total = Chunk.objects.filter(job=job).aggregate(sum=Sum("size"))["sum"] or 0
        Job.objects.filter(pk=job.pk).update(total=total)
        return count


def chunk_claim(*, job_id: int, worker: str, impatient: bool = False) -> Chunk | None:
    """The next chunk, or None where none is due. `impatient` does not wait for the pause after a failure."""
    found = list(Chunk.objects.raw(CLAIM, {"job": job_id, "worker": worker[:120], "impatient": impatient}))
    return found[0] if found else None


@contextmanager
def chunk_commit(*, chunk: Chunk, done: int = 0, failed: int = 0) -> Iterator[Tally]:
    """One transaction for the rows of a chunk and its being done. A zombie gets `StaleAttempt` and writes nothing."""
    tally = Tally(done, failed)
    with transaction.atomic():
        mine = Chunk.objects.filter(pk=chunk.pk, attempt_token=chunk.attempt_token, state=State.RUNNING)
        if not mine.select_for_update().exists():
            raise StaleAttempt
        yield tally
        mine.update(state=State.DONE, finished_at=Now(), error="")
        job_advance(job_id=chunk.job_id, done=tally.done, failed=tally.failed)


@transaction.atomic
def chunk_fail(*, chunk: Chunk, error: str, final: bool = False) -> None:
    """Give the chunk back for another attempt after a pause, or give it up after the last."""
    held = Chunk.objects.select_for_update().filter(pk=chunk.pk, attempt_token=chunk.attempt_token, state=State.RUNNING)
    if not held.exists():
        return
    given_up = final or chunk.attempt >= MAX_ATTEMPTS
    error = error.replace("\0", "")
    if given_up:
        held.update(state=State.FAILED if final else State.ERRORED, error=error, finished_at=Now())
        job_advance(job_id=chunk.job_id, failed=chunk.size)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_chunk SET state = 'queued', error = %s, heartbeat_at = NULL,"
            " next_attempt_at = clock_timestamp() + %s * interval '1 second' WHERE id = %s",
            [error, BACKOFF_S * chunk.attempt, chunk.pk],
        )


def heartbeat(*, job: Job, chunk: Chunk | None) -> bool:
    """Say that the worker lives. True where it should stop: a person asked for it, the job has ended, or another
    worker has it now, whose death a heart that beats for nothing must not hide."""
    values = {
        "job": job.pk,
        "attempt": job.attempt_token,
        "chunk": chunk.pk if chunk else None,
        "token": chunk.attempt_token if chunk else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(HEARTBEAT, values)
        row = cursor.fetchone()
    return row is None or bool(row[0])


def job_settle(*, job: Job, result: dict[str, Any] | None = None) -> tuple[Job | None, Job | None]:
    """End a chunked job when nothing of it is left, in the caller's transaction.

    Returns (the job if this call ended it, the job that follows where it was asked for again). Of several workers
    that finish at the same moment exactly one ends the job.
    """
    held = Job.objects.select_for_update().filter(pk=job.pk, state=State.RUNNING).first()
    if held is None or held.chunks.filter(state__in=[State.QUEUED, State.RUNNING]).exists():
        return None, None
    broken = held.chunks.filter(state__in=[State.FAILED, State.ERRORED])
    count = broken.count()
    if held.cancel_requested_at:
        state, message, error = State.CANCELLED, "", ""
    elif count:
        first = broken.order_by("ordinal")[0]
        state = State.FAILED if first.state == State.FAILED else State.ERRORED
        message = f"{count} of {held.chunks.count()} parts could not be completed. Retry runs only those."
        error = first.error
    else:
        state, message, error = State.DONE, "", ""
    follow_up = job_end(job=held, state=state, message=message, error=error, result=result)
    return held, follow_up


def chunks_take_back(*, job: Job, stale_s: int) -> int:
    """Take chunks back from workers that have not been heard of; those that killed too many are given up."""
    with transaction.atomic():
        stale = list(Chunk.objects.raw(STALE, {"job": job.pk, "stale_s": stale_s}))
        for chunk in stale:
            chunk_fail(chunk=chunk, error=f"The worker {chunk.worker} died or lost contact (attempt {chunk.attempt}).")
    return len(stale)
