"""Bytes into storage, then rows: in groups, deduplicated by hash within a project, never the other way round."""

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from server.core.errors import InvalidInput
from server.core.text import clean_line
from server.images.formats import looks_like_archive, sniff
from server.images.models import ImportBatch, ImportIssue
from server.images.storage import COPY_BYTES, exists, original_key, put

SPOOL_BYTES = 4 << 20
LIMIT_ISSUES = 1000
"""Issues kept per batch; the count goes on."""

STORED, DUPLICATE, REJECTED = "stored", "duplicate", "rejected"
INSERT = """
INSERT INTO images_image (project_id, batch_id, sha256, byte_size, format, original_name, imported_label, state)
SELECT %(project)s, %(batch)s, row.sha256, row.byte_size, row.format, row.name, row.label, 'received'
  FROM unnest(%(sha256)s::text[], %(byte_size)s::bigint[], %(format)s::text[], %(name)s::text[], %(label)s::text[])
       AS row (sha256, byte_size, format, name, label)
    ON CONFLICT (project_id, sha256) DO UPDATE
   SET state = 'received', batch_id = excluded.batch_id, original_name = excluded.original_name
 WHERE images_image.state = 'rejected'
RETURNING sha256, id
"""


@dataclass(frozen=True)
class Incoming:
    """A file on its way in. `data` is None where reading it failed; `problem` then says why as (reason, message)."""

    name: str
    data: BinaryIO | None
    label: str = ""
    problem: tuple[str, str] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    name: str
    status: str
    sha256: str = ""
    byte_size: int = 0
    format: str = ""
    label: str = ""
    image_id: int | None = None
    reason: str = ""
    message: str = ""


def batch_create(
    *,
    project_id: int,
    source: str,
    name: str = "",
    created_by_id: int | None = None,
    folders_as_categories: bool = False,
) -> ImportBatch:
    """One act of adding images begins."""
    return ImportBatch.objects.create(
        project_id=project_id,
        source=source,
        name=clean_line(name, max_length=300),
        created_by_id=created_by_id,
        options={"folders_as_categories": folders_as_categories},
    )


def images_take_in(*, batch: ImportBatch, files: Iterable[Incoming]) -> list[Outcome]:
    """Store a group of files (a hundred or so) and write their rows in one transaction.

    Bytes come first: a crash on the way leaves bytes without a row, never a row without bytes. The same file twice,
    in this group or from before, is one image.
    """
    outcomes = [_store(batch.project_id, file) for file in files]
    stored: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.status == STORED:
            stored.setdefault(outcome.sha256, outcome)
    with transaction.atomic():
        ids = _insert(batch, list(stored.values()))
        final = [_settled(outcome, ids, stored) for outcome in outcomes]
        _count(batch, final)
        issues_note(batch=batch, issues=[(o.name, o.reason, o.message) for o in final if o.status == REJECTED])
    return final


def issues_note(*, batch: ImportBatch, issues: Sequence[tuple[str, str, str]]) -> None:
    """List files that were not added, as (name, reason, message), up to a thousand in a batch."""
    room = LIMIT_ISSUES - ImportIssue.objects.filter(batch=batch).count() if issues else 0
    rows = [
        ImportIssue(batch=batch, file_name=name[:500] or "(no name)", reason=reason[:40], message=message[:500])
        for name, reason, message in issues[: max(0, room)]
    ]
    ImportIssue.objects.bulk_create(rows, ignore_conflicts=True)


def display_name(name: str) -> str:
    """The last part of a path as one readable line; it is only ever shown."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return clean_line(last, max_length=500) or "(no name)"


def _store(project_id: int, file: Incoming) -> Outcome:
    name = display_name(file.name)
    if file.problem or file.data is None:
        reason, message = file.problem or ("unreadable", "The file could not be read.")
        return Outcome(name, REJECTED, reason=reason, message=message)
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
        try:
            sha256, size, head = _copy_and_hash(file.data, spool)
        except InvalidInput as error:
            return Outcome(name, REJECTED, reason=error.code, message=error.message)
        except (OSError, EOFError, ValueError) as error:
            return Outcome(name, REJECTED, reason="unreadable", message=f"Could not be read to its end: {error}"[:500])
        problem = _refuse(head, size)
        if problem:
            return Outcome(name, REJECTED, reason=problem[0], message=problem[1])
        key = original_key(project_id, sha256)
        if not exists(key):
            spool.seek(0)
            put(key, spool, durable=True)  # type: ignore[arg-type]
    label = clean_line(file.label, max_length=200)
    return Outcome(name, STORED, sha256=sha256, byte_size=size, format=sniff(head) or "", label=label)


def _copy_and_hash(source: BinaryIO, target: tempfile.SpooledTemporaryFile[bytes]) -> tuple[str, int, bytes]:
    digest, size, head = hashlib.sha256(), 0, b""
    while part := source.read(COPY_BYTES):
        size += len(part)
        if size > settings.WINNOW_MAX_UPLOAD_BYTES:
            limit = settings.WINNOW_MAX_UPLOAD_BYTES // 2**20
            raise InvalidInput(f"Larger than {limit} MiB, the most that one image may have.", code="too_large")
        digest.update(part)
        head = head or part[:512]
        target.write(part)
    return digest.hexdigest(), size, head


def _refuse(head: bytes, size: int) -> tuple[str, str] | None:
    if size == 0:
        return "empty", "The file is empty."
    if sniff(head):
        return None
    if looks_like_archive(head):
        return "archive", "An archive. Add ZIP and tar files by themselves, not inside another or among images."
    return "unsupported_format", "Not a JPEG, PNG, WebP or GIF image, whatever its name says."


def _insert(batch: ImportBatch, fresh: list[Outcome]) -> dict[str, int]:
    values: dict[str, Any] = {
        "project": batch.project_id,
        "batch": batch.pk,
        "sha256": [outcome.sha256 for outcome in fresh],
        "byte_size": [outcome.byte_size for outcome in fresh],
        "format": [outcome.format for outcome in fresh],
        "name": [outcome.name for outcome in fresh],
        "label": [outcome.label for outcome in fresh],
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        return dict(cursor.fetchall())


def _settled(outcome: Outcome, ids: dict[str, int], stored: dict[str, Outcome]) -> Outcome:
    if outcome.status != STORED:
        return outcome
    if stored[outcome.sha256] is outcome and outcome.sha256 in ids:
        return replace(outcome, image_id=ids[outcome.sha256])
    return replace(outcome, status=DUPLICATE, image_id=ids.get(outcome.sha256))


def _count(batch: ImportBatch, outcomes: list[Outcome]) -> None:
    added = sum(outcome.status == STORED for outcome in outcomes)
    duplicates = sum(outcome.status == DUPLICATE for outcome in outcomes)
    ImportBatch.objects.filter(pk=batch.pk).update(
        received=F("received") + len(outcomes),
        added=F("added") + added,
        duplicates=F("duplicates") + duplicates,
        rejected=F("rejected") + len(outcomes) - added - duplicates,
    )
