"""A category that is not there yet: which images would its description pull?"""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, ProjectView, read_body
from server.api.categories import FiguresOut
from server.api.links import image_link
from server.api.waiting import answer_of
from server.core.errors import Conflict, InvalidInput
from server.insights.similar import image_cards
from server.pipeline import flows
from server.projects.models import Project, Role

LONGEST = 10_000


class TryIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    text = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True, default="")
    limit = serializers.IntegerField(required=False, min_value=1, max_value=60, default=12)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not any(character.isalnum() for character in attrs["name"] + attrs["text"]):
            raise serializers.ValidationError({"text": "There is no word to read: write a name or a sentence."})
        return attrs


class PulledOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    thumb = serializers.CharField()
    display = serializers.CharField()
    probability = serializers.FloatField(help_text="Of the new category, beside those of the trained head.")


class MethodOut(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=["icis", "text2model", "prompt"])
    taken = serializers.IntegerField(help_text="Images of the pool that it would take.")
    measured = FiguresOut(allow_null=True)
    top = PulledOut(many=True, help_text="The surest, surest first.")
    border = PulledOut(many=True, help_text="Closest to the decision, either way.")


class TryOut(serializers.Serializer[Any]):
    best = serializers.CharField(help_text="The method that would be used.")
    notes = serializers.ListField(child=serializers.CharField())
    methods = MethodOut(many=True)


class WordsView(ProjectView):
    """Nothing is stored: the description is tried against the trained head and the whole pool, by every method."""

    roles: ClassVar = {"POST": Role.OWNER}

    @extend_schema(request=TryIn, responses={200: TryOut, 409: ErrorBody, 503: ErrorBody})
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, TryIn)
        if not flows.has_trained_head(project_id):
            raise Conflict(
                "There is no trained head yet to write a category for: confirm a few images of each category first.",
                code="no_head",
            )
        result = answer_of(
            lambda: flows.try_words(project_id, name=body["name"], text=body["text"], show=body["limit"])
        )
        if not result.get("methods"):
            raise InvalidInput("Nothing came back for this description. Try other words.")
        return Response(tried_out(self.project, result))


def tried_out(project: Project, result: dict[str, Any]) -> dict[str, Any]:
    shown = {int(image) for one in result["methods"] for image, _ in [*one["top"], *one["border"]]}
    cards = image_cards(project, image_ids=sorted(shown))

    def pulled(pairs: list[list[float]]) -> list[dict[str, Any]]:
        return [
            {
                "id": int(image),
                "name": cards[int(image)]["name"],
                "thumb": image_link(project.pk, int(image)),
                "display": image_link(project.pk, int(image), "display"),
                "probability": chance,
            }
            for image, chance in pairs
            if int(image) in cards
        ]

    methods = [{**one, "top": pulled(one["top"]), "border": pulled(one["border"])} for one in result["methods"]]
    return {"best": result["best"], "notes": result["notes"], "methods": methods}


urlpatterns = [path("projects/<int:project_id>/words", WordsView.as_view())]
