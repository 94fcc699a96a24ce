"""How often the live predictions are right, measured on the blind share alone.

Blind images were drawn at random before anyone answered, were answered without a suggestion in sight, and taught
nothing. Accuracy on images that acquisition picked would be biased towards the hard ones, so it is not shown.
"""

from dataclasses import dataclass
from math import sqrt

from server.core import sql

NEEDED = 20
"""Blind answers before a figure is shown: below this the interval says nothing."""
Z95 = 1.959963984540054
HISTORY = 60

SCORE = """
SELECT c.category_id, count(*) AS answered, count(*) FILTER (WHERE p.category_id = c.category_id) AS right
FROM labeling_consensus c
JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = c.image_id
WHERE c.project_id = %(project)s AND c.blind AND c.state = 'agreed'
  AND EXISTS (SELECT 1 FROM labeling_blinddraw b
              WHERE b.project_id = c.project_id AND b.image_id = c.image_id AND b.lot IS NULL)
GROUP BY c.category_id
"""

TREND = """
SELECT finished_at AS at, label_count, (details -> 'blind' ->> 'right')::int AS right,
       (details -> 'blind' ->> 'answered')::int AS answered
FROM predictions_predictionrun
WHERE project_id = %(project)s AND finished_at IS NOT NULL AND (details -> 'blind' ->> 'answered')::int >= %(needed)s
ORDER BY id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Accuracy:
    """A share in [0, 1] with its 95 % interval; `value` is None until `needed` more answers have come."""

    value: float | None
    low: float
    high: float
    n: int
    needed: int


def wilson(right: int, n: int) -> tuple[float, float]:
    """95 % score interval of a binomial share: Wilson, "Probable inference", JASA 1927. (0, 1) for n = 0.

    Unlike the normal one it stays inside [0, 1] and means something at 20 of 20.
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = right / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def accuracy_of(right: int, n: int) -> Accuracy:
    """The figure as it is shown."""
    low, high = wilson(right, n)
    return Accuracy(right / n if n >= NEEDED else None, low, high, n, max(0, NEEDED - n))


def blind_scores(*, project_id: int, run_id: int | None) -> dict[int, tuple[int, int]]:
    """Category that people gave → (right, answered) of a run on the blind share. One query."""
    if run_id is None:
        return {}
    rows = sql.fetch_all(SCORE, {"project": project_id, "run": run_id})
    return {row["category_id"]: (row["right"], row["answered"]) for row in rows}


def blind_total(scores: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """(right, answered) over all categories."""
    return sum(right for right, _ in scores.values()), sum(answered for _, answered in scores.values())


def accuracy_history(*, project_id: int) -> list[dict[str, object]]:
    """What each run measured when it went live, oldest first; at most 60 of the newest."""
    rows = sql.fetch_all(TREND, {"project": project_id, "needed": NEEDED, "limit": HISTORY})
    points: list[dict[str, object]] = []
    for row in reversed(rows):
        low, high = wilson(row["right"], row["answered"])
        value = row["right"] / row["answered"]
        points.append({"at": row["at"], "n_labels": row["label_count"], "value": value, "low": low, "high": high})
    return points
