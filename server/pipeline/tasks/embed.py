"""Images become vectors, a chunk a transaction."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np

from server.compute.encoders import MlError, encoder_describe
from server.compute.images import SHARD_SIDE, images_encode, shard_suffices
from server.core.failpoints import failpoint
from server.embeddings.selectors import pending_image_ids
from server.embeddings.services import embeddings_store, failures_store, space_index, space_prepare
from server.images.models import Image
from server.images.storage import THUMB, original_key, read, rendition_key
from server.jobs.models import Chunk
from server.labeling.services.pool import by_need
from server.pipeline import flows
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.projects.models import Project
from server.registry.models import EncoderVersion
from server.registry.selectors import encoder_name
from server.registry.services import EncoderFacts, encoder_register, space_activate

CHUNK = 1024
READERS = 8


def _then(handle: JobHandle) -> None:
    if handle.job.chunks.exists():
        flows.after_embedded(handle.project_id)


@station("embed", chunked=True, parallel=4, then=_then)
def embed(handle: JobHandle) -> None:
    """Give every ready image of the project a vector in its space; the first run chooses the space."""
    space = handle.project.active_space or first_space(handle.project)
    fill(handle, space)


def first_space(project: Project) -> EncoderVersion:
    """The space of the encoder that the project was made with."""
    space = encoder_register(EncoderFacts(**asdict(encoder_describe(encoder_name(project)))))
    space_activate(project=project, space=space, by=None, reason="the project's first encoder")
    return space


def fill(handle: JobHandle, space: EncoderVersion) -> None:
    """Embed what the space lacks. A second run, or a second worker, goes on where the first one is."""
    space_prepare(space)
    handle.plan(lambda: [({"images": ids}, len(ids)) for ids in _pending(handle, space)])
    for chunk in handle.chunks():
        _embed_chunk(handle, chunk, space)
    space_index(space)


def _pending(handle: JobHandle, space: EncoderVersion) -> list[list[int]]:
    """Labeled images first, then those that people are about to see, then the rest."""
    ids = pending_image_ids(project_id=handle.project_id, space=space)
    ids = by_need(ids, project_id=handle.project_id)
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


def _embed_chunk(handle: JobHandle, chunk: Chunk, space: EncoderVersion) -> None:
    images = {image.pk: image for image in Image.objects.filter(pk__in=chunk.payload["images"]).order_by("pk")}
    small = shard_suffices(space.name, fingerprint=space.fingerprint)
    failures: dict[int, tuple[str, str]] = {}
    bytes_of = _read_all(images.values(), small=small, failures=failures)
    encoded = list(images_encode(space.name, bytes_of, fingerprint=space.fingerprint))
    for part in encoded:
        failures |= part.failures
    ids = [image_id for part in encoded for image_id in part.ids]
    vectors = np.concatenate([part.vectors for part in encoded] or [np.empty((0, space.dim), np.float32)])
    failpoint("embedded")
    with handle.commit(chunk, done=len(ids), failed=len(failures)):
        embeddings_store(space=space, project_id=handle.project_id, image_ids=ids, vectors=vectors)
        failures_store(space=space, failures=failures)
    for image_id, (_, message) in failures.items():
        handle.log(f"{images[image_id].original_name or image_id}: {message}", level="warning")


def _read_all(
    images: Iterable[Image], *, small: bool, failures: dict[int, tuple[str, str]]
) -> Iterator[tuple[int, bytes]]:
    """Pairs of id and bytes, several files at a time. A file that was lost goes to `failures` and stops no other."""
    with ThreadPoolExecutor(READERS) as pool:
        for image, data in pool.map(lambda image: (image, image_bytes(image, small=small)), images):
            if data is None:
                failures[image.pk] = ("missing", "its bytes are not on the storage; restore them and embed again")
            else:
                yield image.pk, data


def image_bytes(image: Image, *, small: bool) -> bytes | None:
    """The 256-px copy where that suffices, else the original; None where the file is gone."""
    shrunk = small and min(image.width or 0, image.height or 0) > SHARD_SIDE
    original = original_key(image.project_id, image.sha256)
    try:
        return read(rendition_key(image.project_id, image.sha256, THUMB) if shrunk else original)
    except FileNotFoundError:
        return None


__all__ = ["MlError", "embed", "encoder_describe", "fill", "first_space"]
