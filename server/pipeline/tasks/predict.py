"""Vectors and confirmed labels become a prediction for every image of a project."""

import numpy as np
from numpy.typing import NDArray

from server.compute.encoders import class_texts_encode
from server.compute.heads import head_score_pool
from server.compute.predict import PoolScores, pool_predict
from server.core.events import publish
from server.embeddings.mapped import MappedSpace, mapped_space
from server.insights.accuracy import blind_scores, blind_total
from server.labeling.services.teaching import Confirmed, confirmed_labels, prototypes_mend
from server.pipeline import flows
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.predictions.models import PredictionRun
from server.predictions.prompts import prompts_of, text_vectors_known, text_vectors_store
from server.predictions.selectors import categories_predicted
from server.predictions.services import Scores, run_create, run_note, run_publish, runs_prune
from server.projects.models import Project
from server.registry.artefacts import head_folder
from server.registry.models import EncoderVersion, HeadVersion
from server.registry.selectors import serving_head
from server.taxonomy.models import Category

SEED = 0
"""Predictions of the same labels are the same predictions."""


@station("predict", then=lambda handle: after(handle))
def predict(handle: JobHandle) -> None:
    """Score the whole project with the head that suits its labels, and make the scores live at once."""
    project, space = handle.project, handle.project.active_space
    if space is None:
        handle.progress(message="No image has been looked at yet; predictions follow by themselves.")
        return
    prototypes_mend(project_id=project.pk, space=space)
    confirmed = confirmed_labels(project_id=project.pk)
    pool = mapped_space(project_id=project.pk, space=space)
    categories = categories_predicted(project, labeled=set(confirmed.category_ids.tolist()))
    if not space.has_text:
        taught = set(confirmed.category_ids[np.isin(confirmed.image_ids, pool.ids)].tolist())
        categories = [category for category in categories if category.pk in taught]
    if not categories or not len(pool.ids):
        handle.progress(message="Nothing to predict yet: it takes images and at least one category to tell.")
        return
    handle.progress(total=len(pool.ids))
    text = text_vectors(project, space, categories)
    handle.check()
    support, class_index = examples(pool, confirmed, categories)
    head = serving_head(project, categories)
    if head is not None:
        scores = live_scores(head, categories, pool)
        return write(handle, space, categories, pool, confirmed, scores, label_count=len(support), head=head)
    scores = pool_predict(
        pool.vectors,
        support=support,
        class_index=class_index,
        n_classes=len(categories),
        text=text,
        text_scale=space.logit_scale or 100.0,
        seed=SEED,
    )
    write(handle, space, categories, pool, confirmed, scores, label_count=len(support))


def live_scores(head: HeadVersion, categories: list[Category], pool: MappedSpace) -> PoolScores:
    """What the promoted head says of the pool, among the categories of today."""
    place = {category: i for i, category in enumerate(head.category_ids)}
    columns = np.asarray([place[category.pk] for category in categories], np.int64)
    return head_score_pool(head_folder(head), pool.vectors, space=head.space.fingerprint, columns=columns)


def after(handle: JobHandle) -> None:
    """A ranking is possible even where nothing could be predicted."""
    publish(handle.project_id, "predictions")
    flows.after_predicted(handle.project_id)


def text_vectors(project: Project, space: EncoderVersion, categories: list[Category]) -> NDArray[np.float32] | None:
    """(N, D) in the order of `categories`; what is not cached is encoded. None where the encoder reads no text."""
    if not space.has_text:
        return None
    prompts = [prompts_of(category, project=project) for category in categories]
    known, missing = text_vectors_known(space=space, prompts=prompts)
    if missing:
        fresh = class_texts_encode(space.name, [one.texts for one in missing], fingerprint=space.fingerprint)
        vectors = {one.category_id: vector for one, vector in zip(missing, fresh, strict=True)}
        text_vectors_store(space=space, prompts=missing, vectors=vectors)
        known |= vectors
    return np.stack([known[category.pk] for category in categories])


def examples(
    pool: MappedSpace, confirmed: Confirmed, categories: list[Category]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows of the pool, class index) of labels whose image has a vector and whose category is told apart."""
    order = np.argsort(pool.ids, kind="stable")
    at = np.searchsorted(pool.ids, confirmed.image_ids, sorter=order)
    rows = order[np.minimum(at, len(order) - 1)]
    index_of = {category.pk: i for i, category in enumerate(categories)}
    classes = np.asarray([index_of.get(category, -1) for category in confirmed.category_ids.tolist()], np.int64)
    usable = (pool.ids[rows] == confirmed.image_ids) & (classes >= 0)
    return rows[usable], classes[usable]


def write(
    handle: JobHandle,
    space: EncoderVersion,
    categories: list[Category],
    pool: MappedSpace,
    confirmed: Confirmed,
    scores: PoolScores,
    *,
    label_count: int,
    head: HeadVersion | None = None,
) -> None:
    """One transaction: the run, its rows, and the swap."""
    with handle.commit(done=len(pool.ids)):
        run = run_write(
            handle.project,
            space,
            categories,
            pool,
            scores,
            label_count=label_count,
            last_sequence=confirmed.last_sequence,
            head_id=head.pk if head else None,
            while_head=handle.project.active_head_id,
        )
    run_measure(run)
    handle.result = {"run": run.pk, "method": scores.kind, "images": len(pool.ids), "labels": label_count}


def run_write(
    project: Project,
    space: EncoderVersion,
    categories: list[Category],
    pool: MappedSpace,
    scores: PoolScores,
    *,
    label_count: int,
    last_sequence: int,
    head_id: int | None,
    while_head: int | None,
) -> PredictionRun:
    """Write scores and make them live, in the caller's transaction, unless another head than `while_head` serves."""
    ids = np.asarray([category.pk for category in categories], np.int64)
    run = run_create(
        project=project,
        space=space,
        method=scores.kind,
        category_ids=ids.tolist(),
        label_count=label_count,
        head_id=head_id,
        details={"last_sequence": last_sequence, "temperature": scores.temperature, "seed": SEED},
    )
    run_publish(
        run,
        while_head=while_head,
        scores=Scores(
            image_ids=np.asarray(pool.ids),
            categories=ids[scores.class_index],
            probabilities=scores.probability,
            margin=scores.margin,
            entropy=scores.entropy,
        ),
    )
    return run


def run_measure(run: PredictionRun) -> None:
    """Note how a new run does on the blind share, and drop the tables of old ones."""
    right, answered = blind_total(blind_scores(project_id=run.project_id, run_id=run.pk))
    run_note(run, blind={"right": right, "answered": answered})
    runs_prune(project=run.project)
