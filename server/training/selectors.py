"""When a run is due, and what a run is made of."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db.models import QuerySet
from django.db.models.functions import Now
from numpy.typing import NDArray

from server.core import sql
from server.jobs.models import LIVE_STATES
from server.labeling.models import Consensus, ConsensusState
from server.projects.models import Project
from server.snapshots.models import PackedLabels
from server.training.models import Method, Outcome, TrainingRun, Trigger
from server.training.options import TrainingOptions

DRIFT_ANSWERS = 40
"""Blind answers since the head was judged that drift is looked for in."""

# Drawn at random; images that an audit of a lot drew are not.
BLIND = """
SELECT COALESCE(string_agg(int8send(c.image_id) || int8send(c.category_id), ''::bytea ORDER BY c.image_id), ''::bytea)
FROM labeling_consensus c
WHERE c.project_id = %(project)s AND c.blind AND c.state = 'agreed'
  AND EXISTS (SELECT 1 FROM labeling_blinddraw b
              WHERE b.project_id = c.project_id AND b.image_id = c.image_id AND b.lot IS NULL)
"""

# Live predictions against blind answers that came after the head was judged, newest first.
SINCE = """
SELECT count(*) AS answered, count(*) FILTER (WHERE right_) AS right_ FROM (
    SELECT p.category_id = c.category_id AS right_
    FROM labeling_consensus c JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = c.image_id
    WHERE c.project_id = %(project)s AND c.blind AND c.state = 'agreed' AND c.last_sequence > %(since)s
    ORDER BY c.last_sequence DESC LIMIT %(limit)s) newest
"""


@dataclass(frozen=True)
class Labels:
    """Image ids (L,) ascending and what people say they are (L,), int64."""

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.image_ids)


def runs_of(*, project_id: int) -> QuerySet[TrainingRun]:
    """Newest first, with what a list shows of them."""
    return TrainingRun.objects.filter(project_id=project_id).select_related("job", "head", "snapshot", "created_by")


def run_of(*, project_id: int, run_id: int) -> TrainingRun | None:
    return runs_of(project_id=project_id).filter(pk=run_id).first()


def run_live(*, project_id: int) -> TrainingRun | None:
    """The run that is waiting or running: there is at most one."""
    return runs_of(project_id=project_id).filter(job__state__in=LIVE_STATES).order_by("-pk").first()


def snapshot_labels(*, snapshot_id: int, blind: bool) -> Labels:
    """What a run's snapshot teaches, or (`blind`) what it measures with. One statement."""
    column = "asked" if blind else "taught"
    return _labels(PackedLabels.objects.values_list(column, flat=True).get(pk=snapshot_id))


def blind_labels(*, project_id: int) -> Labels:
    """What people have said so far of the images that measure. One statement."""
    return _labels(sql.fetch_value(BLIND, {"project": project_id}))


def _labels(pairs: bytes) -> Labels:
    rows = np.frombuffer(bytes(pairs), ">i8").reshape(-1, 2).astype(np.int64)
    return Labels(rows[:, 0].copy(), rows[:, 1].copy())


def counted_until(*, project_id: int) -> int:
    """The newest annotation that some run's snapshot has seen."""
    runs = TrainingRun.objects.filter(project_id=project_id, last_sequence__gt=0).exclude(method=Method.STUDENT)
    runs = runs.order_by("-pk")
    return runs.values_list("last_sequence", flat=True).first() or 0


# A label stands where its image's newest event is of its image's consensus: as many rows are read as are new.
CONFIRMED = """
SELECT count(*) FROM (
    SELECT 1 FROM labeling_annotation a
    JOIN labeling_consensus c ON c.image_id = a.image_id AND c.last_sequence = a.sequence
    WHERE a.project_id = %(project)s AND a.sequence > %(seen)s AND c.state = 'agreed' AND NOT c.blind
    LIMIT %(at_most)s) fresh
"""
# Both are counted no further than what makes a run possible, each by its index.
MAY_BE_DUE = """
SELECT (SELECT count(*) FROM (
            SELECT 1 FROM labeling_annotation a
            WHERE a.project_id = %(project)s AND a.sequence > COALESCE((
                SELECT t.last_sequence FROM training_trainingrun t
                WHERE t.project_id = %(project)s AND t.last_sequence > 0 ORDER BY t.id DESC LIMIT 1), 0)
            LIMIT %(every)s) events) >= %(every)s
   AND (SELECT count(*) FROM (
            SELECT 1 FROM labeling_consensus c
            WHERE c.project_id = %(project)s AND c.blind AND c.state = 'agreed' LIMIT %(needed)s) answers) >= %(needed)s
"""


def fresh_confirmed(*, project_id: int, at_most: int) -> int:
    """Agreed labels outside the blind share that no run's snapshot has seen, counted no further than `at_most`."""
    params = {"project": project_id, "seen": counted_until(project_id=project_id), "at_most": at_most}
    return int(sql.fetch_value(CONFIRMED, params))


def blind_answered(*, project_id: int) -> int:
    """Blind images with an agreed category: what a comparison can stand on."""
    return Consensus.objects.filter(project_id=project_id, state=ConsensusState.AGREED, blind=True).count()


def may_be_due(*, project_id: int, options: TrainingOptions) -> bool:
    """A quick no after most labels: too few events since the last run to hold enough labels, or nothing to judge by."""
    if not options.every:
        return False
    params = {"project": project_id, "every": options.every, "needed": options.needed}
    return bool(sql.fetch_value(MAY_BE_DUE, params, hot=True))


def due(project: Project, options: TrainingOptions) -> Trigger | None:
    """Why a run should start now by itself; None where it should not, among other reasons because it could not help."""
    if project.active_space_id is None or blind_answered(project_id=project.pk) < options.needed:
        return None
    fresh = fresh_confirmed(project_id=project.pk, at_most=max(1, options.every))
    if options.every and fresh >= options.every:
        return Trigger.LABELS
    if not fresh:
        return None
    if options.hours and not _started_within(project, hours=options.hours):
        return Trigger.SCHEDULE
    if options.drift and drifted(project):
        return Trigger.DRIFT
    return None


def drifted(project: Project) -> bool:
    """Whether the live head does worse on the newest blind answers than it did when it was judged.

    It does where the accuracy that its report states lies above the 95 % interval of the answers since.
    """
    judged = TrainingRun.objects.filter(head_id=project.active_head_id, outcome=Outcome.PROMOTED)
    run = judged.select_related("report").order_by("-pk").first() if project.active_head_id else None
    if run is None or project.active_run_id is None:
        return False
    params = {"project": project.pk, "run": project.active_run_id, "since": run.last_sequence, "limit": DRIFT_ANSWERS}
    seen = sql.fetch_one(SINCE, params) or {"answered": 0, "right_": 0}
    if seen["answered"] < DRIFT_ANSWERS:
        return False
    stated = float(run.report.summary["candidate"]["accuracy"]["value"])
    share = seen["right_"] / seen["answered"]
    reach: float = 1.96 * ((share * (1 - share) + 0.01) / seen["answered"]) ** 0.5
    return bool(share + reach < stated)


def self_trained_and_fallen() -> list[Project]:
    """Projects that a head with pseudo-labels serves, and whose blind answers since say that accuracy fell."""
    taught = TrainingRun.objects.filter(method=Method.SELF_TRAINING, outcome=Outcome.PROMOTED).values("head")
    projects = Project.objects.filter(active_head__in=taught, archived_at__isnull=True)
    return [project for project in projects if drifted(project)]


def _started_within(project: Project, *, hours: int) -> bool:
    return TrainingRun.objects.filter(project=project, created_at__gt=Now() - timedelta(hours=hours)).exists()
