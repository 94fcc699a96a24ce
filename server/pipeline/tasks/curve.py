"""Learn how accuracy has grown with labels, and how it will go on."""

import numpy as np
from numpy.typing import NDArray

from server.compute.curve import STEPS, curve_measure
from server.compute.predict import background_of
from server.compute.train import Lesson
from server.core.errors import Conflict
from server.core.events import publish
from server.embeddings.mapped import mapped_space
from server.insights.cost import cost_of_teaching, costs_by_evidence
from server.insights.curve import answers_in_order
from server.insights.measurements import measurement_keep, sequence_last
from server.insights.models import Measured
from server.labeling.selectors import images_remaining
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.pipeline.tasks.lesson import not_enough, rows_among
from server.pipeline.tasks.textual import text_vectors
from server.taxonomy.models import Category
from server.training.options import training_options

Ids = NDArray[np.int64]
UNTIMED = 600
"""Labels of an hour where none was timed yet: six seconds each."""


@station("fit_curve")
def fit_curve(handle: JobHandle) -> None:
    """Labels in the order in which they came → heads taught by more and more of them → the curve through them."""
    project, space = handle.project, handle.project.active_space
    last = sequence_last(project_id=project.pk)
    taught, blind = (answers_in_order(project_id=project.pk, blind=told) for told in (False, True))
    live = {one.pk: one for one in Category.objects.filter(project=project, deprecated_at=None).order_by("pk")}
    names = np.intersect1d(np.unique(taught.category), np.array(list(live), np.int64))
    if space is None or len(names) < 2:
        raise Conflict(not_enough(len(taught.image), len(np.unique(taught.category))))
    handle.progress(total=STEPS)
    pool = mapped_space(project_id=project.pk, space=space)
    rows, classes = _rows(pool.ids, taught.image, taught.category, names)
    asked, truth = _rows(pool.ids, blind.image, blind.category, names)
    categories = [live[int(name)] for name in names.tolist()]
    lesson = Lesson(
        support=np.asarray(pool.vectors[rows], np.float32),
        class_index=classes,
        categories=names.tolist(),
        text=text_vectors(project, space, categories),
        text_scale=space.logit_scale or 100.0,
        background=background_of(pool.vectors, 0),
    )

    def after(step: int) -> None:
        handle.check()
        handle.progress(done=step - 1)

    content = curve_measure(
        lesson,
        np.asarray(pool.vectors[asked], np.float32),
        truth,
        more=_labels_of_an_hour(project.pk),
        kind=training_options(project).head,
        seed=project.pk,
        after=after,
    )
    with handle.commit(done=1):
        measurement_keep(project_id=project.pk, kind=Measured.CURVE, content=content, last_sequence=last)
    publish(project.pk, "insights")


def _labels_of_an_hour(project_id: int) -> int:
    """At the pace so far, and never more than are left to label."""
    seconds = cost_of_teaching(costs_by_evidence(project_id=project_id)).seconds
    left = images_remaining(project_id=project_id)
    return max(1, min(round(3600 / seconds) if seconds else UNTIMED, left))


def _rows(ids: Ids, image: Ids, category: Ids, names: Ids) -> tuple[Ids, Ids]:
    """(rows of the pool, classes) of the answers whose image has a vector and whose category is one of `names`."""
    rows, there = rows_among(ids, image)
    kept = there & np.isin(category, names)
    return rows[kept], np.searchsorted(names, category[kept])
