"""How many images each category has, by what people said and by what the live predictions say."""

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
