"""The map of a project's space: whether there is one, its points, and drawing it anew."""

from typing import Any, ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, ProjectView, caller, read_body
from server.api.jobs import JobOut, job_out
from server.core.errors import Conflict
from server.embeddings.projections import METHODS, projection_of
from server.embeddings.selectors import embeddings_count
from server.insights.map import map_bytes
from server.jobs.selectors import live_job
from server.pipeline import flows
from server.projects.models import Role

NOT_DRAWN = "There is no map yet. Draw one; it takes minutes where images are many."


class DrawnOut(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=METHODS)
    seed = serializers.IntegerField()
    images = serializers.IntegerField()
    encoder = serializers.CharField()
    current = serializers.BooleanField(help_text="Whether the encoder that it shows is the one that serves.")
    created_at = serializers.DateTimeField()


class MapOut(serializers.Serializer[Any]):
    drawn = DrawnOut(allow_null=True)
    images = serializers.IntegerField(help_text="Images that a map drawn now could show.")
    job = JobOut(allow_null=True, help_text="The drawing under way.")


class MapIn(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=METHODS, required=False, default="umap")
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**53 - 1, default=0)


class MapView(ProjectView):
    """What is drawn; POST draws it anew."""

    roles: ClassVar = {"GET": Role.VIEWER, "POST": Role.REVIEWER}

    @extend_schema(responses=MapOut)
    def get(self, request: Request, project_id: int) -> Response:
        drawn, space = projection_of(project_id=project_id), self.project.active_space
        job = live_job(coalesce_key=flows.map_key(project_id))
        return Response(
            {
                "drawn": drawn
                and {
                    "method": drawn.method,
                    "seed": drawn.seed,
                    "images": drawn.count,
                    "encoder": drawn.space.name,
                    "current": drawn.space_id == self.project.active_space_id,
                    "created_at": drawn.created_at,
                },
                "images": embeddings_count(project_id=project_id, space=space) if space else 0,
                "job": job_out(job, may_steer=False) if job else None,
            }
        )

    @extend_schema(request=MapIn, responses={202: JobOut, 409: ErrorBody})
    def post(self, request: Request, project_id: int) -> Response:
        if self.project.active_space_id is None:
            raise Conflict("No image has been looked at yet; a map shows how images lie to each other.")
        job = flows.draw_map(project_id, params=read_body(request, MapIn), created_by=caller(request))
        return Response(job_out(job, may_steer=True), status=202)


class MapPointsView(ProjectView):
    """Places, labels and predictions of every point, in columns (docs/methods/map.md)."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 409: ErrorBody})
    def get(self, request: Request, project_id: int) -> HttpResponseBase:
        drawn = projection_of(project_id=project_id)
        if drawn is None:
            raise Conflict(NOT_DRAWN)
        try:
            data = map_bytes(self.project, drawn)
        except FileNotFoundError as error:
            raise Conflict("The map's file is gone from storage. Draw it again.") from error
        return HttpResponse(
            data, content_type="application/octet-stream", headers={"Cache-Control": "private, no-store"}
        )


urlpatterns = [
    path("projects/<int:project_id>/map", MapView.as_view()),
    path("projects/<int:project_id>/map/points", MapPointsView.as_view()),
]
