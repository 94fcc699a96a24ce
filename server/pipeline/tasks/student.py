"""The live model taught to a small network that anyone can take along: one file, no Winnow needed to run it."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from server.compute.heads import head_probabilities
from server.compute.student import LARGEST_BYTES, StudentMade, student_make, student_probabilities
from server.compute.train import Said, models_compare, peak_memory_mb, said_of
from server.core.errors import InvalidInput
from server.core.events import publish
from server.embeddings.mapped import MappedSpace, mapped_space
from server.images.models import Image
from server.pipeline.handle import Cancelled, JobHandle
from server.pipeline.stopwatch import Stopwatch
from server.pipeline.tasks.embed import image_bytes
from server.pipeline.tasks.lesson import rows_of
from server.registry.artefacts import head_folder
from server.registry.models import HeadVersion
from server.registry.students import student_store
from server.taxonomy.models import Category
from server.training.models import Outcome, TrainingRun
from server.training.options import TrainingOptions
from server.training.readiness import NO_TEACHER, STUDENT_IMAGES
from server.training.selectors import snapshot_labels
from server.training.services import metric_point_add, report_write, training_run_end, training_run_freeze

WITHIN = 0.02
AGREES = 0.9
"""Where too few blind answers are there to compare accuracies, so much agreement with the teacher is asked for."""


@dataclass(frozen=True)
class Teaching:
    """The teacher, the rows of the pool that teach and those that measure, and what is true of the latter."""

    head: HeadVersion
    categories: list[Category]
    columns: NDArray[np.int64]
    pool: MappedSpace
    shown: NDArray[np.int64]
    asked: NDArray[np.int64]
    truth: NDArray[np.int64]

    def answers(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        vectors = np.asarray(self.pool.vectors[rows], np.float32)
        space = self.head.space.fingerprint
        return head_probabilities(head_folder(self.head), vectors, space=space, columns=self.columns)


def student_train(handle: JobHandle, run: TrainingRun, options: TrainingOptions) -> None:
    """Teach, write, compare with the teacher on the blind share, and keep the file.

    Raises:
        InvalidInput: No trained model serves, or nothing outside the blind share can be shown to a student.
    """
    clock = Stopwatch()
    with clock("read"):
        training_run_freeze(run=run, evidence=())
        teaching = _teaching(handle, run)
    place = Path(settings.WINNOW_CACHE_DIR) / "training" / str(run.pk)
    with tempfile.TemporaryDirectory(prefix="winnow-student-") as name:
        path = Path(name) / "student.onnx"
        with clock("fit"):
            made = _make(handle, run, teaching, path, place / "student.safetensors")
        handle.check()
        with clock("judge"):
            summary, items = _judge(run, options, teaching, path)
        student_store(path, project_id=run.project_id, run_id=run.pk)
    outcome, reason = _verdict(summary, made, needed=options.needed)
    summary["student"] = {**made.as_json(), "teacher": teaching.head.pk, "images": len(teaching.shown)}
    with handle.commit():
        report_write(run=run, summary=summary, items=items)
        cost = {**clock.seconds, "peak_mb": round(peak_memory_mb())}
        training_run_end(run=run, outcome=outcome, reason=reason, live_head_id=teaching.head.pk, cost=cost)
    shutil.rmtree(place, ignore_errors=True)
    handle.progress(message=reason)
    handle.result = {"run": run.pk, "outcome": outcome.value, "promoted": False}
    publish(handle.project_id, "training")


def _teaching(handle: JobHandle, run: TrainingRun) -> Teaching:
    head = handle.project.active_head
    if head is None or head.space_id != handle.project.active_space_id or run.snapshot_id is None:
        raise InvalidInput(NO_TEACHER)
    today = Category.objects.filter(pk__in=head.category_ids, deprecated_at__isnull=True).in_bulk()
    kept = [i for i, category in enumerate(head.category_ids) if category in today]
    pool = mapped_space(project_id=run.project_id, space=head.space)
    asked, truth = rows_of(pool, snapshot_labels(snapshot_id=run.snapshot_id, blind=True))
    still = np.isin(truth, list(today))
    free = np.setdiff1d(np.arange(len(pool.ids)), asked)
    shown = np.sort(np.random.default_rng(run.seed).permutation(free)[:STUDENT_IMAGES])
    if len(shown) < 2 or len(kept) < 2:
        raise InvalidInput("A student needs two categories and images outside the blind share; there are too few.")
    categories = [today[head.category_ids[i]] for i in kept]
    return Teaching(head, categories, np.asarray(kept, np.int64), pool, shown, asked[still], truth[still])


def _make(handle: JobHandle, run: TrainingRun, teaching: Teaching, path: Path, checkpoint: Path) -> StudentMade:
    handle.progress(done=0, total=len(teaching.shown), message="Showing images to the student")

    def seen(count: int) -> None:
        handle.check()
        handle.progress(done=count)

    def told(name: str, step: int, value: float) -> None:
        metric_point_add(run=run, name=name, step=step, value=value)

    def stop() -> bool:
        try:
            handle.check()
        except Cancelled:
            return True
        return False

    return student_make(
        path,
        images=_pictures(teaching.pool.ids[teaching.shown]),
        probabilities=teaching.answers(teaching.shown),
        labels=[{"id": category.pk, "name": category.name} for category in teaching.categories],
        seed=run.seed,
        seen=seen,
        told=told,
        stop=stop,
        checkpoint=checkpoint,
    )


def _pictures(ids: NDArray[np.int64]) -> Iterator[bytes]:
    """Encoded images in the order of their ids, from the small copies where there are some."""
    for start in range(0, len(ids), 256):
        some = ids[start : start + 256].tolist()
        images = Image.objects.in_bulk(some)
        for image_id in some:
            data = image_bytes(images[image_id], small=True) if image_id in images else None
            if data is None:
                raise InvalidInput(f"The bytes of image {image_id} are not on the storage; restore them first.")
            yield data


def _judge(
    run: TrainingRun, options: TrainingOptions, teaching: Teaching, path: Path
) -> tuple[dict[str, Any], list[list[Any]]]:
    """Teacher and student on the same blind images, as the report of any run has it."""
    names = [category.pk for category in teaching.categories]
    ids = teaching.pool.ids[teaching.asked]
    teacher = said_of(teaching.answers(teaching.asked), names)
    student = said_of(student_probabilities(path, _pictures(ids), classes=len(names)), names)
    rule = {"metric": options.metric, "needed": options.needed, "tolerance": WITHIN}
    _, _, summary = models_compare(teaching.truth, live=teacher, candidate=student, rule=rule, seed=run.seed)
    summary["space"] = {"distances": None, "episodes": None}
    summary["live_is"] = teaching.head.pk
    summary["changed"] = int((student.category_ids != teacher.category_ids).sum())
    return summary, _items(ids, teaching.truth, teacher, student)


def _items(ids: NDArray[np.int64], truth: NDArray[np.int64], was: Said, now: Said) -> list[list[Any]]:
    columns = (ids, truth, was.category_ids, was.probability.round(4), now.category_ids, now.probability.round(4))
    return [list(row) for row in zip(*(np.asarray(column).tolist() for column in columns), strict=True)]


def _verdict(summary: dict[str, Any], made: StudentMade, *, needed: int) -> tuple[Outcome, str]:
    size = f"{made.size_bytes / 1e6:.1f} MB"
    if made.size_bytes > LARGEST_BYTES:
        return Outcome.REFUSED, f"The file has {size}, more than {LARGEST_BYTES / 1e6:.0f} MB: too many categories."
    if summary["images"] >= needed:
        teacher, student = (summary[name]["accuracy"]["value"] for name in ("live", "candidate"))
        figures = f"{student:.1%} right beside {teacher:.1%} of the live model on {summary['images']:,} blind images"
        if teacher - student <= WITHIN:
            return Outcome.DELIVERED, f"Ready to take along: {figures}, {size}."
        return Outcome.REFUSED, f"It falls behind its teacher by more than 2 points: {figures}. More images may help."
    figures = f"it agrees with the live model on {made.agreement:.0%} of {made.judged:,} images that it never saw"
    if made.agreement >= AGREES:
        return Outcome.DELIVERED, f"Ready to take along: {figures}, {size}. Too few blind answers to compare accuracy."
    return Outcome.REFUSED, f"It falls behind its teacher: {figures}. More images may help."
