"""Which categories a head tells apart."""

from collections.abc import Collection

from server.predictions.models import PredictionTally
from server.projects.models import Project
from server.taxonomy.models import Category


def predictions_counted(run_id: int | None) -> dict[int, int]:
    """Category id → images that a run puts there first. One query over one row a category."""
    rows = (
        PredictionTally.objects.filter(run_id=run_id, count__gt=0)
        if run_id is not None
        else PredictionTally.objects.none()
    )
    return dict(rows.values_list("category_id", "count"))


def categories_predicted(project: Project, *, labeled: Collection[int] = ()) -> list[Category]:
    """Leaves of the tree, and inner nodes that people have used as a label; deprecated ones never. Ordered by id."""
    live = list(
        Category.objects.filter(project=project, deprecated_at__isnull=True)
        .prefetch_related("descriptions")
        .order_by("pk")
    )
    parents = {category.parent_id for category in live}
    return [category for category in live if category.pk not in parents or category.pk in labeled]
