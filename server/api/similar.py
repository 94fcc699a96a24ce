"""Images like an image, like a text, or like a category's prompts."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.annotations import ConsensusOut
from server.api.base import ErrorBody, ProjectView, read_params
from server.api.links import image_link
from server.api.waiting import text_vector
from server.core.errors import NotFound
from server.embeddings.selectors import Neighbor, nearest_to_image, nearest_to_vector
from server.insights.similar import image_cards
from server.predictions.prompts import prompts_of
from server.projects.models import Project, Role
from server.taxonomy.selectors import category_of


class SimilarParams(serializers.Serializer[Any]):
    image = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    text = serializers.CharField(required=False, max_length=500)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=200, default=60)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("image" in attrs) == ("text" in attrs):
            raise serializers.ValidationError("Give either `image` or `text`.")
        return attrs


class PreviewParams(serializers.Serializer[Any]):
    text = serializers.CharField(required=False, max_length=2000, help_text="Instead of the prompts as they are.")
    limit = serializers.IntegerField(required=False, min_value=1, max_value=60, default=12)


class SimilarPredictionOut(serializers.Serializer[Any]):
    category = serializers.IntegerField()
    probability = serializers.FloatField()
    margin = serializers.FloatField()
    entropy = serializers.FloatField()


class SimilarImageOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    thumb = serializers.CharField()
    display = serializers.CharField()
    duplicates = serializers.IntegerField()
    consensus = ConsensusOut(allow_null=True)
    prediction = SimilarPredictionOut(allow_null=True)
    similarity = serializers.FloatField(help_text="Cosine in [−1, 1].")


class SimilarOut(serializers.Serializer[Any]):
    items = SimilarImageOut(many=True)
    next = serializers.CharField(allow_null=True)


class SimilarView(ProjectView):
    """Nearest first. By text it takes a worker for the first answer of an hour."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(parameters=[SimilarParams], responses={200: SimilarOut, 503: ErrorBody})
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, SimilarParams)
        limit = params["limit"]
        if "text" in params:
            return Response(similar_out(self.project, by_texts(self.project, [params["text"]], limit=limit)))
        if params["image"] not in image_cards(self.project, image_ids=[params["image"]]):
            raise NotFound("There is no such image in this project.")
        space = self.project.active_space
        found = (
            nearest_to_image(project_id=project_id, space=space, image_id=params["image"], limit=limit) if space else []
        )
        return Response(similar_out(self.project, found))


class PreviewView(ProjectView):
    """What a category's words find at present, before anybody labels by them."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(parameters=[PreviewParams], responses={200: SimilarOut, 503: ErrorBody})
    def get(self, request: Request, project_id: int, category_id: int) -> Response:
        params = read_params(request, PreviewParams)
        category = category_of(self.project, category_id)
        texts = [params["text"]] if "text" in params else prompts_of(category, project=self.project).texts
        return Response(similar_out(self.project, by_texts(self.project, texts, limit=params["limit"])))


def by_texts(project: Project, texts: list[str], *, limit: int) -> list[Neighbor]:
    vector = text_vector(project, texts)
    if project.active_space is None:
        return []
    return nearest_to_vector(project_id=project.pk, space=project.active_space, vector=vector, limit=limit)


def similar_out(project: Project, found: list[Neighbor]) -> dict[str, Any]:
    cards = image_cards(project, image_ids=[neighbor.image_id for neighbor in found])
    items = [
        {
            **cards[neighbor.image_id],
            "thumb": image_link(project.pk, neighbor.image_id),
            "display": image_link(project.pk, neighbor.image_id, "display"),
            "similarity": neighbor.similarity,
        }
        for neighbor in found
        if neighbor.image_id in cards
    ]
    return {"items": items, "next": None}


urlpatterns = [
    path("projects/<int:project_id>/similar", SimilarView.as_view()),
    path("projects/<int:project_id>/categories/<int:category_id>/preview", PreviewView.as_view()),
]
