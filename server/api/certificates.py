"""Certificates: ask what it would take, audit, accept in one act, undo in one act."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, PageParams, ProjectView, caller, read_body, read_params
from server.api.pagination import NEWEST, page
from server.core.errors import NotFound
from server.pipeline import flows
from server.projects.models import Role
from server.projects.selectors import NOT_HERE
from server.snapshots.certificate_endings import certificate_withdraw
from server.snapshots.certificate_selectors import certificate_card, certificate_of
from server.snapshots.certificate_services import certificate_create, lot_accept, lot_audit_more, lot_undo
from server.snapshots.models import Certificate, CertificateState, Scope


class CertificateIn(serializers.Serializer[Any]):
    error = serializers.FloatField(min_value=0.001, max_value=0.5, help_text="Share of labels that may be wrong.")
    level = serializers.FloatField(min_value=0.5, max_value=0.999, default=0.95)
    audits = serializers.IntegerField(min_value=1, max_value=100_000, default=300)
    scope = serializers.ChoiceField(
        choices=Scope.choices,
        default=Scope.LOT,
        help_text="Which labels it is about: those of the lot that nobody looked at, or all labels of the release.",
    )


class CertificateOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=CertificateState.choices)
    error = serializers.FloatField()
    level = serializers.FloatField()
    audits = serializers.IntegerField()
    scope = serializers.ChoiceField(choices=Scope.choices)
    head = serializers.CharField()
    plan = serializers.DictField()
    verdict = serializers.DictField()
    history = serializers.ListField(child=serializers.DictField())
    card = serializers.DictField()
    created_at = serializers.DateTimeField()


class CertificateList(serializers.Serializer[Any]):
    items = CertificateOut(many=True)
    next = serializers.CharField(allow_null=True)


class CertificateActed(serializers.Serializer[Any]):
    labels = serializers.IntegerField()
    certificate = CertificateOut()


def certificate_out(found: Certificate) -> dict[str, Any]:
    return {
        "id": found.pk,
        "state": found.state,
        "error": found.error,
        "level": found.level,
        "audits": found.audits,
        "scope": found.scope,
        "head": found.head,
        "plan": found.plan,
        "verdict": found.verdict,
        "history": found.history,
        "card": certificate_card(found),
        "created_at": found.created_at,
    }


class CertificatesView(ProjectView):
    roles = {"GET": Role.VIEWER, "POST": Role.OWNER}

    @extend_schema(operation_id="projects_certificates_list", parameters=[PageParams], responses=CertificateList)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, PageParams)
        qs = Certificate.objects.filter(project_id=project_id)
        rows, following = page(qs, keys=NEWEST, cursor=params.get("cursor"), limit=params["limit"])
        return Response({"items": [certificate_out(row) for row in rows], "next": following})

    @extend_schema(request=CertificateIn, responses={201: CertificateOut, 400: ErrorBody, 409: ErrorBody})
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, CertificateIn)
        found = certificate_create(project=self.project, created_by=caller(request), **body)
        params = {"certificate": found.pk}
        flows.enqueue("plan_lot", project_id=project_id, params=params, created_by=caller(request))
        return Response(certificate_out(found), status=201)


class OneCertificate(ProjectView):
    """Below one certificate of the caller's project."""

    def found(self, project_id: int, certificate_id: int) -> Certificate:
        found = certificate_of(project_id=project_id, certificate_id=certificate_id)
        if found is None:
            raise NotFound(NOT_HERE)
        return found


class CertificateView(OneCertificate):
    roles = {"GET": Role.VIEWER, "DELETE": Role.OWNER}

    @extend_schema(responses=CertificateOut)
    def get(self, request: Request, project_id: int, certificate_id: int) -> Response:
        return Response(certificate_out(self.found(project_id, certificate_id)))

    @extend_schema(
        operation_id="projects_certificates_withdraw",
        responses={200: CertificateOut, 409: ErrorBody},
        description="Ask nobody any further. Answers stay; the certificate stays to be read, as withdrawn.",
    )
    def delete(self, request: Request, project_id: int, certificate_id: int) -> Response:
        found = self.found(project_id, certificate_id)
        certificate_withdraw(certificate=found, withdrawn_by=caller(request))
        return Response(certificate_out(self.found(project_id, certificate_id)))


class CertificateAcceptView(OneCertificate):
    roles = {"POST": Role.OWNER}

    @extend_schema(request=None, responses={200: CertificateActed, 409: ErrorBody})
    def post(self, request: Request, project_id: int, certificate_id: int) -> Response:
        found = self.found(project_id, certificate_id)
        labels = lot_accept(certificate=found, accepted_by=caller(request))
        flows.after_annotated(project_id)
        return Response({"labels": labels, "certificate": certificate_out(self.found(project_id, certificate_id))})


class CertificateUndoView(OneCertificate):
    roles = {"POST": Role.OWNER}

    @extend_schema(request=None, responses={200: CertificateActed, 409: ErrorBody})
    def post(self, request: Request, project_id: int, certificate_id: int) -> Response:
        found = self.found(project_id, certificate_id)
        labels = lot_undo(certificate=found, undone_by=caller(request))
        flows.after_annotated(project_id)
        return Response({"labels": labels, "certificate": certificate_out(self.found(project_id, certificate_id))})


class AuditsIn(serializers.Serializer[Any]):
    count = serializers.IntegerField(min_value=1, max_value=10_000)


class AuditsDrawn(serializers.Serializer[Any]):
    drawn = serializers.IntegerField()


class CertificateAuditsView(OneCertificate):
    roles = {"POST": Role.OWNER}

    @extend_schema(request=AuditsIn, responses={201: AuditsDrawn, 409: ErrorBody})
    def post(self, request: Request, project_id: int, certificate_id: int) -> Response:
        body = read_body(request, AuditsIn)
        found = self.found(project_id, certificate_id)
        drawn = lot_audit_more(certificate=found, count=body["count"], people=self.project.overlap)
        return Response({"drawn": drawn}, status=201)


class CertificateJudgeView(OneCertificate):
    roles = {"POST": Role.REVIEWER}

    @extend_schema(request=None, responses={202: CertificateOut})
    def post(self, request: Request, project_id: int, certificate_id: int) -> Response:
        found = self.found(project_id, certificate_id)
        flows.judge(project_id, found.pk)
        return Response(certificate_out(found), status=202)


HERE = "projects/<int:project_id>/certificates"
urlpatterns = [
    path(HERE, CertificatesView.as_view()),
    path(f"{HERE}/<int:certificate_id>", CertificateView.as_view()),
    path(f"{HERE}/<int:certificate_id>/accept", CertificateAcceptView.as_view()),
    path(f"{HERE}/<int:certificate_id>/undo", CertificateUndoView.as_view()),
    path(f"{HERE}/<int:certificate_id>/audits", CertificateAuditsView.as_view()),
    path(f"{HERE}/<int:certificate_id>/judge", CertificateJudgeView.as_view()),
]
