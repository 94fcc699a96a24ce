"""Look for confirmed labels that are probably wrong."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.label_errors import STEPS, Findings, labels_doubted
from server.compute.label_errors import Doubted as Seen
from server.compute.predict import background_of
from server.compute.train import Lesson
from server.core.errors import Conflict
from server.core.events import publish
from server.embeddings.mapped import MappedSpace, mapped_space
from server.insights.measurements import measurement_keep, sequence_last
from server.insights.models import Doubt, Measured
from server.insights.suspects import Confirmed, Found, labels_confirmed, suspects_replace, twins_divided
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.pipeline.tasks.lesson import rows_among
from server.pipeline.tasks.textual import text_vectors
from server.projects.models import Project
from server.taxonomy.models import Category
from server.training.options import training_options

NEWEST = 50_000
"""Labels that are compared pair by pair; of more, the newest."""


@station("find_label_errors")
def find_label_errors(handle: JobHandle) -> None:
    """Confirmed labels → heads that did not see them → what they doubt. Near-duplicates by their labels alone."""
    last = sequence_last(project_id=handle.project_id)
    confirmed = labels_confirmed(project_id=handle.project_id)
    if not len(confirmed.image):
        raise Conflict("Nothing is confirmed yet outside the blind share, so there is nothing to doubt.")
    handle.progress(total=STEPS)
    rows, pool = _with_vectors(handle.project, confirmed)
    findings, told, categories = _judged(handle, confirmed, rows, pool)
    named = {i: category.pk for i, category in enumerate(categories)}
    twins = twins_divided(confirmed)
    content: dict[str, Any] = {
        "labels": len(confirmed.image),
        "judged": findings.judged,
        "issues": findings.issues,
        "pairs": [[named[i], named[j], one, other] for i, j, one, other in findings.pairs],
    }
    with handle.commit(done=1):
        suspects_replace(
            project_id=handle.project_id,
            found=[
                (Doubt.ERROR, [_found(one, told, named) for one in findings.errors]),
                (Doubt.DUPLICATE, twins),
                (Doubt.OUTLIER, [_found(one, told, named) for one in findings.outliers]),
            ],
        )
        measurement_keep(project_id=handle.project_id, kind=Measured.LABEL_ERRORS, content=content, last_sequence=last)
    publish(handle.project_id, "insights")


def _with_vectors(project: Project, confirmed: Confirmed) -> tuple[NDArray[np.int64], MappedSpace | None]:
    """Positions of the labels whose image has a vector, the newest of very many; and the pool."""
    space = project.active_space
    if space is None:
        return np.empty(0, np.int64), None
    pool = mapped_space(project_id=project.pk, space=space)
    _, there = rows_among(pool.ids, confirmed.image)
    positions = np.flatnonzero(there)
    newest = np.argsort(confirmed.last_sequence[positions], kind="stable")[-NEWEST:]
    return np.sort(positions[newest]), pool


def _judged(
    handle: JobHandle, confirmed: Confirmed, positions: NDArray[np.int64], pool: MappedSpace | None
) -> tuple[Findings, Confirmed, list[Category]]:
    project, space = handle.project, handle.project.active_space
    live = {one.pk: one for one in Category.objects.filter(project=project, deprecated_at=None).order_by("pk")}
    positions = positions[np.isin(confirmed.category[positions], list(live))]
    told = Confirmed(
        confirmed.image[positions],
        confirmed.category[positions],
        confirmed.same[positions],
        confirmed.reviewed[positions],
        confirmed.last_sequence[positions],
    )
    names = np.unique(told.category)
    if space is None or pool is None or len(names) < 2:
        return Findings(), told, []
    categories = [live[int(name)] for name in names.tolist()]
    at, _ = rows_among(pool.ids, told.image)
    lesson = Lesson(
        support=np.asarray(pool.vectors[at], np.float32),
        class_index=np.searchsorted(names, told.category),
        categories=names.tolist(),
        text=text_vectors(project, space, categories),
        text_scale=space.logit_scale or 100.0,
        background=background_of(pool.vectors, 0),
    )

    def after(step: int) -> None:
        handle.check()
        handle.progress(done=step - 1)

    findings = labels_doubted(
        lesson, told.same, kind=training_options(project).head, seed=project.pk, asked=~told.reviewed, after=after
    )
    return findings, told, categories


def _found(seen: Seen, told: Confirmed, named: dict[int, int]) -> Found:
    return Found(
        image_id=int(told.image[seen.row]),
        given=int(told.category[seen.row]),
        instead=named.get(seen.instead),
        suspicion=seen.suspicion,
        last_sequence=int(told.last_sequence[seen.row]),
        details={
            "best": [[named[at], round(p, 4)] for at, p in seen.best],
            "nearest": [[int(told.image[at]), int(told.category[at]), round(near, 4)] for at, near in seen.nearest],
        },
    )
