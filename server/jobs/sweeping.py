"""Finds work that lost its worker or its message. Messages may be lost or doubled; rows are not."""

import os

from django.db import transaction

from server.jobs.chunks import chunks_take_back, job_settle
from server.jobs.models import Chunk, Job, State
from server.jobs.services import MAX_ATTEMPTS, job_end, job_log

STALE_S = 60
"""Six missed heartbeats."""
RESEND_S = 120
UNHEARD = """
SELECT job.id FROM jobs_job job
 WHERE (job.state = 'queued' AND job.created_at < clock_timestamp() - interval '10 seconds'
        AND (job.heartbeat_at IS NULL OR job.heartbeat_at < clock_timestamp() - %(resend_s)s * interval '1 second'))
    OR (job.state = 'running' AND (
        job.heartbeat_at < clock_timestamp() - %(stale_s)s * interval '1 second'
        OR EXISTS (SELECT 1 FROM jobs_chunk chunk WHERE chunk.job_id = job.id AND chunk.state = 'running'
                   AND chunk.heartbeat_at < clock_timestamp() - %(stale_s)s * interval '1 second')
        OR (EXISTS (SELECT 1 FROM jobs_chunk chunk WHERE chunk.job_id = job.id AND chunk.state = 'queued'
                    AND chunk.next_attempt_at <= clock_timestamp())
            AND NOT EXISTS (SELECT 1 FROM jobs_chunk chunk WHERE chunk.job_id = job.id AND chunk.state = 'running'))))
 ORDER BY job.id LIMIT 500
"""


def sweep(*, stale_s: int = STALE_S, resend_s: int = RESEND_S) -> list[Job]:
    """Put every live job right whose worker or message is gone. Returns those that need a new message.

    Running it twice at once, or never for an hour, changes no result: rows are taken with SKIP LOCKED.
    """
    found = [job.pk for job in Job.objects.raw(UNHEARD, {"stale_s": stale_s, "resend_s": resend_s})]
    swept = [_sweep_one(pk, stale_s) for pk in found]
    return [job for job in swept if job]


def sweep_dead(*, node: str) -> list[Job]:
    """Put right at once what processes of this machine held that are no more: for a worker that has just begun.

    Returns the jobs that need a new message. Those in parts wait for `sweep`: their parts know their worker's heart
    alone. A process that bears the number of the one that asks was an earlier one.
    """
    held = Job.objects.filter(state=State.RUNNING, worker__startswith=f"{node}:", chunks=None).order_by("pk")
    dead = [pk for pk, worker in held.values_list("pk", "worker") if not _lives(worker.rpartition(":")[2])]
    swept = [_sweep_one(pk, 0) for pk in dead]
    return [job for job in swept if job]


def _lives(number: str) -> bool:
    if number == str(os.getpid()):
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@transaction.atomic
def _sweep_one(pk: int, stale_s: int) -> Job | None:
    job = Job.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if job is None:
        return None
    if job.state == State.QUEUED:
        return job
    if job.state != State.RUNNING:
        return None
    if job.chunks.exists():
        return _sweep_chunked(job, stale_s)
    if job.cancel_requested_at:
        job_end(job=job, state=State.CANCELLED)
        return None
    if job.attempt >= MAX_ATTEMPTS:
        job_end(job=job, state=State.ERRORED, error=f"Its worker died {job.attempt} times; it is given up.")
        return None
    job_log(job_id=pk, message=f"The worker {job.worker} died or lost contact; queued again.", level="warning")
    Job.objects.filter(pk=pk).update(state=State.QUEUED, attempt_token=None, heartbeat_at=None)
    return job


def _sweep_chunked(job: Job, stale_s: int) -> Job | None:
    taken_back = chunks_take_back(job=job, stale_s=stale_s)
    if taken_back:
        job_log(job_id=job.pk, message=f"{taken_back} parts lost their worker and run again.", level="warning")
    if job.cancel_requested_at:
        Chunk.objects.filter(job=job, state=State.QUEUED).update(state=State.CANCELLED)
        job_settle(job=job)
        return None
    return job
