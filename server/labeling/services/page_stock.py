"""The stock of page plans: replaced whole when scores are new, filled plainly from the published predictions when not.

The plain filling needs no worker, so that pages never wait for one: a few categories at a time, the surest images
of each that nobody has judged.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db import transaction
from psycopg.types.json import Jsonb

from server.core import sql
from server.labeling.services.blind import RESERVED, blind_params
from server.labeling.services.locks import NAMESPACE
from server.labeling.services.page_options import PageOptions
from server.projects.models import Project

AT_ONCE, EACH = 8, 4
"""Categories that a plain filling looks into, and pages of each: finding the first open image is what takes time."""
TRAPS = 8
DRY_FOR_S = 5.0
"""So long nobody looks again through predictions that held nothing to plan: looking is what costs."""
PLAIN_REASON = "surest of what nobody has looked at"


@dataclass(frozen=True)
class Planned:
    """A page to be: `tiles` and `traps` as in `PagePlan`."""

    category_id: int
    tiles: list[dict[str, Any]]
    expected_precision: float
    reason: str
    traps: list[list[int]] = field(default_factory=list)


INSERT = """
INSERT INTO labeling_pageplan
    (project_id, category_id, version, rank, tiles, traps, expected_precision, reason, created_at)
SELECT %(project)s, row.category_id, %(version)s, row.nth, row.tiles, row.traps, row.precision, row.reason, now()
FROM unnest(%(categories)s::bigint[], %(tiles)s::jsonb[], %(traps)s::jsonb[], %(precisions)s::float8[],
            %(reasons)s::text[]) WITH ORDINALITY AS row (category_id, tiles, traps, precision, reason, nth)
"""
# Newer plans are there before older ones go, so that a lease never meets an empty shelf.
DROP_OLD = """
DELETE FROM labeling_pageplan WHERE id IN (
    SELECT id FROM labeling_pageplan WHERE project_id = %(project)s AND version < %(version)s FOR UPDATE SKIP LOCKED)
"""


def stock_add(*, project_id: int, version: int, planned: Sequence[Planned]) -> None:
    """Put plans on the shelf in their order."""
    params = {
        "project": project_id,
        "version": version,
        "categories": [plan.category_id for plan in planned],
        "tiles": [Jsonb(plan.tiles) for plan in planned],
        "traps": [Jsonb(plan.traps) for plan in planned],
        "precisions": [plan.expected_precision for plan in planned],
        "reasons": [plan.reason[:200] for plan in planned],
    }
    sql.execute(INSERT, params)


def stock_drop_old(*, project_id: int, version: int) -> None:
    """Plans of older scores go, once those of `version` can be seen."""
    sql.execute(DROP_OLD, {"project": project_id, "version": version})


def stock_count(*, project_id: int, at_most: int) -> int:
    """Plans on the shelf that a worker composed, counted no further than `at_most`; plain ones only bridge the wait."""
    composed = "SELECT 1 FROM labeling_pageplan WHERE project_id = %s AND version > 0 LIMIT %s"
    counted = f"SELECT count(*) FROM ({composed}) p"
    return int(sql.fetch_value(counted, [project_id, at_most]))


SUREST = f"""
SELECT t.category_id, x.*
FROM unnest(%(categories)s::bigint[]) AS t (category_id)
CROSS JOIN LATERAL (
    SELECT p.image_id, p.top_categories, p.top_probabilities, i.duplicate_group
    FROM predictions_prediction p JOIN images_image i ON i.id = p.image_id AND i.state = 'ready'
    WHERE p.run_id = %(run)s AND p.category_id = t.category_id AND NOT {RESERVED}
      AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = i.id)
      AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = %(project)s AND b.image_id = i.id)
      AND NOT EXISTS (SELECT 1 FROM labeling_queueitem q
                      WHERE q.project_id = %(project)s AND q.image_id = i.id AND q.slots < 1)
      AND NOT EXISTS (SELECT 1 FROM labeling_strike s WHERE s.image_id = i.id AND s.category_id = t.category_id)
    ORDER BY p.probability DESC LIMIT %(limit)s) x
"""
# Images that were struck come back under the best category that they were not struck from.
STRUCK = f"""
SELECT i.id AS image_id, p.top_categories, p.top_probabilities, i.duplicate_group,
       array_agg(s.category_id) AS struck
FROM (SELECT s.* FROM labeling_strike s JOIN labeling_pagecommit t ON t.id = s.commit_id AND t.undo_id IS NULL
      WHERE s.project_id = %(project)s ORDER BY s.id DESC LIMIT 2000) s
JOIN images_image i ON i.id = s.image_id AND i.state = 'ready' AND NOT {RESERVED}
JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = i.id
WHERE NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = %(project)s AND b.image_id = i.id)
GROUP BY 1, 2, 3, 4
"""
# Two hundred of a category from a random image on, so that the same few are not shown for ever; gold comes first.
TRAPPED = """
SELECT t.category_id AS page_category, x.image_id, t.known
FROM unnest(%(pages)s::bigint[], %(knowns)s::bigint[], %(starts)s::bigint[]) AS t (category_id, known, start)
CROSS JOIN LATERAL (
    SELECT image_id FROM (
        (SELECT c.image_id, 0 AS doubt FROM labeling_gold g JOIN labeling_consensus c ON c.image_id = g.image_id
         WHERE g.project_id = %(project)s AND c.category_id = t.known AND c.state = 'agreed' AND NOT c.blind
         LIMIT 200)
        UNION ALL
        (SELECT c.image_id, 1 + (c.evidence <> 'review' AND c.votes < 2)::int FROM labeling_consensus c
         WHERE c.project_id = %(project)s AND c.category_id = t.known AND c.image_id >= t.start
           AND c.state = 'agreed' AND NOT c.blind
         ORDER BY c.image_id LIMIT 200)) k
    GROUP BY image_id ORDER BY min(doubt), hashint8extended(image_id, t.start) LIMIT %(limit)s) x
"""


@transaction.atomic
def stock_fill_plain(*, project: Project, category_id: int | None = None) -> int:
    """Plan pages from the published predictions; how many. One filling of a project at a time: who has waited for
    another's takes of that."""
    if _waited(project.pk) and (there := _stocked(project.pk, category_id)):
        return there
    run = project.active_run
    dry = f"pages_dry:{project.pk}:{project.active_run_id}:{category_id}"
    if run is None or cache.get(dry):
        return 0
    known = list(run.category_ids)
    rng = np.random.default_rng()
    order = [category_id] if category_id is not None else [known[at] for at in rng.permutation(len(known))]
    options = PageOptions.of(project)
    planned: list[Planned] = []
    for start in range(0, len(order), AT_ONCE):
        planned = _plain(project, order[start : start + AT_ONCE], options, whole=order)
        if planned:
            break
    with_traps = _trapped(project, planned, rng)
    if with_traps:
        stock_add(project_id=project.pk, version=0, planned=with_traps)
    else:
        cache.set(dry, True, DRY_FOR_S)
    return len(with_traps)


def _waited(project_id: int) -> bool:
    """Hold the right to fill; whether somebody else had it."""
    lock = [NAMESPACE + 2, project_id]
    if sql.fetch_value("SELECT pg_try_advisory_xact_lock(%s, %s::int)", lock):
        return False
    sql.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", lock)
    return True


def _stocked(project_id: int, category_id: int | None) -> int:
    counted = "SELECT count(*) FROM labeling_pageplan WHERE project_id = %s AND category_id = COALESCE(%s, category_id)"
    return int(sql.fetch_value(counted, [project_id, category_id]))


def _plain(project: Project, categories: Sequence[int], options: PageOptions, *, whole: Sequence[int]) -> list[Planned]:
    params = {
        **blind_params(project),
        "run": project.active_run_id,
        "categories": list(categories),
        "limit": EACH * options.size_max,
    }
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in sql.fetch_all(SUREST, params):
        found[row["category_id"]].append(row)
    for row in sql.fetch_all(STRUCK, params):
        rest = [category for category in row["top_categories"] if category not in row["struck"]]
        if rest and rest[0] in whole and row["top_categories"][0] in row["struck"]:  # else it is among the surest
            found[rest[0]].append(row)
    return [
        _planned(category, part)
        for start in range(0, EACH * options.size_max, options.size_max)
        for category, rows in found.items()
        if (part := rows[start : start + options.size_max])
    ]


def _planned(category_id: int, rows: Sequence[dict[str, Any]]) -> Planned:
    """One tile an image or near-duplicate group; the least likely first."""
    tiles: dict[int, dict[str, Any]] = {}
    for row in rows:
        group = row["duplicate_group"] or row["image_id"]
        if group in tiles:
            tiles[group]["folded"].append(row["image_id"])
            continue
        pairs = zip(row["top_categories"], row["top_probabilities"], strict=False)
        suggestions = [[category, round(chance, 4)] for category, chance in pairs]
        suggestions.sort(key=lambda pair: pair[0] != category_id)
        tiles[group] = {"image": row["image_id"], "folded": [], "suggestions": suggestions}
    ordered = sorted(tiles.values(), key=lambda tile: tile["suggestions"][0][1])
    chances = [tile["suggestions"][0][1] for tile in ordered]
    return Planned(category_id, ordered, float(np.mean(chances)), PLAIN_REASON)


def _trapped(project: Project, planned: Sequence[Planned], rng: np.random.Generator) -> list[Planned]:
    """Each plan with confirmed images of the categories that stand second on its own tiles."""
    wanted = list({(plan.category_id, other): None for plan in planned for other in seconds_of(plan)})
    if not wanted:
        return list(planned)
    seen = [tile["image"] for plan in planned for tile in plan.tiles]
    params = {
        "project": project.pk,
        "pages": [page for page, _ in wanted],
        "knowns": [known for _, known in wanted],
        "starts": rng.integers(min(seen), max(seen) + 1, len(wanted)).tolist(),
        "limit": TRAPS,
    }
    traps: dict[int, list[list[int]]] = defaultdict(list)
    for row in sql.fetch_all(TRAPPED, params):
        traps[row["page_category"]].append([row["image_id"], row["known"]])
    return [
        Planned(plan.category_id, plan.tiles, plan.expected_precision, plan.reason, traps[plan.category_id])
        for plan in planned
    ]


def seconds_of(plan: Planned, *, at_most: int = 2) -> list[int]:
    """Categories that the plan's tiles are most often taken for instead."""
    counts: dict[int, int] = defaultdict(int)
    for tile in plan.tiles:
        others = [category for category, _ in tile["suggestions"] if category != plan.category_id]
        for category in others[:1]:
            counts[category] += 1
    return sorted(counts, key=lambda category: -counts[category])[:at_most]
