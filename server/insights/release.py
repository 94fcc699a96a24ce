"""A release as a report: what is in it, how right it is as far as anybody looked, what backs it and what it assumes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from server.core import sql
from server.insights.accuracy import Accuracy, accuracy_of, blind_scores, blind_total
from server.predictions.models import PredictionRun
from server.projects.models import Project
from server.snapshots.certificate_selectors import certificate_card
from server.snapshots.models import Certificate, Snapshot
from server.snapshots.selectors import snapshot_summary

# A label is checked where somebody other than whoever decided it labeled the image too: by a review, else by the
# others' majority; a tie checks nothing. Reviews are what others are checked by, so they are not checked themselves.
CHECKED = """
WITH items AS (
    SELECT s.image_id, s.category_id, s.evidence, a.annotator_id AS decider
    FROM snapshots_snapshotitem s LEFT JOIN labeling_annotation a ON a.id = s.annotation_id
    WHERE s.snapshot_id = %(snapshot)s
), said AS (
    SELECT DISTINCT ON (i.image_id, a.annotator_id) i.image_id, a.category_id, a.evidence
    FROM items i JOIN labeling_annotation a ON a.image_id = i.image_id
    WHERE i.evidence <> 'review' AND a.kind = 'label' AND a.annotator_id IS NOT NULL
      AND a.annotator_id IS DISTINCT FROM i.decider
      AND a.evidence NOT IN ('imported', 'propagated', 'accepted', 'migrated')
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
    ORDER BY i.image_id, a.annotator_id, a.sequence DESC
), votes AS (
    SELECT image_id, category_id, count(*) AS votes, bool_or(evidence = 'review') AS reviewed
    FROM said GROUP BY image_id, category_id
), truth AS (
    SELECT image_id, (array_agg(category_id ORDER BY reviewed DESC, votes DESC))[1] AS category_id
    FROM votes GROUP BY image_id
    HAVING count(*) FILTER (WHERE reviewed) = 1 OR (array_agg(votes ORDER BY votes DESC))[1]
        > COALESCE((array_agg(votes ORDER BY votes DESC))[2], 0)
)
SELECT i.category_id AS category, i.evidence, i.decider, u.username, count(*) AS items, count(t.category_id) AS checked,
       count(*) FILTER (WHERE t.category_id = i.category_id) AS right,
       GROUPING(i.category_id) = 0 AS by_category, GROUPING(i.evidence) = 0 AS by_evidence,
       GROUPING(i.decider) = 0 AS by_annotator
FROM items i LEFT JOIN truth t ON t.image_id = i.image_id LEFT JOIN accounts_user u ON u.id = i.decider
GROUP BY GROUPING SETS ((i.category_id), (i.evidence), (i.decider, u.username), ())
ORDER BY items DESC, i.category_id, i.evidence, i.decider
"""
ASSUMES = (
    "Labels are frozen: this report speaks of the release named by its digest, and of nothing labelled later.",
    "A label counts as checked where another person labelled the same image, or a reviewer decided it; those people"
    " are taken to be right. Where no overlap was asked for, checked images are not a random sample.",
    "Labels accepted unseen are covered by their certificate alone.",
    "The model's accuracy is measured on images drawn uniformly at random before anyone answered, and answered without"
    " a suggestion in sight; they never taught it.",
)
METHOD = (
    "Intervals are Wilson's score intervals at 95 %. Below twenty checked labels nothing is claimed.",
    "Certificates: which labels may be accepted and which are audited is fixed before anyone answers, at random; the"
    " bound is exact for a draw without replacement (hypergeometric), and lots are tested in a fixed order.",
)


@dataclass(frozen=True)
class Line:
    """One row of a table: how many labels of the release, and how right the checked ones are."""

    name: str
    items: int
    accuracy: Accuracy
    key: int | None = None


@dataclass(frozen=True)
class HeadLine:
    """The model that is live when the report is made."""

    name: str
    encoder: str
    labels: int
    accuracy: Accuracy


@dataclass(frozen=True)
class ReleaseReport:
    """Everything that page and document say, in the order in which they say it."""

    project: str
    snapshot: Snapshot
    made_at: datetime
    splits: dict[str, int]
    total: Line
    categories: list[Line]
    evidence: list[Line]
    annotators: list[Line]
    head: HeadLine | None
    certificates: list[dict[str, Any]]
    assumes: tuple[str, ...] = ASSUMES
    method: tuple[str, ...] = METHOD


def release_report(project: Project, snapshot: Snapshot, *, names: bool) -> ReleaseReport:
    """Read it all, six queries. People are numbered by how much they labeled unless `names`."""
    rows = sql.fetch_all(CHECKED, {"snapshot": snapshot.pk})
    paths = {category["id"]: " › ".join(category["path"]) for category in snapshot.categories}
    deciders = [row for row in rows if row["by_annotator"]]
    people = [row for row in deciders if row["decider"] is not None]
    called = {row["decider"]: row["username"] if names else f"Person {at}" for at, row in enumerate(people, 1)}
    return ReleaseReport(
        project=project.name,
        snapshot=snapshot,
        made_at=timezone.now(),
        splits=snapshot_summary(snapshot_id=snapshot.pk)["splits"],
        total=_total(rows),
        categories=[
            _line(paths.get(row["category"], "?"), row, key=row["category"]) for row in rows if row["by_category"]
        ],
        evidence=[_line(row["evidence"], row) for row in rows if row["by_evidence"]],
        annotators=[_line(called.get(row["decider"], "nobody in person"), row) for row in deciders],
        head=_head(project),
        certificates=_certificates(project, snapshot),
    )


def _line(name: str, row: dict[str, Any], *, key: int | None = None) -> Line:
    return Line(name, row["items"], accuracy_of(row["right"], row["checked"]), key)


def _total(rows: list[dict[str, Any]]) -> Line:
    whole = [row for row in rows if not (row["by_category"] or row["by_evidence"] or row["by_annotator"])]
    return _line("all", whole[0]) if whole else Line("all", 0, accuracy_of(0, 0))


def _head(project: Project) -> HeadLine | None:
    if project.active_run_id is None:
        return None
    run = PredictionRun.objects.filter(pk=project.active_run_id).select_related("space", "head").first()
    if run is None:
        return None
    right, answered = blind_total(blind_scores(project_id=project.pk, run_id=run.pk))
    name = f"{run.head.kind}, head {run.head.pk}" if run.head else f"{run.method}, run {run.pk}"
    return HeadLine(name, run.space.name, run.label_count, accuracy_of(right, answered))


def _certificates(project: Project, snapshot: Snapshot) -> list[dict[str, Any]]:
    """As they were frozen with the labels, each with what has become of it since."""
    frozen = snapshot.filters.get("certificates") or []
    ids = [card["id"] for card in frozen]
    now = {one.pk: certificate_card(one)["state"] for one in Certificate.objects.filter(project=project, pk__in=ids)}
    return [{**card, "now": now.get(card["id"], "withdrawn")} for card in frozen]
