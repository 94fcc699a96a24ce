"""How large a page may be: earned by each person for each category, by few strikes and by proven attention."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median

from server.core import sql
from server.labeling.services.page_options import PageOptions

START = 16
"""Of a person's first page of a category."""
SMALLEST = 6
UNPROVEN_MAX = 24
"""No page grows beyond this before a known-wrong tile was caught, where known-wrong tiles are shown at all."""
ENOUGH = 3
"""Categories whose sizes say what this person's pages are like."""
GROW, SHRINK = 1.5, 0.75
STRIKES_RARE, STRIKES_MANY = 0.1, 0.3


@dataclass(frozen=True)
class Looked:
    """One commit as it counts for the next page's size; planted tiles are counted apart."""

    judged: int
    struck: int
    planted: int
    caught: int


def size_after(size: int, *, looked: Looked, proven: int, options: PageOptions) -> int:
    """The next page's size.

    A known-wrong tile that was missed halves it. Otherwise it grows where strikes are rare and the page was about as
    large as it may be, shrinks where they are many, and stays in between. `proven` counts known-wrong tiles caught
    since the last one that was missed.
    """
    if looked.caught < looked.planted:
        return max(SMALLEST, size // 2)
    if not looked.judged:
        return size
    strikes = looked.struck / looked.judged
    if strikes > STRIKES_MANY:
        return max(SMALLEST, int(size * SHRINK))
    if strikes > STRIKES_RARE or looked.judged + looked.planted < 0.75 * size:
        return size
    roof = options.size_max if proven or options.attention_share <= 0 else min(UNPROVEN_MAX, options.size_max)
    return max(size, min(roof, int(size * GROW)))


def size_first(earned: Collection[int]) -> int:
    """Of a category that is new: what the other ones have earned, no further than goes without proof."""
    return min(UNPROVEN_MAX, int(median(earned))) if len(earned) >= ENOUGH else START


KNOWN = """
SELECT category_id, size FROM labeling_pageskill WHERE project_id = %(project)s AND user_id = %(user)s
"""


def sizes_for(*, project_id: int, user_id: int, category_ids: Sequence[int], options: PageOptions) -> dict[int, int]:
    """Size by category."""
    rows = sql.fetch_all(KNOWN, {"project": project_id, "user": user_id}, hot=True)
    known = {row["category_id"]: row["size"] for row in rows}
    first = size_first(known.values())
    return {category: min(options.size_max, known.get(category, first)) for category in category_ids}


LOCK = """
INSERT INTO labeling_pageskill AS s
    (project_id, user_id, category_id, size, judged, struck, planted, caught, proven, updated_at)
VALUES (%(project)s, %(user)s, %(category)s, %(start)s, %(judged)s, %(struck)s, %(planted)s, %(caught)s, 0, now())
ON CONFLICT (project_id, user_id, category_id) DO UPDATE SET
    judged = s.judged + EXCLUDED.judged, struck = s.struck + EXCLUDED.struck,
    planted = s.planted + EXCLUDED.planted, caught = s.caught + EXCLUDED.caught, updated_at = now()
RETURNING id, size, proven
"""
SET = "UPDATE labeling_pageskill SET size = %(size)s, proven = %(proven)s WHERE id = %(id)s"


def size_learn(
    *, project_id: int, user_id: int, category_id: int, looked: Looked, options: PageOptions
) -> tuple[int, int]:
    """Take a commit into the record; the page size before and after. Two statements."""
    start = min(UNPROVEN_MAX, max(START, looked.judged + looked.planted))  # a first page is as large as was earned
    params = {"project": project_id, "user": user_id, "category": category_id, "start": start}
    counts = {
        "judged": looked.judged,
        "struck": looked.struck,
        "planted": looked.planted,
        "caught": looked.caught,
    }
    row = sql.fetch_one(LOCK, {**params, **counts}, hot=True) or {}
    before = min(options.size_max, row["size"])
    proven = 0 if looked.caught < looked.planted else row["proven"] + looked.caught
    after = size_after(before, looked=looked, proven=proven, options=options)
    if (after, proven) != (row["size"], row["proven"]):
        sql.execute(SET, {"id": row["id"], "size": after, "proven": proven})
    return before, after


RECORD = """
SELECT category_id, sum(judged) AS judged, sum(struck) AS struck,
       max(size) FILTER (WHERE updated_at > now() - interval '1 hour') AS size
FROM labeling_pageskill WHERE project_id = %(project)s GROUP BY category_id
"""


@dataclass(frozen=True)
class CategoryRecord:
    """What pages of a category have shown: `reliability` the share of proposals left standing, None before any;
    `size` the largest page that somebody at work may have."""

    reliability: float | None
    size: int


def records_of(*, project_id: int, options: PageOptions) -> dict[int, CategoryRecord]:
    """By category, for those that had a page. One statement."""
    return {
        row["category_id"]: CategoryRecord(
            1 - row["struck"] / row["judged"] if row["judged"] else None,
            min(options.size_max, row["size"] or START),
        )
        for row in sql.fetch_all(RECORD, {"project": project_id})
    }


PEOPLE = """
SELECT count(DISTINCT user_id) FROM labeling_page
WHERE project_id = %(project)s AND leased_at > now() - interval '15 minutes'
"""


def people_at_pages(*, project_id: int) -> int:
    """Who leased a page in the last quarter of an hour."""
    return int(sql.fetch_value(PEOPLE, {"project": project_id}))
