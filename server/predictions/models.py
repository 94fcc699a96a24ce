"""What machines say. Never in one table with what people say."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from pgvector.django import VectorField


class Prototype(models.Model):
    """Sum and count of the confirmed vectors of a category in a space. Moved in the transaction of each label."""

    space = models.ForeignKey("registry.EncoderVersion", on_delete=models.CASCADE, related_name="+")
    category = models.ForeignKey("taxonomy.Category", on_delete=models.CASCADE, related_name="prototypes")
    total = VectorField()
    count = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["space", "category"], name="prototype_once")]


class PredictionRun(models.Model):
    """One scoring of a whole project with one head. Live when `Project.active_run` names it."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="prediction_runs")
    space = models.ForeignKey("registry.EncoderVersion", on_delete=models.PROTECT, related_name="+")
    head = models.ForeignKey("registry.HeadVersion", on_delete=models.SET_NULL, null=True, related_name="+")
    method = models.CharField(max_length=40)
    category_ids = ArrayField(models.BigIntegerField(), default=list)
    taxonomy_revision = models.IntegerField(default=0)
    label_count = models.IntegerField(default=0)
    image_count = models.IntegerField(default=0)
    details = models.JSONField(default=dict)
    """Temperature, text weight and other figures a person may ask for."""
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]


class Prediction(models.Model):
    """One image's best five categories in one run. Partitioned by run, written by COPY, swapped in by one row."""

    pk = models.CompositePrimaryKey("run_id", "image_id")
    run = models.ForeignKey(PredictionRun, on_delete=models.DO_NOTHING, related_name="predictions")
    image = models.ForeignKey("images.Image", on_delete=models.DO_NOTHING, related_name="predictions")
    category = models.ForeignKey("taxonomy.Category", on_delete=models.DO_NOTHING, related_name="+")
    probability = models.FloatField()
    margin = models.FloatField()
    entropy = models.FloatField()
    top_categories = ArrayField(models.BigIntegerField())
    top_probabilities = ArrayField(models.FloatField())

    class Meta:
        managed = False
        db_table = "predictions_prediction"


class PredictionTally(models.Model):
    """How many images of a run have a category as their likeliest. Written with the run, mended where an image goes."""

    run = models.ForeignKey(PredictionRun, on_delete=models.CASCADE, related_name="+")
    category_id = models.BigIntegerField()
    count = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "category_id"], name="prediction_tally_once")]
