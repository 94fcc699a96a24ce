"""Which labels could be accepted unseen, and how sure of each is the best head that there is for that."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.compute.certify import pool_confidence
from server.core import sql
from server.core.errors import Conflict
from server.pipeline.tasks.composition import SEED, Scene
from server.pipeline.tasks.textual import text_vectors
from server.predictions.models import PredictionRun
from server.projects.models import Project

OUTDONE = ("zero-shot", "prototypes", "text-prototypes", "text-blend", "gda")
"""Methods of live runs that a head which also hears the pool does better than (docs/methods/certificate.md)."""
FEWEST_CLASSES = 2

# What nobody has judged and nobody was asked to judge blind before.
POOL = """
SELECT p.image_id, p.category_id, p.probability FROM predictions_prediction p
JOIN images_image i ON i.id = p.image_id AND i.state = 'ready'
WHERE p.run_id = %(run)s
  AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = p.image_id)
  AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = %(project)s AND b.image_id = p.image_id)
ORDER BY p.image_id
"""


@dataclass(frozen=True)
class Candidates:
    """(P,) images that nobody judged, the category each would get, and how sure that is; `head` says who speaks.

    `score` puts them into the order of `confidence`, and tells apart those that are as good as certain.
    """

    run: PredictionRun
    head: str
    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    confidence: NDArray[np.float64]
    score: NDArray[np.float64]


def candidates_of(project: Project) -> Candidates:
    """Labels of the live run, or where it can be fitted and does better, of a head that also hears the pool.

    Raises:
        Conflict: Nothing is predicted, or nothing is left to accept.
    """
    run = project.active_run
    if run is None:
        raise Conflict("Nothing is predicted yet, so there is nothing to accept.")
    rows = sql.fetch_all(POOL, {"run": run.pk, "project": project.pk})
    if not rows:
        raise Conflict("Every image is judged already; there is nothing left to accept.")
    sure = np.clip(np.array([row["probability"] for row in rows], np.float64), 0, 1)
    live = Candidates(
        run=run,
        head=f"{run.method}, run {run.pk}",
        image_ids=np.array([row["image_id"] for row in rows], np.int64),
        category_ids=np.array([row["category_id"] for row in rows], np.int64),
        confidence=sure,
        score=sure,
    )
    return (_by_pool(project, live) if run.method in OUTDONE else None) or live


def _by_pool(project: Project, live: Candidates) -> Candidates | None:
    """Gaussian discriminants that hear the images nobody has labelled; None where too little is confirmed for them.

    Images that the live run puts into a category without an example stay out of the lot: that head knows nothing of it.
    """
    space = project.active_space
    if space is None:
        return None
    scene = Scene.of(project, space)
    _, classes = scene.examples([category.pk for category in scene.categories])
    taught = [category for place, category in enumerate(scene.categories) if place in set(classes.tolist())]
    kept = np.isin(live.category_ids, [category.pk for category in taught])
    rows, at = _rows(scene, live.image_ids[kept])
    if len(taught) < FEWEST_CLASSES or not len(rows):
        return None
    ids = [category.pk for category in taught]
    support, class_index = scene.examples(ids)
    parts = pool_confidence(
        scene.pool.vectors,
        rows=rows,
        support=support,
        class_index=class_index,
        n_classes=len(ids),
        text=text_vectors(project, space, taught),
        text_scale=space.logit_scale or 100.0,
        seed=SEED,
    )
    found, odds = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Candidates(
        run=live.run,
        head=f"pool-gda on {len(support)} labels, beside run {live.run.pk}",
        image_ids=live.image_ids[kept][at],
        category_ids=np.array(ids, np.int64)[found],
        confidence=1 / (1 + np.exp(-odds)),
        score=odds,
    )


def _rows(scene: Scene, image_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows of the pool's vectors, places among `image_ids`) of the images that have a vector."""
    if not len(scene.pool.ids) or not len(image_ids):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    order = np.argsort(scene.pool.ids, kind="stable")
    rows = order[np.minimum(np.searchsorted(scene.pool.ids, image_ids, sorter=order), len(order) - 1)]
    known = scene.pool.ids[rows] == image_ids
    return rows[known], np.flatnonzero(known)
