"""Pages leased: tiles from the head of ready plans, under the same slots as every other lease.

Leases of a page's images carry the page's id as their token, so renewing, releasing, expiring and accounting are
those of `leases`. The database decides in one statement which of the offered images are free.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from psycopg.types.json import Jsonb

from server.core import sql
from server.labeling.services.attention import Trap, planted_into
from server.labeling.services.leases import leases_reclaim
from server.labeling.services.page_options import PageOptions
from server.labeling.services.page_sizes import sizes_for
from server.projects.models import Project

Tile = dict[str, Any]
"""{image, folded, suggestions} of `PagePlan.tiles`; `known` beside it where the tile was planted."""


@dataclass(frozen=True)
class LeasedPage:
    """What one person is shown as one page until `lease_until`. `tiles` are in the order of the screen."""

    id: UUID
    category_id: int
    tiles: list[Tile]
    expected_precision: float
    reason: str
    version: int
    lease_until: datetime


@dataclass
class Plan:
    """A plan whose row this transaction holds."""

    id: int
    category_id: int
    version: int
    tiles: list[Tile]
    traps: list[list[int]]
    expected_precision: float
    reason: str
    wanted: int
    """Opinions on each of its images."""
    page_id: UUID = field(default_factory=uuid.uuid4)


NEXT = """
SELECT id, category_id, version, tiles, traps, expected_precision, reason,
       COALESCE((SELECT c.overlap FROM taxonomy_category c WHERE c.id = category_id), %(wanted)s) AS wanted
FROM labeling_pageplan
WHERE project_id = %(project)s AND id <> ALL(%(tried)s::bigint[]) {category}
ORDER BY version DESC, rank, id LIMIT %(count)s
FOR UPDATE SKIP LOCKED
"""

# A tile is offered where its own image is free; images folded into it come along where they are. Items that are
# new to the queue begin as leased. `slots` is looked at again under the lock of the item's row.
TAKE = """
WITH offered AS (
    SELECT * FROM unnest(%(images)s::bigint[], %(tiles)s::bigint[], %(places)s::int[], %(pages)s::uuid[],
                         %(categories)s::bigint[], %(sizes)s::int[], %(wanted)s::int[])
        AS o (image_id, tile_id, place, page_id, category_id, size, wanted)
), free AS (
    SELECT o.*, q.id AS item_id
    FROM offered o
    JOIN images_image i ON i.id = o.image_id AND i.project_id = %(project)s AND i.state = 'ready'
    LEFT JOIN labeling_queueitem q ON q.project_id = %(project)s AND q.image_id = o.image_id
    WHERE CASE WHEN q.id IS NULL
               THEN NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = o.image_id)
               ELSE q.slots > 0 AND q.purpose <> 'blind' AND q.asked_of IS NULL END
      AND NOT EXISTS (SELECT 1 FROM labeling_lease l WHERE l.item_id = q.id AND l.user_id = %(user)s)
      AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b
                      WHERE b.project_id = %(project)s AND b.image_id = o.image_id)
      AND NOT EXISTS (SELECT 1 FROM labeling_strike s JOIN labeling_pagecommit t ON t.id = s.commit_id
                      WHERE s.image_id = o.image_id AND s.category_id = o.category_id AND t.undo_id IS NULL)
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation a
                      WHERE a.image_id = o.image_id AND a.annotator_id = %(user)s AND a.kind <> 'undo'
                        AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id))
), shown AS (
    SELECT page_id, tile_id, size, row_number() OVER (PARTITION BY page_id ORDER BY place) AS nth
    FROM free WHERE image_id = tile_id
), picked AS (
    SELECT DISTINCT ON (f.image_id) f.*
    FROM free f JOIN shown s ON s.page_id = f.page_id AND s.tile_id = f.tile_id
    WHERE s.nth <= s.size ORDER BY f.image_id, f.place
), locked AS (
    SELECT q.id, q.image_id FROM labeling_queueitem q
    WHERE q.id IN (SELECT item_id FROM picked) AND q.slots > 0
    FOR UPDATE SKIP LOCKED
), added AS (
    INSERT INTO labeling_queueitem
        (project_id, image_id, purpose, rank, reason, wanted, remaining, slots, created_at)
    SELECT %(project)s, image_id, 'acquired', %(rank)s, '', wanted, wanted, wanted - 1, now()
    FROM picked WHERE item_id IS NULL ORDER BY image_id
    ON CONFLICT (project_id, image_id) DO NOTHING
    RETURNING id, image_id
), held AS (
    SELECT id, image_id FROM locked UNION ALL SELECT id, image_id FROM added
), leased AS (
    INSERT INTO labeling_lease (item_id, project_id, user_id, token, leased_at, lease_until)
    SELECT h.id, %(project)s, %(user)s, p.page_id, clock_timestamp(),
           clock_timestamp() + make_interval(secs => %(lease_s)s)
    FROM held h JOIN picked p ON p.image_id = h.image_id
    ON CONFLICT (item_id, user_id) DO NOTHING
    RETURNING item_id, lease_until
), counted AS (
    UPDATE labeling_queueitem q SET slots = q.slots - 1
    FROM leased JOIN locked ON locked.id = leased.item_id WHERE q.id = locked.id
)
SELECT p.page_id, p.place, p.image_id, p.tile_id, leased.lease_until
FROM picked p LEFT JOIN held h ON h.image_id = p.image_id LEFT JOIN leased ON leased.item_id = h.id
ORDER BY p.page_id, p.place
"""
ROUNDS = 12
"""So often a lease looks further where plans hold nothing for this person; single images are never far."""
RANK = 1e6
"""Of items that pages bring into the queue: behind whatever acquisition ranks."""

WRITE = """
INSERT INTO labeling_page
    (id, project_id, user_id, category_id, version, tiles, expected_precision, reason, leased_at)
SELECT id, %(project)s, %(user)s, category_id, version, tiles, expected_precision, reason, clock_timestamp()
FROM unnest(%(ids)s::uuid[], %(categories)s::bigint[], %(versions)s::int[], %(tiles)s::jsonb[],
            %(precisions)s::float8[], %(reasons)s::text[])
    AS row (id, category_id, version, tiles, expected_precision, reason)
"""
SHRINK = """
UPDATE labeling_pageplan p SET tiles = row.tiles
FROM unnest(%(ids)s::bigint[], %(tiles)s::jsonb[]) AS row (id, tiles) WHERE p.id = row.id
"""
AGAIN = """
SELECT p.id, p.category_id, p.tiles, p.expected_precision, p.reason, p.version, min(l.lease_until) AS lease_until,
       array_agg(q.image_id) AS held
FROM labeling_lease l
JOIN labeling_page p ON p.id = l.token
JOIN labeling_queueitem q ON q.id = l.item_id
WHERE l.project_id = %(project)s AND l.user_id = %(user)s AND l.lease_until > clock_timestamp()
  AND l.token <> ALL(%(holding)s::uuid[])
GROUP BY p.id ORDER BY p.leased_at LIMIT %(count)s
"""
DROP = "DELETE FROM labeling_pageplan WHERE id = ANY(%(ids)s)"


FORGET = """
DELETE FROM labeling_page
WHERE project_id = %(project)s AND committed_at IS NULL AND leased_at < now() - interval '7 days'
"""


def pages_take(
    *, project: Project, user_id: int, count: int, tiles_max: int, category_id: int | None = None
) -> list[LeasedPage]:
    """Up to `count` pages of images that are free and that this person has not judged.

    A page is as large as this person has earned for its category, and never larger than `tiles_max`. Plans that have
    nothing free are dropped on the way; an empty list means that no plan is left, or none for this person. Each round
    is a transaction of its own: it takes its images in the order of their ids, so that two people who meet in the same
    ones wait for each other and never in a circle.
    """
    leases_reclaim(project_id=project.pk)
    options = PageOptions.of(project)
    made: list[LeasedPage] = []
    tried: list[int] = []
    for _ in range(ROUNDS):
        if len(made) == count:
            break
        with transaction.atomic():
            plans = _plans(project, category_id=category_id, count=count - len(made), tried=tried)
            made += _take(project, user_id, plans, options, tiles_max) if plans else []
        if not plans:
            break
        tried += [plan.id for plan in plans]
    return made


def pages_again(*, project: Project, user_id: int, count: int, holding: Sequence[UUID]) -> list[LeasedPage]:
    """Pages that this person was given and holds in no tab that is known of, as after a crash: for when nothing
    else is left. Tiles that were judged meanwhile are gone from them."""
    params = {"project": project.pk, "user": user_id, "count": count, "holding": list(holding)}
    found = []
    for row in sql.fetch_all(AGAIN, params):
        page = sql.read_json(row, "tiles")
        held = set(page.pop("held"))
        tiles = [tile for tile in page["tiles"] if "known" in tile or tile["image"] in held]
        found.append(LeasedPage(**{**page, "tiles": tiles}))
    return found


def _plans(project: Project, *, category_id: int | None, count: int, tried: Sequence[int]) -> list[Plan]:
    only = "AND category_id = %(category)s" if category_id is not None else ""
    params = {"project": project.pk, "category": category_id, "count": count, "tried": list(tried)}
    params["wanted"] = project.overlap
    rows = sql.fetch_all(NEXT.format(category=only), params, hot=True)
    return [Plan(**sql.read_json(row, "tiles", "traps")) for row in rows]


def _take(project: Project, user_id: int, plans: list[Plan], options: PageOptions, tiles_max: int) -> list[LeasedPage]:
    earned = sizes_for(
        project_id=project.pk, user_id=user_id, category_ids=[plan.category_id for plan in plans], options=options
    )
    sizes = {plan.id: min(tiles_max, earned[plan.category_id]) for plan in plans}
    rows = sql.fetch_all(TAKE, _offer(project, user_id, plans, sizes, options), hot=True)
    got: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        got[row["page_id"]].append(row)
    pages = [page for plan in plans if (page := _page(plan, got[plan.page_id], options)) is not None]
    _store(project, user_id, pages)
    _settle(plans, got, sizes)
    return pages


def _offer(
    project: Project, user_id: int, plans: Iterable[Plan], sizes: dict[int, int], options: PageOptions
) -> dict[str, Any]:
    offered = [
        (image, tile["image"], place, plan.page_id, plan.category_id, sizes[plan.id], plan.wanted)
        for plan in plans
        for place, tile in enumerate(plan.tiles)
        for image in [tile["image"], *tile["folded"]]
    ]
    names = ("images", "tiles", "places", "pages", "categories", "sizes", "wanted")
    columns = zip(*offered, strict=True) if offered else [()] * len(names)
    return {
        **{name: list(values) for name, values in zip(names, columns, strict=True)},
        "project": project.pk,
        "user": user_id,
        "lease_s": options.lease_s,
        "rank": RANK,
    }


def _page(plan: Plan, rows: list[dict[str, Any]], options: PageOptions) -> LeasedPage | None:
    """The tiles that were got, with known-wrong ones among them; None where nothing was."""
    leased = {row["image_id"]: row["lease_until"] for row in rows if row["lease_until"] is not None}
    tiles = [
        {**tile, "folded": [image for image in tile["folded"] if image in leased]}
        for tile in plan.tiles
        if tile["image"] in leased
    ]
    if not tiles:
        return None
    own = {image for tile in plan.tiles for image in [tile["image"], *tile["folded"]]}
    traps = [
        Trap(image, category) for image, category in plan.traps if image not in own and category != plan.category_id
    ]
    tiles = planted_into(
        tiles, traps=traps, category_id=plan.category_id, share=options.attention_share, seed=plan.page_id.int
    )
    return LeasedPage(
        plan.page_id,
        plan.category_id,
        tiles,
        plan.expected_precision,
        plan.reason,
        plan.version,
        min(leased.values()),
    )


def _store(project: Project, user_id: int, pages: Sequence[LeasedPage]) -> None:
    if not pages:
        return
    params = {
        "project": project.pk,
        "user": user_id,
        "ids": [page.id for page in pages],
        "categories": [page.category_id for page in pages],
        "versions": [page.version for page in pages],
        "tiles": [Jsonb(page.tiles) for page in pages],
        "precisions": [page.expected_precision for page in pages],
        "reasons": [page.reason for page in pages],
    }
    sql.execute(WRITE, params, hot=True)


def _settle(plans: Sequence[Plan], got: dict[UUID, list[dict[str, Any]]], sizes: dict[int, int]) -> None:
    """Leave in each plan the tiles behind those that were looked at; where opinions overlap, others may want them."""
    gone: list[int] = []
    left: dict[int, list[Tile]] = {}
    for plan in plans:
        places = [row["place"] for row in got[plan.page_id] if row["image_id"] == row["tile_id"]]
        rest = plan.tiles[max(places) + 1 :] if len(places) >= sizes[plan.id] else []
        if rest:
            left[plan.id] = rest
        elif places or plan.wanted < 2:
            gone.append(plan.id)
    if left:
        sql.execute(SHRINK, {"ids": list(left), "tiles": [Jsonb(rest) for rest in left.values()]}, hot=True)
    if gone:
        sql.execute(DROP, {"ids": gone}, hot=True)


def pages_forget(*, project_id: int) -> int:
    """Pages that nobody has committed for a week; no outbox is older than that."""
    return sql.execute(FORGET, {"project": project_id})
