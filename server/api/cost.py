"""What labels cost, and how many more it takes."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.annotators import IntervalOut
from server.api.base import ProjectView, caller
from server.api.jobs import JobOut, job_out
from server.api.measurements import ReadingOut, reading_out
from server.insights.cost import Cost, cost_of_teaching, cost_total, costs_by_evidence
from server.insights.measurements import measurement_reading
from server.insights.models import Measured
from server.labeling.models import Evidence
from server.pipeline import flows
from server.projects.models import Role


class CostOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField(help_text="That stand now.")
    minutes = serializers.FloatField(help_text="Of people's time, pauses left out.")
    seconds = serializers.FloatField(allow_null=True, help_text="A label.")


class GradeCostOut(CostOut):
    evidence = serializers.ChoiceField(choices=Evidence.choices)


class CostsOut(serializers.Serializer[Any]):
    grades = GradeCostOut(many=True)
    total = CostOut()
    teaching = CostOut(help_text="Of labels that teach and that people gave: what one more will take.")


class CurvePointOut(IntervalOut):
    labels = serializers.IntegerField()


class TargetOut(serializers.Serializer[Any]):
    accuracy = serializers.FloatField()
    value = serializers.FloatField(allow_null=True, help_text="Labels in all. Null: probably never.")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True, help_text="Null: perhaps never.")
    chance = serializers.FloatField(help_text="That it is reached at all.")


class CurveOut(serializers.Serializer[Any]):
    labels = serializers.IntegerField()
    n = serializers.IntegerField(help_text="Blind answers that it rests on.")
    points = CurvePointOut(many=True)
    now = IntervalOut(allow_null=True, help_text="Null: not yet known.")
    gain = CurvePointOut(allow_null=True, help_text="What so many more labels add.")
    targets = TargetOut(many=True)


class CategoryCurveOut(CurveOut):
    category = serializers.IntegerField()


class HowMuchMoreOut(ReadingOut):
    curve = CurveOut(allow_null=True)
    categories = CategoryCurveOut(many=True)


class CostView(ProjectView):
    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(responses=CostsOut)
    def get(self, request: Request, project_id: int) -> Response:
        grades = costs_by_evidence(project_id=project_id)
        return Response(
            {
                "grades": [{"evidence": one.evidence, **cost_out(one)} for one in grades],
                "total": cost_out(cost_total(grades)),
                "teaching": cost_out(cost_of_teaching(grades)),
            }
        )


class CurveView(ProjectView):
    roles: ClassVar = {"GET": Role.VIEWER, "POST": Role.REVIEWER}

    @extend_schema(responses=HowMuchMoreOut)
    def get(self, request: Request, project_id: int) -> Response:
        reading = measurement_reading(project_id=project_id, kind=Measured.CURVE, coalesce_key=key(project_id))
        known = dict(reading.content or {})
        categories = known.pop("categories", [])
        return Response({**reading_out(reading), "curve": known or None, "categories": categories})

    @extend_schema(request=None, responses={202: JobOut})
    def post(self, request: Request, project_id: int) -> Response:
        job = flows.enqueue(
            "fit_curve", project_id=project_id, created_by=caller(request), coalesce_key=key(project_id)
        )
        return Response(job_out(job, may_steer=True), status=202)


def key(project_id: int) -> str:
    return f"fit_curve:{project_id}"


def cost_out(cost: Cost) -> dict[str, Any]:
    return {"labels": cost.labels, "minutes": round(cost.minutes, 2), "seconds": cost.seconds}


urlpatterns = [
    path("projects/<int:project_id>/cost", CostView.as_view()),
    path("projects/<int:project_id>/learning-curve", CurveView.as_view()),
]
