"""How much people have said since the live predictions were made: asked after every few labels, so in one statement."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.core import sql
from server.labeling.models import Annotation
from server.projects.models import Project

PREDICT_EVERY, PREDICT_SHARE = 20, 0.001
"""Labels between two predictions of a whole project, and as a share of its images where they are many: prototypes
move with every single label, and the pages of a corrected pool do not wait for it."""

# The live run keeps the last sequence number that it read.
FRESH = """
WITH live AS (
    SELECT p.options -> 'training' AS training,
           COALESCE((p.options ->> 'opinions_max')::int, 0) > p.overlap AS opinions,
           COALESCE(r.details -> 'words', '{}') <> '{}' AS words,
           COALESCE((r.details ->> 'last_sequence')::bigint, 0) AS since,
           GREATEST(%(every)s, floor(%(share)s * COALESCE(r.image_count, 0))::int) AS enough
    FROM projects_project p LEFT JOIN predictions_predictionrun r ON r.id = p.active_run_id WHERE p.id = %(project)s)
SELECT COALESCE(training, '{}') AS training, words, opinions,
       enough - (SELECT count(*) FROM (
           SELECT 1 FROM labeling_annotation a WHERE a.project_id = %(project)s AND a.sequence > live.since
           LIMIT (SELECT enough FROM live)) fresh) AS missing
FROM live
"""


@dataclass(frozen=True)
class Freshness:
    """`missing` annotations until predictions are due; `words`: categories that stand on words alone are live;
    `training`: what the project chose of `training.options`; `opinions`: more are wanted where people are divided."""

    missing: int
    words: bool
    training: Mapping[str, Any]
    opinions: bool = False


def freshness(*, project_id: int) -> Freshness:
    """One statement, which counts no further than what makes predictions due."""
    params = {"project": project_id, "every": PREDICT_EVERY, "share": PREDICT_SHARE}
    row = sql.fetch_one(FRESH, params, hot=True)
    if row is None:
        return Freshness(PREDICT_EVERY, False, {})
    return Freshness(**sql.read_json(row, "training"))


def newcomers_shown(*, project_id: int) -> bool:
    """Whether a category that stands on words has half as many images again as it knows of. Two queries."""
    live = Project.objects.filter(pk=project_id).values_list("active_run__details", flat=True).first() or {}
    known = {int(category): int(mark["examples"]) for category, mark in (live.get("words") or {}).items()}
    if not known:
        return False
    since = int(live.get("words_sequence", 0))
    rows = Annotation.objects.filter(project_id=project_id, sequence__gt=since, category_id__in=list(known))
    fresh = Counter(rows.values_list("category_id", flat=True)[: PREDICT_EVERY * 4])
    return any(count >= max(1, known[category or 0] // 2) for category, count in fresh.items())
