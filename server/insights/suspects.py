"""Labels that somebody should look at again: what a worker found, less what was decided since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.insights.browse import images_rows
from server.insights.models import Doubt, Suspect
from server.projects.models import Project

# Blind images measure and never teach; accepted labels were the head's own; what a reviewer decided is decided.
CONFIRMED = """
SELECT c.image_id, c.category_id, COALESCE(i.duplicate_group, i.id) AS same, c.evidence = 'review' AS reviewed,
       c.last_sequence
FROM labeling_consensus c JOIN images_image i ON i.id = c.image_id AND i.state = 'ready'
WHERE c.project_id = %(project)s AND c.state = 'agreed' AND NOT c.blind AND c.category_id IS NOT NULL
  AND c.evidence <> 'accepted'
ORDER BY c.image_id
"""
OPEN = """
FROM insights_suspect s
JOIN labeling_consensus c ON c.image_id = s.image_id AND c.category_id = s.given_id
WHERE s.project_id = %(project)s
  AND NOT EXISTS (SELECT 1 FROM labeling_annotation a
                  WHERE a.image_id = s.image_id AND a.evidence = 'review' AND a.kind <> 'undo'
                    AND a.sequence > s.last_sequence
                    AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id))
"""
PAGE = f"""
SELECT s.image_id, s.doubt, s.place, s.given_id AS given, s.instead_id AS instead, s.suspicion, s.details, c.evidence,
       (SELECT a.annotator_id FROM labeling_annotation a WHERE a.sequence = c.last_sequence) AS annotator_id,
       (SELECT u.username FROM labeling_annotation a JOIN accounts_user u ON u.id = a.annotator_id
        WHERE a.sequence = c.last_sequence) AS username
{OPEN} AND s.doubt = %(doubt)s AND s.place > %(after)s
ORDER BY s.place LIMIT %(limit)s
"""
COUNTS = f"SELECT s.doubt, count(*) AS count {OPEN} GROUP BY s.doubt"


@dataclass(frozen=True)
class Confirmed:
    """n confirmed labels, by image id; `same` names the group of near-duplicates that an image belongs to."""

    image: NDArray[np.int64]
    category: NDArray[np.int64]
    same: NDArray[np.int64]
    reviewed: NDArray[np.bool_]
    last_sequence: NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """A doubted label as a worker found it."""

    image_id: int
    given: int
    instead: int | None
    suspicion: float
    last_sequence: int
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Doubted:
    """A doubted label as a page shows it; `row` as `insights.browse` selects it."""

    row: dict[str, Any]
    told: dict[str, Any]


def labels_confirmed(*, project_id: int) -> Confirmed:
    """What people confirmed and a head may learn from. One query."""
    rows = np.array(sql.fetch_rows(CONFIRMED, {"project": project_id}), np.int64).reshape(-1, 5)
    return Confirmed(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3].astype(bool), rows[:, 4])


def twins_divided(confirmed: Confirmed) -> list[Found]:
    """Near-duplicates that do not carry the label of most of their group, the larger majority first.

    In a group without a majority everyone is doubted. What a reviewer decided is not.
    """
    order = np.argsort(confirmed.same, kind="stable")
    starts = np.flatnonzero(np.diff(confirmed.same[order], prepend=-1))
    found = []
    for members in np.split(order, starts[1:]) if len(order) else []:
        names, counts = np.unique(confirmed.category[members], return_counts=True)
        if len(names) < 2:
            continue
        most = int(counts.max())
        usual = int(names[counts.argmax()]) if (counts == most).sum() == 1 else None
        others = [[int(confirmed.image[at]), int(confirmed.category[at])] for at in members.tolist()]
        for at in members.tolist():
            given = int(confirmed.category[at])
            if given == usual or confirmed.reviewed[at]:
                continue
            twins = [twin for twin in others if twin[0] != int(confirmed.image[at])][:8]
            last = int(confirmed.last_sequence[at])
            share = most / len(members)
            found.append(Found(int(confirmed.image[at]), given, usual, share, last, {"twins": twins}))
    return sorted(found, key=lambda one: -one.suspicion)


def suspects_replace(*, project_id: int, found: Iterable[tuple[Doubt, Sequence[Found]]]) -> int:
    """What was found now, in place of what was found before. Inside the caller's transaction."""
    Suspect.objects.filter(project_id=project_id).delete()
    rows = [
        Suspect(
            project_id=project_id,
            image_id=one.image_id,
            doubt=doubt,
            place=place,
            given_id=one.given,
            instead_id=one.instead,
            suspicion=one.suspicion,
            details=one.details,
            last_sequence=one.last_sequence,
        )
        for doubt, several in found
        for place, one in enumerate(several)
    ]
    return len(Suspect.objects.bulk_create(rows, batch_size=500))


def suspects_counted(*, project_id: int) -> dict[str, int]:
    """How many of each kind wait for a decision. One query."""
    rows = {row["doubt"]: row["count"] for row in sql.fetch_all(COUNTS, {"project": project_id})}
    return {doubt: rows.get(doubt, 0) for doubt in Doubt.values}


def suspects_page(project: Project, *, doubt: str, after: int, limit: int) -> list[Doubted]:
    """From the place behind `after` on. Two queries."""
    params = {"project": project.pk, "doubt": doubt, "after": after, "limit": limit}
    told = [sql.read_json(row, "details") for row in sql.fetch_all(PAGE, params)]
    rows = {row["id"]: row for row in images_rows(project, image_ids=[one["image_id"] for one in told])}
    return [Doubted(rows[one["image_id"]], one) for one in told if one["image_id"] in rows]
