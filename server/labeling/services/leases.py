"""Leases: who looks at what for the next minutes. One statement takes them; the database's clock ends them.

Every change of a queue item's leases happens under the lock of the item's row, so that `slots` is exactly
max(0, remaining − live leases) whenever no transaction is in flight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from server.core import sql

LEASE_S = 300
"""Minutes, not days: an abandoned lease is back in the queue before anyone notices."""
RECLAIM_AT_ONCE = 500


@dataclass(frozen=True)
class Leased:
    """One item that this person, and nobody else beyond the overlap, may label until `lease_until`."""

    item_id: int
    image_id: int
    purpose: str
    reason: str
    token: UUID
    lease_until: datetime


# Whoever is asked has the question to themselves for an hour, so that it waits for nobody who is away.
MEANT = """(q.asked_of IS NULL OR %(user)s = ANY(q.asked_of) OR q.created_at < now() - interval '1 hour')"""

# `slots` sits in the locked row, so it is checked again on the newest version of a row that another client has
# just taken. The insert decides which items were got; only those lose a slot.
TAKE = """
WITH picked AS (
    SELECT q.id, q.image_id, q.purpose, q.reason, q.rank
    FROM labeling_queueitem q
    WHERE q.project_id = %(project)s AND q.slots > 0 {only} AND {meant}
      AND NOT EXISTS (SELECT 1 FROM labeling_lease l WHERE l.item_id = q.id AND l.user_id = %(user)s)
      AND (q.remaining = q.wanted OR NOT EXISTS (
          SELECT 1 FROM labeling_annotation a
          WHERE a.image_id = q.image_id AND a.annotator_id = %(user)s AND a.kind <> 'undo'
            AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)))
    ORDER BY q.rank, q.id
    LIMIT %(count)s
    FOR UPDATE OF q SKIP LOCKED
), leased AS (
    INSERT INTO labeling_lease (item_id, project_id, user_id, token, leased_at, lease_until)
    SELECT id, %(project)s, %(user)s, gen_random_uuid(), clock_timestamp(),
           clock_timestamp() + make_interval(secs => %(lease_s)s)
    FROM picked
    ON CONFLICT (item_id, user_id) DO NOTHING
    RETURNING item_id, token, lease_until
), counted AS (
    UPDATE labeling_queueitem q SET slots = q.slots - 1 FROM leased WHERE q.id = leased.item_id
)
SELECT picked.id AS item_id, picked.image_id, picked.purpose, picked.reason, leased.token, leased.lease_until
FROM picked JOIN leased ON leased.item_id = picked.id
ORDER BY picked.rank, picked.id
"""

# The number of leases stays as it is, so `slots` does.
HAND_BACK = """
WITH mine AS (
    SELECT l.id FROM labeling_lease l
    WHERE l.user_id = %(user)s AND l.project_id = %(project)s AND l.lease_until > clock_timestamp()
      AND l.token <> ALL(%(holding)s::uuid[])
    ORDER BY l.leased_at, l.id LIMIT %(count)s
    FOR UPDATE SKIP LOCKED
), again AS (
    UPDATE labeling_lease l
    SET token = gen_random_uuid(), lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
    FROM mine WHERE l.id = mine.id
    RETURNING l.item_id, l.token, l.lease_until
)
SELECT q.id AS item_id, q.image_id, q.purpose, q.reason, again.token, again.lease_until
FROM again JOIN labeling_queueitem q ON q.id = again.item_id
ORDER BY q.rank, q.id
"""

EXPIRED = """
SELECT EXISTS (
    SELECT 1 FROM labeling_lease WHERE project_id = %(project)s AND lease_until < clock_timestamp())
"""

LOCK_EXPIRED = """
SELECT q.id FROM labeling_queueitem q
WHERE q.id IN (
    SELECT item_id FROM labeling_lease
    WHERE project_id = %(project)s AND lease_until < clock_timestamp()
    ORDER BY lease_until LIMIT %(limit)s)
ORDER BY q.id
FOR UPDATE SKIP LOCKED
"""

# The count is taken before the delete of the same statement shows, hence the subtraction.
DROP = """
WITH gone AS (
    DELETE FROM labeling_lease l WHERE l.item_id = ANY(%(items)s) AND {which} RETURNING l.item_id)
UPDATE labeling_queueitem q
SET slots = GREATEST(0, q.remaining
    - (SELECT count(*) FROM labeling_lease l WHERE l.item_id = q.id)
    + (SELECT count(*) FROM gone WHERE gone.item_id = q.id))
WHERE q.id IN (SELECT item_id FROM gone)
"""

LOCK_HELD = """
SELECT q.id FROM labeling_queueitem q
WHERE q.id IN (
    SELECT item_id FROM labeling_lease
    WHERE project_id = %(project)s AND user_id = %(user)s AND token = ANY(%(tokens)s))
ORDER BY q.id
FOR UPDATE
"""

RENEW = """
UPDATE labeling_lease SET lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
WHERE project_id = %(project)s AND user_id = %(user)s AND token = ANY(%(tokens)s)
RETURNING token, lease_until
"""


@transaction.atomic
def leases_take(
    *, project_id: int, user_id: int, count: int, lease_s: float = LEASE_S, blind_only: bool = False
) -> list[Leased]:
    """Up to `count` of the best-ranked items that are free and that this person has not judged yet: one round trip.

    Whether a lease has expired is asked with it. Where one has, its item is free for whoever comes next, or for this
    person where there was too little.
    """
    take = TAKE.format(only="AND q.purpose = 'blind'" if blind_only else "", meant=MEANT)
    params = {"project": project_id, "user": user_id, "count": count, "lease_s": lease_s}
    with sql.pipeline():
        expired, taken = sql.Sent(EXPIRED, params), sql.Sent(take, params)
    leased = [Leased(**row) for row in taken.all()]
    if expired.value() and leases_reclaim(project_id=project_id) and len(leased) < count:
        leased += [Leased(**row) for row in sql.fetch_all(take, params | {"count": count - len(leased)}, hot=True)]
    return leased


def leases_hand_back(
    *, project_id: int, user_id: int, holding: Sequence[UUID], count: int, lease_s: float = LEASE_S
) -> list[Leased]:
    """Up to `count` of this person's own live leases that are not in `holding`, under new tokens and for a fresh while.

    They are those of a tab that was killed. What is free goes first, so that two tabs of one person meet in the same
    images only when there are no others.
    """
    params = {
        "project": project_id,
        "user": user_id,
        "holding": list(holding),
        "count": count,
        "lease_s": lease_s,
    }
    return [Leased(**row) for row in sql.fetch_all(HAND_BACK, params, hot=True)]


@transaction.atomic(savepoint=False)
def leases_reclaim(*, project_id: int) -> int:
    """Give expired leases back to the queue. One index probe where there are none. Safe to repeat."""
    items = _ids(sql.fetch_all(LOCK_EXPIRED, {"project": project_id, "limit": RECLAIM_AT_ONCE}))
    return sql.execute(DROP.format(which="l.lease_until < clock_timestamp()"), {"items": items}) if items else 0


def leases_renew(*, project_id: int, user_id: int, tokens: Sequence[UUID], lease_s: float = LEASE_S) -> list[UUID]:
    """Extend leases that are still held; their tokens. The label of one that is gone is taken all the same."""
    params = {"project": project_id, "user": user_id, "tokens": list(tokens), "lease_s": lease_s}
    return [row["token"] for row in sql.fetch_all(RENEW, params)]


@transaction.atomic
def leases_release(*, project_id: int, user_id: int, tokens: Sequence[UUID]) -> int:
    """Hand leases back, as a closing tab does. Unknown tokens are ignored."""
    params = {"project": project_id, "user": user_id, "tokens": list(tokens)}
    items = _ids(sql.fetch_all(LOCK_HELD, params))
    if not items:
        return 0
    which = "l.user_id = %(user)s AND l.token = ANY(%(tokens)s)"
    return sql.execute(DROP.format(which=which), {**params, "items": items})


def _ids(rows: list[dict[str, int]]) -> list[int]:
    return [row["id"] for row in rows]
