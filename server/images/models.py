"""Images, how they came, and what was wrong with those that did not."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ImportBatch(models.Model):
    """One act of adding images: a drop, an archive, a folder, a Parquet file."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="import_batches")
    source = models.CharField(max_length=20)
    """browser, api, folder, zip, tar, parquet, manifest or demo"""
    name = models.CharField(max_length=300, default="", blank=True)
    options = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    received = models.IntegerField(default=0)
    added = models.IntegerField(default=0)
    duplicates = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "import batches"

    def __str__(self) -> str:
        return f"{self.source}: {self.name}" if self.name else self.source


class ImportIssue(models.Model):
    """A file that was not added, and why. It stopped nothing else."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="issues")
    file_name = models.CharField(max_length=500)
    reason = models.CharField(max_length=40)
    message = models.CharField(max_length=500)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "file_name", "reason"], name="import_issue_once")
        ]


class ImageState(models.TextChoices):
    """`received` bytes are stored and not yet decoded; only `ready` images are shown, embedded and labelled."""

    RECEIVED = "received"
    READY = "ready"
    REJECTED = "rejected"


class Image(models.Model):
    """One image of a project: its bytes are on storage before its row exists.

    Keys follow from the hash: `p/<project>/<sha256>` for the original, `…@256` and `…@1280` for renditions.
    """

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="images")
    batch = models.ForeignKey(ImportBatch, on_delete=models.SET_NULL, null=True, related_name="images")
    sha256 = models.CharField(max_length=64)
    byte_size = models.BigIntegerField()
    format = models.CharField(max_length=10, default="", blank=True)
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
    original_name = models.CharField(max_length=500, default="", blank=True)
    state = models.CharField(max_length=10, choices=ImageState.choices, default=ImageState.RECEIVED)
    perceptual_hash = models.BigIntegerField(null=True)
    duplicate_group = models.BigIntegerField(null=True)
    """Id of the first image of a near-duplicate group; null where there is none."""
    imported_label = models.CharField(max_length=200, default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "sha256"], name="image_once_in_project")]
        indexes: ClassVar = [
            models.Index(fields=["project", "id"], condition=Q(state="ready"), name="image_ready"),
            models.Index(fields=["project", "id"], condition=Q(state="received"), name="image_received"),
            models.Index(
                fields=["project", "duplicate_group"],
                condition=Q(duplicate_group__isnull=False),
                name="image_duplicate_group",
            ),
        ]


class ImageTally(models.Model):
    """How many images of a project are in a state: the sum of `count` over its rows.

    Triggers add a row for each statement that changes images, so that no writer waits for another's counter;
    `images.tally` reads them and folds old ones together. Without a foreign key: the last rows of a project are
    written while it is deleted.
    """

    project_id = models.BigIntegerField(db_index=True)
    state = models.CharField(max_length=10)
    count = models.BigIntegerField()
