"""The list of projects: what each holds, looks like and needs, in a fixed number of queries."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum

from server.images.models import ImageState, ImageTally
from server.jobs.selectors import jobs_live
from server.labeling.models import ConsensusState, ConsensusTally
from server.projects.models import Project
from server.taxonomy.models import Category

MOSAIC = """
WITH ends AS (
    SELECT project.id, low.id AS low, high.id AS high FROM unnest(%(projects)s::bigint[]) project(id)
    CROSS JOIN LATERAL (SELECT id FROM images_image WHERE project_id = project.id AND state = 'ready'
                        ORDER BY id LIMIT 1) low
    CROSS JOIN LATERAL (SELECT id FROM images_image WHERE project_id = project.id AND state = 'ready'
                        ORDER BY id DESC LIMIT 1) high)
SELECT DISTINCT ends.id, image.id FROM ends
    CROSS JOIN generate_series(0, %(count)s - 1) step
    CROSS JOIN LATERAL (SELECT id FROM images_image
        WHERE project_id = ends.id AND state = 'ready' AND id >= ends.low + (ends.high - ends.low) * step / %(count)s
        ORDER BY id LIMIT 1) image
ORDER BY 1, 2
"""


@dataclass
class ProjectCard:
    """What one glance at a project tells."""

    images: int = 0
    processing: int = 0
    labeled: int = 0
    categories: int = 0
    working: bool = False
    """Something runs for it or waits to."""
    mosaic: list[int] = field(default_factory=list)

    @property
    def needs(self) -> str:
        """The next step, in a few words."""
        if not self.images:
            return "Getting ready" if self.processing or self.working else "Add images"
        if not self.categories:
            return "Name the categories"
        if not self.labeled:
            return "Ready to label"
        left = self.images - self.labeled
        return f"{left:,} to label" if left > 0 else "All labeled"


def project_cards(project_ids: list[int], *, mosaic: int = 9) -> dict[int, ProjectCard]:
    """Six queries for any number of projects. The mosaic is spread over the whole pile, not the newest images."""
    cards = {project_id: ProjectCard() for project_id in project_ids}
    images = ImageTally.objects.filter(project_id__in=project_ids)
    for project_id, count in _summed(images.filter(state=ImageState.READY)):
        cards[project_id].images = count
    for project_id, count in _summed(images.filter(state=ImageState.RECEIVED)):
        cards[project_id].processing = count
    agreed = ConsensusTally.objects.filter(project_id__in=project_ids, state=ConsensusState.AGREED)
    for project_id, count in _summed(agreed):
        cards[project_id].labeled = count
    categories = Category.objects.filter(project_id__in=project_ids, deprecated_at__isnull=True).order_by()
    for project_id, count in categories.values_list("project_id").annotate(count=Count("pk")):
        cards[project_id].categories = count
    for project_id in jobs_live(project_ids=project_ids):
        cards[project_id].working = True
    with connection.cursor() as cursor:
        cursor.execute(MOSAIC, {"projects": project_ids, "count": mosaic})
        for project_id, image_id in cursor.fetchall():
            cards[project_id].mosaic.append(image_id)
    return cards


def _summed(tally: Any) -> Any:
    return tally.order_by().values_list("project_id").annotate(total=Sum("count"))


def encoder_card(project: Project) -> dict[str, Any]:
    """Which encoder a project uses, or will use once it has images, and whether that is only the demo one."""
    space = project.active_space
    name = space.name if space else project.options.get("encoder") or settings.WINNOW_DEFAULT_ENCODER
    return {"name": name, "is_demo": name == "demo", "has_text": space.has_text if space else name == "demo"}
