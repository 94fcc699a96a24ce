"""A map with what colors it, as one block of bytes: places from storage, labels and predictions from the database."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.embeddings.models import Projection
from server.embeddings.projections import projection_points
from server.predictions.models import PredictionRun
from server.projects.models import Project

MAGIC = b"WINNOWMAP1\0\0"
BLIND = 1
COLUMNS = ("ids f8", "places u2 2", "label u2", "predicted u2", "before u2", "flags u1")

LABELS = """
SELECT COALESCE(string_agg(int8send(image_id) || int8send(category_id), ''::bytea), ''::bytea)
FROM labeling_consensus WHERE project_id = %(project)s AND state = 'agreed' AND category_id IS NOT NULL
"""

# A blind image shows no prediction before it is answered.
PREDICTED = """
SELECT COALESCE(string_agg(int8send(p.image_id) || int8send(p.category_id), ''::bytea), ''::bytea)
FROM predictions_prediction p WHERE p.run_id = %(run)s AND NOT EXISTS (
    SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = %(project)s AND b.image_id = p.image_id AND NOT EXISTS (
        SELECT 1 FROM labeling_consensus c WHERE c.image_id = b.image_id AND c.project_id = %(project)s
            AND c.state = 'agreed'))
"""
DRAWN = """
SELECT COALESCE(string_agg(int8send(image_id), ''::bytea), ''::bytea)
FROM labeling_blinddraw WHERE project_id = %(project)s
"""


def map_bytes(project: Project, projection: Projection) -> bytes:
    """Everything that a page draws a map from. Numbers are little-endian.

    12 bytes of name, 4 of the header's length, the header as JSON padded to a multiple of 8 (count, categories), then
    the columns of `COLUMNS` one after another. A category is its place in the header's list plus one; 0 is none. Bit 1
    of the flags marks the blind share.

    Raises:
        FileNotFoundError: The stored places are gone.
    """
    points = projection_points(projection)
    params = {"project": project.pk, "run": project.active_run_id}
    labels = _pairs(LABELS, params)
    predicted = _pairs(PREDICTED, params)
    before = _pairs(PREDICTED, {**params, "run": _run_before(project)})
    categories = np.unique(np.concatenate([pairs[:, 1] for pairs in (labels, predicted, before)]))
    blind = np.isin(points.ids, _ids(DRAWN, params)).astype(np.uint8) * BLIND
    columns: Sequence[NDArray[np.generic]] = [
        points.ids.astype("<f8"),
        points.places.astype("<u2"),
        *(_column(points.ids, pairs, categories) for pairs in (labels, predicted, before)),
        blind,
    ]
    header = json.dumps({"count": len(points.ids), "categories": categories.tolist(), "columns": COLUMNS}).encode()
    header += b" " * (-len(header) % 8)
    return b"".join([MAGIC, len(header).to_bytes(4, "little"), header, *(column.tobytes() for column in columns)])


def _run_before(project: Project) -> int | None:
    runs = PredictionRun.objects.filter(project=project, pk__lt=project.active_run_id or 0, finished_at__isnull=False)
    return runs.order_by("-pk").values_list("pk", flat=True).first()


def _column(ids: NDArray[np.int64], pairs: NDArray[np.int64], categories: NDArray[np.int64]) -> NDArray[np.generic]:
    """(P,) uint16: of each of `ids` the place of its category, counted from one."""
    column = np.zeros(len(ids), "<u2")
    if len(pairs):
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        at = np.minimum(np.searchsorted(pairs[:, 0], ids), len(pairs) - 1)
        found = pairs[at, 0] == ids
        column[found] = np.searchsorted(categories, pairs[at[found], 1]) + 1
    return column


def _pairs(statement: str, params: dict[str, int | None]) -> NDArray[np.int64]:
    return _ids(statement, params).reshape(-1, 2)


def _ids(statement: str, params: dict[str, int | None]) -> NDArray[np.int64]:
    return np.frombuffer(bytes(sql.fetch_value(statement, params)), ">i8").astype(np.int64)
