"""Read stored bytes: measure, shrink, hash; show what can be seen and list what cannot with its reason."""

import hashlib
import io
import os
from collections.abc import Iterator

from django.conf import settings

from server.compute.decode import Found, Inspect, Undecodable, decoders
from server.core.events import publish
from server.images.duplicates import duplicates_regroup
from server.images.models import Image, ImageState
from server.images.services import Measured, Refused, bytes_discard, images_received, images_reject, images_set_ready
from server.images.storage import original_key, put, read, rendition_key
from server.jobs.models import Chunk
from server.pipeline import flows
from server.pipeline.handle import JobHandle
from server.pipeline.imported_labels import labels_import
from server.pipeline.station import station

CHUNK = 32
WORKERS = max(1, (os.cpu_count() or 2) // 2)


def tell_timetable(handle: JobHandle) -> None:
    """All images of this job are read: find near-duplicates, then look at them."""
    duplicates_regroup(project_id=handle.project_id)
    publish(handle.project_id, "images")
    if Image.objects.filter(project_id=handle.project_id, state=ImageState.READY).exists():
        flows.after_images_ready(handle.project_id)


@station("ingest", chunked=True, parallel=4, then=tell_timetable)
def ingest(handle: JobHandle) -> None:
    """Decode every received image of a project, a few dozen to a transaction."""
    handle.plan(lambda: _cut(handle.project_id))
    with decoders(workers=WORKERS, max_pixels=settings.WINNOW_MAX_PIXELS) as inspect:
        for chunk in handle.chunks():
            _ingest_chunk(handle, chunk, inspect)


def _cut(project_id: int) -> Iterator[tuple[dict[str, list[int]], int]]:
    ids = list(images_received(project_id=project_id).values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        yield {"images": part}, len(part)


def _ingest_chunk(handle: JobHandle, chunk: Chunk, inspect: Inspect) -> None:
    waiting = images_received(project_id=handle.project_id).filter(pk__in=chunk.payload["images"])
    images = {image.pk: image for image in waiting}
    measured: list[Measured] = []
    refused: list[Refused] = []
    for pk, finding in inspect(_bytes_of(list(images.values()), refused)):
        handle.check()
        if isinstance(finding, Undecodable):
            refused.append(Refused(images[pk], finding.reason, finding.message))
            continue
        _store_renditions(images[pk], finding)
        measured.append(Measured(pk, finding.format, finding.width, finding.height, finding.perceptual_hash))
    with handle.commit(chunk, done=len(measured), failed=len(refused)):
        images_set_ready(measured=measured)
        images_reject(refused=refused)
        labels_import(project=handle.project, image_ids=[item.image_id for item in measured])
        publish(handle.project_id, "images", "jobs")
    for item in refused:
        bytes_discard(project_id=handle.project_id, sha256=item.image.sha256)


def _bytes_of(images: list[Image], refused: list[Refused]) -> Iterator[tuple[int, bytes]]:
    """Bytes as the decoder asks for them. What is missing or altered on storage never reaches it."""
    for image in images:
        try:
            data = read(original_key(image.project_id, image.sha256))
        except FileNotFoundError:
            refused.append(Refused(image, "missing", "Its bytes are not on storage."))
            continue
        if hashlib.sha256(data).hexdigest() != image.sha256:
            refused.append(Refused(image, "altered", "The bytes on storage are not those that were registered."))
            continue
        yield image.pk, data


def _store_renditions(image: Image, found: Found) -> None:
    for size, data in found.renditions.items():
        put(rendition_key(image.project_id, image.sha256, size), io.BytesIO(data))
