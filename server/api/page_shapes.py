"""Bodies of the page endpoints."""

from typing import Any

from rest_framework import serializers

from server.api.annotations import BIGGEST_ID, BIGGEST_INT
from server.api.links import image_link
from server.api.queue import ExemplarImageOut, LeasedImageOut, LeaseItemOut, SuggestionOut
from server.labeling.page_selectors import Taught
from server.labeling.services.page_commits import VERDICTS, Committed


class LeasePagesIn(serializers.Serializer[Any]):
    count = serializers.IntegerField(min_value=1, max_value=4, default=2)
    category = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=BIGGEST_ID)
    tiles_max = serializers.IntegerField(
        min_value=1, max_value=200, default=48, help_text="Tiles that fit on this screen without scrolling."
    )
    holding = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=500,
        default=list,
        help_text="Pages, and tokens of images, that this tab has.",
    )


class ExemplarOut(ExemplarImageOut):
    display = serializers.CharField()


class TileOut(serializers.Serializer[Any]):
    image = LeasedImageOut()
    suggestions = SuggestionOut(many=True)
    duplicates = serializers.IntegerField(help_text="Near-duplicates that are folded into this tile.")


class PageOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    lease_until = serializers.DateTimeField()
    category = serializers.IntegerField()
    definition = serializers.CharField()
    reason = serializers.CharField()
    expected_precision = serializers.FloatField()
    exemplars = ExemplarOut(many=True)
    tiles = TileOut(many=True)


class EntryOut(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["page", "one"])
    page = PageOut(allow_null=True)
    item = LeaseItemOut(allow_null=True)


class TeachingOut(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    at = serializers.DateTimeField(allow_null=True)
    corrections = serializers.IntegerField()
    changed = serializers.IntegerField(help_text="Images whose likeliest category is another one than before.")
    running = serializers.BooleanField()
    duration_ms = serializers.IntegerField()


class LeasePagesOut(serializers.Serializer[Any]):
    entries = EntryOut(many=True)
    empty = serializers.ChoiceField(
        choices=["no_images", "processing", "all_labeled", "leased_by_others", "category_done"], allow_null=True
    )
    remaining = serializers.IntegerField(help_text="Images without a judgement, at most ten seconds old.")
    teaching = TeachingOut()


class PagesIn(serializers.Serializer[Any]):
    pages = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=100)


class RenewedOut(serializers.Serializer[Any]):
    pages = serializers.ListField(child=serializers.UUIDField(), help_text="Pages that are still held.")


class ReleasedOut(serializers.Serializer[Any]):
    released = serializers.IntegerField(help_text="Images that are back in the queue.")


class VerdictIn(serializers.Serializer[Any]):
    image = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    verdict = serializers.ChoiceField(choices=VERDICTS)
    category = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=BIGGEST_ID)


class CommitIn(serializers.Serializer[Any]):
    tiles = VerdictIn(many=True)
    duration_ms = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=BIGGEST_INT)
    client_at = serializers.DateTimeField(required=False, allow_null=True)
    input = serializers.ChoiceField(choices=["keyboard", "mouse", "touch"], required=False, allow_null=True)

    def validate_tiles(self, value: list[Any]) -> list[Any]:
        if len(value) > 300:
            raise serializers.ValidationError("At most 300 tiles.")
        return value


class MissedOut(serializers.Serializer[Any]):
    image = ExemplarOut()
    category = serializers.IntegerField(help_text="What it is known to be.")
    duplicates = serializers.IntegerField()


class SizeOut(serializers.Serializer[Any]):
    before = serializers.IntegerField()
    after = serializers.IntegerField()


class AttentionOut(serializers.Serializer[Any]):
    planted = serializers.IntegerField()
    caught = serializers.IntegerField()
    missed = MissedOut(many=True)
    page_size = SizeOut()
    sent_to_review = serializers.IntegerField()


class CommittedOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField(help_text="Images labeled, near-duplicates included.")
    struck = serializers.IntegerField()
    attention = AttentionOut(allow_null=True)
    undoable = serializers.BooleanField()


class UndoIn(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class UndoneOut(serializers.Serializer[Any]):
    undone = serializers.IntegerField()


def teaching_out(told: Taught) -> dict[str, Any]:
    return {
        "version": told.version,
        "at": told.at,
        "corrections": told.corrections,
        "changed": told.changed,
        "running": told.running,
        "duration_ms": told.duration_ms,
    }


def exemplar_out(project_id: int, image_id: int) -> dict[str, Any]:
    """A confirmed image, as small as it stands beside others."""
    return {
        "id": image_id,
        "thumb": image_link(project_id, image_id),
        "display": image_link(project_id, image_id, "display"),
    }


def committed_out(project_id: int, done: Committed) -> dict[str, Any]:
    """What a commit did; attention only where known-wrong tiles were judged."""
    attention = {
        "planted": done.planted,
        "caught": done.caught,
        "missed": [
            {
                "image": exemplar_out(project_id, one.image_id),
                "category": one.category_id,
                "duplicates": 0,
            }
            for one in done.missed
        ],
        "page_size": {"before": done.size_before, "after": done.size_after},
        "sent_to_review": done.sent_to_review,
    }
    return {
        "labels": done.labels,
        "struck": done.struck,
        "attention": attention if done.planted else None,
        "undoable": not done.undone,
    }
