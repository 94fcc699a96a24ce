"""Reading snapshots, row by row, at constant memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count

from server.jobs.models import LIVE_STATES
from server.snapshots.models import Export, Snapshot, SnapshotItem
from server.taxonomy.models import Category

BATCH = 2_000

_ROWS = """
SELECT i.id, i.sha256, i.original_name, i.format, i.width, i.height, i.byte_size,
       s.category_id, s.split, s.evidence, s.blind, s.votes, s.annotation_id::text, u.username, a.created_at,
       (a.evidence_details ->> 'certificate')::bigint
FROM snapshots_snapshotitem s
JOIN images_image i ON i.id = s.image_id
LEFT JOIN labeling_annotation a ON a.id = s.annotation_id
LEFT JOIN accounts_user u ON u.id = a.annotator_id
WHERE s.snapshot_id = %s
ORDER BY s.image_id
"""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One labeled image as an export sees it."""

    image_id: int
    sha256: str
    original_name: str
    format: str
    width: int | None
    height: int | None
    byte_size: int
    category_id: int
    split: str
    evidence: str
    blind: bool
    votes: int
    annotation_id: str | None
    annotator: str | None
    labeled_at: datetime | None
    certificate: int | None = None
    """Under which the label was accepted unseen."""


def categories_frozen(*, project_id: int) -> list[dict[str, Any]]:
    """The taxonomy as a snapshot keeps it: id, name, parent, path from the root, definition. Two queries at most."""
    nodes = list(Category.objects.filter(project_id=project_id).order_by("id"))
    by_id = {node.pk: node for node in nodes}

    def path(node: Category) -> list[str]:
        above = by_id.get(node.parent_id)
        return [*(path(above) if above else []), node.name]

    return [
        {
            "id": node.pk,
            "name": node.name,
            "parent": node.parent_id,
            "path": path(node),
            "synonyms": node.synonyms,
            "definition": node.definition,
            "deprecated": node.deprecated_at is not None,
        }
        for node in nodes
    ]


def snapshot_rows(*, snapshot_id: int) -> Iterator[ExportRow]:
    """Every row of a snapshot through a server-side cursor: memory does not grow with the snapshot."""
    with transaction.atomic():
        for row in _stream(_ROWS, [snapshot_id]):
            yield ExportRow(*row)


def snapshot_fingerprint_rows(*, snapshot_id: int) -> Iterator[str]:
    """Image hash, category id, split and evidence, parted by the unit separator, in order of image hash; must run
    inside a transaction."""
    rows = _stream(
        "SELECT concat_ws(chr(31), i.sha256, s.category_id, s.split, s.evidence) FROM snapshots_snapshotitem s"
        ' JOIN images_image i ON i.id = s.image_id WHERE s.snapshot_id = %s ORDER BY i.sha256 COLLATE "C"',
        [snapshot_id],
    )
    return (line for (line,) in rows)


def _stream(sql: str, params: list[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, params)
        while rows := cursor.fetchmany(BATCH):
            yield from rows


def snapshot_of(*, project_id: int, snapshot_id: int) -> Snapshot | None:
    """A snapshot that people made; those of machines hold no rows to look at or export."""
    return Snapshot.objects.filter(project_id=project_id, pk=snapshot_id, filters__purpose__isnull=True).first()


def export_of(*, project_id: int, export_id: int) -> Export | None:
    return Export.objects.select_related("job", "snapshot").filter(project_id=project_id, pk=export_id).first()


def export_live_like(
    *, project_id: int, format: str, options: dict[str, Any], snapshot_id: int | None
) -> Export | None:
    """An export that is being written already and was asked for in the same words."""
    qs = Export.objects.select_related("job", "snapshot").filter(
        project_id=project_id, format=format, options=options, job__state__in=LIVE_STATES, storage_key=""
    )
    return (qs.filter(snapshot_id=snapshot_id) if snapshot_id else qs).first()


def snapshot_summary(*, snapshot_id: int) -> dict[str, dict[str, int]]:
    """How many items each split and each grade of evidence has. Two queries."""
    items = SnapshotItem.objects.filter(snapshot_id=snapshot_id)
    return {
        "splits": dict(items.values_list("split").annotate(count=Count("image_id")).order_by("split")),
        "evidence": dict(items.values_list("evidence").annotate(count=Count("image_id")).order_by("evidence")),
    }
