"""A project and who may do what in it."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now


class Project(models.Model):
    """A pile of images, its taxonomy, its people. Which space and which predictions serve is one row: this one."""

    name = models.CharField(max_length=120)
    description = models.TextField(default="", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="created_projects"
    )
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True, blank=True)

    active_space = models.ForeignKey(
        "registry.EncoderVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    active_head = models.ForeignKey(
        "registry.HeadVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    active_run = models.ForeignKey(
        "predictions.PredictionRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    taxonomy_revision = models.IntegerField(default=0)

    concept = models.CharField(max_length=80, default="", blank=True)
    """What the images show in general ("beetle"): prefixed to prompts, "a photo of a beetle: a …"."""
    templates = models.JSONField(default=list, blank=True)
    """Prompt templates with one `{}`; empty means the built-in seven."""
    acquisition_function = models.CharField(max_length=40, default="weighted_coverage")
    blind_share = models.FloatField(default=0.1, validators=[MinValueValidator(0.0), MaxValueValidator(0.5)])
    overlap = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    options = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """From most to least: owner edits all, reviewer judges labels, annotator labels, viewer reads."""

    OWNER = "owner"
    REVIEWER = "reviewer"
    ANNOTATOR = "annotator"
    VIEWER = "viewer"


class Membership(models.Model):
    """A person's role in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.ANNOTATOR)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "user"], name="membership_once")]
