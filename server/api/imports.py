"""Adding images: files, archives, manifests. Every act is a batch that says what became of each file."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle

from server.api.base import ErrorBody, PageParams, ProjectView, caller, read_body, read_params
from server.api.jobs import JobOut, job_out
from server.api.pagination import NEWEST, OLDEST, page
from server.api.uploads import LinesParser, UploadMixin
from server.core.errors import InvalidInput
from server.images.intake import Incoming, Outcome, batch_create, images_take_in
from server.images.manifest import manifest_register
from server.images.models import ImportBatch
from server.images.selectors import batch_of, batches_of, issues_of
from server.images.sources import label_of
from server.images.storage import archive_key, put
from server.pipeline import flows
from server.projects.models import Role

FILES_PER_REQUEST = 100


class BatchIn(serializers.Serializer[Any]):
    source = serializers.ChoiceField(choices=["browser", "api"], default="api")  # type: ignore[assignment]
    name = serializers.CharField(max_length=300, allow_blank=True, default="")
    folders_as_categories = serializers.BooleanField(default=False)


class BatchOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]
    name = serializers.CharField()
    received = serializers.IntegerField()
    added = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    folders_as_categories = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    job = JobOut(allow_null=True)


class BatchList(serializers.Serializer[Any]):
    items = BatchOut(many=True)
    next = serializers.CharField(allow_null=True)


class IssueOut(serializers.Serializer[Any]):
    file_name = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField()


class IssueList(serializers.Serializer[Any]):
    items = IssueOut(many=True)
    next = serializers.CharField(allow_null=True)


class FilesIn(serializers.Serializer[Any]):
    files = serializers.ListField(child=serializers.FileField(), help_text="At most 100.")
    paths = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Relative path of each file, in the same order."
    )


class ArchiveIn(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="ZIP or tar.")


class FileResult(serializers.Serializer[Any]):
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=["stored", "duplicate", "rejected"])
    image_id = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    message = serializers.CharField()


class FilesOut(serializers.Serializer[Any]):
    results = FileResult(many=True)
    batch = BatchOut()


class ArchiveOut(serializers.Serializer[Any]):
    job = JobOut()
    batch = BatchOut()


class ManifestProblem(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    message = serializers.CharField()


class ManifestOut(serializers.Serializer[Any]):
    registered = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    problems = ManifestProblem(many=True)
    batch = serializers.IntegerField()


def batch_out(batch: ImportBatch, *, owner: bool) -> dict[str, Any]:
    return {
        "id": batch.pk,
        "source": batch.source,
        "name": batch.name,
        "received": batch.received,
        "added": batch.added,
        "duplicates": batch.duplicates,
        "rejected": batch.rejected,
        "folders_as_categories": bool(batch.options.get("folders_as_categories")),
        "created_at": batch.created_at,
        "job": job_out(batch.job, may_steer=owner) if batch.job else None,
    }


def result_out(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "status": outcome.status,
        "image_id": outcome.image_id,
        "reason": outcome.reason,
        "message": outcome.message,
    }


class ImportView(ProjectView):
    """Owners add images; everyone in the project sees how it goes."""

    def out(self, batch_id: int) -> dict[str, Any]:
        batch = batch_of(project_id=self.project.pk, batch_id=batch_id)
        return batch_out(batch, owner=self.membership.role == Role.OWNER)

    def begin(self, batch: ImportBatch) -> None:
        """Start reading what has come so far; more may come while that runs."""
        job = flows.after_images_stored(self.project.pk)
        ImportBatch.objects.filter(pk=batch.pk).update(job=job)


class ImportsView(ImportView):
    roles = {"GET": Role.VIEWER, "POST": Role.OWNER}

    @extend_schema(operation_id="projects_imports_list", parameters=[PageParams], responses=BatchList)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, PageParams)
        qs = batches_of(project_id=project_id)
        rows, following = page(qs, keys=NEWEST, cursor=params.get("cursor"), limit=params["limit"])
        owner = self.membership.role == Role.OWNER
        return Response({"items": [batch_out(batch, owner=owner) for batch in rows], "next": following})

    @extend_schema(request=BatchIn, responses={201: BatchOut})
    def post(self, request: Request, project_id: int) -> Response:
        batch = batch_create(project_id=project_id, created_by_id=caller(request).pk, **read_body(request, BatchIn))
        return Response(self.out(batch.pk), status=201)


class ImportDetailView(ImportView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(responses=BatchOut)
    def get(self, request: Request, project_id: int, batch_id: int) -> Response:
        return Response(self.out(batch_id))


class ImportIssuesView(ImportView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(parameters=[PageParams], responses=IssueList)
    def get(self, request: Request, project_id: int, batch_id: int) -> Response:
        params = read_params(request, PageParams)
        qs = issues_of(batch=batch_of(project_id=project_id, batch_id=batch_id))
        rows, following = page(qs, keys=OLDEST, cursor=params.get("cursor"), limit=params["limit"])
        items = [{"file_name": row.file_name, "reason": row.reason, "message": row.message} for row in rows]
        return Response({"items": items, "next": following})


class ImportFilesView(UploadMixin, ImportView):
    roles = {"POST": Role.OWNER}
    parser_classes = [MultiPartParser]

    @extend_schema(request={"multipart/form-data": FilesIn}, responses={200: FilesOut, 400: ErrorBody})
    def post(self, request: Request, project_id: int, batch_id: int) -> Response:
        batch = batch_of(project_id=project_id, batch_id=batch_id)
        files = request.FILES.getlist("files")
        paths = request._request.POST.getlist("paths") or [file.name for file in files]
        if not 0 < len(files) <= FILES_PER_REQUEST:
            raise InvalidInput(f"Send 1 to {FILES_PER_REQUEST} files in the field “files” at a time.")
        if len(paths) != len(files):
            raise InvalidInput("Send one “paths” value for each file, in the same order, or none at all.")
        incoming = (
            Incoming(name or "", file.file, label=label_of(name or "")) for name, file in zip(paths, files, strict=True)
        )
        outcomes = images_take_in(batch=batch, files=incoming)
        if any(outcome.status == "stored" for outcome in outcomes):
            self.begin(batch)
        return Response({"results": [result_out(outcome) for outcome in outcomes], "batch": self.out(batch.pk)})


class ImportArchiveView(UploadMixin, ImportView):
    roles = {"POST": Role.OWNER}
    parser_classes = [MultiPartParser]
    throttle_classes = [ScopedRateThrottle]
    throttle_scope = "import"

    def upload_limit(self) -> int:
        return int(settings.WINNOW_MAX_ARCHIVE_BYTES)

    @extend_schema(request={"multipart/form-data": ArchiveIn}, responses={202: ArchiveOut, 400: ErrorBody})
    def post(self, request: Request, project_id: int, batch_id: int) -> Response:
        batch = batch_of(project_id=project_id, batch_id=batch_id)
        file = request.FILES.get("file")
        if file is None or not file.size:
            raise InvalidInput("Send the archive in the field “file”.")
        if file.size > settings.WINNOW_MAX_ARCHIVE_BYTES:
            limit = settings.WINNOW_MAX_ARCHIVE_BYTES // 2**30
            raise InvalidInput(f"The archive is larger than {limit} GiB; split it.", code="archive_too_large")
        put(archive_key(project_id, batch.pk), file.file, durable=True)
        with transaction.atomic():
            job = flows.after_archive_stored(project_id, batch_id=batch.pk, created_by=caller(request))
            ImportBatch.objects.filter(pk=batch.pk).update(job=job)
        return Response({"job": job_out(job, may_steer=True), "batch": self.out(batch.pk)}, status=202)


class ImportFinishView(ImportView):
    roles = {"POST": Role.OWNER}

    @extend_schema(request=None, responses=BatchOut)
    def post(self, request: Request, project_id: int, batch_id: int) -> Response:
        batch = batch_of(project_id=project_id, batch_id=batch_id)
        if batch.job is None and batch.added:
            self.begin(batch)
        return Response(self.out(batch.pk))


class ManifestView(ImportView):
    roles = {"POST": Role.OWNER}
    parser_classes = [LinesParser]
    throttle_classes = [ScopedRateThrottle]
    throttle_scope = "import"

    @extend_schema(request={"application/x-ndjson": OpenApiTypes.STR}, responses={200: ManifestOut})
    def post(self, request: Request, project_id: int) -> Response:
        batch = batch_create(project_id=project_id, source="manifest", created_by_id=caller(request).pk)
        result = manifest_register(batch=batch, lines=_lines(request.data))
        if result.registered:
            self.begin(batch)
        return Response({**vars(result), "batch": batch.pk})


def _lines(stream: Any) -> Iterator[bytes]:
    """Lines of a stream without ever holding more than one block and one line."""
    rest = b""
    while block := stream.read(1 << 20):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        if len(rest) > 1 << 20:
            raise InvalidInput("A line of more than 1 MiB.")
    if rest:
        yield rest


BASE = "projects/<int:project_id>/imports"
urlpatterns = [
    path(BASE, ImportsView.as_view()),
    path(f"{BASE}/manifest", ManifestView.as_view()),
    path(f"{BASE}/<int:batch_id>", ImportDetailView.as_view()),
    path(f"{BASE}/<int:batch_id>/issues", ImportIssuesView.as_view()),
    path(f"{BASE}/<int:batch_id>/files", ImportFilesView.as_view()),
    path(f"{BASE}/<int:batch_id>/archive", ImportArchiveView.as_view()),
    path(f"{BASE}/<int:batch_id>/finish", ImportFinishView.as_view()),
]
