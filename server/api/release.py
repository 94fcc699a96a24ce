"""The release report: as data for its page, and as a document to hand over."""

from dataclasses import asdict
from typing import Any, ClassVar

from django.http import HttpResponse
from django.urls import path
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.annotators import ShareOut
from server.api.base import ErrorBody, ProjectView, read_params
from server.api.snapshots import SnapshotOut, snapshot_out
from server.core.errors import NotFound
from server.insights.release import ReleaseReport, release_report
from server.projects.models import Role
from server.projects.selectors import NOT_HERE
from server.snapshots.selectors import snapshot_of


class ReportParams(serializers.Serializer[Any]):
    names = serializers.BooleanField(default=False, help_text="Name people instead of numbering them.")


class LineOut(serializers.Serializer[Any]):
    key = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    items = serializers.IntegerField()
    accuracy = ShareOut()


class HeadLineOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    encoder = serializers.CharField()
    labels = serializers.IntegerField()
    accuracy = ShareOut()


class FrozenCertificateOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    promise = serializers.CharField()
    bound = serializers.FloatField(allow_null=True)
    labels = serializers.IntegerField(allow_null=True)
    audited = serializers.IntegerField(allow_null=True)
    wrong = serializers.IntegerField(allow_null=True)
    here = serializers.CharField(
        allow_null=True, help_text="Of a promise about all labels: what it comes to in this very release."
    )
    head = serializers.CharField()
    method = serializers.CharField()
    assumes = serializers.ListField(child=serializers.CharField())
    now = serializers.CharField(help_text="Its state when the report is made.")


class ReleaseReportOut(serializers.Serializer[Any]):
    project = serializers.CharField()
    snapshot = SnapshotOut()
    made_at = serializers.DateTimeField()
    splits = serializers.DictField(child=serializers.IntegerField())
    total = LineOut()
    categories = LineOut(many=True)
    evidence = LineOut(many=True)
    annotators = LineOut(many=True)
    head = HeadLineOut(allow_null=True)
    certificates = FrozenCertificateOut(many=True)
    assumes = serializers.ListField(child=serializers.CharField())
    method = serializers.ListField(child=serializers.CharField())


class ReportView(ProjectView):
    roles: ClassVar = {"GET": Role.REVIEWER}

    def report(self, request: Request, snapshot_id: int) -> ReleaseReport:
        names = read_params(request, ReportParams)["names"]
        snapshot = snapshot_of(project_id=self.project.pk, snapshot_id=snapshot_id)
        if snapshot is None:
            raise NotFound(NOT_HERE)
        return release_report(self.project, snapshot, names=names)

    @extend_schema(parameters=[ReportParams], responses={200: ReleaseReportOut, 404: ErrorBody})
    def get(self, request: Request, project_id: int, snapshot_id: int) -> Response:
        return Response(release_out(self.report(request, snapshot_id)))


class ReportDocumentView(ReportView):
    @extend_schema(parameters=[ReportParams], responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, project_id: int, snapshot_id: int) -> HttpResponse:  # type: ignore[override]
        from server.insights.release_pdf import release_pdf  # a quarter of a second, for a document now and then

        report = self.report(request, snapshot_id)
        response = HttpResponse(release_pdf(report), content_type="application/pdf")
        name = f"release-{snapshot_id}-{report.snapshot.digest[:8]}.pdf"
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        response["Cache-Control"] = "private, no-store"
        return response


def release_out(report: ReleaseReport) -> dict[str, Any]:
    return {
        "project": report.project,
        "snapshot": snapshot_out(report.snapshot),
        "made_at": report.made_at,
        "splits": report.splits,
        "total": asdict(report.total),
        "categories": [asdict(line) for line in report.categories],
        "evidence": [asdict(line) for line in report.evidence],
        "annotators": [asdict(line) for line in report.annotators],
        "head": report.head and asdict(report.head),
        "certificates": [
            {str(name): card.get(str(name)) for name in FrozenCertificateOut().fields} for card in report.certificates
        ],
        "assumes": report.assumes,
        "method": report.method,
    }


HERE = "projects/<int:project_id>/snapshots/<int:snapshot_id>"
urlpatterns = [
    path(f"{HERE}/report", ReportView.as_view()),
    path(f"{HERE}/report.pdf", ReportDocumentView.as_view()),
]
