"""Predictions become an order in which people look at images."""

import secrets
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.acquisition.catalogue import BY_NAME, DEFAULT, FALLBACK, FIRST_REASON
from server.acquisition.services import round_create, round_finish
from server.compute.acquire import PoolView, RowsOf, function_needs, pool_rank
from server.embeddings.mapped import MappedSpace, mapped_space
from server.labeling.services.pool import Unlabeled, pool_unlabeled
from server.labeling.services.queue import Ranked, queue_replace
from server.labeling.services.teaching import confirmed_labels
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.pipeline.tasks.lesson import rows_among
from server.projects.models import Project

BUDGET = 2_000
"""Images ranked ahead: more than is labelled between two predictions, and cheap to replace."""


@station("acquire")
def acquire(handle: JobHandle) -> None:
    """Rank the pool with the project's function, and put the picks and a blind share into the queue."""
    project = handle.project
    wanted = str(handle.params.get("function") or project.acquisition_function or DEFAULT)
    needs = function_needs()[wanted]
    pool = pool_unlabeled(project=project, categories="classes" in needs)
    seed = int(handle.params.get("seed") or secrets.randbits(53))
    handle.progress(total=len(pool.ids))
    ids, view = _view(project, pool, needs)
    name = wanted if _served(view, needs) else FALLBACK
    rows = pool_rank(name, view, budget=BUDGET, seed=seed)
    reason = FIRST_REASON if view.margin is None and name != FALLBACK else BY_NAME[name].reason
    picks = [Ranked(int(ids[row]), reason) for row in rows]
    with handle.commit(done=len(picks)):
        made = round_create(
            project=project,
            function=name,
            budget=BUDGET,
            pool_size=len(pool.ids),
            seed=seed,
            run_id=project.active_run_id,
            params={"wanted": wanted},
            created_by_id=handle.job.created_by_id,
        )
        queue_replace(project=project, round_id=made.pk, ranked=picks, seed=seed)
        round_finish(made)
    handle.result = {"round": made.pk, "function": name, "pool": len(pool.ids), "picked": len(picks)}


def _view(project: Project, pool: Unlabeled, needs: frozenset[str]) -> tuple[NDArray[np.int64], PoolView]:
    """(ids, what is known of them); only images with a vector where the function looks at vectors."""
    view = PoolView(len(pool.ids), None, pool.categories, pool.probability, pool.margin, pool.entropy)
    confirmed = confirmed_labels(project_id=project.pk)
    names, classes = np.unique(confirmed.category_ids, return_inverse=True)
    if pool.categories is not None:
        names = np.union1d(names, pool.categories[pool.categories >= 0])
        index = np.searchsorted(names, np.maximum(pool.categories, names[:1]))
        view = replace(view, top_categories=np.where(pool.categories >= 0, index, -1))
        classes = np.searchsorted(names, confirmed.category_ids)
    view = replace(view, labeled_class=classes.astype(np.int64), n_classes=len(names))
    if not needs & {"vectors", "labeled"} or project.active_space is None:
        return pool.ids, replace(view, labeled_class=None) if "classes" not in needs else view
    space = mapped_space(project_id=project.pk, space=project.active_space)
    return _with_vectors(pool, view, space, confirmed.image_ids)


def _with_vectors(
    pool: Unlabeled, view: PoolView, space: MappedSpace, labeled: NDArray[np.int64]
) -> tuple[NDArray[np.int64], PoolView]:
    rows, has = rows_among(space.ids, pool.ids)
    taught, known = rows_among(space.ids, labeled)
    classes = view.labeled_class

    def kept(values: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if values is None else values[has]

    return pool.ids[has], replace(
        view,
        size=int(has.sum()),
        vectors=RowsOf(space.vectors, rows[has]),
        top_categories=kept(view.top_categories),
        top_probabilities=kept(view.top_probabilities),
        margin=kept(view.margin),
        entropy=kept(view.entropy),
        labeled=space.vectors[taught[known]],
        labeled_class=None if classes is None else classes[known],
    )


def _served(view: PoolView, needs: frozenset[str]) -> bool:
    """Whether everything that a function needs is there."""
    there = {
        "top": view.margin is not None,
        "classes": view.top_categories is not None,
        "vectors": view.vectors is not None and view.size > 0,
        "labeled": view.labeled is not None and len(view.labeled) > 0,
    }
    return all(there.get(need, False) for need in needs)
