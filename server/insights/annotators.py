"""How reliable, how fast and how easily led each person is. Shown to the person first.

A person's label is compared with what stands for the image now without it: a review, or the other people's majority.
Anchoring compares like with like: of labels given with a suggestion in sight that turned out wrong, how many were the
suggestion itself, beside how often the same person is wrong with none in sight.
"""

from dataclasses import dataclass
from typing import Any

from server.core import sql
from server.insights.accuracy import Accuracy, accuracy_of

LED_AT_LEAST = 10
"""Labels beside a wrong suggestion before anything is said of a person."""
LED_SHARE = 0.8

# The newest standing label of each person and image. What the others settled on decides; a tie decides nothing.
JUDGED = """
WITH mine AS (
    SELECT DISTINCT ON (a.image_id, a.annotator_id) a.image_id, a.annotator_id, a.category_id, a.evidence,
           a.evidence_details ->> 'suggested' AS suggested, a.duration_ms
    FROM labeling_annotation a
    WHERE a.project_id = %(project)s AND a.kind = 'label' AND a.annotator_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
    ORDER BY a.image_id, a.annotator_id, a.sequence DESC
), votes AS (
    SELECT m.image_id, m.annotator_id, o.category_id, count(*) AS votes, bool_or(o.evidence = 'review') AS reviewed
    FROM mine m JOIN mine o ON o.image_id = m.image_id AND o.annotator_id <> m.annotator_id
    GROUP BY m.image_id, m.annotator_id, o.category_id
), truth AS (
    SELECT image_id, annotator_id,
           (array_agg(category_id ORDER BY reviewed DESC, votes DESC))[1] AS category_id,
           count(*) FILTER (WHERE reviewed) = 1 OR (array_agg(votes ORDER BY votes DESC))[1]
               > COALESCE((array_agg(votes ORDER BY votes DESC))[2], 0) AS settled
    FROM votes GROUP BY image_id, annotator_id
)
SELECT m.annotator_id, u.username, t.category_id, count(*) AS labels,
       count(*) FILTER (WHERE t.settled) AS compared,
       count(*) FILTER (WHERE t.settled AND t.category_id = m.category_id) AS right,
       count(*) FILTER (WHERE t.settled AND m.suggested IS NOT NULL AND m.suggested <> t.category_id::text)
           AS misled,
       count(*) FILTER (WHERE t.settled AND m.suggested <> t.category_id::text AND m.suggested = m.category_id::text)
           AS followed,
       count(*) FILTER (WHERE t.settled AND m.evidence = 'blind') AS blind,
       count(*) FILTER (WHERE t.settled AND m.evidence = 'blind' AND t.category_id <> m.category_id) AS blind_wrong,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY m.duration_ms) AS median_ms
FROM mine m JOIN accounts_user u ON u.id = m.annotator_id
LEFT JOIN truth t ON t.image_id = m.image_id AND t.annotator_id = m.annotator_id
WHERE %(only)s::bigint IS NULL OR m.annotator_id = %(only)s
GROUP BY GROUPING SETS ((m.annotator_id, u.username, t.category_id), (m.annotator_id, u.username))
HAVING GROUPING(t.category_id) = 1 OR t.category_id IS NOT NULL
ORDER BY u.username, GROUPING(t.category_id) DESC, t.category_id
"""


@dataclass(frozen=True)
class Person:
    """`followed` of `misled` wrong suggestions were taken; `led` says that so many are no accident."""

    id: int
    username: str
    labels: int
    agreement: Accuracy
    median_ms: float | None
    misled: int
    followed: int
    blind_error: Accuracy
    led: bool
    categories: list[tuple[int, Accuracy]]


def annotators_measured(*, project_id: int, only: int | None = None) -> list[Person]:
    """Everybody who labels, or one person; one query."""
    people: dict[int, Person] = {}
    for row in sql.fetch_all(JUDGED, {"project": project_id, "only": only}):
        if row["category_id"] is None:
            people[row["annotator_id"]] = _person(row)
        else:
            told = accuracy_of(row["right"], row["compared"])
            people[row["annotator_id"]].categories.append((row["category_id"], told))
    return list(people.values())


def _person(row: dict[str, Any]) -> Person:
    led = row["misled"] >= LED_AT_LEAST and row["followed"] >= LED_SHARE * row["misled"]
    return Person(
        id=row["annotator_id"],
        username=row["username"],
        labels=row["labels"],
        agreement=accuracy_of(row["right"], row["compared"]),
        median_ms=row["median_ms"],
        misled=row["misled"],
        followed=row["followed"],
        blind_error=accuracy_of(row["blind_wrong"], row["blind"]),
        led=led,
        categories=[],
    )
