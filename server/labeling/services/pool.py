"""The pool: images that nobody has judged and that acquisition may pick, with what the live run says of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.labeling.models import Consensus, QueueItem
from server.labeling.services.blind import RESERVED, blind_params
from server.projects.models import Project

TOP = 5
FIGURES = "float4send(p.probability) || float4send(p.margin) || float4send(p.entropy)"
RANKED = " || ".join(
    f"int8send(COALESCE(p.top_categories[{k}], -1)) || float4send(COALESCE(p.top_probabilities[{k}], 0)::real)"
    for k in range(1, TOP + 1)
)
# One value for all rows, packed by the database: no Python object an image.
POOL = f"""
SELECT COALESCE(string_agg(int8send(i.id) || {FIGURES}[[ranked]], ''::bytea ORDER BY i.id), ''::bytea)
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
ROW = [("id", ">i8"), ("probability", ">f4"), ("margin", ">f4"), ("entropy", ">f4")]
RANKED_ROW = [("top", [("category", ">i8"), ("probability", ">f4")], (TOP,))]


@dataclass(frozen=True)
class Unlabeled:
    """`ids` (P,) ascending and, row by row, the live run's figures; None where nothing was predicted.

    `probability` (P, k) best first, with the ids of `categories` (P, k) where they were asked for, -1 for none."""

    ids: NDArray[np.int64]
    probability: NDArray[np.float32] | None = None
    margin: NDArray[np.float32] | None = None
    entropy: NDArray[np.float32] | None = None
    categories: NDArray[np.int64] | None = None


def pool_unlabeled(*, project: Project, categories: bool = False) -> Unlabeled:
    """The pool of a project; images without a prediction are left to the random part of the queue."""
    params = {**blind_params(project), "run": project.active_run_id}
    if project.active_run_id is not None:
        statement = POOL.replace("[[ranked]]", f" || {RANKED}" if categories else "")
        row = np.dtype([*ROW, *RANKED_ROW] if categories else ROW)
        table = np.frombuffer(bytes(sql.fetch_value(statement, params)), row)
        if len(table):
            return _unlabeled(table, categories=categories)
    ids = np.frombuffer(bytes(sql.fetch_value(IDS, params)), ">i8").astype(np.int64)
    return Unlabeled(ids)


def _unlabeled(table: NDArray[np.void], *, categories: bool) -> Unlabeled:
    margin, entropy = (table[name].astype(np.float32) for name in ("margin", "entropy"))
    ids = table["id"].astype(np.int64)
    if not categories:
        return Unlabeled(ids, table["probability"].astype(np.float32)[:, None], margin, entropy)
    top = table["top"]
    return Unlabeled(ids, top["probability"].astype(np.float32), margin, entropy, top["category"].astype(np.int64))


def by_need(image_ids: Sequence[int], *, project_id: int) -> list[int]:
    """These images in the order in which people need them: labeled, in the queue, the rest; each part as it came."""
    labeled = set(Consensus.objects.filter(project_id=project_id).values_list("image_id", flat=True))
    queued = set(QueueItem.objects.filter(project_id=project_id).values_list("image_id", flat=True))
    return sorted(image_ids, key=lambda image: 0 if image in labeled else 1 if image in queued else 2)
