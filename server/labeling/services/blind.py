"""The blind share: images drawn at random before anyone answers, to measure with. They never train and never pick.

Every image has a fixed random number: a hash of its id and the project's seed. Those below the share form the
reserve, which acquisition leaves alone; draws take the reserve in the order of that number. What is drawn is
therefore a uniform sample of the whole project, however much acquisition has already taken of the rest.
"""

from typing import Any

from server.core import sql
from server.projects.models import Project

SCALE = 1 << 30
SEED = 0x57494E4E
KEY = f"(hashint8extended(i.id, {SEED} + i.project_id) & 1073741823)"
"""Random number of image `i` in [0, SCALE), spelled as the index `image_draw` has it: draws read what they take."""
RESERVED = f"{KEY} < %(reserve)s"

DRAW = f"""
INSERT INTO labeling_blinddraw (project_id, image_id, seed, drawn_at)
SELECT i.project_id, i.id, %(seed)s, now()
FROM images_image i
WHERE i.project_id = %(project)s AND i.state = 'ready' AND {RESERVED}
  AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = i.project_id AND b.image_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM labeling_annotation a WHERE a.image_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM labeling_queueitem q JOIN labeling_lease l ON l.item_id = q.id
                  WHERE q.project_id = i.project_id AND q.image_id = i.id)
ORDER BY {KEY}, i.id
LIMIT %(count)s
ON CONFLICT (project_id, image_id) DO NOTHING
RETURNING image_id
"""

# Nobody has looked at what was accepted with its lot: an audit drawn from there waits like any other.
WAITING = """
SELECT b.image_id FROM labeling_blinddraw b
WHERE b.project_id = %(project)s
  AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = b.image_id AND c.evidence <> 'accepted')
ORDER BY b.id
"""


def blind_params(project: Project) -> dict[str, Any]:
    """Parameters of `KEY` and `RESERVED` for a project. The seed is the project's id, told apart by a constant."""
    return {
        "project": project.pk,
        "seed": SEED + project.pk,
        "reserve": round(project.blind_share * SCALE),
    }


def blind_draw(*, project: Project, count: int) -> list[int]:
    """All images drawn blind that wait for an answer: at least `count` where the reserve has as many."""
    waiting = [row["image_id"] for row in sql.fetch_all(WAITING, {"project": project.pk})]
    missing = count - len(waiting)
    if missing <= 0 or project.blind_share <= 0:
        return waiting
    drawn = sql.fetch_all(DRAW, {**blind_params(project), "count": missing})
    return waiting + [row["image_id"] for row in drawn]
