"""Which categories a head tells apart."""

from collections.abc import Collection

from server.projects.models import Project
from server.taxonomy.models import Category


def categories_predicted(project: Project, *, labeled: Collection[int] = ()) -> list[Category]:
    """Leaves of the tree, and inner nodes that people have used as a label; deprecated ones never. Ordered by id."""
    live = list(
        Category.objects.filter(project=project, deprecated_at__isnull=True)
        .prefetch_related("descriptions")
        .order_by("pk")
    )
    parents = {category.parent_id for category in live}
    return [category for category in live if category.pk not in parents or category.pk in labeled]
