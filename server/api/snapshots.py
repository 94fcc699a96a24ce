"""Snapshots: frozen, hashed versions of the labels."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, PageParams, ProjectView, caller, read_body, read_params
from server.api.pagination import NEWEST, page
from server.core.errors import NotFound
from server.labeling.models import Evidence
from server.projects.models import Role
from server.projects.selectors import NOT_HERE
from server.snapshots.models import Snapshot
from server.snapshots.selectors import snapshot_of, snapshot_summary
from server.snapshots.services import snapshot_create


class Splits(serializers.Serializer[Any]):
    train = serializers.FloatField(min_value=0, max_value=1)
    val = serializers.FloatField(min_value=0, max_value=1)
    test = serializers.FloatField(min_value=0, max_value=1)


class SnapshotIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120, allow_blank=True, default="")
    splits = Splits(required=False)
    evidence = serializers.ListField(
        child=serializers.ChoiceField(choices=Evidence.choices), required=False, allow_empty=False, max_length=20
    )
    include_blind = serializers.BooleanField(default=True)
    seed = serializers.IntegerField(default=0, min_value=0, max_value=2**31 - 1)


class SnapshotOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    digest = serializers.CharField()
    taxonomy_revision = serializers.IntegerField()
    item_count = serializers.IntegerField()
    filters = serializers.DictField()
    seed = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class SnapshotDetail(SnapshotOut):
    splits = serializers.DictField(child=serializers.IntegerField())
    evidence = serializers.DictField(child=serializers.IntegerField())


class SnapshotList(serializers.Serializer[Any]):
    items = SnapshotOut(many=True)
    next = serializers.CharField(allow_null=True)


def snapshot_out(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.pk,
        "name": snapshot.name,
        "digest": snapshot.digest,
        "taxonomy_revision": snapshot.taxonomy_revision,
        "item_count": snapshot.item_count,
        "filters": snapshot.filters,
        "seed": snapshot.seed,
        "created_at": snapshot.created_at,
    }


class SnapshotsView(ProjectView):
    roles = {"GET": Role.VIEWER, "POST": Role.REVIEWER}

    @extend_schema(operation_id="projects_snapshots_list", parameters=[PageParams], responses=SnapshotList)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, PageParams)
        qs = Snapshot.objects.filter(project_id=project_id, filters__purpose__isnull=True)
        rows, following = page(qs, keys=NEWEST, cursor=params.get("cursor"), limit=params["limit"])
        return Response({"items": [snapshot_out(row) for row in rows], "next": following})

    @extend_schema(request=SnapshotIn, responses={201: SnapshotOut, 400: ErrorBody})
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, SnapshotIn)
        snapshot = snapshot_create(project=self.project, created_by=caller(request), **body)
        return Response(snapshot_out(snapshot), status=201)


class SnapshotView(ProjectView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=SnapshotDetail)
    def get(self, request: Request, project_id: int, snapshot_id: int) -> Response:
        snapshot = snapshot_of(project_id=project_id, snapshot_id=snapshot_id)
        if snapshot is None:
            raise NotFound(NOT_HERE)
        return Response(snapshot_out(snapshot) | snapshot_summary(snapshot_id=snapshot.pk))


urlpatterns = [
    path("projects/<int:project_id>/snapshots", SnapshotsView.as_view()),
    path("projects/<int:project_id>/snapshots/<int:snapshot_id>", SnapshotView.as_view()),
]
