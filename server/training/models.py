"""Training runs: what started each, what it was fitted on, how it was judged, what became of it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Trigger(models.TextChoices):
    """What started a run."""

    LABELS = "labels"
    SCHEDULE = "schedule"
    DRIFT = "drift"
    MANUAL = "manual"


class Method(models.TextChoices):
    """What is fitted. Heads read stored vectors, so none needs an image to be embedded again. A student is no head of
    the project: it is a small network to take along, which learns from the images what the live head says of them."""

    HEAD = "head"
    ADAPTER = "adapter"
    SELF_TRAINING = "self_training"
    STUDENT = "student"


class Outcome(models.TextChoices):
    """`promoted` went live; a `candidate` was not shown to be better, a `refused` one was shown to be worse. A student
    never serves: it is `delivered` where it keeps up with its teacher."""

    PENDING = "pending"
    PROMOTED = "promoted"
    CANDIDATE = "candidate"
    REFUSED = "refused"
    STOPPED = "stopped"
    DELIVERED = "delivered"


class TrainingRun(models.Model):
    """One attempt at a better head. Its job says how far it is; this row says what it is and what came of it."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="training_runs")
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    method = models.CharField(max_length=20, choices=Method.choices, default=Method.HEAD)
    params = models.JSONField(default=dict)
    seed = models.BigIntegerField(default=0)
    space = models.ForeignKey("registry.EncoderVersion", on_delete=models.PROTECT, null=True, related_name="+")
    snapshot = models.ForeignKey("snapshots.Snapshot", on_delete=models.SET_NULL, null=True, related_name="+")
    live_head = models.ForeignKey("registry.HeadVersion", on_delete=models.SET_NULL, null=True, related_name="+")
    """What served when the candidate was judged; null where no head did."""
    head = models.ForeignKey("registry.HeadVersion", on_delete=models.SET_NULL, null=True, related_name="runs")
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    reason = models.CharField(max_length=500, default="", blank=True)
    label_count = models.IntegerField(default=0)
    last_sequence = models.BigIntegerField(default=0)
    """The newest annotation that the snapshot holds: what comes after it counts towards the next run."""
    cost = models.JSONField(default=dict)
    """Seconds of each stage and the peak memory of the worker, in MB."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["project", "-id"], name="training_run_newest")]


class MetricPoint(models.Model):
    """A point of a curve. A resumed run writes its points again: the same step has one value."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="points", db_index=False)
    name = models.CharField(max_length=40)
    step = models.IntegerField()
    value = models.FloatField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["name", "step"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "name", "step"], name="metric_point_once")]


class EvaluationReport(models.Model):
    """The candidate beside the live model, on the same blind images and on episodes of held-out categories."""

    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, related_name="report")
    summary = models.JSONField(default=dict)
    items = models.JSONField(default=list)
    """One row an image: [image, people's category, live category, live probability, candidate's, its probability]."""
    created_at = models.DateTimeField(db_default=Now())
