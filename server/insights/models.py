"""What was measured by a worker and is read many times. Everything here can be thrown away and measured again."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Measured(models.TextChoices):
    """What a measurement is of."""

    PEOPLE = "people"
    LABEL_ERRORS = "label_errors"
    CURVE = "curve"
    OPINIONS = "opinions"


class Measurement(models.Model):
    """The newest measurement of its kind, and the last annotation that it knew."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=Measured.choices)
    content = models.JSONField(default=dict)
    last_sequence = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "kind"], name="measurement_newest")]


class Doubt(models.TextChoices):
    """Why a label is doubted."""

    ERROR = "error"
    DUPLICATE = "duplicate"
    OUTLIER = "outlier"


class Suspect(models.Model):
    """A confirmed label that somebody should look at again, with what the model saw.

    A reviewer's later annotation answers it. The next search replaces all of a project.
    """

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+", db_index=False)
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="+", db_index=False)
    doubt = models.CharField(max_length=10, choices=Doubt.choices)
    place = models.IntegerField()
    """The likeliest error first, among those of one kind."""
    given = models.ForeignKey("taxonomy.Category", on_delete=models.CASCADE, related_name="+", db_index=False)
    instead = models.ForeignKey(
        "taxonomy.Category", on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    suspicion = models.FloatField()
    details = models.JSONField(default=dict)
    """What was seen: the head's best categories, the nearest labeled images, the near-duplicates that disagree."""
    last_sequence = models.BigIntegerField()
    """The newest annotation of the image when it was found."""

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "doubt", "place"], name="suspect_once")]
        indexes: ClassVar = [models.Index(fields=["image"], name="suspect_of_image")]
