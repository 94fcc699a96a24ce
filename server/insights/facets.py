"""How many images of each kind a filter lets through: shown beside a list, never decided by.

Without a filter nothing is counted: the database keeps those counts. With one they are summed over columns in memory,
so the answer may be a few seconds old.
"""

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.images.models import ImageState
from server.images.tally import images_counted
from server.insights.browse import STATES, Filters, clauses_of
from server.insights.columns import Columns, Mask, kept
from server.labeling.models import ConsensusState
from server.labeling.tally import consensus_counted
from server.predictions.selectors import predictions_counted
from server.projects.models import Project

NAMES = {agreed: name for name, agreed in STATES.items()}
# What the columns do not hold.
OF_DATABASE = ("batch", "duplicates", "gold", "changed", "search")
LET_THROUGH = """
SELECT string_agg(int8send(i.id), ''::bytea) FROM images_image i WHERE i.project_id = %(project)s AND i.state = 'ready'
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
WAITING_BLIND = """
SELECT p.category_id, count(*) AS n FROM labeling_blinddraw b
JOIN images_image i ON i.id = b.image_id AND i.state = 'ready'
JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = b.image_id
WHERE b.project_id = %(project)s AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = b.image_id)
GROUP BY p.category_id
"""


def images_facets(project: Project, *, filters: Filters) -> dict[str, Any]:
    """Counts by category, prediction, state, evidence and annotator of everything that the filters let through."""
    if filters == Filters():
        return _of_all(project)
    columns = kept.of(project)
    shown = _shown(columns, project, filters)
    person = columns.person[shown[columns.labeled]]
    people, counts = np.unique(person, return_counts=True)
    return _facets(
        columns.category.count(shown),
        columns.predicted.count(shown),
        columns.state.count(shown),
        columns.evidence.count(shown),
        int(shown.sum()),
        dict(zip(people.tolist(), counts.tolist(), strict=True)),
    )


def _shown(columns: Columns, project: Project, filters: Filters) -> Mask:
    """(N,) which images the filters let through. No statement, or one for what the columns do not hold."""
    shown = np.ones(len(columns), bool)
    if filters.category is not None:
        shown &= columns.category.among(filters.category) & columns.state.among([ConsensusState.AGREED])
    if filters.predicted is not None:
        shown &= columns.predicted.among(filters.predicted)
    if filters.state:
        shown &= columns.state.among([STATES[filters.state]])
    if filters.evidence is not None:
        shown &= columns.evidence.among([filters.evidence])
    if filters.blind is not None:
        shown &= columns.blind == filters.blind
    if filters.annotator is not None:
        shown &= _at(columns, columns.labeled[columns.person == filters.annotator])
    if filters.margin_max is not None:
        shown &= columns.margin <= np.float32(filters.margin_max)
    if filters.probability_min is not None:
        shown &= columns.probability >= np.float32(filters.probability_min)
    if filters.probability_max is not None:
        shown &= columns.probability <= np.float32(filters.probability_max)
    asked = {name: getattr(filters, name) for name in OF_DATABASE if getattr(filters, name) not in (None, "")}
    if asked:
        made = clauses_of(project, Filters(**asked))
        ids = np.frombuffer(bytes(sql.fetch_value(LET_THROUGH + made.sql(), made.values) or b""), ">i8")
        shown &= _at(columns, columns.places_of(ids.astype(np.int64))[0])
    return shown


def _at(columns: Columns, places: NDArray[np.int64]) -> Mask:
    """(N,) true at these places."""
    here = np.zeros(len(columns), bool)
    here[places] = True
    return here


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
