"""What a second pair of eyes should look at."""

from collections.abc import Sequence
from uuid import UUID

from server.core import sql

RECENT_PAGES = 3
RECENT = "24 hours"

SEND = f"""
WITH recent AS (
    SELECT t.annotation_ids FROM labeling_pagecommit t JOIN labeling_page p ON p.id = t.page_id
    WHERE p.project_id = %(project)s AND p.user_id = %(user)s AND p.category_id = %(category)s
      AND t.undo_id IS NULL AND t.created_at > now() - interval '{RECENT}'
    ORDER BY t.created_at DESC LIMIT {RECENT_PAGES}
), said AS (
    SELECT unnest(annotation_ids) AS id FROM recent UNION SELECT unnest(%(also)s::uuid[])
)
INSERT INTO labeling_reviewrequest AS r (project_id, image_id, reason, after_sequence, created_at)
SELECT %(project)s, a.image_id, 'attention', max(a.sequence), now()
FROM said JOIN labeling_annotation a ON a.id = said.id
WHERE a.kind = 'label' AND a.category_id = %(category)s
GROUP BY a.image_id
ON CONFLICT (image_id, reason) DO UPDATE SET after_sequence = EXCLUDED.after_sequence, created_at = now()
"""


def review_recent_pages(*, project_id: int, user_id: int, category_id: int, also: Sequence[UUID]) -> int:
    """Ask for a review of what this person confirmed of a category on the last pages; how many images.

    `also` are annotations of the page that is being committed. One statement.
    """
    return sql.execute(SEND, {"project": project_id, "user": user_id, "category": category_id, "also": list(also)})
