"""A memory-mapped copy of a project's vectors: what whole-pool scoring reads instead of the database.

`ids.i64` and `vectors.f16` only grow; `rows.json` says how many rows count, so bytes of a write that was cut short
are overwritten by the next. PostgreSQL is the truth: a copy that does not fit it is made again.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from server.core import sql
from server.core.copying import copy_out
from server.embeddings.selectors import vectors_of
from server.embeddings.services import partition_name
from server.registry.models import EncoderVersion

FEW = 5_000
"""Up to so many new images are fetched by id; more are read in one pass over the project."""


@dataclass(frozen=True)
class MappedSpace:
    """`ids` (P,) int64 and `vectors` (P, D) float16, row by row the same image."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float16]


def folder_of(*, project_id: int, space: EncoderVersion) -> Path:
    """Where the copy lies. The fingerprint is in the path, so two spaces can never share a file."""
    return Path(settings.WINNOW_CACHE_DIR) / "spaces" / space.fingerprint[:16] / str(project_id)


def mapped_space(*, project_id: int, space: EncoderVersion) -> MappedSpace:
    """The project's vectors, brought up to date with PostgreSQL first. Several processes may call it at once."""
    folder = folder_of(project_id=project_id, space=space)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        wanted = _ids_in_database(project_id, space)
        held = _open(folder, space.dim)
        if len(np.setdiff1d(held.ids, wanted, assume_unique=True)):
            _forget(folder)  # images were deleted: rows cannot be taken out of the middle
            held = _open(folder, space.dim)
        missing = np.setdiff1d(wanted, held.ids, assume_unique=True)
        if len(missing):
            _append(folder, len(held.ids), *_read(project_id, space, held.ids, missing))
            held = _open(folder, space.dim)
    return held


def _ids_in_database(project_id: int, space: EncoderVersion) -> NDArray[np.int64]:
    """Asked of the space's own partition: there the index on (project, image) answers, and no vector is read."""
    table = partition_name(space.pk)
    if sql.fetch_value("SELECT to_regclass(%s)", [table]) is None:
        return np.empty(0, np.int64)
    ids = sql.fetch_value(
        f"SELECT COALESCE(string_agg(int8send(image_id), ''::bytea), ''::bytea) FROM {table} WHERE project_id = %s",
        [project_id],
    )
    return np.frombuffer(bytes(ids), ">i8").astype(np.int64)


def _read(
    project_id: int, space: EncoderVersion, held: NDArray[np.int64], missing: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    if len(missing) <= FEW:
        return vectors_of(space=space, image_ids=missing.tolist())
    statement = (
        "SELECT image_id, vector FROM embeddings_embedding WHERE space_id = %s AND project_id = %s ORDER BY image_id"
    )
    ids, vectors = copy_out(statement, [space.pk, project_id], dim=space.dim)
    new = ~np.isin(ids, held)
    return ids[new], vectors[new]


def _open(folder: Path, dim: int) -> MappedSpace:
    rows = _rows(folder)
    if rows == 0:
        return MappedSpace(np.empty(0, np.int64), np.empty((0, dim), np.float16))
    ids = np.memmap(folder / "ids.i64", np.int64, "r", shape=(rows,))
    return MappedSpace(ids, np.memmap(folder / "vectors.f16", np.float16, "r", shape=(rows, dim)))


def _rows(folder: Path) -> int:
    try:
        return int(json.loads((folder / "rows.json").read_text())["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _append(folder: Path, rows: int, ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
    for name, values in (("ids.i64", ids), ("vectors.f16", vectors)):
        width = values.itemsize * (values.shape[1] if values.ndim == 2 else 1)
        path = folder / name
        path.touch()
        with path.open("r+b") as file:
            file.truncate(rows * width)
            file.seek(rows * width)
            file.write(np.ascontiguousarray(values).tobytes())
            file.flush()
            os.fsync(file.fileno())
    fresh = folder / "rows.json.new"
    fresh.write_text(json.dumps({"rows": rows + len(ids)}))
    fresh.replace(folder / "rows.json")


def _forget(folder: Path) -> None:
    """Other processes may still read the old files, so they are unlinked and not cut."""
    for name in ("rows.json", "ids.i64", "vectors.f16"):
        (folder / name).unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
