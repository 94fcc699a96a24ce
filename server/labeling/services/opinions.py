"""Further opinions: one more person is asked where those so far leave open what an image is, somebody who can tell."""

from collections.abc import Mapping, Sequence

from django.db import transaction

from server.core import sql
from server.labeling.services.queue import fill_alone
from server.projects.models import Project

AT_ONCE = 50
"""Images asked about at one time: a lease steps over those that are meant for others."""
RANK = -2.0
"""Before everything that acquisition ranks."""

WITHDRAW = """
UPDATE labeling_queueitem q SET remaining = 0, slots = 0, asked_of = NULL
WHERE q.project_id = %(project)s AND q.asked_of IS NOT NULL AND q.remaining > 0 AND q.slots = q.remaining
  AND q.image_id <> ALL(%(images)s::bigint[])
"""
# An image that is still open in the queue needs no second row; one that somebody holds is left alone.
ASK = """
INSERT INTO labeling_queueitem AS q
    (project_id, image_id, purpose, rank, reason, wanted, remaining, slots, asked_of, created_at)
SELECT i.project_id, i.id, CASE WHEN drawn.blind THEN 'blind' ELSE 'review' END, %(rank)s,
       CASE WHEN drawn.blind THEN '' ELSE 'people are divided: what do you see?' END,
       so_far.people + 1, 1, 1, string_to_array(row.people, ',')::bigint[], now()
FROM unnest(%(images)s::bigint[], %(people)s::text[]) AS row (image_id, people)
JOIN images_image i ON i.id = row.image_id AND i.project_id = %(project)s AND i.state = 'ready'
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = i.project_id AND b.image_id = i.id) AS blind
) drawn
CROSS JOIN LATERAL (
    SELECT count(DISTINCT a.annotator_id) AS people FROM labeling_annotation a
    WHERE a.image_id = i.id AND a.kind <> 'undo' AND a.annotator_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
) so_far
ORDER BY i.id
ON CONFLICT (project_id, image_id) DO UPDATE
SET purpose = EXCLUDED.purpose, rank = EXCLUDED.rank, reason = EXCLUDED.reason, wanted = EXCLUDED.wanted,
    remaining = 1, slots = 1, asked_of = EXCLUDED.asked_of, created_at = EXCLUDED.created_at
WHERE q.remaining = 0 AND NOT EXISTS (SELECT 1 FROM labeling_lease l WHERE l.item_id = q.id)
"""


def opinions_most(project: Project) -> int:
    """Opinions that an image may get in all; the overlap where the project asks for none beyond it."""
    return max(int(project.options.get("opinions_max", 0)), project.overlap)


@transaction.atomic
def opinions_ask(*, project: Project, asked: Mapping[int, Sequence[int]]) -> int:
    """Ask about these images, each with the people who are good at telling; how many are newly asked about.

    Questions that are settled in the meantime are withdrawn. What nobody answers in time is anybody's: see `leases`.
    """
    fill_alone(project)
    images = list(asked)[:AT_ONCE]
    people = [",".join(map(str, asked[image])) for image in images]
    params = {"project": project.pk, "images": images, "people": people, "rank": RANK}
    sql.execute(WITHDRAW, params)
    return sql.execute(ASK, params) if images else 0
