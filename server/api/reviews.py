"""What a reviewer decides, and the gold that attention is measured with."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.annotations import BIGGEST_ID
from server.api.base import PageParams, ProjectView, caller, read_body, read_params
from server.api.images import ImageItem, SuggestionItem, image_item
from server.api.pagination import Key, read_cursor, write_cursor
from server.core.events import publish
from server.insights.reviews import REASONS, Waiting, reviews_page
from server.labeling.models import Evidence, Kind
from server.labeling.services.gold import gold_add, gold_remove
from server.projects.models import Role

BY_IMAGE = (Key("image"),)


class OpinionBy(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class OpinionOut(serializers.Serializer[Any]):
    annotation = serializers.UUIDField()
    annotator = OpinionBy(allow_null=True)
    kind = serializers.ChoiceField(choices=Kind.choices)
    category = serializers.IntegerField(allow_null=True)
    evidence = serializers.ChoiceField(choices=Evidence.choices)
    comment = serializers.CharField()
    created_at = serializers.DateTimeField()


class ReviewOut(serializers.Serializer[Any]):
    image = ImageItem()
    reason = serializers.ChoiceField(choices=REASONS)
    opinions = OpinionOut(many=True)
    suggestions = SuggestionItem(many=True)


class ReviewPageOut(serializers.Serializer[Any]):
    items = ReviewOut(many=True)
    next = serializers.CharField(allow_null=True)


class GoldIn(serializers.Serializer[Any]):
    images = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BIGGEST_ID), min_length=1, max_length=500
    )


class GoldOut(serializers.Serializer[Any]):
    gold = serializers.IntegerField(help_text="Gold images of the project.")


class ReviewView(ProjectView):
    """Images that wait for a reviewer: disputed, flagged, or sent because somebody missed a known-wrong tile.

    Answered by an annotation with `review`: it alone decides the category.
    """

    roles: ClassVar = {"GET": Role.REVIEWER}

    @extend_schema(parameters=[PageParams], responses=ReviewPageOut)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, PageParams)
        limit = params["limit"]
        after = read_cursor(params["cursor"], BY_IMAGE)[0] if params.get("cursor") else 0
        waiting = reviews_page(self.project, after=after, limit=limit + 1)
        following = write_cursor([waiting[limit - 1].row["id"]]) if len(waiting) > limit else None
        return Response({"items": [review_out(project_id, one) for one in waiting[:limit]], "next": following})


def review_out(project_id: int, one: Waiting) -> dict[str, Any]:
    return {
        "image": image_item(project_id, one.row),
        "reason": one.reason,
        "opinions": [
            {
                "annotation": said.annotation,
                "annotator": said.annotator_id and {"id": said.annotator_id, "username": said.username},
                "kind": said.kind,
                "category": said.category,
                "evidence": said.evidence,
                "comment": said.comment,
                "created_at": said.created_at,
            }
            for said in one.opinions
        ],
        "suggestions": [{"category": category, "probability": chance} for category, chance in one.suggestions],
    }


class GoldView(ProjectView):
    """Images whose category a reviewer vouches for."""

    roles: ClassVar = {"POST": Role.REVIEWER, "DELETE": Role.REVIEWER}

    @extend_schema(request=GoldIn, responses=GoldOut)
    def post(self, request: Request, project_id: int) -> Response:
        images = read_body(request, GoldIn)["images"]
        count = gold_add(project=self.project, image_ids=images, user_id=caller(request).pk)
        publish(project_id, "annotations")
        return Response({"gold": count})

    @extend_schema(request=GoldIn, responses=GoldOut)
    def delete(self, request: Request, project_id: int) -> Response:
        count = gold_remove(project=self.project, image_ids=read_body(request, GoldIn)["images"])
        publish(project_id, "annotations")
        return Response({"gold": count})


urlpatterns = [
    path("projects/<int:project_id>/review", ReviewView.as_view()),
    path("projects/<int:project_id>/gold", GoldView.as_view()),
]
