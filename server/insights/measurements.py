"""Keeping and reading what workers measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from server.core import sql
from server.insights.models import Measured, Measurement
from server.jobs.models import Job
from server.jobs.selectors import live_job

KEEP = """
INSERT INTO insights_measurement AS m (project_id, kind, content, last_sequence, created_at)
VALUES (%(project)s, %(kind)s, %(content)s, %(last)s, now())
ON CONFLICT (project_id, kind) DO UPDATE
SET content = EXCLUDED.content, last_sequence = EXCLUDED.last_sequence, created_at = EXCLUDED.created_at
WHERE m.last_sequence <= EXCLUDED.last_sequence
"""
LAST = "SELECT COALESCE(max(sequence), 0) FROM labeling_annotation WHERE project_id = %s"


@dataclass(frozen=True)
class Reading:
    """A measurement as it stands, how many annotations came since, and the job that is measuring again."""

    content: dict[str, Any] | None
    at: datetime | None
    since: int
    job: Job | None


def sequence_last(*, project_id: int) -> int:
    """Number of the project's newest annotation; 0 before the first."""
    return int(sql.fetch_value(LAST, [project_id]))


def measurement_keep(*, project_id: int, kind: Measured, content: Mapping[str, Any], last_sequence: int) -> None:
    """Replace the measurement of this kind, unless a newer one is there. Safe to repeat."""
    params = {"project": project_id, "kind": kind.value, "content": Jsonb(dict(content)), "last": last_sequence}
    sql.execute(KEEP, params)


def measurement_reading(*, project_id: int, kind: Measured, coalesce_key: str) -> Reading:
    """Three queries."""
    found = Measurement.objects.filter(project_id=project_id, kind=kind).first()
    job = live_job(coalesce_key=coalesce_key)
    if found is None:
        return Reading(None, None, 0, job)
    since = sql.fetch_value(
        "SELECT count(*) FROM labeling_annotation WHERE project_id = %s AND sequence > %s",
        [project_id, found.last_sequence],
    )
    return Reading(found.content, found.created_at, int(since), job)
