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
