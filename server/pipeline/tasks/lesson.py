"""What a training run reads: labels of its frozen snapshot, their vectors, the texts of today's categories."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.compute.predict import background_of
from server.compute.train import Lesson
from server.core.errors import InvalidInput
from server.embeddings.mapped import MappedSpace, mapped_space
from server.pipeline.handle import JobHandle
from server.pipeline.tasks.textual import text_vectors
from server.predictions.selectors import categories_predicted
from server.registry.models import EncoderVersion
from server.taxonomy.models import Category
from server.training.models import TrainingRun
from server.training.selectors import Labels, snapshot_labels


@dataclass(frozen=True)
class Material:
    """Everything that is fitted and measured, as arrays. `taught` and `asked` are rows of the pool."""

    space: EncoderVersion
    categories: list[Category]
    pool: MappedSpace
    lesson: Lesson
    taught: NDArray[np.int64]
    asked: NDArray[np.int64]
    truth: NDArray[np.int64]
    """(n,) categories that people gave to the blind images `asked`."""


def material_of(handle: JobHandle, run: TrainingRun) -> Material:
    """Read what the run's snapshot holds.

    Raises:
        InvalidInput: Labels of fewer than two categories: there is nothing to tell apart.
    """
    project, space = handle.project, handle.project.active_space
    if space is None or run.snapshot_id is None:
        raise InvalidInput("No image has been looked at yet; there is nothing to learn from.")
    labels = snapshot_labels(snapshot_id=run.snapshot_id, blind=False)
    blind = snapshot_labels(snapshot_id=run.snapshot_id, blind=True)
    pool = mapped_space(project_id=project.pk, space=space)
    taught, names = rows_of(pool, labels)
    categories = categories_predicted(project, labeled=set(names.tolist()))
    if not space.has_text:
        known = set(names.tolist())
        categories = [category for category in categories if category.pk in known]
    place = {category.pk: i for i, category in enumerate(categories)}
    classes = np.asarray([place.get(name, -1) for name in names.tolist()], np.int64)
    if len(np.unique(classes[classes >= 0])) < 2:
        raise InvalidInput(not_enough(len(names), len(np.unique(names))))
    asked, truth = rows_of(pool, blind)
    still = np.isin(truth, list(place))
    lesson = Lesson(
        support=np.asarray(pool.vectors[taught[classes >= 0]], np.float32),
        class_index=classes[classes >= 0],
        categories=[category.pk for category in categories],
        text=text_vectors(project, space, categories),
        text_scale=space.logit_scale or 100.0,
        background=background_of(pool.vectors, 0),
    )
    return Material(space, categories, pool, lesson, taught[classes >= 0], asked[still], truth[still])


def not_enough(labels: int, categories: int) -> str:
    """The words for too little to learn from."""
    if not labels:
        return "Nothing is confirmed yet outside the blind share. Label some images, then train."
    if categories < 2:
        return "All confirmed labels are of one category; a head tells categories apart, so it needs two."
    return "Fewer than two of the labeled categories still exist. Restore one or label others."


def rows_of(pool: MappedSpace, labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows of the pool, categories) of the labels whose image has a vector."""
    rows, found = rows_among(pool.ids, labels.image_ids)
    return rows[found], labels.category_ids[found]


def rows_among(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each of `wanted` (n,) stands in `ids` (P,), in any order, and whether it stands there at all."""
    if not len(ids):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    order = np.argsort(ids, kind="stable")
    rows = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), len(order) - 1)]
    return rows, ids[rows] == wanted
