"""Judgements: written under an id that the client makes, so that a retry is never a second label."""

import math
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import PageParams, ProjectView, caller, read_body, read_params
from server.api.pagination import Key, page
from server.core.events import publish
from server.labeling.models import Annotation, ConsensusState, Evidence, Kind
from server.labeling.services.annotations import Judgement, Recorded, annotation_create
from server.pipeline import flows
from server.projects.models import Role

BIGGEST_ID = 2**63 - 1
BIGGEST_INT = 2**31 - 1


class FiniteFloat(serializers.FloatField):
    """A float that JSON can hold."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class EvidenceIn(serializers.Serializer[Any]):
    """How the judgement was made."""

    suggested = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text="Category taken from a suggestion.",
    )
    first = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text="The suggestion that stood first, taken or not.",
    )
    probability = FiniteFloat(required=False, allow_null=True, min_value=0, max_value=1)
    rank = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1000)
    input = serializers.ChoiceField(choices=["digit", "type", "mouse", "same"], required=False, allow_null=True)
    review = serializers.BooleanField(default=False, help_text="As `review` beside it.")


class AnnotationIn(serializers.Serializer[Any]):
    image = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    kind = serializers.ChoiceField(choices=Kind.choices)
    category = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=BIGGEST_ID)
    undoes = serializers.UUIDField(required=False, allow_null=True)
    token = serializers.UUIDField(
        required=False, allow_null=True, help_text="Of the lease. An unknown or expired one changes nothing."
    )
    blind = serializers.BooleanField(
        required=False, allow_null=True, help_text="What the client showed; the server knows what it drew."
    )
    review = serializers.BooleanField(default=False, help_text="A reviewer's decision: it alone counts.")
    evidence_details = EvidenceIn(required=False, allow_null=True)
    comment = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")
    duration_ms = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=BIGGEST_INT)
    client_at = serializers.DateTimeField(required=False, allow_null=True)


class ConsensusOut(serializers.Serializer[Any]):
    category = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=ConsensusState.choices)
    evidence = serializers.ChoiceField(choices=Evidence.choices)
    blind = serializers.BooleanField()


class RecordedOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    image = serializers.IntegerField()
    consensus = ConsensusOut(allow_null=True)


class AnnotationOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    image = serializers.IntegerField(source="image_id")
    kind = serializers.ChoiceField(choices=Kind.choices)
    category = serializers.IntegerField(source="category_id", allow_null=True)
    undoes = serializers.UUIDField(source="undoes_id", allow_null=True)
    undone = serializers.BooleanField()
    annotator = serializers.IntegerField(source="annotator_id", allow_null=True)
    evidence = serializers.ChoiceField(choices=Evidence.choices)
    duration_ms = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class AnnotationPageOut(serializers.Serializer[Any]):
    items = AnnotationOut(many=True)
    next = serializers.CharField(allow_null=True)


class AnnotationParams(PageParams):
    annotator = serializers.CharField(required=False, max_length=20, help_text="`me` or a person's id.")
    image = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_ID)

    def validate_annotator(self, value: str) -> str:
        if value != "me" and not (value.isascii() and value.isdigit() and int(value) <= BIGGEST_ID):
            raise serializers.ValidationError("Expected `me` or a person's id.")
        return value


class AnnotationView(ProjectView):
    """One judgement. 201 when it is new, 200 when it was already there; never refused for being late."""

    roles: ClassVar = {"PUT": Role.ANNOTATOR}

    @extend_schema(request=AnnotationIn, responses={201: RecordedOut, 200: RecordedOut})
    def put(self, request: Request, project_id: int, annotation_id: UUID) -> Response:
        body = read_body(request, AnnotationIn)
        recorded = annotation_create(
            _judgement(annotation_id, body),
            project_id=project_id,
            annotator_id=caller(request).pk,
            as_reviewer=self.membership.role in (Role.REVIEWER, Role.OWNER),
        )
        if recorded.created:
            flows.after_annotated(project_id, sequence=recorded.sequence)
            publish(project_id, "annotations")
        return Response(_recorded(recorded), status=201 if recorded.created else 200)


class AnnotationListView(ProjectView):
    """Judgements, newest first."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(parameters=[AnnotationParams], responses=AnnotationPageOut)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, AnnotationParams)
        undone = Exists(Annotation.objects.filter(undoes=OuterRef("pk")))
        qs = Annotation.objects.filter(project_id=project_id).annotate(undone=undone)
        if who := params.get("annotator"):
            qs = qs.filter(annotator_id=caller(request).pk if who == "me" else int(who))
        if "image" in params:
            qs = qs.filter(image_id=params["image"])
        keys = (Key("sequence", descending=True),)
        rows, cursor = page(qs, keys=keys, cursor=params.get("cursor"), limit=params["limit"])
        return Response({"items": AnnotationOut(rows, many=True).data, "next": cursor})


def _judgement(annotation_id: UUID, body: dict[str, Any]) -> Judgement:
    details = dict(body.get("evidence_details") or {})
    review = details.pop("review", False) or body["review"]
    return Judgement(
        id=annotation_id,
        image_id=body["image"],
        kind=body["kind"],
        category_id=body.get("category"),
        undoes_id=body.get("undoes"),
        evidence=Evidence.REVIEW.value if review else None,
        evidence_details=details,
        comment=body["comment"],
        duration_ms=body.get("duration_ms"),
        client_at=body.get("client_at"),
    )


def _recorded(recorded: Recorded) -> dict[str, Any]:
    now = recorded.consensus
    return {
        "id": recorded.id,
        "sequence": recorded.sequence,
        "image": recorded.image_id,
        "consensus": None
        if now is None or now.state is None
        else {"category": now.category_id, "state": now.state, "evidence": now.evidence, "blind": now.blind},
    }


urlpatterns = [
    path("projects/<int:project_id>/annotations", AnnotationListView.as_view()),
    path("projects/<int:project_id>/annotations/<uuid:annotation_id>", AnnotationView.as_view()),
]
