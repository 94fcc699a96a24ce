"""Who is in a project, and as what."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, ProjectView, caller, read_body
from server.core.errors import NotAllowed
from server.projects.models import Membership, Role
from server.projects.selectors import members_of
from server.projects.services import member_add, member_remove, member_update


class MemberUser(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()


class MemberOut(serializers.Serializer[Any]):
    user = MemberUser()
    role = serializers.ChoiceField(choices=Role.choices)


class MemberList(serializers.Serializer[Any]):
    items = MemberOut(many=True)
    next = serializers.CharField(allow_null=True)


class MemberIn(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices)


class RoleIn(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)


def member_out(membership: Membership) -> dict[str, Any]:
    return {"user": {"id": membership.user_id, "username": membership.user.username}, "role": membership.role}


class MembersView(ProjectView):
    roles = {"GET": Role.VIEWER, "POST": Role.OWNER}

    @extend_schema(responses=MemberList)
    def get(self, request: Request, project_id: int) -> Response:
        return Response({"items": [member_out(member) for member in members_of(self.project)], "next": None})

    @extend_schema(request=MemberIn, responses={201: MemberOut, 404: ErrorBody, 409: ErrorBody})
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, MemberIn)
        member = member_add(project=self.project, username=body["username"], role=Role(body["role"]))
        return Response(member_out(member), status=201)


class MemberView(ProjectView):
    """Owners change and remove; anyone may leave."""

    roles = {"PATCH": Role.OWNER, "DELETE": Role.VIEWER}

    @extend_schema(request=RoleIn, responses={200: MemberOut, 409: ErrorBody})
    def patch(self, request: Request, project_id: int, user_id: int) -> Response:
        role = Role(read_body(request, RoleIn)["role"])
        return Response(member_out(member_update(project=self.project, user_id=user_id, role=role)))

    @extend_schema(request=None, responses={204: None, 409: ErrorBody})
    def delete(self, request: Request, project_id: int, user_id: int) -> Response:
        if self.membership.role != Role.OWNER and user_id != caller(request).pk:
            raise NotAllowed("Only an owner removes others.")
        member_remove(project=self.project, user_id=user_id)
        return Response(status=204)


urlpatterns = [
    path("projects/<int:project_id>/members", MembersView.as_view()),
    path("projects/<int:project_id>/members/<int:user_id>", MemberView.as_view()),
]
