"""What labels cost: people's minutes by the evidence that labels rest on."""

from dataclasses import dataclass

from server.core import sql

LOOK_AT_MOST_MS, PAGE_AT_MOST_MS = 120_000, 600_000
"""Longer than this nobody looks at one image, or at one page: the rest is a pause."""
SEEN_BY_PEOPLE = ("blind", "suggestion", "free", "page", "review")

# Time is spent on what was skipped, flagged or taken back, too. Answers to the audits of a lot are the price of the
# labels that were accepted under it, and near-duplicates come with the tile that they follow.
SPENT = """
SELECT CASE WHEN b.lot IS NOT NULL THEN 'accepted' ELSE a.evidence END AS evidence,
       sum(LEAST(a.duration_ms, %(look)s)) / 60000.0 AS minutes
FROM labeling_annotation a
LEFT JOIN labeling_blinddraw b ON b.project_id = a.project_id AND b.image_id = a.image_id AND a.evidence = 'blind'
WHERE a.project_id = %(project)s AND a.duration_ms IS NOT NULL AND a.kind <> 'undo'
  AND a.evidence IN ('blind', 'suggestion', 'free', 'review')
GROUP BY 1
UNION ALL
SELECT 'page', sum(LEAST(t.duration_ms, %(page)s)) / 60000.0
FROM labeling_pagecommit t WHERE t.project_id = %(project)s AND t.duration_ms IS NOT NULL
"""
STANDING = """
SELECT evidence, count(*) AS labels FROM labeling_consensus
WHERE project_id = %(project)s AND state = 'agreed' GROUP BY evidence
"""


@dataclass(frozen=True)
class Cost:
    """Labels that stand, and minutes spent; `seconds` a label is None where either is missing."""

    evidence: str
    labels: int
    minutes: float

    @property
    def seconds(self) -> float | None:
        return 60 * self.minutes / self.labels if self.labels and self.minutes else None


def costs_by_evidence(*, project_id: int) -> list[Cost]:
    """Every grade that has labels or took time, the commonest first. Two queries."""
    params = {"project": project_id, "look": LOOK_AT_MOST_MS, "page": PAGE_AT_MOST_MS}
    minutes: dict[str, float] = {}
    for row in sql.fetch_all(SPENT, params):
        minutes[row["evidence"]] = minutes.get(row["evidence"], 0.0) + float(row["minutes"] or 0)
    labels = {row["evidence"]: int(row["labels"]) for row in sql.fetch_all(STANDING, params)}
    found = [Cost(name, labels.get(name, 0), minutes.get(name, 0.0)) for name in labels.keys() | minutes.keys()]
    return sorted((one for one in found if one.labels or one.minutes), key=lambda one: (-one.labels, one.evidence))


def cost_total(costs: list[Cost]) -> Cost:
    """Of the whole project: what was not timed, imports above all, counts as labels that cost nobody's time here."""
    return Cost("", sum(one.labels for one in costs), sum(one.minutes for one in costs))


def cost_of_teaching(costs: list[Cost]) -> Cost:
    """Of the labels that teach and that people gave: what one more of them will take."""
    taught = [one for one in costs if one.evidence in ("suggestion", "free", "page", "propagated")]
    return Cost("", sum(one.labels for one in taught), sum(one.minutes for one in taught))
