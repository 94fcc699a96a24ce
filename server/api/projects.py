"""Projects: list, make, look at, change, delete."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from server.api.base import ErrorBody, PageParams, ProjectView, caller, read_body, read_params
from server.api.links import image_link
from server.api.pagination import NEWEST, page
from server.insights.projects import ProjectCard, encoder_card, project_cards
from server.pipeline import flows
from server.projects.models import Membership, Project, Role
from server.projects.selectors import visible_to
from server.projects.services import project_archive, project_create, project_update


class EncoderOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    is_demo = serializers.BooleanField()
    has_text = serializers.BooleanField()


class ProjectCounts(serializers.Serializer[Any]):
    images = serializers.IntegerField()
    labeled = serializers.IntegerField()


class ProjectItem(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    created_at = serializers.DateTimeField()
    counts = ProjectCounts()
    mosaic = serializers.ListField(child=serializers.CharField())
    encoder = EncoderOut()
    needs = serializers.CharField()


class ProjectList(serializers.Serializer[Any]):
    items = ProjectItem(many=True)
    next = serializers.CharField(allow_null=True)


class ProjectOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    concept = serializers.CharField()
    templates = serializers.ListField(child=serializers.CharField())
    role = serializers.ChoiceField(choices=Role.choices)
    acquisition_function = serializers.CharField()
    blind_share = serializers.FloatField()
    overlap = serializers.IntegerField()
    taxonomy_revision = serializers.IntegerField()
    encoder = EncoderOut()
    options = serializers.DictField()
    created_at = serializers.DateTimeField()


class ProjectIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=10_000, allow_blank=True, default="")
    concept = serializers.CharField(max_length=80, allow_blank=True, default="")
    encoder = serializers.CharField(max_length=300, required=False, allow_null=True)


class ProjectOptions(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    attention_share = serializers.FloatField(
        min_value=0.0, max_value=0.2, required=False, help_text="Share of a page's tiles that are known wrong."
    )
    page_size_max = serializers.IntegerField(min_value=6, max_value=200, required=False)
    lease_minutes = serializers.FloatField(min_value=0.5, max_value=60.0, required=False)
    opinions_max = serializers.IntegerField(
        min_value=0,
        max_value=20,
        required=False,
        help_text="Where people are divided one more is asked, up to so many opinions; not above the overlap: none.",
    )


class ProjectChanges(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(max_length=10_000, allow_blank=True, required=False)
    concept = serializers.CharField(max_length=80, allow_blank=True, required=False)
    templates = serializers.ListField(child=serializers.CharField(max_length=300), max_length=100, required=False)
    acquisition_function = serializers.RegexField(r"^[a-z][a-z0-9_]{0,39}$", required=False)
    blind_share = serializers.FloatField(min_value=0.0, max_value=0.5, required=False)
    overlap = serializers.IntegerField(min_value=1, max_value=20, required=False)
    options = ProjectOptions(required=False)


class ProjectDelete(serializers.Serializer[Any]):
    confirm_name = serializers.CharField(max_length=200, trim_whitespace=False)


def project_item(project: Project, role: str, card: ProjectCard) -> dict[str, Any]:
    return {
        "id": project.pk,
        "name": project.name,
        "description": project.description,
        "role": role,
        "created_at": project.created_at,
        "counts": {"images": card.images, "labeled": card.labeled},
        "mosaic": [image_link(project.pk, image_id) for image_id in card.mosaic],
        "encoder": encoder_card(project),
        "needs": card.needs,
    }


def project_out(project: Project, role: str) -> dict[str, Any]:
    return {
        "id": project.pk,
        "name": project.name,
        "description": project.description,
        "concept": project.concept,
        "templates": project.templates,
        "role": role,
        "acquisition_function": project.acquisition_function,
        "blind_share": project.blind_share,
        "overlap": project.overlap,
        "taxonomy_revision": project.taxonomy_revision,
        "encoder": encoder_card(project),
        "options": project.options,
        "created_at": project.created_at,
    }


class ProjectsView(APIView):
    @extend_schema(operation_id="projects_list", parameters=[PageParams], responses=ProjectList)
    def get(self, request: Request) -> Response:
        params = read_params(request, PageParams)
        qs = visible_to(caller(request)).select_related("active_space")
        rows, following = page(qs, keys=NEWEST, cursor=params.get("cursor"), limit=params["limit"])
        ids = [project.pk for project in rows]
        mine = Membership.objects.filter(user=caller(request), project_id__in=ids)
        roles = dict(mine.values_list("project_id", "role"))
        cards = project_cards(ids)
        items = [project_item(project, roles[project.pk], cards[project.pk]) for project in rows]
        return Response({"items": items, "next": following})

    @extend_schema(request=ProjectIn, responses={201: ProjectOut})
    def post(self, request: Request) -> Response:
        body = read_body(request, ProjectIn)
        return Response(project_out(project_create(owner=caller(request), **body), Role.OWNER), status=201)


class ProjectDetailView(ProjectView):
    roles = {"GET": Role.VIEWER, "PATCH": Role.OWNER, "DELETE": Role.OWNER}

    @extend_schema(responses=ProjectOut)
    def get(self, request: Request, project_id: int) -> Response:
        return Response(project_out(self.project, self.membership.role))

    @extend_schema(request=ProjectChanges, responses=ProjectOut)
    def patch(self, request: Request, project_id: int) -> Response:
        changes = read_body(request, ProjectChanges, partial=True)
        project = project_update(project=self.project, changes=changes)
        if {"concept", "templates"} & changes.keys():
            flows.after_prompts_changed(project.pk)
        return Response(project_out(project, self.membership.role))

    @extend_schema(request=ProjectDelete, responses={204: None, 400: ErrorBody})
    def delete(self, request: Request, project_id: int) -> Response:
        project_archive(project=self.project, confirm_name=read_body(request, ProjectDelete)["confirm_name"])
        flows.after_project_archived(project_id)
        return Response(status=204)


urlpatterns = [
    path("projects", ProjectsView.as_view()),
    path("projects/<int:project_id>", ProjectDetailView.as_view()),
]
