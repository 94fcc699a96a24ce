"""Prototypes as sum and count, moved by pgvector's own arithmetic: no vector leaves the database."""

from server.core import sql

ADD = """
INSERT INTO predictions_prototype AS p (space_id, category_id, total, count)
SELECT e.space_id, %(category)s, e.vector::vector, 1 FROM embeddings_embedding e
WHERE e.space_id = %(space)s AND e.image_id = %(image)s
ON CONFLICT (space_id, category_id) DO UPDATE SET total = p.total + EXCLUDED.total, count = p.count + 1
"""

# Only what was added can be taken away: the last one takes the row with it, and with it every rounding error.
SUBTRACT = """
UPDATE predictions_prototype p SET total = p.total - e.vector::vector, count = p.count - 1
FROM embeddings_embedding e
WHERE e.space_id = %(space)s AND e.image_id = %(image)s
  AND p.space_id = e.space_id AND p.category_id = %(category)s AND p.count > 1
"""
EMPTY = """
DELETE FROM predictions_prototype p USING embeddings_embedding e
WHERE e.space_id = %(space)s AND e.image_id = %(image)s
  AND p.space_id = e.space_id AND p.category_id = %(category)s AND p.count <= 1
"""


def prototype_move(
    *, space_id: int | None, image_id: int, category_before: int | None, category_now: int | None
) -> None:
    """Move one image's vector between categories' prototypes, inside the caller's transaction.

    Nothing moves for an image without a vector: the next prediction run counts it. Rows are locked in the order of
    category ids, so two labels that cross do not wait for each other for ever.
    """
    if space_id is None or category_before == category_now:
        return
    steps = [(category_before, -1), (category_now, 1)]
    for category, sign in sorted((category, sign) for category, sign in steps if category is not None):
        params = {"space": space_id, "image": image_id, "category": category}
        if sign > 0:
            sql.execute(ADD, params)
        elif not sql.execute(SUBTRACT, params):
            sql.execute(EMPTY, params)
