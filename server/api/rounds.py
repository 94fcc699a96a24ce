"""Asking for new predictions or a new order of the queue."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.acquisition.catalogue import BY_NAME, CHOICES
from server.api.base import ProjectView, caller, read_body
from server.api.jobs import JobOut, job_out
from server.pipeline import flows
from server.projects.models import Role


class AcquisitionIn(serializers.Serializer[Any]):
    function = serializers.ChoiceField(choices=sorted(BY_NAME), required=False)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**53 - 1)


class FunctionOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    goal = serializers.CharField()
    description = serializers.CharField()


class PredictionsView(ProjectView):
    """Predict the whole project again; the live job where one is queued or running."""

    roles: ClassVar = {"POST": Role.REVIEWER}

    @extend_schema(request=None, responses={202: JobOut})
    def post(self, request: Request, project_id: int) -> Response:
        return Response(job_out(flows.after_embedded(project_id), may_steer=True), status=202)


class AcquisitionView(ProjectView):
    """Rank the pool again."""

    roles: ClassVar = {"POST": Role.REVIEWER}

    @extend_schema(request=AcquisitionIn, responses={202: JobOut})
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, AcquisitionIn)
        job = flows.acquire(project_id, params=body, created_by=caller(request))
        return Response(job_out(job, may_steer=True), status=202)


class FunctionsView(ProjectView):
    """The ways to choose what is labelled next, by goal."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(responses=FunctionOut(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        choices = [{"name": one.name, "goal": one.goal, "description": one.description} for one in CHOICES]
        return Response(choices)


urlpatterns = [
    path("projects/<int:project_id>/predictions", PredictionsView.as_view()),
    path("projects/<int:project_id>/acquisition", AcquisitionView.as_view()),
    path("projects/<int:project_id>/acquisition/functions", FunctionsView.as_view()),
]
