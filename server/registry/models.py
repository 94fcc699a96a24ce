"""Encoders (each is a space), heads, and which of them was made live when."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class EncoderVersion(models.Model):
    """An embedding space. Vectors of two spaces are never compared."""

    name = models.CharField(max_length=300)
    """As `ml.encoders` names it: demo, open_clip:NAME/TAG, hf-hub:…, timm:NAME, or the path of a JSON spec."""
    fingerprint = models.CharField(max_length=64, unique=True)
    """Hash of weights digest, preprocessing, decoder, resize and dtype."""
    spec = models.JSONField(default=dict)
    dim = models.IntegerField()
    has_text = models.BooleanField(default=True)
    logit_scale = models.FloatField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["id"]


class HeadState(models.TextChoices):
    """A candidate was judged and waits; a live one serves; a retired one can be rolled back to."""

    CANDIDATE = "candidate"
    LIVE = "live"
    RETIRED = "retired"
    REFUSED = "refused"


class HeadVersion(models.Model):
    """Turns vectors of one space into class probabilities. Index i of its output is `category_ids[i]`."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="heads")
    space = models.ForeignKey(EncoderVersion, on_delete=models.PROTECT, related_name="heads")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    kind = models.CharField(max_length=40)
    category_ids = ArrayField(models.BigIntegerField())
    taxonomy_revision = models.IntegerField(default=0)
    storage_key = models.CharField(max_length=300, default="", blank=True)
    digest = models.CharField(max_length=64, default="", blank=True)
    params = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
    provenance = models.JSONField(default=dict)
    """Seed, snapshot hash, library versions and source revision."""
    state = models.CharField(max_length=10, choices=HeadState.choices, default=HeadState.CANDIDATE)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]


class Promotion(models.Model):
    """The act of making a head or an encoder live, or of going back. Append-only."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="promotions")
    space = models.ForeignKey(EncoderVersion, on_delete=models.PROTECT, related_name="+")
    head = models.ForeignKey(HeadVersion, on_delete=models.SET_NULL, null=True, related_name="promotions")
    previous_space = models.ForeignKey(EncoderVersion, on_delete=models.PROTECT, null=True, related_name="+")
    previous_head = models.ForeignKey(HeadVersion, on_delete=models.SET_NULL, null=True, related_name="+")
    undoes = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="undone_by")
    """Set where this act was going back: each promotion can be taken back once, so going back twice goes further."""
    reason = models.CharField(max_length=500, default="", blank=True)
    promoted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]
