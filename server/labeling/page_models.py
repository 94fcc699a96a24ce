"""Pages of one proposed category: planned ahead, leased to one person, committed by one key."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class PagePlan(models.Model):
    """A group of images that are probably of one category, composed ahead of time and not leased to anyone.

    Annotators take from its head what fits their page; what is left waits for the next. A newer version of the scores
    brings newer plans, and those are taken first.
    """

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+", db_index=False)
    category = models.ForeignKey("taxonomy.Category", on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.IntegerField(default=0)
    """Of the scores that it was composed from; 0 for plans from the published predictions."""
    rank = models.FloatField()
    tiles = models.JSONField(default=list)
    """[{image, folded: [images of the same near-duplicate group], suggestions: [[category, probability], …]}, …],
    the most doubtful first."""
    traps = models.JSONField(default=list)
    """[[image, its known category], …]: confirmed images of other categories that look like this one."""
    expected_precision = models.FloatField()
    reason = models.CharField(max_length=200, default="", blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["project", "-version", "rank", "id"], name="page_plan_next"),
            models.Index(fields=["project", "category", "-version", "rank"], name="page_plan_of_category"),
        ]


class Page(models.Model):
    """What one person was shown as one page. Its id is the token of the leases of its images.

    Kept for as long as annotations speak of it: it says what stood beside what, and which tiles were known wrong.
    """

    id = models.UUIDField(primary_key=True)
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="pages", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    category = models.ForeignKey("taxonomy.Category", on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.IntegerField(default=0)
    tiles = models.JSONField(default=list)
    """As in `PagePlan`, in the order of the screen; a tile with `known` was planted and is of that category."""
    expected_precision = models.FloatField()
    reason = models.CharField(max_length=200, default="", blank=True)
    leased_at = models.DateTimeField(db_default=Now())
    committed_at = models.DateTimeField(null=True)
    """Of its first commit, which is the one that measures attention."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "user", "category", "-leased_at"], name="page_of_person")]


class PageCommit(models.Model):
    """One decision about a page. The id is made by the client, so a retry is the same commit."""

    id = models.UUIDField(primary_key=True)
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+", db_index=False)
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="commits")
    annotation_ids = ArrayField(models.UUIDField(), default=list)
    answer = models.JSONField(default=dict)
    """What the client was told, so that a replay is told the same."""
    undo_id = models.UUIDField(null=True)
    """Of the request that took it back."""
    undone = models.IntegerField(default=0)
    duration_ms = models.IntegerField(null=True)
    client_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "-created_at"], name="page_commit_newest")]


class Strike(models.Model):
    """A person said that this image is not of this category. It counts while its commit is not undone."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+", db_index=False)
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="+", db_index=False)
    category = models.ForeignKey("taxonomy.Category", on_delete=models.CASCADE, related_name="+", db_index=False)
    commit = models.ForeignKey(PageCommit, on_delete=models.CASCADE, related_name="strikes", db_index=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["commit", "image"], name="strike_once")]
        indexes: ClassVar = [
            models.Index(fields=["image", "category"], name="strike_of_image"),
            models.Index(fields=["project", "id"], name="strike_of_project"),
        ]


class PageSkill(models.Model):
    """How large a page of one category may be for one person, and the record that this rests on."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    category = models.ForeignKey("taxonomy.Category", on_delete=models.CASCADE, related_name="+", db_index=False)
    size = models.IntegerField()
    judged = models.IntegerField(default=0)
    struck = models.IntegerField(default=0)
    planted = models.IntegerField(default=0)
    caught = models.IntegerField(default=0)
    proven = models.IntegerField(default=0)
    """Known-wrong tiles caught since the last one that was missed."""
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "user", "category"], name="page_skill_once")
        ]


class Gold(models.Model):
    """An image whose agreed category a reviewer vouches for. Known-wrong tiles are drawn from these first."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+", db_index=False)
    image = models.OneToOneField("images.Image", on_delete=models.CASCADE, related_name="gold")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["project", "image"], name="gold_of_project")]


class ReviewReason(models.TextChoices):
    """Why a second pair of eyes is wanted. Disputes need no row: they are a state of the consensus."""

    ATTENTION = "attention"
    SENT = "sent"
    LABEL_ERROR = "label_error"


class ReviewRequest(models.Model):
    """An image that a reviewer should look at. Answered by the first review after it."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="+", db_index=False)
    image = models.ForeignKey("images.Image", on_delete=models.CASCADE, related_name="+", db_index=False)
    reason = models.CharField(max_length=12, choices=ReviewReason.choices)
    after_sequence = models.BigIntegerField(default=0)
    """The newest annotation when it was asked for: a review with a higher number answers it."""
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["image", "reason"], name="review_request_once")]
        indexes: ClassVar = [models.Index(fields=["project", "id"], name="review_request_next")]


class Teaching(models.Model):
    """One re-scoring of a project's pool after people corrected it."""

    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="teachings", db_index=False)
    version = models.IntegerField()
    corrections = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    changed_images = ArrayField(models.BigIntegerField(), default=list)
    """The first ten thousand of those that changed."""
    pages = models.IntegerField(default=0)
    last_sequence = models.BigIntegerField(default=0)
    duration_ms = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-version"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "version"], name="teaching_once")]
