"""A small message through every queue each minute: a worker that looks alive but takes no messages is found out."""

from django.db.models.functions import Now

from server.jobs.models import Canary


def canary_seen(*, queue: str, worker: str) -> None:
    """A worker of this queue is at work now."""
    Canary.objects.update_or_create(queue=queue, defaults={"worker": worker[:120], "seen_at": Now()})
