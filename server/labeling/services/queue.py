"""The order in which images are looked at. A round replaces what nobody holds; a short queue fills itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from server.acquisition.models import AcquisitionRound
from server.acquisition.services import round_for_top_up, round_walked
from server.core import sql
from server.labeling.models import Purpose
from server.labeling.services.blind import KEY, SCALE, blind_draw, blind_params
from server.labeling.services.leases import MEANT
from server.labeling.services.locks import NAMESPACE
from server.projects.models import Project

TOP_UP = 500
"""Images added at random when a lease finds too few: enough for minutes of labelling, cheap to replace."""


@dataclass(frozen=True)
class Ranked:
    """An image that acquisition picked, best first, and why a person is shown it."""

    image_id: int
    reason: str


CLEAR = """
DELETE FROM labeling_queueitem WHERE id IN (
    SELECT id FROM labeling_queueitem
    WHERE project_id = %(project)s AND slots = wanted AND remaining = wanted AND purpose <> 'review'
    FOR UPDATE SKIP LOCKED)
"""

# What people have judged in the meantime stays out, and what was accepted, unless it is to be audited; what somebody
# holds stays as it is. In the order of ids, as pages bring their images in: two that meet wait for each other and never
# in a circle.
INSERT = """
INSERT INTO labeling_queueitem
    (project_id, round_id, image_id, purpose, rank, reason, wanted, remaining, slots, created_at)
SELECT %(project)s, %(round)s, i.id, row.purpose, row.rank, row.reason,
       want.people, want.people, want.people, now()
FROM unnest(%(images)s::bigint[], %(purposes)s::text[], %(ranks)s::float8[], %(reasons)s::text[])
    AS row (image_id, purpose, rank, reason)
JOIN images_image i ON i.id = row.image_id AND i.project_id = %(project)s AND i.state = 'ready'
CROSS JOIN LATERAL (
    SELECT COALESCE((
        SELECT c.overlap FROM predictions_prediction p JOIN taxonomy_category c ON c.id = p.category_id
        WHERE p.run_id = %(run)s AND p.image_id = i.id), %(wanted)s) AS people
) want
WHERE NOT EXISTS (
    SELECT 1 FROM labeling_consensus c
    WHERE c.image_id = i.id AND (row.purpose <> 'blind' OR c.evidence <> 'accepted'))
ORDER BY i.id
ON CONFLICT (project_id, image_id) DO NOTHING
"""

# In the order of the images' random numbers, which is an index: what is behind the place of the last walk was queued.
WALK = f"""
SELECT i.id, {KEY} AS at FROM images_image i
WHERE i.project_id = %(project)s AND i.state = 'ready' AND {KEY} >= %(start)s AND {KEY} < %(stop)s
  AND NOT EXISTS (SELECT 1 FROM labeling_queueitem q WHERE q.project_id = i.project_id AND q.image_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = i.project_id AND b.image_id = i.id)
ORDER BY {KEY}, i.id LIMIT %(count)s
"""

OPEN_FOR = f"""
SELECT count(*) FROM (
    SELECT 1 FROM labeling_queueitem q
    WHERE q.project_id = %(project)s AND q.slots > 0 AND {MEANT}
      AND NOT EXISTS (SELECT 1 FROM labeling_lease l WHERE l.item_id = q.id AND l.user_id = %(user)s)
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation a
                      WHERE a.image_id = q.image_id AND a.annotator_id = %(user)s)
    LIMIT %(count)s) open
"""


@transaction.atomic
def queue_replace(*, project: Project, round_id: int, ranked: Sequence[Ranked], seed: int) -> int:
    """Put a round's picks at the head, with the blind share spread evenly at random among them. Safe to repeat.

    Items that somebody holds or has answered stay. Returns the number of items added.
    """
    fill_alone(project)
    sql.execute(CLEAR, {"project": project.pk})
    blind = blind_draw(project=project, count=_blind_count(len(ranked), project.blind_share))
    return _insert(project, round_id=round_id, ranked=ranked, blind=blind, seed=seed, after=-1.0)


@transaction.atomic
def queue_top_up(*, project: Project, user_id: int, count: int) -> int:
    """Add images at random when fewer than `count` are open to this person, so that the queue is never dead."""
    fill_alone(project)
    params = {"project": project.pk, "user": user_id, "count": count}
    if int(sql.fetch_value(OPEN_FOR, params)) >= count:
        return 0
    filling = round_for_top_up(project=project)
    ranked = [Ranked(image, "picked at random") for image in _next_unqueued(project, filling, max(TOP_UP, count))]
    blind = blind_draw(project=project, count=_blind_count(len(ranked), project.blind_share))
    last = sql.fetch_value("SELECT max(rank) FROM labeling_queueitem WHERE project_id = %s AND slots > 0", [project.pk])
    return _insert(
        project,
        round_id=filling.pk,
        ranked=ranked,
        blind=blind,
        seed=filling.seed,
        after=-1.0 if last is None else last,
    )


def _next_unqueued(project: Project, filling: AcquisitionRound, count: int) -> list[int]:
    """Images that nobody has queued, judged or drawn, at random: the walk goes on where the last one ended.

    What an earlier round put back lies behind it and comes when the rest is used up. Reserved images come last of all,
    when nothing else is left: then nothing is gained by holding them back.
    """
    reserve = int(blind_params(project)["reserve"])
    place = max(reserve, int(filling.params.get("place", 0)))
    found: list[dict[str, int]] = []
    for start, stop in ((place, SCALE), (reserve, place), (0, reserve)):
        params = {"project": project.pk, "start": start, "stop": stop, "count": count - len(found)}
        found += sql.fetch_all(WALK, params) if len(found) < count and start < stop else []
    round_walked(filling, place=found[-1]["at"] if len(found) == count else 0)
    return [row["id"] for row in found]


def fill_alone(project: Project) -> None:
    """One round, top-up or question of a project at a time; leases and labels go on beside it."""
    sql.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [NAMESPACE + 1, project.pk])


def _blind_count(acquired: int, share: float) -> int:
    """How many blind items make `share` of all: a queue of blind items alone where nothing else is left."""
    return max(1, round(acquired * share / (1 - share))) if share > 0 else 0


def _insert(
    project: Project, *, round_id: int, ranked: Sequence[Ranked], blind: Sequence[int], seed: int, after: float
) -> int:
    taken = set(blind)
    ranked = [pick for pick in ranked if pick.image_id not in taken]
    spread = np.sort(np.random.default_rng(seed).uniform(0, max(len(ranked), 1), len(blind)))
    params = {
        "project": project.pk,
        "round": round_id,
        "run": project.active_run_id,
        "wanted": project.overlap,
        "images": [pick.image_id for pick in ranked] + list(blind),
        "purposes": [Purpose.ACQUIRED.value] * len(ranked) + [Purpose.BLIND.value] * len(blind),
        "ranks": [after + 1 + i for i in range(len(ranked))] + [after + 1 + float(at) for at in spread],
        "reasons": [pick.reason for pick in ranked] + [""] * len(blind),
    }
    return sql.execute(INSERT, params)
