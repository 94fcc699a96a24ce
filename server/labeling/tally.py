"""How many images stand where, without counting them."""

from dataclasses import dataclass

from server.core import sql
from server.core.tally import tally_fold

COUNTS = """
SELECT category_id, state, evidence, blind, sum(count)::bigint AS count FROM labeling_consensustally
WHERE project_id = %(project)s GROUP BY category_id, state, evidence, blind HAVING sum(count) <> 0
"""


@dataclass(frozen=True)
class Standing:
    """So many images of a project have this consensus."""

    category_id: int | None
    state: str
    evidence: str
    blind: bool
    count: int


def consensus_counted(*, project_id: int) -> list[Standing]:
    """Every judged image of the project in one of these. One statement over a few hundred rows."""
    return [Standing(**row) for row in sql.fetch_all(COUNTS, {"project": project_id}, hot=True)]


def consensus_tally_fold() -> int:
    """Fold the changes of projects that have many."""
    return tally_fold("labeling_consensustally", ["category_id", "state", "evidence", "blind"])
