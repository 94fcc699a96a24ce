"""Vectors into pgvector: rows a second of the binary COPY that the embed station uses, on a durable PostgreSQL.

    python scripts/bench_vectors.py --rows 100000 --dim 512

Prints the whole way of a chunk (stage by COPY, move into the space's partition, commit), a bare COPY of the same bytes
into an empty table without an index, which is the floor, and what both move a second.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--chunk", type=int, nargs="+", default=[1024, 4096])
    args = parser.parse_args()
    from bench_service import prepare, start_database

    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = start_database(Path(folder))
        try:
            prepare(Path(folder))
            print(json.dumps(measure(args)))
        finally:
            server.stop()
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Rates of both ways in one run; every chunk size fills a space of its own."""
    project, ids = images(args.rows)
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((args.rows, args.dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    report: dict[str, Any] = {"rows": args.rows, "dim": args.dim, "bytes_a_row": 2 * args.dim + 42}
    for chunk in args.chunk:
        seconds = station(project, ids, vectors, chunk=chunk)
        report[f"chunks_of_{chunk}_rows_per_s"] = round(args.rows / seconds)
    report["bare_copy_rows_per_s"] = round(args.rows / bare(ids, vectors))
    return report


def images(count: int) -> tuple[int, np.ndarray[Any, np.dtype[np.int64]]]:
    """A project of `count` rows of images without bytes."""
    from django.db import connection

    from server.projects.models import Project

    project = Project.objects.create(name="Vectors")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO images_image (project_id, sha256, byte_size, format, original_name, state, imported_label)"
            " SELECT %s, lpad(n::text, 64, '0'), 1, 'png', n || '.png', 'ready', '' FROM generate_series(1, %s) n"
            " RETURNING id",
            [project.pk, count],
        )
        ids = np.array([row[0] for row in cursor.fetchall()], np.int64)
        cursor.execute("ANALYZE images_image")
    return project.pk, ids


def station(project: int, ids: Any, vectors: Any, *, chunk: int) -> float:
    """Seconds of what the embed station does with vectors: one transaction a chunk, each committed to disk."""
    from django.db import transaction

    from server.embeddings.services import embeddings_store, space_prepare
    from server.registry.models import EncoderVersion

    space = EncoderVersion.objects.create(name=f"bench {chunk}", fingerprint=f"bench-{chunk}", dim=vectors.shape[1])
    space_prepare(space)
    started = time.perf_counter()
    for start in range(0, len(ids), chunk):
        part = slice(start, start + chunk)
        with transaction.atomic():
            embeddings_store(space=space, project_id=project, image_ids=ids[part].tolist(), vectors=vectors[part])
    return time.perf_counter() - started


def bare(ids: Any, vectors: Any) -> float:
    """Seconds of one COPY of the same rows into a table that has no index and no constraint."""
    from django.db import connection, transaction

    from server.core.copying import copy_in

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bench_bare (image_id bigint, vector halfvec({vectors.shape[1]}))")
    started = time.perf_counter()
    with transaction.atomic():
        copy_in("bench_bare", {"image_id": ids, "vector": vectors.astype(np.float16)})
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
