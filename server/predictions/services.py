"""A run is filled beside the one that serves, by COPY into a table of its own, and swapped in by one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import OperationalError, transaction
from django.db.models.functions import Now
from numpy.typing import NDArray

from server.core import sql
from server.core.copying import copy_in
from server.predictions.models import PredictionRun, PredictionTally
from server.projects.models import Project
from server.registry.models import EncoderVersion

KEEP = 2
"""The live run and the one before it; older ones are dropped with their tables."""


@dataclass(frozen=True)
class Scores:
    """What a head says of P images: `categories` (P, k) int64 and `probabilities` (P, k) float32, best first;
    `margin` and `entropy` (P,) float32 over all categories."""

    image_ids: NDArray[np.int64]
    categories: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    margin: NDArray[np.float32]
    entropy: NDArray[np.float32]


def partition_name(run_id: int) -> str:
    return f"predictions_prediction_{int(run_id)}"


def run_create(
    *,
    project: Project,
    space: EncoderVersion,
    method: str,
    category_ids: Sequence[int],
    label_count: int,
    head_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> PredictionRun:
    """A run that is being computed. Nobody sees it before `run_publish`."""
    return PredictionRun.objects.create(
        project=project,
        space=space,
        head_id=head_id,
        method=method,
        category_ids=list(category_ids),
        taxonomy_revision=project.taxonomy_revision,
        label_count=label_count,
        details=dict(details or {}),
    )


def run_publish(run: PredictionRun, *, scores: Scores, while_head: int | None = None) -> bool:
    """Write the run's rows and make it the live one, in the caller's transaction; False where a newer one is live.

    `while_head` is the project's live head when scoring began (None: no head served): where another was promoted
    meanwhile, these scores are of yesterday and stay out of sight.

    The table is loaded first and indexed after, then attached without a scan: readers of other runs never wait.
    """
    name = partition_name(run.pk)
    sql.execute(f"CREATE TABLE {name} (LIKE predictions_prediction INCLUDING DEFAULTS)")
    count = copy_in(
        name,
        {
            "run_id": np.full(len(scores.image_ids), run.pk, np.int64),
            "image_id": scores.image_ids,
            "category_id": np.ascontiguousarray(scores.categories[:, 0]),
            "probability": np.ascontiguousarray(scores.probabilities[:, 0]),
            "margin": scores.margin,
            "entropy": scores.entropy,
            "top_categories": scores.categories,
            "top_probabilities": scores.probabilities,
        },
        frozen=True,
    )
    sql.execute(f"ALTER TABLE {name} ADD PRIMARY KEY (run_id, image_id)")
    sql.execute(f"CREATE INDEX ON {name} (category_id, probability DESC)")
    sql.execute(f"CREATE INDEX ON {name} (margin)")
    sql.execute(f"ALTER TABLE {name} ADD CHECK (run_id = {int(run.pk)})")
    sql.execute(f"ALTER TABLE predictions_prediction ATTACH PARTITION {name} FOR VALUES IN ({int(run.pk)})")
    _count(run, np.asarray(scores.categories[:, 0]))
    PredictionRun.objects.filter(pk=run.pk).update(image_count=count, finished_at=Now())
    swapped = sql.execute(
        "UPDATE projects_project SET active_run_id = %(run)s"
        " WHERE id = %(project)s AND active_space_id = %(space)s"
        " AND (active_run_id IS NULL OR active_run_id < %(run)s)"
        " AND active_head_id IS NOT DISTINCT FROM %(head)s",
        {"run": run.pk, "project": run.project_id, "space": run.space_id, "head": while_head},
    )
    return swapped > 0


def _count(run: PredictionRun, best: NDArray[np.int64]) -> None:
    categories, counts = np.unique(best, return_counts=True)
    PredictionTally.objects.bulk_create(
        PredictionTally(run=run, category_id=category, count=count)
        for category, count in zip(categories.tolist(), counts.tolist(), strict=True)
    )


def run_note(run: PredictionRun, **figures: Any) -> None:
    """Add figures that were measured once the run was there."""
    run.details = {**run.details, **figures}
    PredictionRun.objects.filter(pk=run.pk).update(details=run.details)


def runs_prune(*, project: Project) -> int:
    """Drop the tables of runs that nothing points at any more, and of those that were never finished."""
    active = Project.objects.values_list("active_run_id", flat=True).get(pk=project.pk)
    finished = PredictionRun.objects.filter(project=project, finished_at__isnull=False).order_by("-pk")
    kept = set(finished.values_list("pk", flat=True)[:KEEP]) | {active}
    dropped = 0
    for run_id in PredictionRun.objects.filter(project=project, pk__lt=active or 0).values_list("pk", flat=True):
        if run_id not in kept and sql.fetch_value("SELECT to_regclass(%s)", [partition_name(run_id)]):
            dropped += _drop(run_id)
    return dropped


def _drop(run_id: int) -> bool:
    """Dropping needs the parent table for a moment. Where a long reader has it, the next run tries again: the
    alternative is that everyone's next image waits in line behind us."""
    try:
        with transaction.atomic():
            sql.execute("SET LOCAL lock_timeout = '100ms'")
            sql.execute(f"DROP TABLE IF EXISTS {partition_name(run_id)}")  # two jobs may clear up at once
            PredictionTally.objects.filter(run_id=run_id).delete()
    except OperationalError:
        return False
    return True
