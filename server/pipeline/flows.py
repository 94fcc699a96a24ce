"""The timetable: the only file that says what happens next.

Every function writes a Job row in the caller's transaction and sends a message after commit, by name, so that the web
process never imports a task module. A broker that is down fails no request: the sweeper sends the message later.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from celery import current_app
from django.core.cache import cache
from django.db import transaction

from server.accounts.models import User
from server.embeddings.selectors import space_lacks
from server.images.models import Image, ImageState
from server.insights.agreement import projects_undecided
from server.jobs import services as jobs
from server.jobs.models import Job, State
from server.jobs.selectors import job_failed_lately, live_job
from server.labeling.page_selectors import teaching_key
from server.labeling.services.page_stock import stock_count
from server.pipeline.freshness import freshness, newcomers_shown
from server.pipeline.kinds import KINDS
from server.predictions.heads import trained_head_of
from server.predictions.models import PredictionRun
from server.projects.models import Project
from server.snapshots.certificate_selectors import certificates_open, certificates_to_judge
from server.taxonomy.models import Category
from server.training.models import TrainingRun, Trigger
from server.training.options import TrainingOptions, options_from, options_out, training_options
from server.training.selectors import due, may_be_due, run_live
from server.training.services import training_run_create, training_run_queued

STOCK_LOW = 8
STOCK_AGAIN_S = 10
LOOK_EVERY = 5
"""Labels of a project after which it is asked again whether anything is due."""
logger = logging.getLogger(__name__)
_not_before: dict[int, int] = {}
"""Project → sequence of the label at which this process asks next. A prediction is due no earlier than that."""
_silent: ContextVar[bool] = ContextVar("silent", default=False)


def enqueue(
    kind: str,
    *,
    project_id: int | None,
    params: dict[str, Any] | None = None,
    created_by: User | None = None,
    coalesce_key: str | None = None,
    total: int = 0,
) -> Job:
    """A job of this kind; the live one where `coalesce_key` is already queued or running."""
    job = jobs.job_create(
        project_id=project_id,
        kind=kind,
        queue=KINDS[kind].queue,
        params=params,
        total=total,
        created_by=created_by,
        coalesce_key=coalesce_key,
    )
    send(job)
    return job


def send(job: Job) -> None:
    """Tell a worker, after commit, that there is something to do."""
    if not _silent.get():
        transaction.on_commit(lambda: _send(job.pk, job.kind, job.queue))


def _send(job_id: int, kind: str, queue: str) -> None:
    try:
        current_app.send_task(f"pipeline.{kind}", kwargs={"job_id": job_id}, queue=queue, retry=False)
    except Exception as error:  # noqa: BLE001 (a broker can fail in many ways; none of them may fail a request)
        logger.warning("message_not_sent job=%s kind=%s: %s", job_id, kind, error)
        return
    jobs.job_sent(job_id=job_id)


@contextmanager
def without_messages() -> Iterator[None]:
    """For commands that run the stations themselves."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def retry(job: Job) -> Job:
    """Try a failed job again."""
    fresh = jobs.job_retry(job=job)
    send(fresh)
    return fresh


def after_images_stored(project_id: int) -> Job:
    """Bytes are stored → read them, make renditions."""
    return enqueue("ingest", project_id=project_id, coalesce_key=f"ingest:{project_id}")


def after_archive_stored(project_id: int, *, batch_id: int, created_by: User | None = None) -> Job:
    """An archive lies on storage → take its images in."""
    return enqueue(
        "unpack",
        project_id=project_id,
        params={"batch": batch_id},
        created_by=created_by,
        coalesce_key=f"unpack:{batch_id}",
    )


def after_images_ready(project_id: int) -> Job:
    """Images are decoded → embed those that have no vector in the project's space."""
    return enqueue("embed", project_id=project_id, coalesce_key=f"embed:{project_id}")


def after_embedded(project_id: int) -> Job:
    """Vectors are there → predict the whole project."""
    return enqueue("predict", project_id=project_id, coalesce_key=f"predict:{project_id}")


def after_promoted(project_id: int) -> Job:
    """Another head or space serves → predict again with it; embed first what its space lacks."""
    space = Project.objects.select_related("active_space").get(pk=project_id).active_space
    if space is not None and space_lacks(project_id=project_id, space=space):
        return after_images_ready(project_id)
    return after_embedded(project_id)


def after_predicted(project_id: int) -> Job:
    """A new ranking is possible → fill the queue."""
    return enqueue("acquire", project_id=project_id, coalesce_key=f"acquire:{project_id}")


def after_head_fitted(project_id: int) -> Job:
    """A trained head serves → learn ahead of time how to add categories to it, and how far to trust that."""
    return enqueue("rehearse", project_id=project_id, coalesce_key=f"rehearse:{project_id}")


def warm_words(project_id: int) -> None:
    """What new categories need was learned → let the worker that people wait for load it. Lost, it costs seconds."""
    if _silent.get():
        return
    try:
        current_app.send_task(
            "pipeline.warm_words", kwargs={"project_id": project_id}, queue="interactive", retry=False
        )
    except Exception as error:  # noqa: BLE001 (as in _send)
        logger.warning("message_not_sent kind=warm_words: %s", error)


def after_head_promoted(project_id: int) -> None:
    """Another head serves → learn to add to it, and take in the categories that it does not know."""
    after_head_fitted(project_id)
    known = _trained_categories(project_id)
    if known and Category.objects.filter(project_id=project_id, deprecated_at=None).exclude(pk__in=known).exists():
        inject(project_id)


def after_taxonomy_changed(project_id: int, *, described: int | None = None) -> Job | None:
    """Other categories or other words for them → predict again, where there is anything to predict.

    A trained head stays: categories are taken in and out on top of it, within seconds and on the queue that no
    training blocks. Only other words for a category that it knows, `described`, make it due for a fit.
    """
    if not Image.objects.filter(project_id=project_id, state=ImageState.READY).exists():
        return None
    known = _trained_categories(project_id)
    if known and described not in known:
        return inject(project_id)
    return enqueue("predict", project_id=project_id, coalesce_key=f"predict:{project_id}")


def after_prompts_changed(project_id: int) -> Job | None:
    """Another concept or other templates → every category is spoken of in other words."""
    if not Image.objects.filter(project_id=project_id, state=ImageState.READY).exists():
        return None
    return after_embedded(project_id)


def inject(project_id: int) -> Job:
    """Categories stand on top of a trained head → score with them, and do not fit it again."""
    return enqueue("inject", project_id=project_id, coalesce_key=f"inject:{project_id}")


def try_words(project_id: int, *, name: str, text: str, show: int) -> Job:
    """Somebody is describing a category that is not there yet → show what it would pull."""
    return enqueue("try_words", project_id=project_id, params={"name": name, "text": text, "show": show})


def has_trained_head(project_id: int) -> bool:
    """Whether the live predictions stand on a head that learned from images."""
    return bool(_trained_categories(project_id))


def _trained_categories(project_id: int) -> list[int]:
    run = PredictionRun.objects.filter(pk__in=_active_run(project_id)).select_related("head").first()
    head = trained_head_of(run)
    return head.category_ids if head else []


def _active_run(project_id: int) -> Any:
    return Project.objects.filter(pk=project_id).values("active_run_id")


def after_project_archived(project_id: int) -> Job:
    """Nobody sees it any more → delete its rows and bytes."""
    return enqueue("purge", project_id=None, params={"project": project_id}, coalesce_key=f"purge:{project_id}")


def draw_map(project_id: int, *, params: Mapping[str, Any], created_by: User | None) -> Job:
    """Somebody wants to see the space → lay it out. On the queue of small tasks: a process of its own does the work,
    and predictions never wait behind minutes of drawing."""
    return enqueue(
        "map", project_id=project_id, params=dict(params), created_by=created_by, coalesce_key=map_key(project_id)
    )


def map_key(project_id: int) -> str:
    return f"map:{project_id}"


def acquire(project_id: int, *, params: dict[str, Any], created_by: User | None) -> Job:
    """A person wants another order of the queue → rank again."""
    return enqueue("acquire", project_id=project_id, params=params, created_by=created_by)


def encode_text(project_id: int, *, texts: list[str]) -> Job:
    """Somebody waits for the vector of these texts → the interactive queue."""
    return enqueue("encode_text", project_id=project_id, params={"texts": texts})


def switch_encoder(
    project_id: int, *, name: str, created_by: User | None, back: Mapping[str, Any] | None = None
) -> Job:
    """A person chose another encoder → fill its space beside the one that serves, then switch.

    `back` says which promotion is taken back, and which head and space served before it.
    """
    params = {**(back or {}), "name": name}
    key = f"switch:{project_id}:{name}"
    return enqueue("switch_encoder", project_id=project_id, params=params, created_by=created_by, coalesce_key=key)


def flip_encoder(project_id: int, *, params: Mapping[str, Any], created_by: User | None) -> Job:
    """A space is full → make it ready and change over."""
    return enqueue(
        "flip_encoder",
        project_id=project_id,
        params=dict(params),
        created_by=created_by,
        coalesce_key=f"flip:{project_id}",
    )


def after_annotated(project_id: int, *, sequence: int | None = None) -> None:
    """People taught something → predict, and train, again once enough of it is new.

    `sequence` of the newest label spares most labels the question, which costs a few cheap queries.
    """
    if sequence is None or sequence >= _not_before.get(project_id, 0):
        transaction.on_commit(lambda: _when_due(project_id, sequence))


def _when_due(project_id: int, sequence: int | None) -> None:
    seen = freshness(project_id=project_id)
    if sequence is not None:
        patience = 1 if seen.words else LOOK_EVERY  # a newcomer is taught at once
        _not_before[project_id] = sequence + (min(patience, seen.missing) if seen.missing > 0 else patience)
    if seen.words:
        _teach_newcomers(project_id)
    judge_when_answered(project_id)
    if seen.missing <= 0:
        _predict_again(project_id)
        if seen.opinions:
            ask_opinions(project_id)
    if may_be_due(project_id=project_id, options=options_from(seen.training)):
        train_when_due(project_id)


def judge_when_answered(project_id: int) -> None:
    """Audits of a lot were answered since its certificate was last judged → judge it again."""
    for _, certificate_id in certificates_to_judge(project_id=project_id):
        judge(project_id, certificate_id)


def judge_wherever_answered() -> None:
    """The clock's own question: labels ask only once in a while, and none may follow the last answer of a lot."""
    for project_id, certificate_id in certificates_to_judge():
        if not job_failed_lately(project_id=project_id, coalesce_key=_judging(certificate_id)):
            judge(project_id, certificate_id)


def after_image_deleted(project_id: int) -> None:
    """A lot may have lost a label or an audit → see whether its certificate still stands."""
    for certificate_id in certificates_open(project_id=project_id):
        judge(project_id, certificate_id)


def judge(project_id: int, certificate_id: int) -> Job:
    """What the audits so far prove of a lot. Ask again and the same work is done once."""
    params, key = {"certificate": certificate_id}, _judging(certificate_id)
    return enqueue("judge_lot", project_id=project_id, params=params, coalesce_key=key)


def _judging(certificate_id: int) -> str:
    return f"judge_lot:{certificate_id}"


def ask_opinions(project_id: int) -> Job:
    """People may be divided about more images by now → see where another opinion would help, and whose."""
    return enqueue("ask_opinions", project_id=project_id, coalesce_key=f"ask_opinions:{project_id}")


def ask_wherever_divided() -> None:
    """The clock's own question: the last labels of a day are weighed too."""
    for project_id in projects_undecided():
        ask_opinions(project_id)


def after_page_committed(project_id: int) -> None:
    """A page of corrections, or one taken back → score the pool again at once; the published predictions follow."""
    teach(project_id)
    after_annotated(project_id)


def after_pages_leased(project_id: int) -> None:
    """Where few pages are left on the shelf → compose more, unless that was asked for a moment ago."""
    if stock_count(project_id=project_id, at_most=STOCK_LOW) >= STOCK_LOW:
        return
    if cache.add(f"teach_asked:{project_id}", True, STOCK_AGAIN_S):
        teach(project_id)


def teach(project_id: int) -> Job:
    """People corrected something → new scores, new pages. One at a time; what comes meanwhile makes it run again."""
    return enqueue("teach", project_id=project_id, coalesce_key=teaching_key(project_id))


def _teach_newcomers(project_id: int) -> None:
    """First images of a category that stood on words alone → blend them in, at 1, 2, 3, 4, 6, 9 … of them."""
    if newcomers_shown(project_id=project_id):
        inject(project_id)


def _predict_again(project_id: int) -> None:
    key = f"predict:{project_id}"
    live = live_job(coalesce_key=key)
    if live is None or (live.state == State.RUNNING and not live.again):
        enqueue("predict", project_id=project_id, coalesce_key=key)


def train(
    project_id: int, *, trigger: Trigger, options: TrainingOptions, seed: int = 0, created_by: User | None = None
) -> TrainingRun:
    """Fit, measure, decide → one run at a time per project: the one that is waiting or running where there is one."""
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project_id)
        live = run_live(project_id=project_id)
        if live is not None:
            return live
        run = training_run_create(
            project=project,
            trigger=trigger,
            method=options.method,
            params=options_out(options),
            seed=seed,
            created_by=created_by,
        )
        job = enqueue("train", project_id=project_id, params={"run": run.pk}, created_by=created_by)
        training_run_queued(run=run, job=job)
    run.job = job
    return run


def train_when_due(project_id: int) -> TrainingRun | None:
    """Enough is new, a time has passed, or the blind share shows drift → a run, where it can help."""
    project = Project.objects.select_related("active_space").get(pk=project_id)
    options = training_options(project)
    trigger = due(project, options) if project.archived_at is None else None
    return train(project_id, trigger=trigger, options=options) if trigger else None


def train_wherever_due() -> int:
    """The clock's own question, for schedules and drift. Returns how many runs there are now."""
    projects = Project.objects.filter(archived_at__isnull=True, active_space__isnull=False).values_list("pk", flat=True)
    return sum(train_when_due(project_id) is not None for project_id in projects)
