"""Frozen dataset versions and the files made of them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Snapshot(models.Model):
    """A frozen, hashed version of a project's labels: the same labels give the same hash."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="snapshots")
    name = models.CharField(max_length=120, default="", blank=True)
    digest = models.CharField(max_length=64, default="", blank=True)
    taxonomy_revision = models.IntegerField()
    categories = models.JSONField(default=list)
    item_count = models.IntegerField(default=0)
    filters = models.JSONField(default=dict)
    seed = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]


class SnapshotItem(models.Model):
    """One image's label as it stood. Near-duplicates share a split."""

    pk = models.CompositePrimaryKey("snapshot_id", "image_id")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="items")
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="+")
    category = models.ForeignKey("taxonomy.Category", on_delete=models.PROTECT, related_name="+")
    split = models.CharField(max_length=10)
    evidence = models.CharField(max_length=10)
    blind = models.BooleanField(default=False)
    votes = models.SmallIntegerField(default=1)
    annotation_id = models.UUIDField(null=True)
    """The event that decided; its whole history stays with the image."""


class PackedLabels(models.Model):
    """The labels of a snapshot that a machine made for itself, which may make many: two values, not a row an image.

    Each is (image id, category id) as big-endian int64, pair after pair by image; `taught` outside the blind share,
    `asked` inside. An image deleted since may still be named.
    """

    snapshot = models.OneToOneField(Snapshot, on_delete=models.CASCADE, primary_key=True, related_name="packed")
    taught = models.BinaryField()
    asked = models.BinaryField()


class Export(models.Model):
    """A downloadable file of a snapshot in one format."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="exports")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, null=True, related_name="exports")
    format = models.CharField(max_length=20)
    """jsonl, csv, imagefolder, parquet or labelstudio"""
    options = models.JSONField(default=dict)
    job = models.ForeignKey("jobs.Job", on_delete=models.SET_NULL, null=True, related_name="+")
    storage_key = models.CharField(max_length=300, default="", blank=True)
    file_name = models.CharField(max_length=200, default="", blank=True)
    byte_size = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="", blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]


class CertificateState(models.TextChoices):
    """`auditing` waits for answers; `proved` may be accepted; `unproved` may not; the rest is history."""

    PLANNING = "planning"
    AUDITING = "auditing"
    PROVED = "proved"
    UNPROVED = "unproved"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    UNDONE = "undone"
    WITHDRAWN = "withdrawn"


class Scope(models.TextChoices):
    """Of which labels at most so many are wrong: those of the lot that nobody looked at, or these and all that people
    give to the rest (Candès, Ilyas and Zrnic's goal, which lets more be accepted)."""

    LOT = "lot"
    RELEASE = "release"


class Certificate(models.Model):
    """A promise about labels that nobody looked at: at most `error` of those in `scope` are wrong, `level` sure."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="certificates")
    error = models.FloatField()
    level = models.FloatField(default=0.95)
    audits = models.IntegerField()
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.LOT)
    state = models.CharField(max_length=10, choices=CertificateState.choices, default=CertificateState.PLANNING)
    run = models.ForeignKey("predictions.PredictionRun", on_delete=models.SET_NULL, null=True, related_name="+")
    head = models.CharField(max_length=80, default="", blank=True)
    """Kind of the head and the run that gave the labels; those labels are frozen with the lot."""
    plan = models.JSONField(default=dict)
    """Region, nested lots, what confidence expects, seed of the draw, and `among` how many labels of a release errors
    are counted: all written before anyone answered."""
    verdict = models.JSONField(default=dict)
    history = models.JSONField(default=list)
    """What happened when and why, oldest first: [{at, state, text}]."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]

    @property
    def among(self) -> int | None:
        """Labels of the release; None where the promise is about the lot alone."""
        among: int | None = self.plan.get("among")
        return among


class LotItem(models.Model):
    """A label that may be accepted, as it stood when the lots were fixed. `place` counts from the surest."""

    pk = models.CompositePrimaryKey("certificate_id", "image_id")
    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="items")
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="+")
    category = models.ForeignKey("taxonomy.Category", on_delete=models.CASCADE, related_name="+")
    confidence = models.FloatField()
    place = models.IntegerField()
    audited = models.BooleanField(default=False)
    later = models.BooleanField(default=False)
    """Drawn after the lot was accepted: to see whether it holds, not to prove it."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["certificate"], condition=Q(audited=True), name="lotitem_audited")]
