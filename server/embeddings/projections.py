"""Maps of spaces: which one a project has, and where its points lie."""

import io
import uuid
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from server.embeddings.models import Projection
from server.images.storage import delete, put, read
from server.projects.models import Project
from server.registry.models import EncoderVersion

METHODS = ("umap", "tsne", "pca")
FINEST = 65_535


@dataclass(frozen=True)
class Points:
    """`ids` (P,) int64 and `places` (P, 2) uint16: 0 is one border of the map, 65,535 the other."""

    ids: NDArray[np.int64]
    places: NDArray[np.uint16]


def projection_of(*, project_id: int) -> Projection | None:
    """The newest map."""
    maps = Projection.objects.filter(project_id=project_id).select_related("space")
    return maps.order_by("-pk").first()


def projection_store(*, project: Project, points: Points, space: EncoderVersion, method: str, seed: int) -> Projection:
    """Keep a map in place of the ones before it, in the caller's transaction: bytes first, then the row."""
    key = f"p/{project.pk}/maps/{uuid.uuid4().hex}"
    data = points.ids.astype("<i8").tobytes() + points.places.astype("<u2").tobytes()
    put(key, io.BytesIO(data))
    old = Projection.objects.filter(project=project)
    keys = list(old.values_list("storage_key", flat=True))
    old.delete()
    made = Projection.objects.create(
        project=project, space=space, method=method, seed=seed, count=len(points.ids), storage_key=key
    )
    transaction.on_commit(lambda: delete(*keys))
    return made


def projection_points(projection: Projection) -> Points:
    """What was stored.

    Raises:
        FileNotFoundError: Its bytes are gone; draw it again.
    """
    data = read(projection.storage_key)
    ids = np.frombuffer(data, "<i8", projection.count)
    places = np.frombuffer(data, "<u2", 2 * projection.count, offset=8 * projection.count)
    return Points(ids.astype(np.int64), places.reshape(-1, 2).astype(np.uint16))


def places_of(points: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(P, 2) in [0, 1] to 16 bits, finer than any screen."""
    return np.asarray((points.clip(0, 1) * FINEST).round(), np.uint16)
