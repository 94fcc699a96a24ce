"""How many images each category has, by what people said and by what the live predictions say."""

from collections import defaultdict
from typing import Any

from server.labeling.models import ConsensusState
from server.labeling.tally import consensus_counted
from server.predictions.selectors import predictions_counted
from server.projects.models import Project


def confirmed_counts(project: Project) -> dict[int, int]:
    """category id → images whose agreed category it is."""
    counts: dict[int, int] = defaultdict(int)
    for standing in consensus_counted(project_id=project.pk):
        if standing.state == ConsensusState.AGREED and standing.category_id is not None:
            counts[standing.category_id] += standing.count
    return dict(counts)


def predicted_counts(project: Project) -> dict[int, int]:
    """category id → images that the live predictions put there first."""
    return predictions_counted(project.active_run_id)


def categories_from_words(project: Project) -> dict[str, dict[str, Any]]:
    """category id (as text) → how the live predictions write it, for those that no head has learned from images."""
    details = Project.objects.filter(pk=project.pk).values_list("active_run__details", flat=True).first() or {}
    return dict(details.get("words") or {})
