"""Two ways to hold a project: beside other annotators, or alone for a rebuild. Both end with the transaction."""

from server.core import sql

NAMESPACE = 7461
"""First key of our advisory locks, so that nobody else's number meets it."""


LOCK_SHARED = """
WITH item AS (
    SELECT id FROM labeling_queueitem WHERE project_id = %(project)s AND image_id = %(image)s FOR UPDATE)
SELECT (SELECT id FROM item), pg_advisory_xact_lock_shared(%(namespace)s, %(project)s::int)
"""
"""Keep rebuilds out, lock the image's queue item, and name it (NULL: the image is not in the queue)."""


def project_lock_alone(*, project_id: int) -> None:
    """Wait for the labels in flight, and hold new ones back until this transaction ends."""
    sql.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [NAMESPACE, project_id])
