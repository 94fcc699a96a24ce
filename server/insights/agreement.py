"""What several people said of the same images, each by themselves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.core import sql

# The newest standing answer of each person and image, of images that two or more answered. Copies, imports and reviews
# are left out: a review has seen what the others said.
VOTES = """
WITH newest AS (
    SELECT DISTINCT ON (a.image_id, a.annotator_id) a.image_id, a.annotator_id, a.category_id, a.kind
    FROM labeling_annotation a
    WHERE a.project_id = %(project)s AND a.annotator_id IS NOT NULL AND a.kind <> 'undo'
      AND a.evidence NOT IN ('propagated', 'accepted', 'imported', 'migrated', 'review')
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
    ORDER BY a.image_id, a.annotator_id, a.sequence DESC
), counted AS (
    SELECT image_id, annotator_id, category_id, count(*) OVER (PARTITION BY image_id) AS votes
    FROM newest WHERE kind = 'label'
)
SELECT image_id, annotator_id, category_id FROM counted WHERE votes > 1 ORDER BY image_id, annotator_id
"""
# Somebody who saw all opinions has decided, or the image is not to be used: nothing is left to ask.
SETTLED = """
SELECT image_id FROM labeling_consensus
WHERE project_id = %(project)s AND (evidence = 'review' OR state = 'flagged') ORDER BY image_id
"""
# Projects that want more opinions where they are undecided, with labels that were not weighed yet.
WANTING = """
SELECT p.id FROM projects_project p
LEFT JOIN insights_measurement m ON m.project_id = p.id AND m.kind = 'opinions'
WHERE p.archived_at IS NULL AND COALESCE((p.options ->> 'opinions_max')::int, 0) > p.overlap
  AND COALESCE(m.last_sequence, 0) < (
      SELECT COALESCE(max(a.sequence), 0) FROM labeling_annotation a WHERE a.project_id = p.id)
"""


@dataclass(frozen=True)
class IndependentVotes:
    """V votes as three columns of ids, ordered by image."""

    image: NDArray[np.int64]
    annotator: NDArray[np.int64]
    category: NDArray[np.int64]


def votes_independent(*, project_id: int) -> IndependentVotes:
    """Every image that two or more people labeled without seeing each other's answer. One query."""
    rows = np.array(sql.fetch_rows(VOTES, {"project": project_id}), np.int64).reshape(-1, 3)
    return IndependentVotes(rows[:, 0], rows[:, 1], rows[:, 2])


def images_reviewed(*, project_id: int) -> NDArray[np.int64]:
    """Images that a reviewer decided or somebody flagged. One query."""
    rows = sql.fetch_rows(SETTLED, {"project": project_id})
    return np.array([image for (image,) in rows], np.int64)


def projects_undecided() -> list[int]:
    """Projects in which it is due to see where another opinion would help. One query."""
    return [row["id"] for row in sql.fetch_all(WANTING, {})]
