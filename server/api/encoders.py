"""Which encoders there are, and choosing another one."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from server.api.base import ProjectView, caller, read_body
from server.api.jobs import JobOut, job_out
from server.core.errors import InvalidInput
from server.pipeline import flows
from server.projects.models import Role
from server.registry.selectors import encoders_offered


class EncoderOfferOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    dim = serializers.IntegerField()
    has_text = serializers.BooleanField()
    is_demo = serializers.BooleanField()
    available = serializers.BooleanField(help_text="Its weights were loaded here before, or come with Winnow.")
    note = serializers.CharField()


class EncoderListOut(serializers.Serializer[Any]):
    items = EncoderOfferOut(many=True)
    next = serializers.CharField(allow_null=True)


class EncoderIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=300)


class EncodersView(APIView):
    """Encoders that are known to work, and those that were added on this server."""

    @extend_schema(responses=EncoderListOut)
    def get(self, request: Request) -> Response:
        items = [
            {
                "name": offer.name,
                "dim": offer.dim,
                "has_text": offer.has_text,
                "is_demo": offer.is_demo,
                "available": offer.available,
                "note": offer.note,
            }
            for offer in encoders_offered()
        ]
        return Response({"items": items, "next": None})


class ProjectEncoderView(ProjectView):
    """Fill the space of another encoder while the present one serves, then switch."""

    roles: ClassVar = {"POST": Role.OWNER}

    @extend_schema(request=EncoderIn, responses={202: JobOut})
    def post(self, request: Request, project_id: int) -> Response:
        name = read_body(request, EncoderIn)["name"]
        # A name is all that may come over REST: a path would let a member probe the server's files.
        if name not in {offer.name for offer in encoders_offered()}:
            raise InvalidInput("name: choose one of /api/v1/encoders; an operator adds others with `add_encoder`.")
        job = flows.switch_encoder(project_id, name=name, created_by=caller(request))
        return Response(job_out(job, may_steer=True), status=202)


urlpatterns = [
    path("encoders", EncodersView.as_view()),
    path("projects/<int:project_id>/encoder", ProjectEncoderView.as_view()),
]
