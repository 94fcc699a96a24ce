"""The timetable: the only file that says what happens next.

Every function writes a Job row in the caller's transaction and sends a message after commit, by name, so that the web
process never imports a task module. A broker that is down fails no request: the sweeper sends the message later.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.db import transaction

from server.accounts.models import User
from server.images.models import Image, ImageState
from server.jobs import services as jobs
from server.jobs.models import Job, State
from server.jobs.selectors import live_job
from server.labeling.models import Annotation
from server.projects.models import Project

PREDICT_EVERY = 20
"""Labels between two predictions of a whole project; prototypes move with every single one."""
logger = logging.getLogger(__name__)
_silent: ContextVar[bool] = ContextVar("silent", default=False)


@dataclass(frozen=True)
class Kind:
    """Where a kind of job runs and what people read while it does."""

    queue: str
    title: str


KINDS = {
    "draw_demo": Kind("default", "Drawing the demo's pictures"),
    "unpack": Kind("default", "Unpacking an archive"),
    "ingest": Kind("default", "Reading images"),
    "embed": Kind("ml", "Looking at images"),
    "predict": Kind("ml", "Predicting categories"),
    "acquire": Kind("ml", "Choosing what to label next"),
    "encode_text": Kind("interactive", "Reading a text"),
    "switch_encoder": Kind("ml", "Changing the encoder"),
    "export": Kind("default", "Writing an export"),
    "purge": Kind("default", "Deleting a project"),
}


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


def after_predicted(project_id: int) -> Job:
    """A new ranking is possible → fill the queue."""
    return enqueue("acquire", project_id=project_id, coalesce_key=f"acquire:{project_id}")


def after_taxonomy_changed(project_id: int) -> Job | None:
    """Other categories or other words for them → predict again, where there is anything to predict."""
    if not Image.objects.filter(project_id=project_id, state=ImageState.READY).exists():
        return None
    return enqueue("predict", project_id=project_id, coalesce_key=f"predict:{project_id}")


def after_project_archived(project_id: int) -> Job:
    """Nobody sees it any more → delete its rows and bytes."""
    return enqueue("purge", project_id=None, params={"project": project_id}, coalesce_key=f"purge:{project_id}")


def acquire(project_id: int, *, params: dict[str, Any], created_by: User | None) -> Job:
    """A person wants another order of the queue → rank again."""
    return enqueue("acquire", project_id=project_id, params=params, created_by=created_by)


def encode_text(project_id: int, *, texts: list[str]) -> Job:
    """Somebody waits for the vector of these texts → the interactive queue."""
    return enqueue("encode_text", project_id=project_id, params={"texts": texts})


def switch_encoder(project_id: int, *, name: str, created_by: User | None) -> Job:
    """A person chose another encoder → fill its space beside the one that serves, then switch."""
    key = f"switch:{project_id}:{name}"
    return enqueue(
        "switch_encoder", project_id=project_id, params={"name": name}, created_by=created_by, coalesce_key=key
    )


def after_annotated(project_id: int) -> None:
    """People taught something → predict again once enough of it is new. One or two cheap queries."""
    transaction.on_commit(lambda: _predict_when_due(project_id))


def after_page_committed(project_id: int) -> None:
    """A page of corrections, or one taken back → as after any label."""
    after_annotated(project_id)


def _predict_when_due(project_id: int) -> None:
    if fresh_labels(project_id=project_id, at_most=PREDICT_EVERY) < PREDICT_EVERY:
        return
    key = f"predict:{project_id}"
    live = live_job(coalesce_key=key)
    if live is None or (live.state == State.RUNNING and not live.again):
        enqueue("predict", project_id=project_id, coalesce_key=key)


def fresh_labels(*, project_id: int, at_most: int) -> int:
    """How many annotations the live predictions have not seen, counted no further than `at_most`.

    The live run keeps the last sequence number that it read in `details["last_sequence"]`.
    """
    details = Project.objects.filter(pk=project_id).values_list("active_run__details", flat=True).first() or {}
    seen = int(details.get("last_sequence", 0))
    return Annotation.objects.filter(project_id=project_id, sequence__gt=seen)[:at_most].count()
