"""Two ways to hold a project: beside other annotators, or alone for a rebuild. Both end with the transaction."""

from server.core import sql

NAMESPACE = 7461
"""First key of our advisory locks, so that nobody else's number meets it."""


def project_lock_shared(*, project_id: int, image_id: int) -> int | None:
    """Keep rebuilds out, lock the image's queue item, and name it (None: the image is not in the queue)."""
    item: int | None = sql.fetch_value(
        """WITH item AS (
               SELECT id FROM labeling_queueitem WHERE project_id = %(project)s AND image_id = %(image)s FOR UPDATE)
           SELECT (SELECT id FROM item), pg_advisory_xact_lock_shared(%(space)s, %(project)s::int)""",
        {"project": project_id, "image": image_id, "space": NAMESPACE},
        hot=True,
    )
    return item


def project_lock_alone(*, project_id: int) -> None:
    """Wait for the labels in flight, and hold new ones back until this transaction ends."""
    sql.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [NAMESPACE, project_id])
