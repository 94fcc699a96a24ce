"""Categories as a tree, the words that describe them, and the revisions of both."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Lower, Now
from tree_queries.models import TreeNode


class Category(TreeNode):
    """A node of a project's taxonomy. Deprecated ones keep their labels and take no new ones."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="categories")
    name = models.CharField(max_length=200)
    synonyms = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    definition = models.TextField(default="", blank=True)
    external_key = models.CharField(max_length=120, default="", blank=True)
    position = models.IntegerField(default=0)
    overlap = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    """Opinions wanted on an image that is predicted, or was called, this; empty: as many as the project wants."""
    deprecated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["position", "id"]
        verbose_name_plural = "categories"
        constraints: ClassVar = [
            models.UniqueConstraint(
                "project",
                Coalesce("parent_id", 0),
                Lower("name"),
                condition=Q(deprecated_at__isnull=True),
                name="category_name_once_among_siblings",
            )
        ]

    def __str__(self) -> str:
        return self.name


class DescriptionKind(models.TextChoices):
    """What a description is, because prompts, ICIS and text2model read different ones."""

    PROMPT = "prompt"
    SENTENCE = "sentence"
    ATTRIBUTE = "attribute"


class CategoryDescription(models.Model):
    """One text about a category: a prompt ("a photo of a barn owl"), a sentence, or an attribute ("pale face")."""

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="descriptions")
    kind = models.CharField(max_length=10, choices=DescriptionKind.choices, default=DescriptionKind.SENTENCE)
    text = models.TextField(max_length=2000)
    position = models.IntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.text


class TaxonomyRevision(models.Model):
    """One change of a taxonomy, numbered within its project. Annotations and snapshots name the number."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="taxonomy_revisions")
    number = models.IntegerField()
    action = models.CharField(max_length=20)
    payload = models.JSONField(default=dict)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "number"], name="taxonomy_revision_once")]
