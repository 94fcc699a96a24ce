"""How reliable people are. Annotators see themselves; reviewers and owners see everybody."""

from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ProjectView, caller
from server.insights.annotators import Person, annotators_measured
from server.projects.models import Role
from server.projects.selectors import RANK


class ShareOut(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True, help_text="Null until enough is known.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()
    needed = serializers.IntegerField()


class CategoryShare(ShareOut):
    category = serializers.IntegerField()


class AnnotatorOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    labels = serializers.IntegerField()
    agreement = ShareOut()
    median_ms = serializers.FloatField(allow_null=True)
    misled = serializers.IntegerField(help_text="Labels given beside a wrong suggestion.")
    followed = serializers.IntegerField(help_text="Of those, the wrong suggestion taken.")
    blind_error = ShareOut(help_text="How often wrong with no suggestion in sight.")
    led = serializers.BooleanField(help_text="Takes whatever is suggested.")
    categories = CategoryShare(many=True)


class AnnotatorList(serializers.Serializer[Any]):
    items = AnnotatorOut(many=True)


def annotator_out(person: Person) -> dict[str, Any]:
    return {
        **asdict(person),
        "agreement": asdict(person.agreement),
        "categories": [{"category": category, **asdict(share)} for category, share in person.categories],
    }


class AnnotatorsView(ProjectView):
    roles = {"GET": Role.ANNOTATOR}

    @extend_schema(operation_id="projects_annotators_list", responses=AnnotatorList)
    def get(self, request: Request, project_id: int) -> Response:
        everybody = RANK[Role(self.membership.role)] >= RANK[Role.REVIEWER]
        people = annotators_measured(project_id=project_id, only=None if everybody else caller(request).pk)
        return Response({"items": [annotator_out(person) for person in people]})


urlpatterns = [path("projects/<int:project_id>/annotators", AnnotatorsView.as_view())]
