"""What stands beside a page: its images, exemplars of its category, how many single images come with it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.core.cache import cache

from server.core import sql
from server.labeling.services.page_leases import LeasedPage
from server.projects.models import Project

EXEMPLARS = 5
ENOUGH_BLIND = 100
"""Blind answers after which the audit asks less and less: its interval narrows with the root of their number."""
COUNTED_FOR_S = 30.0


@dataclass(frozen=True)
class ImageCard:
    """What a screen needs to know of an image before its bytes."""

    id: int
    name: str
    width: int | None
    height: int | None


def image_cards(image_ids: Iterable[int]) -> dict[int, ImageCard]:
    """By id; one statement."""
    statement = "SELECT id, original_name AS name, width, height FROM images_image WHERE id = ANY(%s)"
    return {row["id"]: ImageCard(**row) for row in sql.fetch_all(statement, [list(image_ids)], hot=True)}


CONFIRMED = """
SELECT t.category_id, x.image_id
FROM (SELECT DISTINCT unnest(%(categories)s::bigint[]) AS category_id) t
CROSS JOIN LATERAL (
    SELECT image_id FROM (
        (SELECT c.image_id, 0 AS place FROM labeling_gold g JOIN labeling_consensus c ON c.image_id = g.image_id
         WHERE g.project_id = %(project)s AND c.category_id = t.category_id AND c.state = 'agreed' AND NOT c.blind
         LIMIT %(count)s)
        UNION ALL
        (SELECT c.image_id, 1 FROM labeling_consensus c
         WHERE c.project_id = %(project)s AND c.category_id = t.category_id AND c.state = 'agreed' AND NOT c.blind
         ORDER BY c.image_id LIMIT %(count)s)) k
    GROUP BY image_id ORDER BY min(place), image_id LIMIT %(count)s) x
"""


def exemplars_of(category_ids: Sequence[int], *, project_id: int) -> dict[int, list[int]]:
    """Up to five confirmed images of each category, gold first, the same ones every time. One statement."""
    params = {"project": project_id, "categories": list(category_ids), "count": EXEMPLARS}
    found: dict[int, list[int]] = defaultdict(list)
    for row in sql.fetch_all(CONFIRMED, params, hot=True):
        found[row["category_id"]].append(row["image_id"])
    return found


def singles_beside(pages: Sequence[LeasedPage], *, project: Project) -> int:
    """How many blind images to mix in among these pages: the blind share of their tiles, less once enough answered.

    Answers grow with labels at first and with the root of labels later, so that the audit stays honest about a
    million images without costing a tenth of them. A fraction is a chance.
    """
    if project.blind_share <= 0 or not pages:
        return 0
    expected = project.blind_share * sum(len(page.tiles) for page in pages)
    expected *= min(1.0, ENOUGH_BLIND / max(1, _blind_answered(project.pk)))
    chance = np.random.default_rng(pages[0].id.int).random()
    return int(expected) + int(chance < expected % 1)


def _blind_answered(project_id: int) -> int:
    key = f"blind_answered:{project_id}"
    known: int | None = cache.get(key)
    if known is None:
        statement = (
            "SELECT count(*) FROM labeling_blinddraw b JOIN labeling_consensus c ON c.image_id = b.image_id"
            " WHERE b.project_id = %s"
        )
        known = int(sql.fetch_value(statement, [project_id]))
        cache.set(key, known, COUNTED_FOR_S)
    return known


@dataclass(frozen=True)
class Taught:
    """The newest re-scoring of a project's pool; version 0 before the first."""

    version: int = 0
    at: datetime | None = None
    corrections: int = 0
    changed: int = 0
    duration_ms: int = 0
    running: bool = False


NEWEST = """
SELECT t.version, t.created_at AS at, t.corrections, t.changed, t.duration_ms FROM labeling_teaching t
WHERE t.project_id = %(project)s ORDER BY t.version DESC LIMIT 1
"""
RUNNING = """
SELECT EXISTS (SELECT 1 FROM jobs_job WHERE coalesce_key = %(key)s AND state IN ('queued', 'running'))
"""


def teaching_key(project_id: int) -> str:
    """The name under which a project's re-scorings are one job."""
    return f"teach:{project_id}"


def taught(*, project_id: int) -> Taught:
    """Two statements."""
    row = sql.fetch_one(NEWEST, {"project": project_id}, hot=True) or {}
    running = bool(sql.fetch_value(RUNNING, {"key": teaching_key(project_id)}, hot=True))
    return Taught(**row, running=running)
