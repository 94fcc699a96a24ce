"""Leases: the next images to look at, and what is shown beside them."""

from typing import Any, ClassVar
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ProjectView, caller, read_body
from server.api.links import image_link
from server.labeling.models import Purpose
from server.labeling.selectors import Card, cards_for, images_remaining, queue_empty_reason
from server.labeling.services.leases import Leased, leases_hand_back, leases_release, leases_renew, leases_take
from server.labeling.services.page_options import PageOptions
from server.labeling.services.queue import queue_top_up
from server.projects.models import Role


class LeaseIn(serializers.Serializer[Any]):
    count = serializers.IntegerField(min_value=1, max_value=50, default=20)
    holding = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=1000,
        default=list,
        help_text="Tokens that the client still has. Its person's other leases, as of a tab that was killed, come"
        " again when nothing else is left.",
    )


class TokensIn(serializers.Serializer[Any]):
    tokens = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=500)


class SuggestionOut(serializers.Serializer[Any]):
    category = serializers.IntegerField()
    probability = serializers.FloatField()


class ExemplarImageOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    thumb = serializers.CharField()


class ExemplarsOut(serializers.Serializer[Any]):
    category = serializers.IntegerField()
    images = ExemplarImageOut(many=True)


class LeasedImageOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    thumb = serializers.CharField()
    display = serializers.CharField()


class LeaseItemOut(serializers.Serializer[Any]):
    item = serializers.IntegerField()
    token = serializers.UUIDField()
    lease_until = serializers.DateTimeField()
    blind = serializers.BooleanField()
    reason = serializers.CharField()
    image = LeasedImageOut()
    suggestions = SuggestionOut(many=True)
    exemplars = ExemplarsOut(many=True)


class LeaseOut(serializers.Serializer[Any]):
    items = LeaseItemOut(many=True)
    empty = serializers.ChoiceField(
        choices=["no_images", "processing", "all_labeled", "leased_by_others"], allow_null=True
    )
    remaining = serializers.IntegerField(help_text="Images without a judgement, at most ten seconds old.")


class RenewOut(serializers.Serializer[Any]):
    tokens = serializers.ListField(child=serializers.UUIDField(), help_text="Leases that are still held.")


class ReleaseOut(serializers.Serializer[Any]):
    released = serializers.IntegerField()


class LeaseView(ProjectView):
    """Take the next images. Nobody else is given them for the next minutes."""

    roles: ClassVar = {"POST": Role.ANNOTATOR}

    @extend_schema(request=LeaseIn, responses=LeaseOut)
    def post(self, request: Request, project_id: int) -> Response:
        user_id = caller(request).pk
        leased = self._take(user_id, **read_body(request, LeaseIn))
        cards = cards_for(
            leased,
            project_id=project_id,
            run_id=self.project.active_run_id,
            space_id=self.project.active_space_id,
        )
        return Response(
            {
                "items": [card_out(project_id, card) for card in cards],
                "empty": None if cards else queue_empty_reason(project_id=project_id, user_id=user_id),
                "remaining": images_remaining(project_id=project_id),
            }
        )

    def _take(self, user_id: int, count: int, holding: list[UUID]) -> list[Leased]:
        who: dict[str, Any] = {"project_id": self.project.pk, "user_id": user_id}
        who["lease_s"] = PageOptions.of(self.project).lease_s
        leased = leases_take(**who, count=count)
        missing = count - len(leased)
        if missing and queue_top_up(project=self.project, user_id=user_id, count=missing):
            leased += leases_take(**who, count=missing)
        if len(leased) < count:
            fresh = [item.token for item in leased]
            leased += leases_hand_back(**who, holding=[*holding, *fresh], count=count - len(leased))
        return leased


def card_out(project_id: int, card: Card) -> dict[str, Any]:
    image = card.leased.image_id
    return {
        "item": card.leased.item_id,
        "token": card.leased.token,
        "lease_until": card.leased.lease_until,
        "blind": card.leased.purpose == Purpose.BLIND,
        "reason": card.leased.reason,
        "image": {
            "id": image,
            "name": card.name,
            "width": card.width,
            "height": card.height,
            "thumb": image_link(project_id, image),
            "display": image_link(project_id, image, "display"),
        },
        "suggestions": [
            {"category": told.category_id, "probability": round(told.probability, 4)} for told in card.suggestions
        ],
        "exemplars": [
            {"category": category, "images": [{"id": one, "thumb": image_link(project_id, one)} for one in images]}
            for category, images in card.exemplars.items()
        ],
    }


class RenewView(ProjectView):
    """Keep images a while longer: send it while a person is at work."""

    roles: ClassVar = {"POST": Role.ANNOTATOR}

    @extend_schema(request=TokensIn, responses=RenewOut)
    def post(self, request: Request, project_id: int) -> Response:
        tokens = read_body(request, TokensIn)["tokens"]
        lease_s = PageOptions.of(self.project).lease_s
        held = leases_renew(project_id=project_id, user_id=caller(request).pk, tokens=tokens, lease_s=lease_s)
        return Response({"tokens": held})


class ReleaseView(ProjectView):
    """Give images back, as a closing tab does."""

    roles: ClassVar = {"POST": Role.ANNOTATOR}

    @extend_schema(request=TokensIn, responses=ReleaseOut)
    def post(self, request: Request, project_id: int) -> Response:
        tokens = read_body(request, TokensIn)["tokens"]
        released = leases_release(project_id=project_id, user_id=caller(request).pk, tokens=tokens)
        return Response({"released": released})


urlpatterns = [
    path("projects/<int:project_id>/queue/lease", LeaseView.as_view()),
    path("projects/<int:project_id>/queue/renew", RenewView.as_view()),
    path("projects/<int:project_id>/queue/release", ReleaseView.as_view()),
]
