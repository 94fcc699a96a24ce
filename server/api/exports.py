"""Exports: start one, watch it, download it."""

from typing import Any

from django.db import transaction
from django.http import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, PageParams, ProjectView, caller, read_body, read_params
from server.api.pagination import NEWEST, page
from server.api.streaming import stored_file
from server.core.errors import Conflict, NotFound
from server.jobs.models import State
from server.labeling.models import Evidence
from server.pipeline import flows
from server.projects.models import Role
from server.projects.selectors import NOT_HERE
from server.snapshots.models import Export
from server.snapshots.selectors import export_live_like, export_of, snapshot_of
from server.snapshots.services import FORMATS, export_create, exports_within_limit

CONTENT_TYPES = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "labelstudio": "application/json",
    "imagefolder": "application/zip",
    "parquet": "application/zip",
}


class ExportOptions(serializers.Serializer[Any]):
    evidence = serializers.ListField(
        child=serializers.ChoiceField(choices=Evidence.choices), required=False, allow_empty=False, max_length=20
    )
    include_blind = serializers.BooleanField(required=False)
    certified = serializers.BooleanField(required=False, help_text="Only lots under a standing certificate.")


class ExportIn(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=FORMATS)
    snapshot = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**62)
    options = ExportOptions(required=False)


class ExportOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    format = serializers.ChoiceField(choices=FORMATS)
    snapshot = serializers.IntegerField(allow_null=True)
    item_count = serializers.IntegerField()
    options = serializers.DictField()
    state = serializers.ChoiceField(choices=State.choices)
    job = serializers.IntegerField(allow_null=True)
    done = serializers.IntegerField()
    error = serializers.CharField()
    file_name = serializers.CharField()
    byte_size = serializers.IntegerField()
    digest = serializers.CharField()
    created_at = serializers.DateTimeField()
    download = serializers.CharField(allow_null=True)


class ExportList(serializers.Serializer[Any]):
    items = ExportOut(many=True)
    next = serializers.CharField(allow_null=True)


def export_out(export: Export) -> dict[str, Any]:
    job = export.job
    ready = bool(export.storage_key)
    here = f"/api/v1/projects/{export.project_id}/exports/{export.pk}/download"
    return {
        "id": export.pk,
        "format": export.format,
        "snapshot": export.snapshot_id,
        "item_count": export.snapshot.item_count if export.snapshot else 0,
        "options": export.options,
        "state": State.DONE if ready else (job.state if job else State.FAILED),
        "job": export.job_id,
        "done": job.done if job else 0,
        "error": job.message if job and job.state in (State.FAILED, State.ERRORED) else "",
        "file_name": export.file_name,
        "byte_size": export.byte_size,
        "digest": export.digest,
        "created_at": export.created_at,
        "download": here if ready else None,
    }


class ExportsView(ProjectView):
    roles = {"GET": Role.VIEWER, "POST": Role.REVIEWER}

    @extend_schema(operation_id="projects_exports_list", parameters=[PageParams], responses=ExportList)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, PageParams)
        qs = Export.objects.filter(project_id=project_id).select_related("job", "snapshot")
        rows, following = page(qs, keys=NEWEST, cursor=params.get("cursor"), limit=params["limit"])
        return Response({"items": [export_out(row) for row in rows], "next": following})

    @extend_schema(
        request=ExportIn,
        responses={201: ExportOut, 200: ExportOut, 400: ErrorBody, 404: ErrorBody, 429: ErrorBody},
        description="Without a snapshot, the labels of this moment are frozen first. "
        "Asking again while the same export is being written answers with that one (200).",
    )
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, ExportIn)
        options, wanted = dict(body.get("options") or {}), body.get("snapshot")
        snapshot = snapshot_of(project_id=project_id, snapshot_id=wanted) if wanted else None
        if wanted and snapshot is None:
            raise NotFound(NOT_HERE)
        live = export_live_like(project_id=project_id, format=body["format"], options=options, snapshot_id=wanted)
        if live:
            return Response(export_out(live), status=200)
        exports_within_limit(project_id=project_id)
        with transaction.atomic():
            export = export_create(
                project=self.project,
                created_by=caller(request),
                format=body["format"],
                snapshot=snapshot,
                options=options,
            )
            export.job = flows.enqueue(
                "export", project_id=project_id, params={"export": export.pk}, created_by=caller(request)
            )
            export.save(update_fields=["job"])
        return Response(export_out(export), status=201)


class ExportView(ProjectView):
    roles = {"GET": Role.VIEWER}

    def export(self, project_id: int, export_id: int) -> Export:
        export = export_of(project_id=project_id, export_id=export_id)
        if export is None:
            raise NotFound(NOT_HERE)
        return export

    @extend_schema(responses=ExportOut)
    def get(self, request: Request, project_id: int, export_id: int) -> Response:
        return Response(export_out(self.export(project_id, export_id)))


class ExportDownloadView(ExportView):
    roles = {"GET": Role.REVIEWER}

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 409: ErrorBody})
    def get(self, request: Request, project_id: int, export_id: int) -> HttpResponseBase:  # type: ignore[override]
        export = self.export(project_id, export_id)
        if not export.storage_key:
            raise Conflict("The file is not written yet. Watch the export's state; download it when it is done.")
        return stored_file(
            key=export.storage_key,
            file_name=export.file_name,
            content_type=CONTENT_TYPES[export.format],
            byte_size=export.byte_size,
        )


urlpatterns = [
    path("projects/<int:project_id>/exports", ExportsView.as_view()),
    path("projects/<int:project_id>/exports/<int:export_id>", ExportView.as_view()),
    path("projects/<int:project_id>/exports/<int:export_id>/download", ExportDownloadView.as_view()),
]
