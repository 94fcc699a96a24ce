"""How many images a project has, without counting them."""

from server.core import sql
from server.core.tally import tally_fold
from server.images.models import ImageState

COUNTS = """
SELECT state, sum(count)::bigint AS count FROM images_imagetally WHERE project_id = %(project)s GROUP BY state
"""


def images_counted(*, project_id: int) -> dict[str, int]:
    """State → images of the project. One statement over a few rows."""
    found = {row["state"]: row["count"] for row in sql.fetch_all(COUNTS, {"project": project_id}, hot=True)}
    return {state.value: found.get(state.value, 0) for state in ImageState}


def images_tally_fold() -> int:
    """Fold the changes of projects that have many."""
    return tally_fold("images_imagetally", ["state"])
