"""The truth about work in progress. A Celery message only says "look for work"."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class State(models.TextChoices):
    """`failed` was foreseen and says what to do; `errored` was not and carries a traceback."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ERRORED = "errored"
    CANCELLED = "cancelled"


LIVE_STATES = (State.QUEUED, State.RUNNING)


class Job(models.Model):
    """One piece of long work that a person can watch, cancel and read the log of."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, null=True, related_name="jobs")
    kind = models.CharField(max_length=40)
    queue = models.CharField(max_length=20, default="default")
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="jobs")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    attempt = models.IntegerField(default=0)
    attempt_token = models.UUIDField(null=True)
    worker = models.CharField(max_length=120, default="", blank=True)
    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    message = models.CharField(max_length=500, default="", blank=True)
    error = models.TextField(default="", blank=True)
    result = models.JSONField(default=dict)
    coalesce_key = models.CharField(max_length=200, null=True)  # noqa: DJ001 (null is "no key": unique among the rest)
    """At most one live job per key: asking again returns the one that is there."""
    again = models.BooleanField(default=False)
    """Asked for once more while it ran: what it had already read may be old, so it runs again when it ends."""

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["coalesce_key"],
                condition=Q(state__in=["queued", "running"]),
                name="job_one_live_per_key",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "-id"], name="job_project_newest"),
            models.Index(
                fields=["state", "heartbeat_at"],
                condition=Q(state__in=["queued", "running"]),
                name="job_live",
            ),
        ]


class Chunk(models.Model):
    """A part of a job that takes at most a few minutes and commits in one transaction, fenced by its token."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="chunks")
    ordinal = models.IntegerField()
    payload = models.JSONField(default=dict)
    size = models.IntegerField(default=0)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    attempt = models.IntegerField(default=0)
    attempt_token = models.UUIDField(null=True)
    worker = models.CharField(max_length=120, default="", blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "ordinal"], name="chunk_once")]
        indexes: ClassVar = [
            models.Index(fields=["job", "ordinal"], condition=Q(state="queued"), name="chunk_claimable"),
            models.Index(fields=["heartbeat_at"], condition=Q(state="running"), name="chunk_running"),
        ]


class JobLogLine(models.Model):
    """What a job said, in order."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField(db_default=Now())
    level = models.CharField(max_length=10, default="info")
    message = models.TextField()

    class Meta:
        ordering: ClassVar = ["id"]


class Canary(models.Model):
    """The last end-to-end sign of life of each queue, so that the interface can say "no worker is running"."""

    queue = models.CharField(max_length=20, primary_key=True)
    worker = models.CharField(max_length=120, default="")
    sent_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
