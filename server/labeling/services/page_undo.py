"""A whole page taken back: an undo event for each of its annotations, and its strikes are forgotten."""

import uuid
from uuid import UUID

from django.db import transaction

from server.core import sql
from server.core.errors import NotFound
from server.labeling.models import Kind
from server.labeling.services.consensus import consensus_refresh
from server.labeling.services.page_commits import ACCOUNT, Event, events_write, rows_hold, teach
from server.labeling.services.page_options import PageOptions
from server.projects.models import Project

COMMIT = """
SELECT t.id, t.page_id, t.annotation_ids, t.undo_id, t.undone FROM labeling_pagecommit t
JOIN labeling_page p ON p.id = t.page_id
WHERE t.id = %(commit)s AND t.project_id = %(project)s AND p.user_id = %(user)s
FOR UPDATE OF p, t
"""
STANDING = """
SELECT a.id, a.image_id, a.evidence FROM labeling_annotation a
WHERE a.id = ANY(%(ids)s) AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
ORDER BY a.id
"""
SHOWN = """
SELECT DISTINCT image::bigint AS image FROM labeling_page p, jsonb_array_elements(p.tiles) AS tile,
    LATERAL (SELECT tile->>'image' UNION ALL SELECT jsonb_array_elements_text(tile->'folded')) AS one (image)
WHERE p.id = %(page)s AND NOT tile ? 'known'
"""
# The page goes back to who took it back, and to nobody else meanwhile; `slots` falls with each lease.
HOLD_AGAIN = """
WITH mine AS (
    UPDATE labeling_queueitem SET slots = slots - 1 WHERE id = ANY(%(items)s) AND slots > 0
      AND NOT EXISTS (SELECT 1 FROM labeling_lease l
                      WHERE l.item_id = labeling_queueitem.id AND l.user_id = %(user)s)
    RETURNING id)
INSERT INTO labeling_lease (item_id, project_id, user_id, token, leased_at, lease_until)
SELECT id, %(project)s, %(user)s, %(page)s, clock_timestamp(),
       clock_timestamp() + make_interval(secs => %(lease_s)s)
FROM mine
"""
DONE = "UPDATE labeling_pagecommit SET undo_id = %(undo)s, undone = %(undone)s WHERE id = %(commit)s"


@transaction.atomic
def page_undo(*, commit_id: UUID, undo_id: UUID, project: Project, user_id: int) -> int:
    """Take a commit back; the number of annotations undone. A second request tells what the first did.

    What was undone one by one before stays as it is. The page's images go back to this person for a while.

    Raises:
        NotFound: No such commit of this person in this project.
    """
    commit = sql.fetch_one(COMMIT, {"commit": commit_id, "project": project.pk, "user": user_id})
    if commit is None:
        raise NotFound("There is no such commit of yours in this project.")
    if commit["undo_id"] is not None:
        return int(commit["undone"])
    images = [row["image"] for row in sql.fetch_all(SHOWN, {"page": commit["page_id"]})]
    context = rows_hold(project.pk, images=images, categories=[])
    standing = sql.fetch_all(STANDING, {"ids": commit["annotation_ids"]})
    events = {
        uuid.uuid5(undo_id, str(row["id"])): Event(row["image_id"], Kind.UNDO.value, None, row["evidence"], {})
        for row in standing
    }
    undoes = [row["id"] for row in standing if row["image_id"] in context["images"]]
    times = {"duration_ms": None, "client_at": None}
    written = events_write(events, project_id=project.pk, user_id=user_id, context=context, times=times, undoes=undoes)
    changes = consensus_refresh(image_ids=[row["image_id"] for row in standing]) if standing else []
    leases = {"items": context["items"], "user": user_id, "page": commit["page_id"], "project": project.pk}
    sql.execute(ACCOUNT, {**leases, "images": []})
    sql.execute(HOLD_AGAIN, {**leases, "lease_s": PageOptions.of(project).lease_s})
    sql.execute(DONE, {"undo": undo_id, "undone": len(written), "commit": commit_id})
    teach(context["active_space_id"], changes)
    return len(written)
