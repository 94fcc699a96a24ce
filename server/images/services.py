"""What decoding found out about images, written a chunk at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from server.images.intake import issues_note
from server.images.models import Image, ImageState, ImportBatch
from server.images.storage import delete, keys_of_image

READY = """
UPDATE images_image SET state = 'ready', format = row.format, width = row.width, height = row.height,
       perceptual_hash = row.hash
  FROM unnest(%(ids)s::bigint[], %(formats)s::text[], %(widths)s::int[], %(heights)s::int[], %(hashes)s::bigint[])
       AS row (id, format, width, height, hash)
 WHERE images_image.id = row.id AND images_image.state = 'received'
"""


@dataclass(frozen=True)
class Measured:
    """An image that could be decoded."""

    image_id: int
    format: str
    width: int
    height: int
    perceptual_hash: int


@dataclass(frozen=True)
class Refused:
    """An image that could not, and why."""

    image: Image
    reason: str
    message: str


def images_received(*, project_id: int) -> QuerySet[Image]:
    """Stored and not yet decoded, in the order in which they came."""
    return Image.objects.filter(project_id=project_id, state=ImageState.RECEIVED).order_by("id")


def bytes_discard(*, project_id: int, sha256: str) -> None:
    """Take bytes off storage unless an image (sent again meanwhile) needs them. Called after the commit."""
    rows = Image.objects.filter(project_id=project_id, sha256=sha256)
    if not rows.exclude(state=ImageState.REJECTED).exists():
        delete(*keys_of_image(project_id, sha256))


def images_set_ready(*, measured: Sequence[Measured]) -> int:
    """Show them from now on. Their renditions are on storage already."""
    values: dict[str, Any] = {
        "ids": [item.image_id for item in measured],
        "formats": [item.format for item in measured],
        "widths": [item.width for item in measured],
        "heights": [item.height for item in measured],
        "hashes": [item.perceptual_hash for item in measured],
    }
    with connection.cursor() as cursor:
        cursor.execute(READY, values)
        return int(cursor.rowcount)


def images_reject(*, refused: Sequence[Refused]) -> None:
    """Keep their rows out of sight and list them with their reasons. The caller deletes the bytes after commit."""
    by_batch: dict[int, list[Refused]] = {}
    for item in refused:
        if item.image.batch_id is not None:
            by_batch.setdefault(item.image.batch_id, []).append(item)
    Image.objects.filter(pk__in=[item.image.pk for item in refused]).update(state=ImageState.REJECTED)
    for batch in ImportBatch.objects.filter(pk__in=by_batch).select_for_update().order_by("pk"):
        items = by_batch[batch.pk]
        ImportBatch.objects.filter(pk=batch.pk).update(
            added=F("added") - len(items), rejected=F("rejected") + len(items)
        )
        issues_note(batch=batch, issues=[(item.image.original_name, item.reason, item.message) for item in items])
