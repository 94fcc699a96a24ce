"""The pool: images that nobody has judged and that acquisition may pick, with what the live run says of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.labeling.services.blind import RESERVED, blind_params
from server.projects.models import Project

# One value for all rows, packed by the database: no Python object an image.
POOL = f"""
SELECT COALESCE(string_agg(int8send(i.id) || float4send(p.probability)
                           || float4send(p.margin) || float4send(p.entropy), ''::bytea ORDER BY i.id), ''::bytea)
FROM images_image i JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = i.id
WHERE i.project_id = %(project)s AND i.state = 'ready'
  AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = i.project_id AND b.image_id = i.id)
  AND NOT {RESERVED}
"""
IDS = f"""
SELECT COALESCE(string_agg(int8send(i.id), ''::bytea ORDER BY i.id), ''::bytea)
FROM images_image i
WHERE i.project_id = %(project)s AND i.state = 'ready'
  AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = i.project_id AND b.image_id = i.id)
  AND NOT {RESERVED}
"""
ROW = np.dtype([("id", ">i8"), ("probability", ">f4"), ("margin", ">f4"), ("entropy", ">f4")])


@dataclass(frozen=True)
class Unlabeled:
    """`ids` (P,) ascending and, row by row, the live run's figures; None where nothing was predicted."""

    ids: NDArray[np.int64]
    probability: NDArray[np.float32] | None
    margin: NDArray[np.float32] | None
    entropy: NDArray[np.float32] | None


def pool_unlabeled(*, project: Project) -> Unlabeled:
    """The pool of a project; images without a prediction are left to the random part of the queue."""
    params = {**blind_params(project), "run": project.active_run_id}
    if project.active_run_id is not None:
        table = np.frombuffer(bytes(sql.fetch_value(POOL, params)), ROW)
        if len(table):
            figures = [table[name].astype(np.float32) for name in ("probability", "margin", "entropy")]
            return Unlabeled(table["id"].astype(np.int64), *figures)
    ids = np.frombuffer(bytes(sql.fetch_value(IDS, params)), ">i8").astype(np.int64)
    return Unlabeled(ids, None, None, None)
