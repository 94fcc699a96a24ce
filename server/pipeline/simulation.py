"""The whole loop, played: images with known categories, an annotator who knows them, and the real services and workers.

What the annotator does goes through the functions that requests call; what machines do runs in the workers where
there are any, and in this process where there are none.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction

from server.accounts.models import User
from server.core.errors import Conflict, InvalidInput, Unavailable
from server.images.intake import Incoming, batch_create
from server.images.models import Image
from server.jobs.models import LIVE_STATES, Job, State
from server.jobs.selectors import workers_alive
from server.jobs.services import job_cancel
from server.labeling.models import Purpose
from server.labeling.services.annotations import Judgement, annotation_create
from server.labeling.services.leases import leases_take
from server.labeling.services.queue import queue_top_up
from server.pipeline import flows
from server.pipeline.folders import files_at, files_take_in, source_kind
from server.pipeline.station import run_pending
from server.predictions.models import Prediction
from server.projects.models import Project
from server.projects.services import project_create
from server.taxonomy.services import category_create
from server.training.models import Outcome
from server.training.options import KEY
from server.training.selectors import runs_of

PERSON = "simulated annotator"
AT_ONCE = 20
"""Labels between two looks at what the workers made of them."""
PATIENCE_S = 1800
LABEL_COLUMNS = ("label", "fine_label", "name", "category", "class")


@dataclass(frozen=True)
class Play:
    """What is played. `limit` images are drawn at random from all that lie at the path."""

    images: Path
    encoder: str
    confirmations: int = 500
    seed: int = 0
    shuffle_labels: bool = False
    label_column: str | None = None
    limit: int = 1500
    every: int = 100
    blind_share: float = 0.3
    workers: str = "auto"
    numbers: bool = False
    """Categories are called by number, as where names tell an encoder nothing."""


@dataclass
class Stage:
    """The project that it is played in."""

    project: Project
    person: User
    truth: dict[int, int]
    """Image → category, as the images' own labels say."""
    real_workers: bool
    rng: np.random.Generator
    confirmed: int = 0
    blind: dict[int, int] = field(default_factory=dict)


def simulate(play: Play) -> dict[str, Any]:
    """Play it and report: accuracy on the blind images before the first label and after the last, and every run.

    Raises:
        InvalidInput: No labeled images at the path. Unavailable: The workers have come to a stop.
    """
    began = time.monotonic()
    with workplace(play) as real:
        stage = set_up(play, real_workers=real)
        before = answers(stage)
        while stage.confirmed < play.confirmations and _label(stage, play):
            wait(stage)
        wait(stage)
        return _report(play, stage, before=before, after=answers(stage), seconds=time.monotonic() - began)


def workplace(play: Play) -> Any:
    alive = workers_alive()
    real = play.workers == "real" or (play.workers == "auto" and alive["default"] and alive["ml"])
    return nullcontext(True) if real else _inline()


class _inline:
    """No messages are sent: the stations run here."""

    def __enter__(self) -> bool:
        self._silence = flows.without_messages()
        self._silence.__enter__()
        return False

    def __exit__(self, *why: Any) -> None:
        self._silence.__exit__(*why)


def set_up(play: Play, *, real_workers: bool) -> Stage:
    person, _ = User.objects.get_or_create(username=PERSON, defaults={"is_active": False})
    project = project_create(owner=person, name=f"Simulation {uuid.uuid4().hex[:8]}", encoder=play.encoder)
    options = {**project.options, KEY: {"every": play.every}}
    Project.objects.filter(pk=project.pk).update(options=options, blind_share=play.blind_share)
    project.refresh_from_db()
    chosen = _chosen(play)
    names = sorted({label for label in chosen.values() if label})
    if len(names) < 2:
        raise InvalidInput(f"{play.images}: expected images of at least two classes, in folders or a label column.")
    made = [category_create(project=project, author=person, name=name).pk for name in called(play, names)]
    categories = dict(zip(names, made, strict=True))
    batch = batch_create(project_id=project.pk, source=source_kind(play.images), name=play.images.name)
    files_take_in(batch=batch, files=_renamed(play, chosen), told=lambda taken: None)
    stage = Stage(project, person, {}, real_workers, np.random.default_rng(play.seed))
    with transaction.atomic():
        flows.after_images_stored(project.pk)
    wait(stage)
    rows = Image.objects.filter(project=project).values_list("pk", "original_name")
    stage.truth = {image: categories[chosen[int(name.split("-", 1)[0])]] for image, name in rows}
    return stage


def _chosen(play: Play) -> dict[int, str]:
    """Position → label of the files that are played with, drawn at random by seed."""
    labels = [incoming.label for incoming in _files(play)]
    labeled = [position for position, label in enumerate(labels) if label]
    picked = np.random.default_rng(play.seed).permutation(labeled)[: play.limit]
    return {int(position): labels[position] for position in sorted(picked)}


def _files(play: Play) -> Iterator[Incoming]:
    column = play.label_column
    if column is None and source_kind(play.images) == "parquet":
        import pyarrow.parquet as pq

        there = pq.read_schema(play.images).names
        column = next((name for name in LABEL_COLUMNS if name in there), None)
    return files_at(play.images, label_column=column)


def _renamed(play: Play, chosen: dict[int, str]) -> Iterator[Incoming]:
    """The chosen files without their labels, which only the annotator knows; the position leads back to them."""
    with closing(_files(play)) as files:  # type: ignore[type-var]
        for position, incoming in enumerate(files):
            if position in chosen:
                yield Incoming(f"{position}-{Path(incoming.name).name}", incoming.data)


def called(play: Play, names: list[str]) -> list[str]:
    """What categories are named, in the order of the images' own labels."""
    return [f"Class {number}" if play.numbers else name.replace("_", " ") for number, name in enumerate(names, 1)]


def _label(stage: Stage, play: Play) -> bool:
    """Lease and answer some images; False where none are left."""
    want = min(AT_ONCE, play.confirmations - stage.confirmed)
    leased = leases_take(project_id=stage.project.pk, user_id=stage.person.pk, count=want)
    if not leased and queue_top_up(project=stage.project, user_id=stage.person.pk, count=want):
        leased = leases_take(project_id=stage.project.pk, user_id=stage.person.pk, count=want)
    for item in leased:
        blind = item.purpose == Purpose.BLIND
        says = stage.truth[item.image_id]
        if play.shuffle_labels and not blind:
            says = int(stage.rng.choice(list(stage.truth.values())))
        judgement = Judgement(id=uuid.uuid4(), image_id=item.image_id, category_id=says)
        with transaction.atomic():
            annotation_create(judgement, project_id=stage.project.pk, annotator_id=stage.person.pk, as_reviewer=False)
            flows.after_annotated(stage.project.pk)
        stage.confirmed += not blind
        if blind:
            stage.blind[item.image_id] = says
    return bool(leased)


def wait(stage: Stage) -> None:
    """Until nothing of the project is queued or running. Rehearsing, which takes longest, is called off: it learns how
    to add categories, and none will be added."""
    _call_off(stage, "rehearse")
    if not stage.real_workers:
        run_pending(project_id=stage.project.pk)
    give_up = time.monotonic() + PATIENCE_S
    while Job.objects.filter(project=stage.project, state__in=LIVE_STATES).exclude(kind="rehearse").exists():
        _call_off(stage, "rehearse")
        if time.monotonic() > give_up:
            raise Unavailable(f"The workers have not finished within {PATIENCE_S} s; look at the project's jobs.")
        time.sleep(0.2)
    broken = Job.objects.filter(project=stage.project, state__in=[State.FAILED, State.ERRORED]).exclude(kind="train")
    if (job := broken.first()) is not None:
        raise Unavailable(f"{job.kind} {job.state}: {job.message or job.error[-500:]}")


def _call_off(stage: Stage, kind: str) -> None:
    for job in Job.objects.filter(
        project=stage.project, kind=kind, state__in=LIVE_STATES, cancel_requested_at__isnull=True
    ):
        with suppress(Conflict):  # it has just ended by itself
            job_cancel(job=job)


def answers(stage: Stage) -> dict[int, int]:
    """What the live predictions say of every image of the reserve and beyond: image → category."""
    run = Project.objects.values_list("active_run_id", flat=True).get(pk=stage.project.pk)
    return dict(Prediction.objects.filter(run_id=run).values_list("image_id", "category_id")) if run else {}


def _report(
    play: Play, stage: Stage, *, before: dict[int, int], after: dict[int, int], seconds: float
) -> dict[str, Any]:
    runs = list(runs_of(project_id=stage.project.pk).order_by("pk"))
    gains = np.asarray([(after.get(i) == c) - (before.get(i) == c) for i, c in stage.blind.items()], float)
    project = Project.objects.select_related("active_run").get(pk=stage.project.pk)
    return {
        "accuracy_before": _share(before, stage.blind),
        "accuracy_after": _share(after, stage.blind),
        "paired_ci95": _interval(gains),
        "promoted": any(run.outcome == Outcome.PROMOTED for run in runs),
        "reason": runs[-1].reason if runs else "No run was due.",
        "runs": [
            {
                "id": run.pk,
                "trigger": run.trigger,
                "outcome": run.outcome,
                "reason": run.reason,
                "labels": run.label_count,
                "head": run.head_id,
                "cost": run.cost,
            }
            for run in runs
        ],
        "live_head": project.active_head_id,
        "predicted_by": project.active_run.head_id if project.active_run else None,
        "confirmations": stage.confirmed,
        "blind": len(stage.blind),
        "images": len(stage.truth),
        "categories": len(set(stage.truth.values())),
        "encoder": play.encoder,
        "seed": play.seed,
        "shuffled": play.shuffle_labels,
        "workers": "real" if stage.real_workers else "inline",
        "project": stage.project.pk,
        "seconds": round(seconds, 1),
    }


def _share(answers: dict[int, int], truth: dict[int, int]) -> float | None:
    return round(sum(answers.get(i) == c for i, c in truth.items()) / len(truth), 4) if truth else None


def _interval(gains: "np.ndarray[Any, Any]") -> list[float] | None:
    """Mean difference ± 1.96 standard errors over the same images; None below two of them."""
    if len(gains) < 2:
        return None
    reach = 1.96 * gains.std(ddof=1) / len(gains) ** 0.5
    return [round(float(gains.mean() - reach), 4), round(float(gains.mean() + reach), 4)]
