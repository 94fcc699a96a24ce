"""How many images of each kind a filter lets through: shown beside a list, never decided by.

Without a filter nothing is counted: the database keeps those counts. With one, every image that it lets through is
looked at once, so the answer may be a few seconds old.
"""

from collections import defaultdict
from hashlib import sha256
from typing import Any

from django.core.cache import cache

from server.core import sql
from server.images.models import ImageState
from server.images.tally import images_counted
from server.insights.browse import STATES, Clauses, Filters, clauses_of
from server.labeling.tally import consensus_counted
from server.predictions.selectors import predictions_counted
from server.projects.models import Project

FACETS_S = 5
NAMES = {agreed: name for name, agreed in STATES.items()}

# Into at most a few thousand groups, which are then summed four ways; and once more by who labeled them.
FACETS = """
WITH shown AS MATERIALIZED (
    SELECT i.id, c.category_id AS category, p.category_id AS predicted, c.state, c.evidence {rows}
), found AS MATERIALIZED (
    SELECT category, predicted, state, evidence, count(*) AS n FROM shown GROUP BY 1, 2, 3, 4
)
SELECT category, predicted, state, evidence, NULL::bigint AS annotator, coalesce(sum(n), 0)::bigint AS n,
       grouping(category, predicted, state, evidence) AS summed
  FROM found GROUP BY GROUPING SETS ((category), (predicted), (state), (evidence), ())
UNION ALL
SELECT NULL, NULL, NULL, NULL, annotator_id, count(*), NULL FROM (
    SELECT annotator_id, image_id FROM labeling_annotation
     WHERE project_id = %(project)s AND kind = 'label' AND annotator_id IS NOT NULL
     GROUP BY annotator_id, image_id) told
 WHERE image_id IN (SELECT id FROM shown) GROUP BY annotator_id
"""
ANNOTATORS = """
SELECT annotator_id AS annotator, count(*) AS n FROM (
    SELECT annotator_id, image_id FROM labeling_annotation
     WHERE project_id = %(project)s AND kind = 'label' AND annotator_id IS NOT NULL
     GROUP BY annotator_id, image_id) told
 GROUP BY annotator_id
"""
NAMED = "SELECT id, username FROM accounts_user WHERE id = ANY(%(people)s)"
PEOPLE = 100
# Of what is not summed away, as PostgreSQL's grouping() counts bits.
CATEGORY, PREDICTED, STATE, EVIDENCE, ALL = 0b0111, 0b1011, 0b1101, 0b1110, 0b1111
WAITING_BLIND = """
SELECT p.category_id, count(*) AS n FROM labeling_blinddraw b
JOIN images_image i ON i.id = b.image_id AND i.state = 'ready'
JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = b.image_id
WHERE b.project_id = %(project)s AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = b.image_id)
GROUP BY p.category_id
"""


def images_facets(project: Project, *, filters: Filters) -> dict[str, Any]:
    """Counts by category, prediction, state, evidence and annotator of everything that the filters let through."""
    made = clauses_of(project, filters)
    if not made.texts:
        return _of_all(project)
    told = sha256(repr((project.pk, project.active_run_id, filters)).encode()).hexdigest()
    known: dict[str, Any] | None = cache.get(f"facets:{told}")
    if known is None:
        known = _looked_at(filters, made)
        cache.set(f"facets:{told}", known, FACETS_S)
    return known


def _looked_at(filters: Filters, made: Clauses) -> dict[str, Any]:
    sums: dict[int, dict[Any, int]] = defaultdict(dict)
    people: dict[int, int] = {}
    columns = {CATEGORY: "category", PREDICTED: "predicted", STATE: "state", EVIDENCE: "evidence"}
    for row in sql.fetch_all(FACETS.format(rows=filters.source + made.sql()), made.values):
        if row["annotator"] is not None:
            people[row["annotator"]] = row["n"]
        else:
            key = columns.get(row["summed"])
            sums[row["summed"]][row[key] if key else None] = row["n"]
    return _facets(sums[CATEGORY], sums[PREDICTED], sums[STATE], sums[EVIDENCE], sums[ALL][None], people)


def _of_all(project: Project) -> dict[str, Any]:
    """Who is blind to a prediction is known by the few draws that wait for an answer."""
    categories: dict[Any, int] = defaultdict(int)
    states: dict[Any, int] = defaultdict(int)
    evidence: dict[Any, int] = defaultdict(int)
    for standing in consensus_counted(project_id=project.pk):
        categories[standing.category_id] += standing.count
        states[standing.state] += standing.count
        evidence[standing.evidence] += standing.count
    total = images_counted(project_id=project.pk)[ImageState.READY]
    if total > sum(states.values()):
        states[None] = total - sum(states.values())
    predicted: dict[Any, int] = dict(predictions_counted(project.active_run_id))
    values = {"project": project.pk, "run": project.active_run_id}
    for row in sql.fetch_all(WAITING_BLIND, values):
        predicted[row["category_id"]] -= row["n"]
    people = {row["annotator"]: row["n"] for row in sql.fetch_all(ANNOTATORS, values)}
    return _facets(categories, predicted, states, evidence, total, people)


def _facets(
    categories: dict[Any, int],
    predicted: dict[Any, int],
    states: dict[Any, int],
    evidence: dict[Any, int],
    total: int,
    people: dict[int, int],
) -> dict[str, Any]:
    first = sorted(people, key=lambda one: (-people[one], one))[:PEOPLE]
    names = {row["id"]: row["username"] for row in sql.fetch_all(NAMED, {"people": first})}
    return {
        "categories": [{"id": one, "count": n} for one, n in categories.items() if one is not None and n],
        "predicted": [{"id": one, "count": n} for one, n in predicted.items() if one is not None and n],
        "state": {NAMES[state]: n for state, n in states.items()},
        "evidence": {told: n for told, n in evidence.items() if told is not None},
        "total": total,
        "annotators": [{"id": one, "username": names[one], "count": people[one]} for one in first if one in names],
    }
