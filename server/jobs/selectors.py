"""What people and stations ask about jobs."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from server.accounts.models import User
from server.jobs.models import LIVE_STATES, Canary, Job, State

QUEUES = ("default", "ml", "interactive")
ALIVE_S = 180
"""Three missed canaries mean that nobody works on a queue."""
LATELY_S = 600


def jobs_of_project(*, project_id: int, live: bool = False) -> QuerySet[Job]:
    """Newest first."""
    qs = Job.objects.filter(project_id=project_id)
    return qs.filter(state__in=LIVE_STATES) if live else qs


def jobs_live(*, project_ids: Sequence[int]) -> set[int]:
    """Which of these projects have work that runs or waits."""
    live = Job.objects.filter(project_id__in=project_ids, state__in=LIVE_STATES).order_by()
    return set(live.values_list("project_id", flat=True).distinct())


def live_job(*, coalesce_key: str) -> Job | None:
    return Job.objects.filter(coalesce_key=coalesce_key, state__in=LIVE_STATES).first()


def job_failed_lately(*, project_id: int, coalesce_key: str) -> bool:
    """Whether this work failed within the last minutes: a clock that asked at once again would fill the list."""
    since = timezone.now() - timedelta(seconds=LATELY_S)
    failed = Job.objects.filter(project_id=project_id, coalesce_key=coalesce_key, finished_at__gt=since)
    return failed.filter(state__in=(State.FAILED, State.ERRORED)).exists()


def job_speed(job: Job, *, now: datetime | None = None) -> tuple[float | None, float | None]:
    """(items per second, seconds left) of a running job; None where nothing is known yet."""
    counted = job.done + job.failed
    if job.started_at is None or counted <= 0:
        return None, None
    elapsed = ((job.finished_at or now or timezone.now()) - job.started_at).total_seconds()
    if elapsed <= 0:
        return None, None
    rate = counted / elapsed
    left = max(job.total - counted, 0) / rate if job.state == State.RUNNING and job.total else None
    return rate, left


def workers_alive() -> dict[str, bool]:
    """Which queues have a worker, by the canary that went through each."""
    limit = timezone.now() - timedelta(seconds=ALIVE_S)
    seen = set(Canary.objects.filter(seen_at__gt=limit).values_list("queue", flat=True))
    return {queue: queue in seen for queue in QUEUES}


def job_cancellable_by(*, job: Job, user: User, is_owner: bool) -> bool:
    """Whoever started a job or owns its project may stop it."""
    return is_owner or job.created_by_id == user.pk
