"""What people ask about images and how they came."""

from django.db.models import QuerySet

from server.core.errors import NotFound
from server.images.models import Image, ImportBatch, ImportIssue


def batches_of(*, project_id: int) -> QuerySet[ImportBatch]:
    """Imports of a project with their jobs."""
    return ImportBatch.objects.filter(project_id=project_id).select_related("job")


def batch_of(*, project_id: int, batch_id: int) -> ImportBatch:
    """One import. Raises NotFound where the project has none of this id."""
    batch = batches_of(project_id=project_id).filter(pk=batch_id).first()
    if batch is None:
        raise NotFound("There is no such import in this project.")
    return batch


def issues_of(*, batch: ImportBatch) -> QuerySet[ImportIssue]:
    return ImportIssue.objects.filter(batch=batch)


def image_of(*, project_id: int, image_id: int) -> Image:
    """One image. Raises NotFound where the project has none of this id."""
    image = Image.objects.filter(project_id=project_id, pk=image_id).first()
    if image is None:
        raise NotFound("There is no such image in this project.")
    return image
