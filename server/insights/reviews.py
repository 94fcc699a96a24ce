"""What waits for a reviewer: disputes, flags, and what was sent because somebody's attention slipped."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server.core import sql
from server.insights.browse import images_rows
from server.projects.models import Project

REASONS = ("disagreement", "attention", "sent", "label_error")
"""In the order in which one is told where several hold. A flag is an image sent to review by hand."""

WAITING = """
WITH waiting AS (
    SELECT c.image_id, CASE WHEN c.state = 'disputed' THEN 0 ELSE 2 END AS place FROM labeling_consensus c
    WHERE c.project_id = %(project)s AND c.state IN ('disputed', 'flagged') AND c.image_id > %(after)s
    UNION ALL
    SELECT r.image_id, array_position(%(reasons)s::text[], r.reason::text) - 1 FROM labeling_reviewrequest r
    WHERE r.project_id = %(project)s AND r.image_id > %(after)s
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation a
                      WHERE a.image_id = r.image_id AND a.evidence = 'review' AND a.kind <> 'undo'
                        AND a.sequence > r.after_sequence
                        AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id))
)
SELECT image_id, min(place) AS place FROM waiting GROUP BY image_id ORDER BY image_id LIMIT %(limit)s
"""
OPINIONS = """
SELECT DISTINCT ON (a.image_id, a.annotator_id)
       a.id AS annotation, a.image_id, a.annotator_id, u.username, a.kind, a.category_id AS category, a.evidence,
       a.comment, a.created_at
FROM labeling_annotation a LEFT JOIN accounts_user u ON u.id = a.annotator_id
WHERE a.image_id = ANY(%(images)s) AND a.kind <> 'undo'
  AND NOT EXISTS (SELECT 1 FROM labeling_annotation o WHERE o.undoes_id = a.id)
ORDER BY a.image_id, a.annotator_id, a.sequence DESC
"""
SUGGESTED = """
SELECT image_id, top_categories, top_probabilities FROM predictions_prediction
WHERE run_id = %(run)s AND image_id = ANY(%(images)s)
"""


@dataclass(frozen=True)
class Opinion:
    """What one person says of an image now. `kind` is label, skip or flag."""

    annotation: UUID
    annotator_id: int | None
    username: str | None
    kind: str
    category: int | None
    evidence: str
    comment: str
    created_at: datetime


@dataclass(frozen=True)
class Waiting:
    """An image that a reviewer should decide; `row` as `insights.browse` selects it."""

    row: dict[str, Any]
    reason: str
    opinions: list[Opinion]
    suggestions: list[tuple[int, float]]


def reviews_page(project: Project, *, after: int, limit: int) -> list[Waiting]:
    """By image id, from the one behind `after` on. Four statements."""
    params = {"project": project.pk, "after": after, "limit": limit, "reasons": list(REASONS)}
    found = {row["image_id"]: REASONS[row["place"]] for row in sql.fetch_all(WAITING, params)}
    if not found:
        return []
    opinions: dict[int, list[Opinion]] = defaultdict(list)
    for row in sql.fetch_all(OPINIONS, {"images": list(found)}):
        opinions[row.pop("image_id")].append(Opinion(**row))
    told = {
        row["image_id"]: list(zip(row["top_categories"], row["top_probabilities"], strict=False))
        for row in sql.fetch_all(SUGGESTED, {"run": project.active_run_id, "images": list(found)})
    }
    rows = {row["id"]: row for row in images_rows(project, image_ids=list(found))}
    return [
        Waiting(rows[image], reason, opinions[image], told.get(image, []))
        for image, reason in found.items()
        if image in rows
    ]
