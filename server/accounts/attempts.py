"""Log-ins tried of late, counted in the database: every process of every machine counts together."""

from django.db import transaction

from server.core import sql

PER_WINDOW = 10
WINDOW_S = 60
LOCKS = 7463
"""First key of the advisory lock that makes simultaneous attempts on one key take turns."""

TAKE = """
WITH gone AS (
    DELETE FROM accounts_loginattempt WHERE at < now() - make_interval(secs => %(window)s)
), recent AS (
    SELECT count(*) AS attempts, min(at) AS first FROM accounts_loginattempt
    WHERE key = %(key)s AND at >= now() - make_interval(secs => %(window)s)
), noted AS (
    INSERT INTO accounts_loginattempt (key, at) SELECT %(key)s, now() FROM recent WHERE attempts < %(limit)s
    RETURNING id
)
SELECT CASE WHEN EXISTS (SELECT 1 FROM noted) THEN 0
            ELSE GREATEST(1, ceil(%(window)s - extract(epoch FROM now() - first))) END::int
FROM recent
"""


@transaction.atomic
def attempt_take(*, key: str, limit: int = PER_WINDOW, window_s: int = WINDOW_S) -> int:
    """Note an attempt: 0 where it may be made, else the seconds to wait, which a refusal does not lengthen."""
    sql.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCKS, key])
    return int(sql.fetch_value(TAKE, {"key": key, "limit": limit, "window": window_s}))
