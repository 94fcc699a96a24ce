"""The current category of each image, derived from its annotations by one statement.

The same statement serves one image inside a label's transaction and a whole project in a rebuild, so both give
identical rows. The rule, per image:

1. Events that were undone do not count. Of each person the newest event counts.
2. Imported, propagated and accepted labels give way to a person's own label or flag.
3. A review decides alone. Otherwise the category with more than half of the labels is agreed.
4. Labels without such a majority, or labels beside a flag, are disputed. Without labels: flagged, else skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from server.core import sql
from server.labeling.models import Consensus, ConsensusState
from server.labeling.services.locks import project_lock_alone
from server.predictions.prototypes import ADD

REFRESH = """
WITH events AS (
    SELECT a.image_id, a.project_id, a.annotator_id, a.kind, a.category_id, a.evidence, a.sequence,
           a.evidence IN ('imported', 'propagated', 'accepted') AS weak,
           EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id) AS undone,
           max(a.sequence) OVER image AS last_sequence, max(a.created_at) OVER image AS updated_at
    FROM labeling_annotation a
    WHERE {events}
    WINDOW image AS (PARTITION BY a.image_id)
), standing AS (
    SELECT DISTINCT ON (image_id, annotator_id, weak) *
    FROM events WHERE kind <> 'undo' AND NOT undone
    ORDER BY image_id, annotator_id, weak, sequence DESC
), judged AS (
    SELECT *, bool_or(NOT weak AND kind <> 'skip') OVER image AS by_person,
           max(sequence) FILTER (WHERE evidence = 'review') OVER image AS review
    FROM standing WINDOW image AS (PARTITION BY image_id)
), counting AS (
    SELECT * FROM judged
    WHERE CASE WHEN review IS NOT NULL THEN sequence = review ELSE NOT (weak AND by_person) END
), votes AS (
    SELECT image_id, category_id, count(*) AS votes, (array_agg(evidence ORDER BY sequence DESC))[1] AS evidence
    FROM counting WHERE kind = 'label' GROUP BY image_id, category_id
), tally AS (
    SELECT image_id, project_id, last_sequence, updated_at,
           count(*) FILTER (WHERE kind = 'label') AS labels, count(*) AS judgements,
           bool_or(kind = 'flag') AS flagged, (array_agg(evidence ORDER BY sequence DESC))[1] AS evidence
    FROM counting GROUP BY image_id, project_id, last_sequence, updated_at
), derived AS (
    SELECT t.image_id, t.project_id,
           CASE WHEN NOT t.flagged THEN v.category_id END AS category_id,
           CASE WHEN t.labels > 0 AND (t.flagged OR v.category_id IS NULL) THEN 'disputed'
                WHEN t.labels > 0 THEN 'agreed' WHEN t.flagged THEN 'flagged' ELSE 'skipped' END AS state,
           COALESCE(CASE WHEN NOT t.flagged THEN v.evidence END, t.evidence) AS evidence,
           COALESCE(CASE WHEN NOT t.flagged THEN v.votes END, t.judgements)::smallint AS votes,
           EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = t.project_id AND b.image_id = t.image_id)
               AS blind,
           t.last_sequence, t.updated_at
    FROM tally t LEFT JOIN votes v ON v.image_id = t.image_id AND 2 * v.votes > t.labels
), before AS (
    SELECT * FROM labeling_consensus c WHERE {rows}
), written AS (
    INSERT INTO labeling_consensus AS c
        (image_id, project_id, category_id, state, evidence, votes, blind, last_sequence, updated_at)
    SELECT image_id, project_id, category_id, state, evidence, votes, blind, last_sequence, updated_at FROM derived
    ON CONFLICT (image_id) DO UPDATE SET category_id = EXCLUDED.category_id, state = EXCLUDED.state,
        evidence = EXCLUDED.evidence, votes = EXCLUDED.votes, blind = EXCLUDED.blind,
        last_sequence = EXCLUDED.last_sequence, updated_at = EXCLUDED.updated_at
    WHERE (c.category_id, c.state, c.evidence, c.votes, c.blind, c.last_sequence, c.updated_at) IS DISTINCT FROM
        (EXCLUDED.category_id, EXCLUDED.state, EXCLUDED.evidence, EXCLUDED.votes, EXCLUDED.blind,
         EXCLUDED.last_sequence, EXCLUDED.updated_at)
), gone AS (
    DELETE FROM labeling_consensus c
    WHERE {rows} AND NOT EXISTS (SELECT 1 FROM derived d WHERE d.image_id = c.image_id)
)
SELECT COALESCE(d.image_id, b.image_id) AS image_id, d.category_id, d.state, d.evidence, d.blind,
       CASE WHEN b.state = 'agreed' AND NOT b.blind THEN b.category_id END AS taught_before,
       CASE WHEN d.state = 'agreed' AND NOT d.blind THEN d.category_id END AS teaches_now
FROM derived d FULL JOIN before b ON b.image_id = d.image_id
WHERE %(all)s OR (b.category_id, b.state, b.evidence, b.votes, b.blind, b.last_sequence, b.updated_at) IS DISTINCT FROM
    (d.category_id, d.state, d.evidence, d.votes, d.blind, d.last_sequence, d.updated_at)
"""
REFRESH_IMAGES = REFRESH.format(events="a.image_id = ANY(%(images)s)", rows="c.image_id = ANY(%(images)s)")
# What most labels do to prototypes, beside them: the image teaches now and did not before.
FIRST_TAUGHT = ADD.format(
    images="SELECT d.image_id, d.category_id FROM derived d LEFT JOIN before b ON b.image_id = d.image_id"
    " WHERE d.state = 'agreed' AND NOT d.blind AND (b.image_id IS NULL OR b.state <> 'agreed' OR b.blind)"
)
_TAUGHT = REFRESH_IMAGES.replace("\n)\nSELECT COALESCE", f"\n), taught AS ({FIRST_TAUGHT})\nSELECT COALESCE")
REFRESH_AND_TEACH = " ".join(_TAUGHT.partition("\nWHERE %(all)s")[0].split())
"""On one line: the driver remembers how to bind what is not longer than 4,096 characters."""


@dataclass(frozen=True)
class ConsensusChange:
    """An image's derived state now (`state` None: no judgement stands) and what it teaches, before and after."""

    image_id: int
    category_id: int | None
    state: str | None
    evidence: str | None
    blind: bool | None
    taught_before: int | None
    """Category whose prototype held this image; blind, disputed, skipped and flagged images teach nothing."""
    teaches_now: int | None


def consensus_standing(row: Consensus) -> ConsensusChange:
    """A stored row in the same words, where nothing changed."""
    teaches = row.category_id if row.state == ConsensusState.AGREED and not row.blind else None
    return ConsensusChange(row.image_id, row.category_id, row.state, row.evidence, row.blind, teaches, teaches)


def consensus_refresh(*, image_ids: Sequence[int]) -> list[ConsensusChange]:
    """Derive these images again and report each, changed or not. The caller holds the locks of their rows."""
    hot = len(image_ids) <= 300  # a plan for one image or one page does not suit an import of thousands
    return _changes(sql.fetch_all(REFRESH_IMAGES, {"images": list(image_ids), "all": True}, hot=hot))


def consensus_refresh_sent(*, image_id: int, space_id: int | None) -> sql.Sent:
    """`consensus_refresh` of one image inside a pipeline; read it with `consensus_changes`.

    Where the image teaches for the first time, its prototype in the space has been moved as well.
    """
    return sql.Sent(REFRESH_AND_TEACH, {"images": [image_id], "space": space_id})


def consensus_changes(sent: sql.Sent) -> list[ConsensusChange]:
    return _changes(sent.all())


@transaction.atomic
def consensus_rebuild(*, project_id: int) -> list[ConsensusChange]:
    """Derive a whole project again; the rows that were not what the annotations say. Safe to repeat."""
    project_lock_alone(project_id=project_id)
    scope = {"events": "a.project_id = %(project)s", "rows": "c.project_id = %(project)s"}
    return _changes(sql.fetch_all(REFRESH.format(**scope), {"project": project_id, "all": False}))


def _changes(rows: list[dict[str, Any]]) -> list[ConsensusChange]:
    return [ConsensusChange(**row) for row in rows]
