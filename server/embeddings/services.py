"""Writing vectors: one partition a space, rows by binary COPY, an HNSW index once there are enough of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.db import OperationalError, connection, transaction
from numpy.typing import NDArray

from server.core import sql
from server.core.copying import copy_in
from server.embeddings.models import EmbeddingFailure
from server.registry.models import EncoderVersion

LOCK = 7463
INDEX_FROM = 20_000
"""Below this an exact scan answers in milliseconds and finds every neighbor."""

MISSING = """
SELECT i.id FROM images_image i
 WHERE i.project_id = %(project)s AND i.id = ANY(%(images)s)
   AND NOT EXISTS (SELECT 1 FROM embeddings_embedding e WHERE e.space_id = %(space)s AND e.image_id = i.id)
   FOR KEY SHARE OF i
"""


def partition_name(space_id: int) -> str:
    return f"embeddings_embedding_{int(space_id)}"


@transaction.atomic
def space_prepare(space: EncoderVersion) -> None:
    """The space's partition, made on first use. Attached rather than created in place, so that readers never wait."""
    name = partition_name(space.pk)
    sql.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [LOCK, space.pk])
    if sql.fetch_value("SELECT to_regclass(%s)", [name]) is not None:
        return
    sql.execute(f"CREATE TABLE {name} (LIKE embeddings_embedding INCLUDING ALL)")
    sql.execute(f"ALTER TABLE {name} ALTER COLUMN vector SET STORAGE PLAIN")
    sql.execute(f"ALTER TABLE embeddings_embedding ATTACH PARTITION {name} FOR VALUES IN ({int(space.pk)})")


def embeddings_store(
    *, space: EncoderVersion, project_id: int, image_ids: Sequence[int], vectors: NDArray[np.float32]
) -> int:
    """Write unit vectors (B, D) of images; the number that was new. Images deleted meanwhile are left out.

    Safe to repeat: a chunk that comes a second time changes nothing. Called inside the caller's transaction. Rows go
    straight into the partition, half the writes of staging them; should another job commit the same image in between,
    the unique key refuses this chunk, which is tried again and then finds it there.
    """
    if vectors.shape != (len(image_ids), space.dim) or not np.isfinite(vectors).all():
        raise ValueError(f"expected finite vectors ({len(image_ids)}, {space.dim}), got {vectors.shape}")
    values = {"project": project_id, "images": list(image_ids), "space": space.pk}
    missing = [row["id"] for row in sql.fetch_all(MISSING, values)]
    ids = np.asarray(image_ids, np.int64)
    new = np.isin(ids, missing)
    if not new.any():
        return 0
    return copy_in(
        partition_name(space.pk),
        {
            "space_id": np.full(int(new.sum()), space.pk, np.int64),
            "image_id": ids[new],
            "project_id": np.full(int(new.sum()), project_id, np.int64),
            "vector": vectors[new].astype(np.float16),
        },
    )


def failures_store(*, space: EncoderVersion, failures: Mapping[int, tuple[str, str]]) -> None:
    """Images that this space cannot hold, with a short reason and a message; they are not tried again."""
    EmbeddingFailure.objects.bulk_create(
        [
            EmbeddingFailure(space=space, image_id=image, reason=reason[:40], message=message[:500])
            for image, (reason, message) in failures.items()
        ],
        ignore_conflicts=True,
    )


def space_index(space: EncoderVersion) -> bool:
    """Build the HNSW index once the space is large enough; True where it is there afterwards. Outside transactions."""
    name = partition_name(space.pk)
    rows = sql.fetch_value("SELECT count(*) FROM (SELECT 1 FROM " + name + " LIMIT %s) r", [INDEX_FROM])
    if int(rows or 0) < INDEX_FROM:
        return False
    build_index(space)
    return True


def build_index(space: EncoderVersion) -> None:
    """HNSW over cosine distance. The column holds every dimension, so index and query both name this space's."""
    name = partition_name(space.pk)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [LOCK, space.pk])
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {name}_hnsw ON {name}"
            f" USING hnsw ((vector::halfvec({int(space.dim)})) halfvec_cosine_ops)"
        )


def space_drop(space: EncoderVersion) -> bool:
    """Drop all vectors of a space at once; they can be computed again. False where none were there, or where a long
    reader holds the table: the next call tries again, and nobody waits in line behind this one."""
    name = partition_name(space.pk)
    if sql.fetch_value("SELECT to_regclass(%s)", [name]) is None:
        return False
    try:
        with transaction.atomic():
            sql.execute("SET LOCAL lock_timeout = '100ms'")
            sql.execute(f"DROP TABLE {name}")
    except OperationalError:
        return False
    return True
