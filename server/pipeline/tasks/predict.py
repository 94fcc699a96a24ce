"""Vectors and confirmed labels become a prediction for every image of a project."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from server.compute.heads import head_score_pool
from server.compute.predict import PoolScores, pool_predict
from server.core.events import publish
from server.embeddings.mapped import MappedSpace
from server.labeling.services.teaching import Confirmed, prototypes_mend
from server.pipeline import flows
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.pipeline.tasks.composition import SEED, Scene, fitted_head, promoted_head
from server.pipeline.tasks.names import names_stand_in
from server.pipeline.tasks.publishing import publish_composed, run_measure, run_write
from server.pipeline.tasks.textual import text_vectors
from server.registry.artefacts import head_folder
from server.registry.models import EncoderVersion, HeadVersion
from server.registry.selectors import serving_head
from server.taxonomy.models import Category


@station("predict", then=lambda handle: after(handle))
def predict(handle: JobHandle) -> None:
    """Score the whole project with the head that serves, and make the scores live at once.

    Before a first promotion that is a fit that suits the labels, or where blind answers speak for them the names.
    """
    project, space = handle.project, handle.project.active_space
    if space is None:
        handle.progress(message="No image has been looked at yet; predictions follow by themselves.")
        return
    prototypes_mend(project_id=project.pk, space=space)
    scene = Scene.of(project, space)
    pool, confirmed, categories = scene.pool, scene.confirmed, scene.categories
    if not space.has_text:
        taught = set(confirmed.category_ids[np.isin(confirmed.image_ids, pool.ids)].tolist())
        categories = [category for category in categories if category.pk in taught]
    trained, head = promoted_head(scene), serving_head(project, categories)
    names = names_stand_in(scene, categories) if trained is None and head is None else None
    if trained is None and names is None and (head is None or not categories):
        trained = fitted_head(scene)
    if trained is not None:
        handle.progress(total=len(pool.ids))
        return publish_composed(handle, scene, trained, last_sequence=confirmed.last_sequence)
    if not categories or not len(pool.ids):
        handle.progress(message="Nothing to predict yet: it takes images and at least one category to tell.")
        return
    handle.progress(total=len(pool.ids))
    text = text_vectors(project, space, categories)
    handle.check()
    support, class_index = scene.examples([category.pk for category in categories])
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
        kind="default" if names is None else "zero-shot",
    )
    write(handle, space, categories, pool, confirmed, scores, label_count=len(support), names=names)


def live_scores(head: HeadVersion, categories: list[Category], pool: MappedSpace) -> PoolScores:
    """What the promoted head says of the pool, among the categories of today."""
    place = {category: i for i, category in enumerate(head.category_ids)}
    columns = np.asarray([place[category.pk] for category in categories], np.int64)
    return head_score_pool(head_folder(head), pool.vectors, space=head.space.fingerprint, columns=columns)


def after(handle: JobHandle) -> None:
    """A ranking is possible even where nothing could be predicted."""
    publish(handle.project_id, "predictions")
    flows.after_predicted(handle.project_id)
    if "words" in handle.result:
        flows.after_head_fitted(handle.project_id)


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
    names: Mapping[str, Any] | None = None,
) -> None:
    """One transaction: the run, its rows, and the swap. `names` says why the names of the categories stand in."""
    with handle.commit(done=len(pool.ids)):
        run = run_write(
            handle.project,
            space,
            [category.pk for category in categories],
            pool,
            scores,
            label_count=label_count,
            details={"last_sequence": confirmed.last_sequence} | ({"names": dict(names)} if names else {}),
            head_id=head.pk if head else None,
            while_head=handle.project.active_head_id,
        )
    run_measure(run)
    handle.result = {"run": run.pk, "method": scores.kind, "images": len(pool.ids), "labels": label_count}
