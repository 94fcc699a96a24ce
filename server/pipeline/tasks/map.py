"""A project's space on a plane."""

import numpy as np

from server.compute.projection import vectors_lay_out
from server.core.errors import InvalidInput
from server.embeddings.mapped import mapped_space
from server.embeddings.projections import METHODS, Points, places_of, projection_store
from server.pipeline.handle import JobHandle
from server.pipeline.station import station

MOST = 100_000
"""More points than this are not laid out but drawn from, by seed: a map says as much, and comes in minutes."""


@station("map")
def draw_map(handle: JobHandle) -> None:
    """Params: `method`, `seed`.

    Raises:
        InvalidInput: An unknown method, or no image has a vector yet.
    """
    method, seed = str(handle.params.get("method", "umap")), int(handle.params.get("seed", 0))
    space = handle.project.active_space
    if method not in METHODS:
        raise InvalidInput(f"There is no map {method!r}; there are {', '.join(METHODS)}.")
    if space is None:
        raise InvalidInput("No image has been looked at yet; a map shows how images lie to each other.")
    pool = mapped_space(project_id=handle.project_id, space=space)
    if not len(pool.ids):
        raise InvalidInput("No image has been looked at yet; a map shows how images lie to each other.")
    rows = np.arange(len(pool.ids))
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), MOST, replace=False))
    handle.progress(total=len(rows), message=f"Laying out {len(rows):,} images")
    points = vectors_lay_out(pool.vectors[rows], method=method, seed=seed, check=handle.check)
    kept = Points(np.asarray(pool.ids[rows]), places_of(points))
    with handle.commit(done=len(rows)):
        made = projection_store(project=handle.project, points=kept, space=space, method=method, seed=seed)
    handle.result = {"map": made.pk, "images": made.count}
