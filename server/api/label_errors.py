"""Labels that are probably wrong: look for them, and read what was found. A review annotation decides each."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import PageParams, ProjectView, caller, read_params
from server.api.images import ImageItem, SuggestionItem, image_item
from server.api.jobs import JobOut, job_out
from server.api.links import image_link
from server.api.measurements import ReadingOut, reading_out
from server.api.pagination import Key, read_cursor, write_cursor
from server.api.reviews import OpinionBy
from server.insights.measurements import measurement_reading
from server.insights.models import Doubt, Measured
from server.insights.suspects import Doubted, suspects_counted, suspects_page
from server.labeling.models import Evidence
from server.pipeline import flows
from server.projects.models import Role

BY_PLACE = (Key("place"),)


class SuspectParams(PageParams):
    doubt = serializers.ChoiceField(choices=Doubt.choices, default=Doubt.ERROR)


class LikeOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    thumb = serializers.CharField()
    category = serializers.IntegerField(help_text="As people labeled it.")
    similarity = serializers.FloatField(allow_null=True, help_text="Null for a near-duplicate.")


class SuspectOut(serializers.Serializer[Any]):
    image = ImageItem()
    doubt = serializers.ChoiceField(choices=Doubt.choices)
    given = serializers.IntegerField()
    instead = serializers.IntegerField(allow_null=True)
    suspicion = serializers.FloatField(help_text="Error: 1 − p(given) / max p. Duplicate: share that says otherwise.")
    suggestions = SuggestionItem(many=True, help_text="Of heads that did not see this label.")
    like = LikeOut(many=True)
    evidence = serializers.ChoiceField(choices=Evidence.choices)
    annotator = OpinionBy(allow_null=True)


class AmbiguousOut(serializers.Serializer[Any]):
    first = serializers.IntegerField()
    second = serializers.IntegerField()
    first_as_second = serializers.IntegerField(help_text="Labeled first, confidently second.")
    second_as_first = serializers.IntegerField()


class SuspectPageOut(ReadingOut):
    labels = serializers.IntegerField(help_text="Confirmed labels looked through.")
    judged = serializers.IntegerField(help_text="Of those, judged by heads that did not see them.")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Undecided, by doubt.")
    ambiguous = AmbiguousOut(many=True)
    items = SuspectOut(many=True)
    next = serializers.CharField(allow_null=True)


class LabelErrorsView(ProjectView):
    roles: ClassVar = {"GET": Role.REVIEWER, "POST": Role.REVIEWER}

    @extend_schema(operation_id="projects_label_errors_list", parameters=[SuspectParams], responses=SuspectPageOut)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, SuspectParams)
        limit = params["limit"]
        after = read_cursor(params["cursor"], BY_PLACE)[0] if params.get("cursor") else -1
        found = suspects_page(self.project, doubt=params["doubt"], after=int(after), limit=limit + 1)
        reading = measurement_reading(project_id=project_id, kind=Measured.LABEL_ERRORS, coalesce_key=key(project_id))
        known = reading.content or {}
        names = ("first", "second", "first_as_second", "second_as_first")
        return Response(
            {
                **reading_out(reading),
                "labels": known.get("labels", 0),
                "judged": known.get("judged", 0),
                "counts": suspects_counted(project_id=project_id),
                "ambiguous": [dict(zip(names, pair, strict=True)) for pair in known.get("pairs", [])],
                "items": [suspect_out(project_id, one) for one in found[:limit]],
                "next": write_cursor([found[limit - 1].told["place"]]) if len(found) > limit else None,
            }
        )

    @extend_schema(request=None, responses={202: JobOut})
    def post(self, request: Request, project_id: int) -> Response:
        job = flows.enqueue(
            "find_label_errors", project_id=project_id, created_by=caller(request), coalesce_key=key(project_id)
        )
        return Response(job_out(job, may_steer=True), status=202)


def key(project_id: int) -> str:
    return f"find_label_errors:{project_id}"


def suspect_out(project_id: int, found: Doubted) -> dict[str, Any]:
    told, details = found.told, found.told["details"]
    like = details.get("nearest") or [[*twin, None] for twin in details.get("twins", [])]
    return {
        "image": image_item(project_id, found.row),
        **{name: told[name] for name in ("doubt", "given", "instead", "suspicion", "evidence")},
        "suggestions": [{"category": category, "probability": p} for category, p in details.get("best", [])],
        "like": [
            {"id": image, "thumb": image_link(project_id, image, "thumb"), "category": category, "similarity": near}
            for image, category, near in like
        ],
        "annotator": told["annotator_id"] and {"id": told["annotator_id"], "username": told["username"]},
    }


urlpatterns = [path("projects/<int:project_id>/label-errors", LabelErrorsView.as_view())]
