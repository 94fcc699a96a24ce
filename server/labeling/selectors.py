"""What a person who labels is shown: suggestions, exemplars, how much is left."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache

from server.core import sql
from server.labeling.models import Purpose
from server.labeling.services.leases import Leased

EXEMPLARS, WITH_EXEMPLARS = 3, 2
"""Confirmed images shown for each of so many of the likeliest categories."""
CANDIDATES = 8
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


# Categories that people struck for an image on a page that still counts.
STRUCK = """SELECT s.category_id FROM labeling_strike s JOIN labeling_pagecommit t ON t.id = s.commit_id
             WHERE s.image_id = {image} AND t.undo_id IS NULL"""
CARDS = f"""
SELECT i.id, i.original_name AS name, i.width, i.height, p.top_categories, p.top_probabilities,
       ARRAY({STRUCK.format(image="i.id")}) AS struck
FROM images_image i
LEFT JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = i.id
WHERE i.id = ANY(%(images)s)
"""

# The few candidates of each category are found once; their vectors are read where they are compared, and not kept.
NEAREST = f"""
WITH wanted AS MATERIALIZED (
    SELECT p.image_id, told.category_id
    FROM predictions_prediction p
    CROSS JOIN LATERAL (
        SELECT t.category_id FROM unnest(p.top_categories) WITH ORDINALITY AS t (category_id, place)
        WHERE t.category_id NOT IN ({STRUCK.format(image="p.image_id")})
        ORDER BY t.place LIMIT %(suggestions)s) told
    WHERE p.run_id = %(run)s AND p.image_id = ANY(%(shown)s)
), confirmed AS MATERIALIZED (
    SELECT c.category_id, k.image_id
    FROM (SELECT DISTINCT category_id FROM wanted) c
    CROSS JOIN LATERAL (
        SELECT image_id FROM labeling_consensus
        WHERE project_id = %(project)s AND category_id = c.category_id AND state = 'agreed' AND NOT blind
        LIMIT %(candidates)s) k
)
SELECT w.image_id, w.category_id, near.exemplar
FROM wanted w
JOIN embeddings_embedding s ON s.space_id = %(space)s AND s.image_id = w.image_id
CROSS JOIN LATERAL (
    SELECT c.image_id AS exemplar, e.vector <=> s.vector AS distance
    FROM confirmed c JOIN embeddings_embedding e ON e.space_id = %(space)s AND e.image_id = c.image_id
    WHERE c.category_id = w.category_id
    ORDER BY distance LIMIT %(exemplars)s) near
ORDER BY w.image_id, w.category_id, near.distance
"""


def cards_for(leased: Sequence[Leased], *, project_id: int, run_id: int | None, space_id: int | None) -> list[Card]:
    """Leased items with what is shown beside them: two statements in one round trip.

    Blind items show nothing that could lead. Exemplars are confirmed images of a suggestion, nearest to the image.
    """
    if not leased:
        return []
    shown = [item.image_id for item in leased if item.purpose != Purpose.BLIND]
    params: dict[str, Any] = {
        "run": run_id,
        "space": space_id,
        "project": project_id,
        "images": [item.image_id for item in leased],
        "shown": shown,
        "suggestions": WITH_EXEMPLARS,
        "candidates": CANDIDATES,
        "exemplars": EXEMPLARS,
    }
    with sql.pipeline():
        cards, nearest = sql.Sent(CARDS, params), sql.Sent(NEAREST, params)
    rows = {row["id"]: row for row in cards.all()}
    suggestions = {image: _suggestions(rows[image]) for image in shown if image in rows}
    exemplars: dict[int, dict[int, list[int]]] = defaultdict(dict)
    for row in nearest.all():
        exemplars[row["image_id"]].setdefault(row["category_id"], []).append(row["exemplar"])
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
