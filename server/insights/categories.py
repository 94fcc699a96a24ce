"""How many images each category has, by what people said and by what the live predictions say."""

from typing import Any

from django.db.models import Count

from server.labeling.models import Consensus, ConsensusState
from server.predictions.models import Prediction
from server.projects.models import Project


def confirmed_counts(project: Project) -> dict[int, int]:
    """category id → images whose agreed category it is."""
    rows = Consensus.objects.filter(project=project, state=ConsensusState.AGREED, category__isnull=False)
    return {pk: count for pk, count in rows.values_list("category_id").annotate(count=Count("pk")) if pk}


def predicted_counts(project: Project) -> dict[int, int]:
    """category id → images that the live predictions put there first."""
    if project.active_run_id is None:
        return {}
    rows = Prediction.objects.filter(run_id=project.active_run_id)
    return dict(rows.values_list("category_id").annotate(count=Count("image_id")))


def categories_from_words(project: Project) -> dict[str, dict[str, Any]]:
    """category id (as text) → how the live predictions write it, for those that no head has learned from images."""
    details = Project.objects.filter(pk=project.pk).values_list("active_run__details", flat=True).first() or {}
    return dict(details.get("words") or {})
