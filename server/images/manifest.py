"""Registering images whose bytes are on storage already: one line of JSON each, thousands a second."""

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeGuard

from django.db import connection, transaction
from django.db.models import F

from server.core.text import clean_line
from server.images.formats import CONTENT_TYPES
from server.images.intake import display_name
from server.images.models import ImportBatch
from server.images.storage import exists, original_key

GROUP = 5000
LIMIT_LINES = 1_000_000
LIMIT_LINE_BYTES = 16_384
LIMIT_PROBLEMS = 100
SHA256 = re.compile(r"[0-9a-f]{64}")
SIDE = 2**31 - 1
STAGE = """
CREATE TEMPORARY TABLE manifest (sha256 text, byte_size bigint, format text, width int, height int, name text,
                                 label text) ON COMMIT DROP
"""
INSERT = """
INSERT INTO images_image (project_id, batch_id, sha256, byte_size, format, width, height, original_name,
                          imported_label, state)
SELECT %(project)s, %(batch)s, sha256, byte_size, format, width, height, name, label, 'received' FROM manifest
    ON CONFLICT (project_id, sha256) DO NOTHING
"""

Row = tuple[str, int, str, int | None, int | None, str, str]


@dataclass
class Registered:
    """How many lines became images, how many were there, and what was wrong with the first hundred others."""

    registered: int = 0
    duplicates: int = 0
    rejected: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    def note(self, line: int, message: str) -> None:
        self.rejected += 1
        if len(self.problems) < LIMIT_PROBLEMS:
            self.problems.append({"line": line, "message": message})


def manifest_register(*, batch: ImportBatch, lines: Iterable[bytes]) -> Registered:
    """Register each line {"storage_key"?, "sha256", "byte_size", "format", "width"?, "height"?, "name"?, "label"?}.

    A key must be the one that Winnow itself would give these bytes, and they must lie there: a line can neither name
    another project's file nor leave a row without bytes. The hash is checked when the image is decoded.
    """
    result = Registered()
    numbered = enumerate(islice(lines, LIMIT_LINES), start=1)
    with ThreadPoolExecutor(16) as pool:
        while group := list(islice(numbered, GROUP)):
            read = [(number, _read(line, batch.project_id)) for number, line in group if line.strip()]
            rows = {row[0]: (number, row) for number, row in read if not isinstance(row, str)}
            for number, problem in read:
                if isinstance(problem, str):
                    result.note(number, problem)
            keys = [original_key(batch.project_id, sha256) for sha256 in rows]
            there = dict(zip(rows, pool.map(exists, keys), strict=True))
            for sha256, (number, _) in rows.items():
                if not there[sha256]:
                    result.note(number, f"No bytes at {original_key(batch.project_id, sha256)}; store them first.")
            fine = [row for sha256, (_, row) in rows.items() if there[sha256]]
            repeats = sum(not isinstance(row, str) for _, row in read) - len(rows)
            _write(batch, fine, repeats, result)
    result.problems.sort(key=lambda problem: int(problem["line"]))
    return result


def _write(batch: ImportBatch, rows: list[Row], repeats: int, result: Registered) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STAGE)
        with cursor.copy("COPY manifest FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(INSERT, {"project": batch.project_id, "batch": batch.pk})
        added = int(cursor.rowcount)
        cursor.execute("DROP TABLE manifest")
        duplicates = len(rows) - added + repeats
        ImportBatch.objects.filter(pk=batch.pk).update(
            received=F("received") + len(rows) + repeats,
            added=F("added") + added,
            duplicates=F("duplicates") + duplicates,
        )
    result.registered += added
    result.duplicates += duplicates


def _read(line: bytes, project_id: int) -> Row | str:
    """The row of a line, or what is wrong with it."""
    if len(line) > LIMIT_LINE_BYTES:
        return f"Longer than {LIMIT_LINE_BYTES} bytes."
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return "Not JSON."
    if not isinstance(entry, dict):
        return "Expected a JSON object."
    if "file" in entry:
        return "file: files are not read by name over REST. Store the bytes first, or run `manage.py ingest_images`."
    sha256, size, kind = entry.get("sha256"), entry.get("byte_size"), entry.get("format")
    width, height = entry.get("width"), entry.get("height")
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        return "sha256: expected 64 lower-case hexadecimal digits."
    if not _whole(size, 1, 2**62):
        return "byte_size: expected a whole number above 0."
    if not isinstance(kind, str) or kind not in CONTENT_TYPES:
        return f"format: expected one of {', '.join(CONTENT_TYPES)}."
    key = entry.get("storage_key")
    if key is not None and key != original_key(project_id, sha256):
        return f"storage_key: these bytes belong at {original_key(project_id, sha256)}."
    if any(side is not None and not _whole(side, 1, SIDE) for side in (width, height)):
        return "width, height: expected whole numbers above 0."
    name, label = entry.get("name") or "", entry.get("label") or ""
    if not isinstance(name, str) or not isinstance(label, str):
        return "name, label: expected text."
    return sha256, size, kind, width, height, display_name(name), clean_line(label, max_length=200)


def _whole(value: Any, low: int, high: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
