"""Predictions become an order in which people look at images."""

import secrets

import numpy as np
from numpy.typing import NDArray

from server.acquisition.catalogue import BY_NAME, DEFAULT, FALLBACK
from server.acquisition.services import round_create, round_finish
from server.compute.acquire import functions_known, pool_rank
from server.labeling.services.pool import Unlabeled, pool_unlabeled
from server.labeling.services.queue import Ranked, queue_replace
from server.pipeline.handle import JobHandle
from server.pipeline.station import station

BUDGET = 2_000
"""Images ranked ahead: more than is labelled between two predictions, and cheap to replace."""


@station("acquire")
def acquire(handle: JobHandle) -> None:
    """Rank the pool with the project's function, and put the picks and a blind share into the queue."""
    project = handle.project
    pool = pool_unlabeled(project=project)
    wanted = str(handle.params.get("function") or project.acquisition_function or DEFAULT)
    name = wanted if pool.margin is not None or not functions_known()[wanted][2] else FALLBACK
    seed = int(handle.params.get("seed") or secrets.randbits(53))
    handle.progress(total=len(pool.ids))
    rows = _rank(name, pool, seed)
    picks = [Ranked(int(pool.ids[row]), BY_NAME[name].reason) for row in rows]
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


def _rank(name: str, pool: Unlabeled, seed: int) -> NDArray[np.int64]:
    return pool_rank(
        name,
        probability=pool.probability,
        margin=pool.margin,
        entropy=pool.entropy,
        size=len(pool.ids),
        budget=BUDGET,
        seed=seed,
    )
