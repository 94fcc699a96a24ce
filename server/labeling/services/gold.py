"""Gold: images whose agreed category a reviewer vouches for. Attention is measured with them."""

from collections.abc import Sequence

from django.db import transaction

from server.core import sql
from server.core.errors import InvalidInput, NotFound
from server.labeling.models import Gold
from server.projects.models import Project

LOOK = """
SELECT i.id, c.state IS NOT DISTINCT FROM 'agreed' AND NOT c.blind AS fit
FROM images_image i LEFT JOIN labeling_consensus c ON c.image_id = i.id
WHERE i.project_id = %(project)s AND i.id = ANY(%(images)s) ORDER BY i.id FOR NO KEY UPDATE OF i
"""


@transaction.atomic
def gold_add(*, project: Project, image_ids: Sequence[int], user_id: int) -> int:
    """Make all of these gold, or none; how many the project has then. Safe to repeat.

    Raises:
        NotFound: One of them is not in this project.
        InvalidInput: One has no agreed category, or belongs to the blind share.
    """
    wanted = sorted(set(image_ids))
    rows = sql.fetch_all(LOOK, {"project": project.pk, "images": wanted})
    if len(rows) != len(wanted):
        raise NotFound("There is no such image in this project.")
    unfit = [row["id"] for row in rows if not row["fit"]]
    if unfit:
        raise InvalidInput(
            f"Gold needs an agreed category and no place in the blind share; image {unfit[0]} is not so.",
            fields={"images": [f"{len(unfit)} of {len(wanted)} cannot be gold."]},
        )
    made = [Gold(project=project, image_id=image, added_by_id=user_id) for image in wanted]
    Gold.objects.bulk_create(made, ignore_conflicts=True)
    return Gold.objects.filter(project=project).count()


@transaction.atomic
def gold_remove(*, project: Project, image_ids: Sequence[int]) -> int:
    """Gold no longer; how many the project has then. Images that are not gold change nothing."""
    Gold.objects.filter(project=project, image_id__in=list(image_ids)).delete()
    return Gold.objects.filter(project=project).count()
