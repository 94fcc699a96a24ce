"""Which images a person should look at, and how they were picked."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class AcquisitionRound(models.Model):
    """One ranking of the pool. Its items live in `labeling.QueueItem`; the newest finished round serves."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="acquisition_rounds")
    run = models.ForeignKey("predictions.PredictionRun", on_delete=models.SET_NULL, null=True, related_name="+")
    function = models.CharField(max_length=40)
    params = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    budget = models.IntegerField()
    pool_size = models.IntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
