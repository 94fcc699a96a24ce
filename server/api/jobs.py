"""Work in progress: how far, how fast, how long still; stop it or try it again."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from server.api.base import ErrorBody, PageParams, ProjectView, caller, read_params
from server.api.pagination import NEWEST, page
from server.core.errors import NotAllowed, NotFound
from server.jobs.models import LIVE_STATES, Job, State
from server.jobs.selectors import job_speed, jobs_of_project
from server.jobs.services import job_cancel
from server.pipeline import flows
from server.pipeline.kinds import KINDS
from server.projects.models import Role
from server.projects.selectors import NOT_HERE, membership_for

RETRYABLE = (State.FAILED, State.ERRORED, State.CANCELLED)
LOG_LINES = 500


class JobOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    project = serializers.IntegerField()
    kind = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=State.choices)
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True, help_text="Items per second.")
    seconds_left = serializers.FloatField(allow_null=True)
    message = serializers.CharField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    can_cancel = serializers.BooleanField()
    can_retry = serializers.BooleanField()
    result = serializers.DictField()


class LogLine(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    level = serializers.CharField()
    message = serializers.CharField()


class JobDetail(JobOut):
    log = LogLine(many=True)


class JobList(serializers.Serializer[Any]):
    items = JobOut(many=True)
    next = serializers.CharField(allow_null=True)


class JobParams(PageParams):
    live = serializers.BooleanField(required=False, default=False)


def job_out(job: Job, *, may_steer: bool) -> dict[str, Any]:
    """`may_steer`: an owner, or whoever started it. Tracebacks are for owners."""
    rate, seconds_left = job_speed(job)
    kind = KINDS.get(job.kind)
    live = job.state in LIVE_STATES
    return {
        "id": job.pk,
        "project": job.project_id,
        "kind": job.kind,
        "title": kind.title if kind else job.kind,
        "state": job.state,
        "total": job.total,
        "done": job.done,
        "failed": job.failed,
        "rate": rate,
        "seconds_left": seconds_left,
        "message": "Stopping" if live and job.cancel_requested_at else job.message,
        "error": job.error if may_steer else "",
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "can_cancel": may_steer and live and job.cancel_requested_at is None,
        "can_retry": may_steer and job.state in RETRYABLE,
        "result": job.result,
    }


class ProjectJobsView(ProjectView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(parameters=[JobParams], responses=JobList)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, JobParams)
        qs = jobs_of_project(project_id=project_id, live=params["live"])
        rows, following = page(qs, keys=NEWEST, cursor=params.get("cursor"), limit=params["limit"])
        owner = self.membership.role == Role.OWNER
        me = caller(request).pk
        items = [job_out(job, may_steer=owner or job.created_by_id == me) for job in rows]
        return Response({"items": items, "next": following})


class JobView(APIView):
    """A job is found through its project's members, as everything else."""

    job: Job
    may_steer: bool

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        job = Job.objects.filter(pk=kwargs["job_id"], project__isnull=False).first()
        if job is None or job.project_id is None:
            raise NotFound(NOT_HERE)
        member = membership_for(caller(request), job.project_id)
        self.job = job
        self.may_steer = member.role == Role.OWNER or (
            job.created_by_id == caller(request).pk and member.role != Role.VIEWER
        )

    def require_steering(self) -> None:
        if not self.may_steer:
            raise NotAllowed("Only an owner, or whoever started this job, does that.")


class JobDetailView(JobView):
    @extend_schema(responses=JobDetail)
    def get(self, request: Request, job_id: int) -> Response:
        newest = list(self.job.log_lines.order_by("-id")[:LOG_LINES])[::-1]
        log = [{"at": line.at, "level": line.level, "message": line.message} for line in newest]
        return Response({**job_out(self.job, may_steer=self.may_steer), "log": log})


class JobCancelView(JobView):
    @extend_schema(request=None, responses={200: JobOut, 409: ErrorBody})
    def post(self, request: Request, job_id: int) -> Response:
        self.require_steering()
        return Response(job_out(job_cancel(job=self.job), may_steer=True))


class JobRetryView(JobView):
    @extend_schema(request=None, responses={200: JobOut, 409: ErrorBody})
    def post(self, request: Request, job_id: int) -> Response:
        self.require_steering()
        return Response(job_out(flows.retry(self.job), may_steer=True))


urlpatterns = [
    path("projects/<int:project_id>/jobs", ProjectJobsView.as_view()),
    path("jobs/<int:job_id>", JobDetailView.as_view()),
    path("jobs/<int:job_id>/cancel", JobCancelView.as_view()),
    path("jobs/<int:job_id>/retry", JobRetryView.as_view()),
]
