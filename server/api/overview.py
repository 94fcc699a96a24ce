"""The project page in one answer."""

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ProjectView
from server.api.jobs import JobOut, job_out
from server.api.links import image_link
from server.api.projects import EncoderOut
from server.insights.accuracy import Accuracy
from server.insights.overview import CategoryCard, project_overview
from server.insights.projects import encoder_card
from server.jobs.selectors import job_cancellable_by
from server.projects.models import Role
from server.snapshots.certificate_selectors import certificates_revoked


class CountsOut(serializers.Serializer[Any]):
    images = serializers.IntegerField()
    processing = serializers.IntegerField()
    rejected = serializers.IntegerField()
    embedded = serializers.IntegerField()
    predicted = serializers.IntegerField()
    labeled = serializers.IntegerField()
    skipped = serializers.IntegerField()
    flagged = serializers.IntegerField()
    disputed = serializers.IntegerField()
    need_eyes = serializers.IntegerField(help_text="Images that nobody has judged.")
    blind_drawn = serializers.IntegerField()
    blind_answered = serializers.IntegerField()


class AccuracyOut(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True, help_text="On the blind share; null until it means something.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()
    needed = serializers.IntegerField(help_text="Blind answers still to come before `value` is shown.")
    level = serializers.FloatField()


class AccuracyPointOut(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    n_labels = serializers.IntegerField()
    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class WorkersOut(serializers.Serializer[Any]):
    default = serializers.BooleanField()
    ml = serializers.BooleanField()
    interactive = serializers.BooleanField()


class AdviceOut(serializers.Serializer[Any]):
    text = serializers.CharField()
    href = serializers.CharField()


class NoticeOut(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The certificate.")
    error = serializers.FloatField()
    at = serializers.DateTimeField()
    text = serializers.CharField(help_text="Why it was revoked.")


class OverviewCategoryOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    path = serializers.CharField()
    hue = serializers.IntegerField()
    predicted = serializers.IntegerField()
    confirmed = serializers.IntegerField()
    accuracy = AccuracyOut(allow_null=True)
    mosaic = serializers.ListField(child=serializers.CharField())


class OverviewOut(serializers.Serializer[Any]):
    counts = CountsOut()
    accuracy = AccuracyOut()
    accuracy_history = AccuracyPointOut(many=True)
    jobs = JobOut(many=True)
    workers = WorkersOut()
    unlabeled_leased = serializers.IntegerField()
    next = AdviceOut(many=True)
    revoked = NoticeOut(many=True, help_text="Certificates that audits broke, whose labels still stand.")
    encoder = EncoderOut()
    categories = OverviewCategoryOut(many=True)


class OverviewView(ProjectView):
    """What is there, what is running, how good it is, what to do next."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(responses=OverviewOut)
    def get(self, request: Request, project_id: int) -> Response:
        seen = project_overview(self.project)
        user, is_owner = self.membership.user, self.membership.role == Role.OWNER
        return Response(
            {
                "counts": seen.counts,
                "accuracy": accuracy_out(seen.accuracy),
                "accuracy_history": seen.history,
                "jobs": [
                    job_out(job, may_steer=job_cancellable_by(job=job, user=user, is_owner=is_owner))
                    for job in seen.jobs
                ],
                "workers": seen.workers,
                "unlabeled_leased": seen.leased,
                "next": [{"text": advice.text, "href": advice.href} for advice in seen.advice],
                "revoked": certificates_revoked(project_id=project_id),
                "encoder": encoder_card(self.project),
                "categories": [_category(project_id, card) for card in seen.categories],
            }
        )


def accuracy_out(accuracy: Accuracy) -> dict[str, Any]:
    return {
        "value": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        "n": accuracy.n,
        "needed": accuracy.needed,
        "level": 0.95,
    }


def _category(project_id: int, card: CategoryCard) -> dict[str, Any]:
    return {
        "id": card.node.category.pk,
        "name": card.node.category.name,
        "path": card.node.path,
        "hue": card.node.hue,
        "predicted": card.predicted,
        "confirmed": card.confirmed,
        "accuracy": accuracy_out(card.accuracy) if card.accuracy else None,
        "mosaic": [image_link(project_id, image) for image in card.mosaic],
    }


urlpatterns = [path("projects/<int:project_id>/overview", OverviewView.as_view())]
