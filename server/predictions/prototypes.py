"""Prototypes as sum and count, moved by pgvector's own arithmetic: no vector leaves the database."""

from collections.abc import Sequence

from server.core import sql

ADD = """
INSERT INTO predictions_prototype AS p (space_id, category_id, total, count)
SELECT e.space_id, m.category_id, e.vector::vector, 1 FROM ({images}) AS m (image_id, category_id)
JOIN embeddings_embedding e ON e.space_id = %(space)s AND e.image_id = m.image_id
ON CONFLICT (space_id, category_id) DO UPDATE SET total = p.total + EXCLUDED.total, count = p.count + 1
"""
ADD_ONE = ADD.format(images="VALUES (%(image)s::bigint, %(category)s::bigint)")

# Without a condition on the count: one would be read from a version that another transaction is about to replace, and
# the row's lock comes too late to read it again. Who brings it to 0 takes the row away, and its rounding errors too.
SUBTRACT = """
UPDATE predictions_prototype p SET total = p.total - e.vector::vector, count = p.count - 1
FROM embeddings_embedding e
WHERE e.space_id = %(space)s AND e.image_id = %(image)s
  AND p.space_id = e.space_id AND p.category_id = %(category)s
RETURNING p.count
"""
EMPTY = """
DELETE FROM predictions_prototype p
WHERE p.space_id = %(space)s AND p.category_id = ANY(%(categories)s) AND p.count <= 0
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
            sql.execute(ADD_ONE, params, hot=True)
        elif sql.fetch_value(SUBTRACT, params, hot=True) == 0:
            sql.execute(EMPTY, {"space": space_id, "categories": [category]})


HOLD = """
SELECT category_id FROM predictions_prototype
WHERE space_id = %(space)s AND category_id = ANY(%(categories)s) ORDER BY category_id FOR UPDATE
"""
MOVED = """
SELECT e.space_id, m.category_id, sum(e.vector::vector) AS total, count(*) AS count
FROM unnest(%(images)s::bigint[], %(moved)s::bigint[]) AS m (image_id, category_id)
JOIN embeddings_embedding e ON e.space_id = %(space)s AND e.image_id = m.image_id
GROUP BY e.space_id, m.category_id
"""
ADD_MANY = f"""
INSERT INTO predictions_prototype AS p (space_id, category_id, total, count)
{MOVED} ORDER BY m.category_id
ON CONFLICT (space_id, category_id) DO UPDATE SET total = p.total + EXCLUDED.total, count = p.count + EXCLUDED.count
"""
SUBTRACT_MANY = f"""
UPDATE predictions_prototype p SET total = p.total - m.total, count = p.count - m.count
FROM ({MOVED}) m WHERE p.space_id = m.space_id AND p.category_id = m.category_id
RETURNING p.category_id, p.count
"""


def prototypes_move(*, space_id: int | None, moves: Sequence[tuple[int, int | None, int | None]]) -> None:
    """Many images at once, as (image, category before, category now): at most four statements, whatever their number.

    As `prototype_move`, inside the caller's transaction, with rows locked in the order of category ids.
    """
    real = [move for move in moves if move[1] != move[2]]
    if space_id is None or not real:
        return
    out = [(image, before) for image, before, _ in real if before is not None]
    into = [(image, now) for image, _, now in real if now is not None]
    if len({category for _, category in out + into}) > 1:
        sql.execute(HOLD, {"space": space_id, "categories": [category for _, category in out + into]}, hot=True)
    if out:
        left = sql.fetch_all(SUBTRACT_MANY, _moved(space_id, out), hot=True)
        emptied = [row["category_id"] for row in left if row["count"] <= 0]
        if emptied:
            sql.execute(EMPTY, {"space": space_id, "categories": emptied})
    if into:
        sql.execute(ADD_MANY, _moved(space_id, into), hot=True)


def _moved(space_id: int, pairs: Sequence[tuple[int, int]]) -> dict[str, object]:
    return {
        "space": space_id,
        "images": [image for image, _ in pairs],
        "moved": [category for _, category in pairs],
    }
