"""Vectors. One partition of `Embedding` per space, each with its own HNSW index."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from pgvector.django import HalfVectorField, VectorField


class Embedding(models.Model):
    """The unit vector of one image in one space. The table is partitioned by space: see migration and services."""

    pk = models.CompositePrimaryKey("space_id", "image_id")
    space = models.ForeignKey("registry.EncoderVersion", on_delete=models.DO_NOTHING, related_name="+")
    image = models.ForeignKey("images.Image", on_delete=models.DO_NOTHING, related_name="embeddings")
    project = models.ForeignKey("projects.Project", on_delete=models.DO_NOTHING, related_name="+")
    vector = HalfVectorField()

    class Meta:
        managed = False
        db_table = "embeddings_embedding"


class EmbeddingFailure(models.Model):
    """An image that a space cannot hold, and why. It is not tried again in this space and stops no other image."""

    space = models.ForeignKey("registry.EncoderVersion", on_delete=models.CASCADE, related_name="+")
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="embedding_failures")
    reason = models.CharField(max_length=40)
    message = models.CharField(max_length=500)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["space", "image"], name="embedding_failure_once")]


class Projection(models.Model):
    """A space on a plane. Points lie on storage (`embeddings.projections`); what colors them is read when asked for."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="projections")
    space = models.ForeignKey("registry.EncoderVersion", on_delete=models.CASCADE, related_name="+")
    method = models.CharField(max_length=10)
    seed = models.BigIntegerField(default=0)
    count = models.IntegerField()
    storage_key = models.CharField(max_length=300)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]


class TextVector(models.Model):
    """A cached class text vector: mean of its prompts in one space, unit length."""

    space = models.ForeignKey("registry.EncoderVersion", on_delete=models.CASCADE, related_name="+")
    category = models.ForeignKey("taxonomy.Category", on_delete=models.CASCADE, related_name="text_vectors")
    digest = models.CharField(max_length=64)
    """Hash of the prompts, so that a changed description is encoded again."""
    vector = VectorField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["space", "category"], name="text_vector_once")]
