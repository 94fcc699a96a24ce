"""The queue, who holds what for the moment, and what people said. Annotations are append-only."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Now


class Purpose(models.TextChoices):
    """Why an image is in the queue. `blind` ones were drawn at random and show no suggestion."""

    ACQUIRED = "acquired"
    BLIND = "blind"
    REVIEW = "review"


class QueueItem(models.Model):
    """One image waiting for people. Rank is the order; `remaining` of the `wanted` judgements are still to come."""

    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="queue_items", db_index=False
    )
    round = models.ForeignKey(
        "acquisition.AcquisitionRound", on_delete=models.SET_NULL, null=True, related_name="queue_items"
    )
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="queue_items")
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.ACQUIRED)
    rank = models.FloatField()
    """Lower comes first. Blind items are spread through the ranks so that effort cannot tell them apart."""
    reason = models.CharField(max_length=200, default="", blank=True)
    wanted = models.SmallIntegerField(default=1)
    remaining = models.SmallIntegerField(default=1)
    slots = models.SmallIntegerField(default=1)
    """max(0, remaining − live leases). Leased items leave the index of open ones, so that a lease costs the same
    whether none or thousands of items at the head are out."""
    asked_of = ArrayField(models.BigIntegerField(), null=True)
    """People whose opinion is asked for, because they can tell apart what others confuse here; null: anybody's. After a
    while without an answer it is anybody's too."""
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "image"], name="queue_item_once")]
        indexes: ClassVar = [
            models.Index(fields=["project", "rank", "id"], condition=Q(slots__gt=0), name="queue_open"),
            models.Index(
                fields=["project", "rank", "id"], condition=Q(slots__gt=0, purpose="blind"), name="queue_open_blind"
            ),
        ]


class Lease(models.Model):
    """A temporary right to label an image. Times are the database's; a late label is still taken."""

    item = models.ForeignKey(QueueItem, on_delete=models.CASCADE, related_name="leases", db_index=False)
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="leases", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="leases", db_index=False)
    token = models.UUIDField()
    leased_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["item", "user"], name="lease_once")]
        indexes: ClassVar = [
            models.Index(fields=["project", "lease_until"], name="lease_expiry"),
            models.Index(fields=["user", "project"], name="lease_of_user"),
        ]


class BlindDraw(models.Model):
    """An image drawn at random for evaluation, before anyone answered. Never trains, picks or tunes."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="blind_draws")
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="blind_draws")
    seed = models.BigIntegerField()
    lot = models.BigIntegerField(null=True)
    """Certificate whose lot it was drawn from; null for the share of the whole project, which alone measures that."""
    drawn_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "image"], name="blind_draw_once")]


class Kind(models.TextChoices):
    """What a person did. `undo` takes back the event that it names."""

    LABEL = "label"
    SKIP = "skip"
    FLAG = "flag"
    UNDO = "undo"


class Evidence(models.TextChoices):
    """How a label came to be: exports and training can filter and weight by it."""

    BLIND = "blind"
    SUGGESTION = "suggestion"
    FREE = "free"
    PAGE = "page"
    PROPAGATED = "propagated"
    ACCEPTED = "accepted"
    MIGRATED = "migrated"
    IMPORTED = "imported"
    REVIEW = "review"


class Annotation(models.Model):
    """One event of one person about one image. The id is made by the client, so a retry is the same event."""

    id = models.UUIDField(primary_key=True)
    sequence = models.BigIntegerField(
        unique=True, editable=False, db_default=Func(Value("labeling_annotation_sequence"), function="nextval")
    )
    """Order of arrival, from a database sequence."""
    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="annotations", db_index=False
    )
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="annotations", db_index=False)
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="annotations", db_index=False
    )
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.LABEL)
    category = models.ForeignKey("taxonomy.Category", on_delete=models.PROTECT, null=True, related_name="annotations")
    undoes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="undone_by")
    evidence = models.CharField(max_length=10, choices=Evidence.choices, default=Evidence.FREE)
    evidence_details = models.JSONField(default=dict)
    """Suggestion shown and its probability, run, page id, size, position, certificate, …"""
    comment = models.TextField(default="", blank=True)
    taxonomy_revision = models.IntegerField()
    duration_ms = models.IntegerField(null=True)
    client_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["image", "sequence"], name="annotation_of_image"),
            models.Index(fields=["project", "sequence"], name="annotation_of_project"),
            models.Index(fields=["annotator", "project", "-sequence"], name="annotation_of_person"),
        ]


class ConsensusState(models.TextChoices):
    """`agreed` has a category; `disputed` waits for review; `skipped` and `flagged` have none."""

    AGREED = "agreed"
    DISPUTED = "disputed"
    SKIPPED = "skipped"
    FLAGGED = "flagged"


class Consensus(models.Model):
    """The current derived category of an image. Rebuildable at any time from its annotations."""

    image = models.OneToOneField("images.Image", on_delete=models.CASCADE, primary_key=True, related_name="consensus")
    project = models.ForeignKey(
        "projects.Project", on_delete=models.CASCADE, related_name="consensuses", db_index=False
    )
    category = models.ForeignKey("taxonomy.Category", on_delete=models.PROTECT, null=True, related_name="consensuses")
    state = models.CharField(max_length=10, choices=ConsensusState.choices)
    evidence = models.CharField(max_length=10, choices=Evidence.choices)
    votes = models.SmallIntegerField(default=1)
    blind = models.BooleanField(default=False)
    """True where the image belongs to the blind share: it evaluates and never trains."""
    last_sequence = models.BigIntegerField()
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["project", "category", "image"], name="consensus_by_category_image"),
            models.Index(fields=["project", "state"], name="consensus_by_state"),
            models.Index(fields=["project", "category"], condition=Q(blind=True), name="consensus_blind"),
        ]


class ConsensusTally(models.Model):
    """How many images stand where: the sum of `count` over rows that are alike. As `images.ImageTally`."""

    project_id = models.BigIntegerField(db_index=True)
    category_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10)
    evidence = models.CharField(max_length=10)
    blind = models.BooleanField()
    count = models.BigIntegerField()


from server.labeling.page_models import (  # noqa: E402 (Django looks for an app's models here)
    Gold,
    Page,
    PageCommit,
    PagePlan,
    PageSkill,
    ReviewReason,
    ReviewRequest,
    Strike,
    Teaching,
)

__all__ = [
    "Annotation",
    "BlindDraw",
    "Consensus",
    "ConsensusState",
    "ConsensusTally",
    "Evidence",
    "Gold",
    "Kind",
    "Lease",
    "Page",
    "PageCommit",
    "PagePlan",
    "PageSkill",
    "Purpose",
    "QueueItem",
    "ReviewReason",
    "ReviewRequest",
    "Strike",
    "Teaching",
]
