"""Counts that cost the same in a project of any size: tables of changes by triggers, whose sum is the count."""

from collections.abc import Sequence

from server.core import sql

CHANGES = 200
"""Rows of a project beyond one for each count before they are folded together."""

FOLD = """
WITH many AS (
    SELECT project_id FROM {table} GROUP BY project_id
    HAVING count(*) > %(changes)s + count(DISTINCT ({columns}))
), gone AS (
    DELETE FROM {table} WHERE project_id IN (SELECT project_id FROM many) RETURNING project_id, {columns}, count)
INSERT INTO {table} (project_id, {columns}, count)
SELECT project_id, {columns}, sum(count) FROM gone GROUP BY project_id, {columns} HAVING sum(count) <> 0
"""


def tally_fold(table: str, columns: Sequence[str]) -> int:
    """One row for each count of each project that has gathered many; how many were written.

    One statement: who reads beside it sees all rows of before or all of after, and rows that come meanwhile stay.
    """
    return sql.execute(FOLD.format(table=table, columns=", ".join(columns)), {"changes": CHANGES})
