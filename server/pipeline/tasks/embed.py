"""Images become vectors, a chunk a transaction."""

from collections.abc import Iterable
from dataclasses import asdict

from server.compute.encoders import MlError, encoder_describe, images_encode
from server.core.errors import InvalidInput
from server.embeddings.selectors import pending_image_ids
from server.embeddings.services import embeddings_store, failures_store, space_index, space_prepare
from server.images.models import Image
from server.images.storage import original_key, read
from server.jobs.models import Chunk
from server.pipeline import flows
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.projects.models import Project
from server.registry.models import EncoderVersion
from server.registry.selectors import encoder_name
from server.registry.services import EncoderFacts, encoder_register, space_activate

CHUNK = 256


def _then(handle: JobHandle) -> None:
    if handle.job.chunks.exists():
        flows.after_embedded(handle.project_id)


@station("embed", chunked=True, parallel=4, then=_then)
def embed(handle: JobHandle) -> None:
    """Give every ready image of the project a vector in its space; the first run chooses the space."""
    space = handle.project.active_space or first_space(handle.project)
    fill(handle, space)


@station("switch_encoder", chunked=True, parallel=4, then=lambda handle: switch(handle))
def switch_encoder(handle: JobHandle) -> None:
    """Fill the space of another encoder while the old one serves; the last step makes it live."""
    fill(handle, encoder_register(EncoderFacts(**asdict(encoder_describe(_wanted(handle))))))


def switch(handle: JobHandle) -> None:
    """Everything that could be embedded is: the new space serves from now on."""
    space = encoder_register(EncoderFacts(**asdict(encoder_describe(_wanted(handle)))))
    space_activate(project=handle.project, space=space, by=handle.job.created_by, reason="chosen by a person")
    flows.after_embedded(handle.project_id)


def _wanted(handle: JobHandle) -> str:
    name = handle.params.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidInput("This job names no encoder.")
    return name


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
    return pending_image_ids(project_id=handle.project_id, space=space, chunk=CHUNK)


def _embed_chunk(handle: JobHandle, chunk: Chunk, space: EncoderVersion) -> None:
    images = {image.pk: image for image in Image.objects.filter(pk__in=chunk.payload["images"]).order_by("pk")}
    blobs, failures = _read_all(images.values())
    ids = list(blobs)
    encoded = images_encode(space.name, list(blobs.values()), fingerprint=space.fingerprint)
    failures |= {ids[i]: why for i, why in encoded.failures.items()}
    with handle.commit(chunk, done=len(encoded.kept), failed=len(failures)):
        kept = [ids[i] for i in encoded.kept]
        embeddings_store(space=space, project_id=handle.project_id, image_ids=kept, vectors=encoded.vectors)
        failures_store(space=space, failures=failures)
    for image_id, (_, message) in failures.items():
        handle.log(f"{images[image_id].original_name or image_id}: {message}", level="warning")


def _read_all(images: Iterable[Image]) -> tuple[dict[int, bytes], dict[int, tuple[str, str]]]:
    """(bytes by image, why not by image): a file that was lost is named and stops no other."""
    blobs: dict[int, bytes] = {}
    failures: dict[int, tuple[str, str]] = {}
    for image in images:
        try:
            blobs[image.pk] = read(original_key(image.project_id, image.sha256))
        except FileNotFoundError:
            failures[image.pk] = ("missing", "its bytes are not on the storage; restore them and embed again")
    return blobs, failures


__all__ = ["MlError", "embed", "encoder_describe", "fill", "first_space", "switch", "switch_encoder"]
