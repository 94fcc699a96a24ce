"""What a person who labels is shown: suggestions, exemplars, how much is left."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

from server.core import sql
from server.labeling.models import Purpose
from server.labeling.services.leases import Leased

EXEMPLARS = 3
CANDIDATES = 24
"""Confirmed images of a category that are compared with an image; a bound, so that the cost stays as it is."""
REMAINING_FOR_S = 10.0


@dataclass(frozen=True)
class Suggestion:
    """One of a prediction's best categories, shown to a person."""

    category_id: int
    probability: float


@dataclass(frozen=True)
class Card:
    """All that the labelling screen needs for one leased image."""

    leased: Leased
    name: str
    width: int | None
    height: int | None
    suggestions: list[Suggestion] = field(default_factory=list)
    exemplars: dict[int, list[int]] = field(default_factory=dict)
    """Category of each of the first two suggestions → nearest confirmed images."""


CARDS = """
SELECT i.id, i.original_name AS name, i.width, i.height, p.top_categories, p.top_probabilities,
       ARRAY(SELECT s.category_id FROM labeling_strike s JOIN labeling_pagecommit t ON t.id = s.commit_id
             WHERE s.image_id = i.id AND t.undo_id IS NULL) AS struck
FROM images_image i
LEFT JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = i.id
WHERE i.id = ANY(%(images)s)
"""

# Every vector is read once: those of the images, and of a few confirmed ones of each category to compare them with.
NEAREST = """
WITH wanted AS (
    SELECT * FROM unnest(%(images)s::bigint[], %(categories)s::bigint[]) AS w (image_id, category_id)
), confirmed AS MATERIALIZED (
    SELECT c.category_id, k.image_id, e.vector
    FROM (SELECT DISTINCT category_id FROM wanted) c
    CROSS JOIN LATERAL (
        SELECT image_id FROM labeling_consensus
        WHERE project_id = %(project)s AND category_id = c.category_id AND state = 'agreed' AND NOT blind
        LIMIT %(candidates)s) k
    JOIN embeddings_embedding e ON e.space_id = %(space)s AND e.image_id = k.image_id
), shown AS MATERIALIZED (
    SELECT i.image_id, v.vector FROM (SELECT DISTINCT image_id FROM wanted) i
    JOIN embeddings_embedding v ON v.space_id = %(space)s AND v.image_id = i.image_id
), ranked AS (
    SELECT w.image_id, w.category_id, c.image_id AS exemplar,
           row_number() OVER (PARTITION BY w.image_id, w.category_id ORDER BY c.vector <=> s.vector) AS place
    FROM wanted w
    JOIN shown s ON s.image_id = w.image_id
    JOIN confirmed c ON c.category_id = w.category_id
)
SELECT image_id, category_id, exemplar FROM ranked WHERE place <= %(exemplars)s ORDER BY image_id, category_id, place
"""


def cards_for(leased: Sequence[Leased], *, project_id: int, run_id: int | None, space_id: int | None) -> list[Card]:
    """Leased items with what is shown beside them. Two statements. Blind items show nothing that could lead."""
    rows = {
        row["id"]: row
        for row in sql.fetch_all(CARDS, {"run": run_id, "images": [item.image_id for item in leased]}, hot=True)
    }
    blind = {item.image_id for item in leased if item.purpose == Purpose.BLIND}
    suggestions = {image: _suggestions(row) for image, row in rows.items() if image not in blind}
    exemplars = exemplars_nearest(
        [(image, told.category_id) for image, all_told in suggestions.items() for told in all_told[:2]],
        project_id=project_id,
        space_id=space_id,
    )
    return [
        Card(
            item,
            rows[item.image_id]["name"],
            rows[item.image_id]["width"],
            rows[item.image_id]["height"],
            suggestions.get(item.image_id, []),
            exemplars.get(item.image_id, {}),
        )
        for item in leased
        if item.image_id in rows
    ]


def _suggestions(row: dict[str, Any]) -> list[Suggestion]:
    pairs = zip(row["top_categories"] or [], row["top_probabilities"] or [], strict=False)
    return [Suggestion(category, probability) for category, probability in pairs if category not in row["struck"]]


def exemplars_nearest(
    wanted: Sequence[tuple[int, int]], *, project_id: int, space_id: int | None
) -> dict[int, dict[int, list[int]]]:
    """For (image, category) pairs, confirmed images of the category nearest to the image, nearest first."""
    if not wanted or space_id is None:
        return {}
    params = {
        "images": [image for image, _ in wanted],
        "categories": [category for _, category in wanted],
        "project": project_id,
        "space": space_id,
        "candidates": CANDIDATES,
        "exemplars": EXEMPLARS,
    }
    found: dict[int, dict[int, list[int]]] = defaultdict(dict)
    for row in sql.fetch_all(NEAREST, params, hot=True):
        found[row["image_id"]].setdefault(row["category_id"], []).append(row["exemplar"])
    return found


WHY_EMPTY = """
SELECT EXISTS (SELECT 1 FROM labeling_lease l
               WHERE l.project_id = %(project)s AND l.user_id IS DISTINCT FROM %(user)s) AS leased,
       EXISTS (SELECT 1 FROM images_image i WHERE i.project_id = %(project)s AND i.state = 'received') AS processing,
       EXISTS (SELECT 1 FROM images_image i WHERE i.project_id = %(project)s AND i.state = 'ready') AS ready
"""


def queue_empty_reason(*, project_id: int, user_id: int | None = None) -> str:
    """Why a lease found nothing for this person: no_images, processing, leased_by_others or all_labeled."""
    row = sql.fetch_one(WHY_EMPTY, {"project": project_id, "user": user_id}) or {}
    if row.get("leased"):
        return "leased_by_others"
    if row.get("processing"):
        return "processing"
    return "all_labeled" if row.get("ready") else "no_images"


REMAINING = """
SELECT (SELECT COALESCE(sum(count), 0) FROM images_imagetally WHERE project_id = %(project)s AND state = 'ready')
     - (SELECT COALESCE(sum(count), 0) FROM labeling_consensustally WHERE project_id = %(project)s)
"""


def images_remaining(*, project_id: int) -> int:
    """Images without a judgement, at most ten seconds old: it is shown, never decided by."""
    key = f"images_remaining:{project_id}"
    known: int | None = cache.get(key)
    if known is None:
        known = max(0, int(sql.fetch_value(REMAINING, {"project": project_id}, hot=True)))
        cache.set(key, known, REMAINING_FOR_S)
    return known
