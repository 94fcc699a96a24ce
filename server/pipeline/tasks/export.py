"""Write an export: rows of a frozen snapshot through one format into a temporary file, then to storage."""

import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO

from django.core.files import File
from django.core.files.storage import default_storage

from server.core.errors import NotFound
from server.images.storage import original_key
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.snapshots.formats.base import ExportSource
from server.snapshots.formats.registry import FORMATS, Format
from server.snapshots.models import Export
from server.snapshots.naming import safe_name
from server.snapshots.selectors import ExportRow, snapshot_rows
from server.snapshots.services import export_finish

REPORT_EVERY = 500


@station("export")
def export(handle: JobHandle) -> None:
    """Params: `export`. Safe to run again: the file is replaced. Memory does not grow with the snapshot."""
    found = Export.objects.select_related("snapshot", "project").filter(pk=handle.params["export"]).first()
    if found is None or found.snapshot is None:
        raise NotFound("The export or its snapshot was deleted while it waited.")
    chosen = FORMATS[found.format]
    handle.progress(done=0, total=found.snapshot.item_count, message="Writing rows")
    with tempfile.TemporaryFile() as target:
        chosen.write(_source(found, handle), target)
        size, digest = target.tell(), _digest(target)
        target.seek(0)
        name = f"{safe_name(found.project.name)}-{found.format}-{found.pk}.{chosen.extension}"
        key = _store(found, chosen, target)
    with handle.commit():
        export_finish(export=found, storage_key=key, file_name=name, byte_size=size, digest=digest)
    handle.progress(done=found.snapshot.item_count, message=name)


def _source(found: Export, handle: JobHandle) -> ExportSource:
    snapshot = found.snapshot
    assert snapshot is not None
    return ExportSource(
        project_name=found.project.name,
        snapshot_digest=snapshot.digest,
        taxonomy_revision=snapshot.taxonomy_revision,
        categories=snapshot.categories,
        certificates=snapshot.filters.get("certificates", []),
        rows=_counted(snapshot_rows(snapshot_id=snapshot.pk), handle),
        original=lambda row: _original(found.project_id, row),
    )


def _counted(rows: Iterator[ExportRow], handle: JobHandle) -> Iterator[ExportRow]:
    for index, row in enumerate(rows):
        if index % REPORT_EVERY == 0:
            handle.check()
            handle.progress(done=index)
        yield row


def _original(project_id: int, row: ExportRow) -> IO[bytes]:
    """Bytes by the key that follows from the hash, never by a stored path or name."""
    return default_storage.open(original_key(project_id, row.sha256), "rb")


def _digest(target: IO[bytes]) -> str:
    target.seek(0)
    return hashlib.file_digest(target, "sha256").hexdigest()  # type: ignore[arg-type]


def _store(found: Export, chosen: Format, target: IO[bytes]) -> str:
    key = f"exports/{found.project_id}/{found.pk}.{chosen.extension}"
    if default_storage.exists(key):
        default_storage.delete(key)
    return default_storage.save(key, File(target))
