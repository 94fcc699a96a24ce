"""The record of re-scorings: a version number, what caused it and what it changed."""

from collections.abc import Sequence

from django.db.models import Max

from server.core import sql
from server.labeling.models import Teaching

LISTED = 10_000
KEEP = 50

CORRECTIONS = """
SELECT (SELECT count(*) FROM labeling_annotation a
        WHERE a.project_id = %(project)s AND a.sequence > %(since)s AND a.kind = 'label'
          AND a.evidence_details ->> 'suggested' IS DISTINCT FROM a.category_id::text)
     + (SELECT count(*) FROM labeling_strike s JOIN labeling_pagecommit t ON t.id = s.commit_id
        WHERE s.project_id = %(project)s AND t.created_at > %(at)s AND t.undo_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = s.image_id))
"""


def teaching_last(*, project_id: int) -> Teaching | None:
    """The newest, without its list of images."""
    return Teaching.objects.defer("changed_images").filter(project_id=project_id).order_by("-version").first()


def corrections_since(last: Teaching | None, *, project_id: int) -> int:
    """Answers that were not what was proposed: other labels and strikes."""
    if last is None:
        return 0
    params = {"project": project_id, "since": last.last_sequence, "at": last.created_at}
    return int(sql.fetch_value(CORRECTIONS, params))


def teaching_record(
    *,
    project_id: int,
    corrections: int,
    changed: Sequence[int],
    pages: int,
    last_sequence: int,
    duration_ms: int,
) -> Teaching:
    """Write the next version and forget very old ones."""
    newest = Teaching.objects.filter(project_id=project_id).aggregate(Max("version"))["version__max"] or 0
    Teaching.objects.filter(project_id=project_id, version__lte=newest - KEEP).delete()
    return Teaching.objects.create(
        project_id=project_id,
        version=newest + 1,
        corrections=corrections,
        changed=len(changed),
        changed_images=list(changed[:LISTED]),
        pages=pages,
        last_sequence=last_sequence,
        duration_ms=duration_ms,
    )
