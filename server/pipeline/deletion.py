"""Deleting what many tables speak of: an image, a project. Bytes go last, so that no row is ever without them."""

from django.db import transaction

from server.core import sql
from server.core.errors import Conflict, NotFound
from server.core.events import publish
from server.images.models import Image
from server.images.services import bytes_discard
from server.images.storage import delete, keys_below
from server.labeling.models import Consensus, ConsensusState
from server.predictions.prototypes import prototype_move
from server.projects.models import Project
from server.snapshots.models import Export

IMAGE_ROWS = [
    "DELETE FROM embeddings_embedding WHERE image_id = ANY(%(images)s)",
    "UPDATE predictions_predictiontally t SET count = t.count - gone.count FROM ("
    " SELECT run_id, category_id, count(*) AS count FROM predictions_prediction WHERE image_id = ANY(%(images)s)"
    " AND run_id IN (SELECT id FROM predictions_predictionrun WHERE project_id = %(project)s) GROUP BY 1, 2) gone"
    " WHERE t.run_id = gone.run_id AND t.category_id = gone.category_id",
    "DELETE FROM predictions_prediction WHERE image_id = ANY(%(images)s)"
    " AND run_id IN (SELECT id FROM predictions_predictionrun WHERE project_id = %(project)s)",
    "DELETE FROM embeddings_embeddingfailure WHERE image_id = ANY(%(images)s)",
    "DELETE FROM labeling_lease WHERE item_id IN (SELECT id FROM labeling_queueitem WHERE image_id = ANY(%(images)s))",
    "DELETE FROM labeling_queueitem WHERE image_id = ANY(%(images)s)",
    "DELETE FROM labeling_blinddraw WHERE image_id = ANY(%(images)s)",
    "DELETE FROM labeling_consensus WHERE image_id = ANY(%(images)s)",
    "DELETE FROM labeling_strike WHERE image_id = ANY(%(images)s)",
    "DELETE FROM labeling_gold WHERE image_id = ANY(%(images)s)",
    "DELETE FROM labeling_reviewrequest WHERE image_id = ANY(%(images)s)",
    "DELETE FROM labeling_annotation WHERE image_id = ANY(%(images)s)",
    "DELETE FROM insights_suspect WHERE image_id = ANY(%(images)s)",
    "DELETE FROM snapshots_snapshotitem WHERE image_id = ANY(%(images)s)",
    "DELETE FROM snapshots_lotitem WHERE image_id = ANY(%(images)s)",
    "DELETE FROM images_image WHERE id = ANY(%(images)s)",
]
FROZEN = "SELECT snapshot_id FROM snapshots_snapshotitem WHERE image_id = %s LIMIT 1"


def image_delete(*, project_id: int, image_id: int) -> None:
    """Delete an image with everything that was said about it.

    Raises:
        NotFound: it is not in this project.
        Conflict: it is part of a snapshot, which is frozen.
    """
    with transaction.atomic():
        image = Image.objects.select_for_update().filter(pk=image_id, project_id=project_id).first()
        if image is None:
            raise NotFound("There is no such image in this project.")
        frozen = sql.fetch_value(FROZEN, [image_id])
        if frozen:
            raise Conflict("This image is part of a snapshot, and snapshots are frozen. It cannot be deleted.")
        _untaught(project_id, image_id)
        for statement in IMAGE_ROWS:
            sql.execute(statement, {"images": [image_id], "project": project_id})
        publish(project_id, "images")
        transaction.on_commit(lambda: bytes_discard(project_id=project_id, sha256=image.sha256))


def _untaught(project_id: int, image_id: int) -> None:
    """Take the image out of the prototype that holds it."""
    taught = Consensus.objects.filter(pk=image_id, state=ConsensusState.AGREED, blind=False).first()
    if taught is None:
        return
    space_id = Project.objects.values_list("active_space_id", flat=True).get(pk=project_id)
    prototype_move(space_id=space_id, image_id=image_id, category_before=taught.category_id, category_now=None)


PAGE_TABLES = ("strike", "gold", "reviewrequest", "pageskill", "pagecommit", "page", "pageplan", "teaching")
PROJECT_ROWS = [
    "DELETE FROM labeling_lease WHERE project_id = %(project)s",
    "DELETE FROM labeling_queueitem WHERE project_id = %(project)s",
    "DELETE FROM labeling_blinddraw WHERE project_id = %(project)s",
    "DELETE FROM labeling_consensus WHERE project_id = %(project)s",
    *(f"DELETE FROM labeling_{name} WHERE project_id = %(project)s" for name in PAGE_TABLES),
    "DELETE FROM labeling_annotation WHERE project_id = %(project)s",
    "DELETE FROM insights_suspect WHERE project_id = %(project)s",
    "DELETE FROM insights_measurement WHERE project_id = %(project)s",
    "DELETE FROM snapshots_snapshotitem WHERE snapshot_id IN"
    " (SELECT id FROM snapshots_snapshot WHERE project_id = %(project)s)",
    "DELETE FROM snapshots_lotitem WHERE certificate_id IN"
    " (SELECT id FROM snapshots_certificate WHERE project_id = %(project)s)",
    "DELETE FROM embeddings_embedding WHERE project_id = %(project)s",
    "DELETE FROM embeddings_embeddingfailure WHERE image_id IN"
    " (SELECT id FROM images_image WHERE project_id = %(project)s)",
    "DELETE FROM predictions_prediction WHERE run_id IN"
    " (SELECT id FROM predictions_predictionrun WHERE project_id = %(project)s)",
    "DELETE FROM images_image WHERE project_id = %(project)s",
    "DELETE FROM labeling_consensustally WHERE project_id = %(project)s",
    "DELETE FROM images_imagetally WHERE project_id = %(project)s",
]
"""The large tables, by one statement each. What is left is small and goes through the models' own cascades."""


def project_purge(*, project_id: int) -> None:
    """Delete an archived project's rows, then its bytes. Safe to repeat after a crash at any point."""
    kept_files: list[str] = []
    with transaction.atomic():
        project = Project.objects.select_for_update().filter(pk=project_id, archived_at__isnull=False).first()
        if project:
            kept_files = list(Export.objects.filter(project=project).values_list("storage_key", flat=True))
            for statement in PROJECT_ROWS:
                sql.execute(statement, {"project": project_id})
            project.delete()
    if not Project.objects.filter(pk=project_id).exists():
        delete(*filter(None, kept_files), *keys_below(f"p/{project_id}"))
