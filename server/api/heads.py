"""The registry of a project: its heads with their lineage, what was made live when, and a person's last word."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, PageParams, ProjectView, caller, read_body, read_params
from server.api.jobs import JobOut, job_out
from server.api.pagination import NEWEST, page
from server.core.errors import NotFound
from server.jobs.models import Job
from server.pipeline.promotion import go_back, head_decline, head_make_live
from server.projects.models import Role
from server.projects.selectors import NOT_HERE
from server.registry.heads import head_of, heads_of, promotions_of, rollback_target
from server.registry.models import HeadState, HeadVersion, Promotion


class HeadOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(choices=HeadState.choices)
    parent_head = serializers.IntegerField(allow_null=True)
    run = serializers.IntegerField(allow_null=True)
    encoder = serializers.CharField()
    categories = serializers.IntegerField()
    taxonomy_revision = serializers.IntegerField()
    digest = serializers.CharField()
    metrics = serializers.DictField()
    provenance = serializers.DictField()
    created_at = serializers.DateTimeField()


class PromotionOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    head = serializers.IntegerField(allow_null=True)
    previous_head = serializers.IntegerField(allow_null=True)
    encoder = serializers.CharField()
    previous_encoder = serializers.CharField(allow_null=True)
    undoes = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class HeadListOut(serializers.Serializer[Any]):
    items = HeadOut(many=True)
    next = serializers.CharField(allow_null=True)
    live = serializers.IntegerField(allow_null=True)
    serving = serializers.IntegerField(allow_null=True, help_text="The head that the shown predictions come from.")
    back_to = serializers.CharField(allow_null=True, help_text="What going back would serve; null where it cannot.")
    promotions = PromotionOut(many=True)


class ReasonIn(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=400, default="")


class HeadsView(ProjectView):
    """Heads, newest first."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(parameters=[PageParams], responses=HeadListOut)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, PageParams)
        rows, following = page(
            heads_of(project_id=project_id), keys=NEWEST, cursor=params.get("cursor"), limit=params["limit"]
        )
        act = rollback_target(project=self.project)
        run = self.project.active_run
        return Response(
            {
                "items": [head_out(head) for head in rows],
                "next": following,
                "live": self.project.active_head_id,
                "serving": run.head_id if run else None,
                "back_to": _back_to(act),
                "promotions": [promotion_out(one) for one in promotions_of(project_id=project_id)[:50]],
            }
        )


class HeadPromoteView(ProjectView):
    """Make a head live, whatever the gate said. Predictions follow."""

    roles: ClassVar = {"POST": Role.OWNER}

    @extend_schema(request=ReasonIn, responses={200: HeadOut, 409: ErrorBody})
    def post(self, request: Request, project_id: int, head_id: int) -> Response:
        head = _head(project_id, head_id)
        reason = read_body(request, ReasonIn)["reason"] or "promoted by a person"
        head_make_live(head=head, by=caller(request), reason=reason)
        return Response(head_out(_head(project_id, head_id)))


class HeadRefuseView(ProjectView):
    """Decide against a candidate."""

    roles: ClassVar = {"POST": Role.OWNER}

    @extend_schema(request=None, responses={200: HeadOut, 409: ErrorBody})
    def post(self, request: Request, project_id: int, head_id: int) -> Response:
        head_decline(head=_head(project_id, head_id))
        return Response(head_out(_head(project_id, head_id)))


class RollbackView(ProjectView):
    """Serve again what served before the newest promotion that stands."""

    roles: ClassVar = {"POST": Role.OWNER}

    @extend_schema(request=ReasonIn, responses={200: PromotionOut, 202: JobOut, 409: ErrorBody})
    def post(self, request: Request, project_id: int) -> Response:
        reason = read_body(request, ReasonIn)["reason"] or "a person went back"
        made = go_back(project=self.project, by=caller(request), reason=reason)
        if isinstance(made, Job):
            return Response(job_out(made, may_steer=True), status=202)
        return Response(promotion_out(made))


def head_out(head: HeadVersion) -> dict[str, Any]:
    return {
        "id": head.pk,
        "kind": head.kind,
        "state": head.state,
        "parent_head": head.parent_id,
        "run": head.provenance.get("run"),
        "encoder": head.space.name,
        "categories": len(head.category_ids),
        "taxonomy_revision": head.taxonomy_revision,
        "digest": head.digest,
        "metrics": head.metrics,
        "provenance": head.provenance,
        "created_at": head.created_at,
    }


def promotion_out(act: Promotion) -> dict[str, Any]:
    return {
        "id": act.pk,
        "head": act.head_id,
        "previous_head": act.previous_head_id,
        "encoder": act.space.name,
        "previous_encoder": act.previous_space.name if act.previous_space else None,
        "undoes": act.undoes_id,
        "reason": act.reason,
        "by": act.promoted_by.username if act.promoted_by else None,
        "created_at": act.created_at,
    }


def _back_to(act: Promotion | None) -> str | None:
    if act is None or act.previous_space is None:
        return None
    head = f"head {act.previous_head_id}" if act.previous_head_id else "a fit on all labels"
    return head if act.previous_space_id == act.space_id else f"{act.previous_space.name} with {head}"


def _head(project_id: int, head_id: int) -> HeadVersion:
    head = head_of(project_id=project_id, head_id=head_id)
    if head is None:
        raise NotFound(NOT_HERE)
    return head


urlpatterns = [
    path("projects/<int:project_id>/heads", HeadsView.as_view()),
    path("projects/<int:project_id>/heads/<int:head_id>/promote", HeadPromoteView.as_view()),
    path("projects/<int:project_id>/heads/<int:head_id>/refuse", HeadRefuseView.as_view()),
    path("projects/<int:project_id>/rollback", RollbackView.as_view()),
]
