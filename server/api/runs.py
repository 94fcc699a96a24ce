"""Training runs: what would happen, what is happening, what came of it."""

from dataclasses import asdict
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, PageParams, ProjectView, caller, read_body, read_params
from server.api.jobs import JobOut, job_out
from server.api.links import image_link
from server.api.pagination import NEWEST, page
from server.api.streaming import stored_file
from server.core.errors import Conflict, InvalidInput, NotFound
from server.pipeline import flows
from server.projects.models import Role
from server.projects.selectors import NOT_HERE
from server.registry.students import student_key
from server.training.models import Method, TrainingRun, Trigger
from server.training.options import HEADS, options_from, options_out, training_options, training_options_set
from server.training.readiness import readiness
from server.training.selectors import run_live, run_of, runs_of

ITEMS_AT_MOST = 500


class OptionsOut(serializers.Serializer[Any]):
    every = serializers.IntegerField(help_text="Newly confirmed labels between runs; 0 for never.")
    hours = serializers.IntegerField(help_text="Hours between runs; 0 for never.")
    drift = serializers.BooleanField()
    method = serializers.ChoiceField(choices=Method.choices)
    head = serializers.ChoiceField(choices=HEADS)
    promote = serializers.BooleanField(help_text="False leaves the last word to a person.")
    metric = serializers.CharField()
    needed = serializers.IntegerField()
    tolerance = serializers.FloatField()
    evidence = serializers.ListField(child=serializers.CharField())


class ShotOut(serializers.Serializer[Any]):
    category = serializers.IntegerField()
    count = serializers.IntegerField()


class ReadinessOut(serializers.Serializer[Any]):
    can_run = serializers.BooleanField()
    can_help = serializers.BooleanField()
    reason = serializers.CharField()
    advice = serializers.ListField(child=serializers.CharField())
    labels = serializers.IntegerField()
    fresh = serializers.IntegerField(help_text="Labels that no run has seen.")
    categories = serializers.IntegerField()
    fewest = serializers.IntegerField()
    most = serializers.IntegerField()
    blind = serializers.IntegerField()
    needed = serializers.IntegerField()
    torn = serializers.IntegerField()
    images = serializers.IntegerField()
    seconds = serializers.FloatField()
    memory_mb = serializers.IntegerField()
    shots = ShotOut(many=True)


class RunOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    trigger = serializers.ChoiceField(choices=Trigger.choices)
    method = serializers.ChoiceField(choices=Method.choices)
    outcome = serializers.CharField()
    reason = serializers.CharField()
    seed = serializers.IntegerField()
    labels = serializers.IntegerField()
    snapshot = serializers.CharField(allow_null=True, help_text="Digest of the frozen labels.")
    head = serializers.IntegerField(allow_null=True)
    live_head = serializers.IntegerField(allow_null=True)
    params = serializers.DictField()
    cost = serializers.DictField()
    job = JobOut(allow_null=True)
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class PointOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    step = serializers.IntegerField()
    value = serializers.FloatField()


class RunDetailOut(RunOut):
    points = PointOut(many=True)
    report = serializers.DictField(allow_null=True)


class RunListOut(serializers.Serializer[Any]):
    items = RunOut(many=True)
    next = serializers.CharField(allow_null=True)


class TrainingOut(serializers.Serializer[Any]):
    options = OptionsOut()
    readiness = ReadinessOut()
    live = RunOut(allow_null=True)


class RunIn(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=Method.choices, required=False)
    head = serializers.ChoiceField(choices=HEADS, required=False)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**53 - 1, default=0)
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Say what it would do, do nothing.")


class AskedItemOut(serializers.Serializer[Any]):
    image = serializers.IntegerField()
    thumb = serializers.CharField()
    truth = serializers.IntegerField()
    live = serializers.IntegerField(allow_null=True)
    live_probability = serializers.FloatField()
    candidate = serializers.IntegerField()
    candidate_probability = serializers.FloatField()


class AskedListOut(serializers.Serializer[Any]):
    items = AskedItemOut(many=True)
    next = serializers.CharField(allow_null=True)


class AskedParams(serializers.Serializer[Any]):
    truth = serializers.IntegerField(required=False)
    candidate = serializers.IntegerField(required=False)
    changed = serializers.BooleanField(required=False, default=False)


class TrainingView(ProjectView):
    """When this project trains, and what a run of this moment would do."""

    roles: ClassVar = {"GET": Role.VIEWER, "PATCH": Role.OWNER}

    @extend_schema(responses=TrainingOut)
    def get(self, request: Request, project_id: int) -> Response:
        options = training_options(self.project)
        live = run_live(project_id=project_id)
        return Response(
            {
                "options": options_out(options),
                "readiness": asdict(readiness(self.project, options)),
                "live": run_out(live) if live else None,
            }
        )

    @extend_schema(request=OptionsOut(partial=True), responses=OptionsOut)
    def patch(self, request: Request, project_id: int) -> Response:
        if not isinstance(request.data, dict):
            raise InvalidInput("Send an object of options.")
        return Response(options_out(training_options_set(project=self.project, changes=request.data)))


class RunsView(ProjectView):
    """Runs, newest first; POST starts one by hand, or returns the one that is under way."""

    roles: ClassVar = {"GET": Role.VIEWER, "POST": Role.REVIEWER}

    @extend_schema(operation_id="projects_runs_list", parameters=[PageParams], responses=RunListOut)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, PageParams)
        rows, following = page(
            runs_of(project_id=project_id), keys=NEWEST, cursor=params.get("cursor"), limit=params["limit"]
        )
        return Response({"items": [run_out(run) for run in rows], "next": following})

    @extend_schema(request=RunIn, responses={200: ReadinessOut, 202: RunOut, 400: ErrorBody})
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, RunIn)
        chosen: dict[str, Any] = {name: body[name] for name in ("method", "head") if name in body}
        options = options_from({**options_out(training_options(self.project)), **chosen})
        ready = readiness(self.project, options)
        if body["dry_run"]:
            return Response(asdict(ready))
        if not ready.can_run:
            raise InvalidInput(ready.reason)
        run = flows.train(
            project_id, trigger=Trigger.MANUAL, options=options, seed=body["seed"], created_by=caller(request)
        )
        return Response(run_out(run), status=202)


class RunView(ProjectView):
    """One run with its curves and its report."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(responses=RunDetailOut)
    def get(self, request: Request, project_id: int, run_id: int) -> Response:
        run = _run(project_id, run_id)
        report = getattr(run, "report", None)
        points = run.points.values("name", "step", "value")
        return Response({**run_out(run), "points": list(points), "report": report.summary if report else None})


class RunItemsView(ProjectView):
    """The blind images of a run's report: those behind a cell of the confusion matrix, or those that changed."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(parameters=[AskedParams], responses=AskedListOut)
    def get(self, request: Request, project_id: int, run_id: int) -> Response:
        params = read_params(request, AskedParams)
        report = getattr(_run(project_id, run_id), "report", None)
        rows = [row for row in (report.items if report else []) if _asked(row, params)]
        return Response({"items": [_item(project_id, row) for row in rows[:ITEMS_AT_MOST]], "next": None})


class RunStudentView(ProjectView):
    """The small network that a run made of the live model: one ONNX file with the categories' names inside."""

    roles: ClassVar = {"GET": Role.REVIEWER}

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 409: ErrorBody})
    def get(self, request: Request, project_id: int, run_id: int) -> HttpResponseBase:
        run = _run(project_id, run_id)
        report = getattr(run, "report", None)
        made = report.summary.get("student") if report else None
        if made is None:
            raise Conflict("This run made no student. Start one with the method student, and wait until it is done.")
        return stored_file(
            key=student_key(project_id=project_id, run_id=run_id),
            file_name=f"winnow-student-{run_id}.onnx",
            content_type="application/octet-stream",
            byte_size=made["size_bytes"],
        )


def _asked(row: list[Any], params: dict[str, Any]) -> bool:
    _, truth, live, _, candidate, _ = row
    return (
        (params.get("truth") in (None, truth))
        and (params.get("candidate") in (None, candidate))
        and (not params["changed"] or live != candidate)
    )


def _item(project_id: int, row: list[Any]) -> dict[str, Any]:
    image, truth, live, live_probability, candidate, probability = row
    return {
        "image": image,
        "thumb": image_link(project_id, image),
        "truth": truth,
        "live": live if live >= 0 else None,
        "live_probability": live_probability,
        "candidate": candidate,
        "candidate_probability": probability,
    }


def run_out(run: TrainingRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "trigger": run.trigger,
        "method": run.method,
        "outcome": run.outcome,
        "reason": run.reason,
        "seed": run.seed,
        "labels": run.label_count,
        "snapshot": run.snapshot.digest if run.snapshot else None,
        "head": run.head_id,
        "live_head": run.live_head_id,
        "params": run.params,
        "cost": run.cost,
        "job": job_out(run.job, may_steer=False) if run.job else None,
        "created_by": run.created_by.username if run.created_by else None,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def _run(project_id: int, run_id: int) -> TrainingRun:
    run = run_of(project_id=project_id, run_id=run_id)
    if run is None:
        raise NotFound(NOT_HERE)
    return run


urlpatterns = [
    path("projects/<int:project_id>/training", TrainingView.as_view()),
    path("projects/<int:project_id>/runs", RunsView.as_view()),
    path("projects/<int:project_id>/runs/<int:run_id>", RunView.as_view()),
    path("projects/<int:project_id>/runs/<int:run_id>/items", RunItemsView.as_view()),
    path("projects/<int:project_id>/runs/<int:run_id>/student", RunStudentView.as_view()),
]
