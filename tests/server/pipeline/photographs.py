"""A project whose pictures lie on storage and wait for an encoder."""

import hashlib
import io

import numpy as np
from PIL import Image as Picture

from server.images.models import Image
from server.images.storage import original_key, put
from server.projects.models import Project
from tests.server.builders import World, world


def photographed(encoder: str, *, images: int = 12, blind_share: float = 0.0) -> World:
    """A project whose images are on storage; every fourth is red, green, blue or grey noise."""
    made = world(images=images, blind_share=blind_share)
    Project.objects.filter(pk=made.project.pk).update(options={"encoder": encoder})
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 60, (images, 48, 64, 3)).astype(np.uint8)
    for position in range(images):
        if position % 4 < 3:
            pixels[position, :, :, position % 4] += 150
    pictured(made, pixels)
    made.project.refresh_from_db()
    return made


def pictured(made: World, pixels: np.ndarray) -> None:
    """Give the images of a project these pictures (n, H, W, 3), in order."""
    for image, picture in zip(Image.objects.filter(project=made.project).order_by("pk"), pixels, strict=True):
        buffer = io.BytesIO()
        Picture.fromarray(picture).save(buffer, "PNG")
        image.sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        image.save()
        put(original_key(made.project.pk, image.sha256), io.BytesIO(buffer.getvalue()))
