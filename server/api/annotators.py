"""How reliable people are, and how far they agree. Annotators see themselves; reviewers and owners see everybody."""

from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ProjectView, caller
from server.api.jobs import JobOut, job_out
from server.api.measurements import ReadingOut, reading_out
from server.insights.annotators import Person, annotators_measured
from server.insights.measurements import measurement_reading
from server.insights.models import Measured
from server.labeling.models import Evidence
from server.pipeline import flows
from server.projects.models import Role
from server.projects.selectors import RANK


class IntervalOut(serializers.Serializer[Any]):
    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class ShareOut(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True, help_text="Null until enough is known.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()
    needed = serializers.IntegerField()


class CategoryShare(ShareOut):
    category = serializers.IntegerField()


class AnchoringOut(serializers.Serializer[Any]):
    misled = serializers.IntegerField(help_text="Labels given beside a wrong first suggestion.")
    followed = serializers.IntegerField(help_text="Of those, that suggestion given.")
    unseen = serializers.IntegerField(help_text="Blind answers whose hidden first suggestion was wrong.")
    unseen_same = serializers.IntegerField(help_text="Of those, that suggestion given all the same.")
    pull = IntervalOut(allow_null=True, help_text="Difference of the two shares.")


class SpeedOut(serializers.Serializer[Any]):
    evidence = serializers.ChoiceField(choices=Evidence.choices)
    labels = serializers.IntegerField()
    median_ms = serializers.FloatField(help_text="A page's time is shared by its tiles.")


class AnnotatorOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    labels = serializers.IntegerField()
    agreement = ShareOut()
    blind_error = ShareOut(help_text="How often wrong with no suggestion in sight.")
    anchoring = AnchoringOut()
    offered = serializers.IntegerField(help_text="Single images labeled with suggestions in sight.")
    taken = serializers.IntegerField(help_text="Of those, the first suggestion taken.")
    planted = serializers.IntegerField(help_text="Known-wrong tiles seen on pages.")
    caught = serializers.IntegerField()
    led = serializers.BooleanField(help_text="Takes whatever is suggested.")
    signs = serializers.ListField(child=serializers.ChoiceField(choices=["follows", "misses", "takes"]))
    speeds = SpeedOut(many=True)
    categories = CategoryShare(many=True)


class AnnotatorList(serializers.Serializer[Any]):
    items = AnnotatorOut(many=True)


class FleissOut(IntervalOut):
    people = serializers.IntegerField(help_text="Votes of each image that it is told of.")
    images = serializers.IntegerField()


class PairOut(serializers.Serializer[Any]):
    first = serializers.IntegerField(
        allow_null=True, help_text="Null for somebody else, where that is not yours to know."
    )
    second = serializers.IntegerField(allow_null=True)
    images = serializers.IntegerField()
    agreed = serializers.IntegerField()
    kappa = IntervalOut(allow_null=True)


class ConfusedOut(serializers.Serializer[Any]):
    first = serializers.IntegerField()
    second = serializers.IntegerField()
    images = serializers.IntegerField()


class AgreementOut(ReadingOut):
    images = serializers.IntegerField(help_text="Labeled by two or more people on their own.")
    votes = serializers.IntegerField()
    alpha = IntervalOut(allow_null=True)
    fleiss = FleissOut(allow_null=True)
    undecided = serializers.IntegerField(allow_null=True)
    pairs = PairOut(many=True)
    confused = ConfusedOut(many=True)


def annotator_out(person: Person) -> dict[str, Any]:
    pull = person.anchoring.pull
    return {
        **asdict(person),
        "led": person.led,
        "anchoring": {
            **asdict(person.anchoring),
            "pull": pull and dict(zip(("value", "low", "high"), pull, strict=True)),
        },
        "categories": [{"category": category, **asdict(share)} for category, share in person.categories],
    }


class AnnotatorsView(ProjectView):
    roles = {"GET": Role.ANNOTATOR}

    @extend_schema(operation_id="projects_annotators_list", responses=AnnotatorList)
    def get(self, request: Request, project_id: int) -> Response:
        only = None if sees_everybody(self) else caller(request).pk
        people = annotators_measured(project_id=project_id, run_id=self.project.active_run_id, only=only)
        return Response({"items": [annotator_out(person) for person in people]})


class AgreementView(ProjectView):
    roles = {"GET": Role.ANNOTATOR, "POST": Role.REVIEWER}

    @extend_schema(responses=AgreementOut)
    def get(self, request: Request, project_id: int) -> Response:
        reading = measurement_reading(
            project_id=project_id, kind=Measured.PEOPLE, coalesce_key=f"measure_people:{project_id}"
        )
        known = reading.content or {}
        pairs = known.get("pairs", [])
        if not sees_everybody(self):
            pairs = own_pairs(pairs, caller(request).pk)
        return Response(
            {
                **reading_out(reading),
                "images": known.get("images", 0),
                "votes": known.get("votes", 0),
                **{name: known.get(name) for name in ("alpha", "fleiss", "undecided")},
                "pairs": pairs,
                "confused": known.get("confused", []),
            }
        )

    @extend_schema(request=None, responses={202: JobOut})
    def post(self, request: Request, project_id: int) -> Response:
        key = f"measure_people:{project_id}"
        job = flows.enqueue("measure_people", project_id=project_id, created_by=caller(request), coalesce_key=key)
        return Response(job_out(job, may_steer=True), status=202)


def sees_everybody(view: ProjectView) -> bool:
    return RANK[Role(view.membership.role)] >= RANK[Role.REVIEWER]


def own_pairs(pairs: list[dict[str, Any]], user_id: int) -> list[dict[str, Any]]:
    """A person's own pairs, without who the others are."""
    return [{**pair, "first": user_id, "second": None} for pair in pairs if user_id in (pair["first"], pair["second"])]


urlpatterns = [
    path("projects/<int:project_id>/annotators", AnnotatorsView.as_view()),
    path("projects/<int:project_id>/agreement", AgreementView.as_view()),
]
