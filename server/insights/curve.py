"""Answers in the order in which they came: what a learning curve is drawn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.core import sql

# Accepted labels were the head's own: judged by them, it would have learned from itself. An image drawn for a lot's
# audit is no uniform sample of the project.
ANSWERS = """
SELECT c.image_id, c.category_id FROM labeling_consensus c
WHERE c.project_id = %(project)s AND c.state = 'agreed' AND c.category_id IS NOT NULL AND c.evidence <> 'accepted'
  AND c.blind = %(blind)s
  AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b
                  WHERE b.project_id = c.project_id AND b.image_id = c.image_id AND b.lot IS NOT NULL)
ORDER BY c.last_sequence
"""


@dataclass(frozen=True)
class Answers:
    """n agreed labels as two columns of ids, the oldest first."""

    image: NDArray[np.int64]
    category: NDArray[np.int64]


def answers_in_order(*, project_id: int, blind: bool) -> Answers:
    """The blind share that measures, or all else that people confirmed. One query."""
    rows = np.array(sql.fetch_rows(ANSWERS, {"project": project_id, "blind": blind}), np.int64).reshape(-1, 2)
    return Answers(rows[:, 0], rows[:, 1])
