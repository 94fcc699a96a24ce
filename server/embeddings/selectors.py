"""Neighbors, and what a space still lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from server.core import sql
from server.core.copying import copy_out
from server.core.errors import InvalidInput
from server.embeddings.services import INDEX_FROM, partition_name
from server.registry.models import EncoderVersion

PENDING = """
SELECT i.id FROM images_image i
WHERE i.project_id = %(project)s AND i.state = 'ready'
  AND NOT EXISTS (SELECT 1 FROM embeddings_embedding e WHERE e.space_id = %(space)s AND e.image_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM embeddings_embeddingfailure f WHERE f.space_id = %(space)s AND f.image_id = i.id)
ORDER BY i.id
"""

# Adding zero keeps the planner from the index: a small project inside a large space is scanned exactly, through
# the index on (project, image), and finds every neighbor.
NEAREST = """
SELECT e.image_id, 1 - (e.vector::halfvec({dim}) <=> q.vector) AS similarity
FROM embeddings_embedding e, (SELECT {probe}::halfvec({dim}) AS vector) q
WHERE e.space_id = %(space)s AND e.project_id = %(project)s AND e.image_id <> %(skip)s
ORDER BY {order}
LIMIT %(limit)s
"""
APPROXIMATE = "e.vector::halfvec({dim}) <=> {probe}::halfvec({dim})"
EXACT = "(e.vector::halfvec({dim}) <=> q.vector) + 0"
OF_IMAGE = "(SELECT vector FROM embeddings_embedding WHERE space_id = %(space)s AND image_id = %(image)s)"


@dataclass(frozen=True)
class Neighbor:
    """An image and its cosine similarity in [−1, 1]."""

    image_id: int
    similarity: float


def pending_image_ids(*, project_id: int, space: EncoderVersion) -> list[int]:
    """Ready images without a vector in this space, and without a reason why not, by id."""
    return [row["id"] for row in sql.fetch_all(PENDING, {"project": project_id, "space": space.pk})]


def space_lacks(*, project_id: int, space: EncoderVersion) -> bool:
    """Whether a ready image of the project has no vector in this space, and no reason why not."""
    statement = f"SELECT EXISTS ({PENDING})"
    return bool(sql.fetch_value(statement, {"project": project_id, "space": space.pk}))


def embeddings_count(*, project_id: int, space: EncoderVersion | None) -> int:
    """Vectors of a project in a space. Asked of the space's own table, whose index on (project, image) is enough."""
    if space is None or sql.fetch_value("SELECT to_regclass(%s)", [partition_name(space.pk)]) is None:
        return 0
    return int(sql.fetch_value(f"SELECT count(*) FROM {partition_name(space.pk)} WHERE project_id = %s", [project_id]))


def nearest_to_image(*, project_id: int, space: EncoderVersion, image_id: int, limit: int) -> list[Neighbor]:
    """The images most similar to one of the project's own, without itself; none while it has no vector."""
    return _nearest(project_id, space, OF_IMAGE, {"image": image_id, "skip": image_id, "limit": limit})


def nearest_to_vector(*, project_id: int, space: EncoderVersion, vector: Sequence[float], limit: int) -> list[Neighbor]:
    """The images most similar to a vector of the same space.

    Raises:
        InvalidInput: Another number of dimensions, or a vector that is zero or not finite.
    """
    probe = np.asarray(vector, np.float32)
    if probe.shape != (space.dim,) or not np.isfinite(probe).all() or not probe.any():
        raise InvalidInput(f"expected {space.dim} finite numbers that are not all zero, got shape {probe.shape}")
    text = "[" + ",".join(f"{value:.5g}" for value in probe / np.linalg.norm(probe)) + "]"
    return _nearest(project_id, space, "%(vector)s", {"vector": text, "skip": 0, "limit": limit})


def _nearest(project_id: int, space: EncoderVersion, probe: str, params: dict[str, object]) -> list[Neighbor]:
    dim = int(space.dim)
    held = sql.fetch_value(
        "SELECT count(*) FROM (SELECT 1 FROM embeddings_embedding WHERE space_id = %s AND project_id = %s LIMIT %s) r",
        [space.pk, project_id, INDEX_FROM],
    )
    order = (APPROXIMATE if held >= INDEX_FROM else EXACT).format(dim=dim, probe=probe)
    statement = NEAREST.format(dim=dim, probe=probe, order=order)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = 100")
        rows = sql.fetch_all(statement, {"space": space.pk, "project": project_id, **params})
    return [Neighbor(row["image_id"], row["similarity"]) for row in rows if row["similarity"] is not None]


def vectors_of(*, space: EncoderVersion, image_ids: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    """(ids, vectors (P, D)) of those images that have one, by id."""
    statement = (
        "SELECT image_id, vector FROM embeddings_embedding WHERE space_id = %s AND image_id = ANY(%s) ORDER BY image_id"
    )
    return copy_out(statement, [space.pk, list(image_ids)], dim=space.dim)
