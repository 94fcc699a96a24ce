"""Before a run: what it would learn from and be measured with, what it would cost, and whether it can help."""

from dataclasses import dataclass
from typing import Any

from server.core import sql
from server.embeddings.selectors import embeddings_count
from server.projects.models import Project
from server.training.models import Method, Outcome, TrainingRun
from server.training.options import TrainingOptions
from server.training.selectors import blind_answered, fresh_confirmed, run_live

FEW_CATEGORIES = 20
FEW_IMAGES = 20
ADAPTER_CATEGORIES = 6
ADAPTER_EXAMPLES = 10
UNBALANCED = 10.0
COUNT_AT_MOST = 100_000
STUDENT_IMAGES = 8_000
"""Images that a student learns from, at most."""
NO_TEACHER = "No trained model serves yet. Promote one; then a small one can learn from it."

SHOTS = """
SELECT c.category_id, t.name, count(*) AS count
FROM labeling_consensus c JOIN taxonomy_category t ON t.id = c.category_id
WHERE c.project_id = %(project)s AND c.state = 'agreed' AND NOT c.blind AND t.deprecated_at IS NULL
  AND (%(evidence)s::text[] IS NULL OR c.evidence = ANY (%(evidence)s::text[]))
GROUP BY c.category_id, t.name ORDER BY count(*) DESC, t.name
"""

# Near-duplicates that people gave different categories.
TORN = """
SELECT count(*) FROM (
    SELECT i.duplicate_group FROM labeling_consensus c JOIN images_image i ON i.id = c.image_id
    WHERE c.project_id = %(project)s AND c.state = 'agreed' AND NOT c.blind AND i.duplicate_group IS NOT NULL
    GROUP BY i.duplicate_group HAVING count(DISTINCT c.category_id) > 1) torn
"""


@dataclass(frozen=True)
class Readiness:
    """`can_run`: it would not fail. `can_help`: it could go live. `reason` says in one sentence why not, or what it
    would do; `advice` what would make the next run better."""

    can_run: bool
    can_help: bool
    reason: str
    advice: list[str]
    labels: int
    fresh: int
    categories: int
    fewest: int
    most: int
    blind: int
    needed: int
    torn: int
    images: int
    seconds: float
    memory_mb: int
    shots: list[dict[str, Any]]


def readiness(project: Project, options: TrainingOptions) -> Readiness:
    """What a run of this moment would do. It starts nothing; a few queries."""
    params = {"project": project.pk, "evidence": list(options.evidence) or None}
    shots = sql.fetch_all(SHOTS, params)
    counts = [int(row["count"]) for row in shots]
    space = project.active_space
    images = embeddings_count(project_id=project.pk, space=space) if space else 0
    fresh = fresh_confirmed(project_id=project.pk, at_most=COUNT_AT_MOST)
    blind = blind_answered(project_id=project.pk)
    torn = int(sql.fetch_value(TORN, params))
    stopped = _why_not(project, options, counts, images)
    waiting = stopped or _why_useless(project, options, fresh, blind)
    seconds, memory = expected_cost(options, labels=sum(counts), images=images, dim=space.dim if space else 0)
    return Readiness(
        can_run=not stopped,
        can_help=not waiting,
        reason=waiting or _would(options, counts, blind),
        advice=_advice(options, counts, torn),
        labels=sum(counts),
        fresh=fresh,
        categories=len(counts),
        fewest=min(counts, default=0),
        most=max(counts, default=0),
        blind=blind,
        needed=options.needed,
        torn=torn,
        images=images,
        seconds=_measured(project, options) or seconds,
        memory_mb=memory,
        shots=[{"category": row["category_id"], "count": row["count"]} for row in shots],
    )


def expected_cost(options: TrainingOptions, *, labels: int, images: int, dim: int) -> tuple[float, int]:
    """(seconds, MB) on one core, from the arithmetic: reading the pool once, a fit in D², episodes where there are any.

    Rough on purpose, and replaced by what the last run of the same method took.
    """
    seconds = 2.0 + images * dim * 4e-9 + labels * dim * dim * 4e-9
    if options.method == Method.ADAPTER:
        seconds += 10.0 * max(dim, 128) / 512
    if options.method == Method.SELF_TRAINING:
        seconds *= 4
    if options.method == Method.STUDENT:
        seconds = 30.0 + 0.02 * min(images, STUDENT_IMAGES)
    return round(seconds, 1), round(600 + (labels * dim * 4 + 8192 * dim * 8) / 1e6)


def _why_not(project: Project, options: TrainingOptions, counts: list[int], images: int) -> str:
    if project.active_space_id is None or not images:
        return "No image has been looked at yet; training starts from what the encoder sees."
    if options.method == Method.STUDENT:
        return "" if project.active_head_id else NO_TEACHER
    if not counts:
        return "Nothing is confirmed yet outside the blind share. Label some images, then train."
    if len(counts) < 2:
        return "All confirmed labels are of one category; a head tells categories apart, so it needs two."
    if options.method == Method.ADAPTER and sum(c >= ADAPTER_EXAMPLES for c in counts) < ADAPTER_CATEGORIES:
        return (
            f"An adapter needs {ADAPTER_CATEGORIES} categories with {ADAPTER_EXAMPLES} labels each; "
            f"{sum(c >= ADAPTER_EXAMPLES for c in counts)} have so many. Refit the head instead."
        )
    return ""


def _why_useless(project: Project, options: TrainingOptions, fresh: int, blind: int) -> str:
    if (live := run_live(project_id=project.pk)) is not None:
        return f"Run {live.pk} is under way; the next one starts from what it leaves."
    if options.method == Method.STUDENT:
        return ""
    if blind < options.needed:
        more = options.needed - blind
        return f"It could not be shown to be better: {blind} of {options.needed} blind answers are there, {more} to go."
    last = TrainingRun.objects.filter(project=project).exclude(outcome=Outcome.STOPPED).order_by("-pk").first()
    if last is not None and not fresh and last.method == options.method and last.params.get("head") == options.head:
        return f"No label is new since run {last.pk}, so it would find the same model again."
    return ""


def _advice(options: TrainingOptions, counts: list[int], torn: int) -> list[str]:
    said: list[str] = []
    if options.method == Method.STUDENT:
        return said
    few = sum(count < FEW_IMAGES for count in counts)
    if counts and (few or len(counts) < FEW_CATEGORIES) and options.method != Method.HEAD:
        said.append("With fewer than 20 categories or 20 images a category, more labels help more than another method.")
    elif few:
        said.append(f"{few} of {len(counts)} categories have fewer than {FEW_IMAGES} labels; more of those help most.")
    if counts and max(counts) > UNBALANCED * min(counts):
        said.append(f"The largest category has {max(counts)} labels and the smallest {min(counts)}; label rare ones.")
    if torn:
        said.append(f"{torn} groups of near-duplicates carry different categories; look at them first.")
    return said


def _would(options: TrainingOptions, counts: list[int], blind: int) -> str:
    if options.method == Method.STUDENT:
        return f"Would teach a small network what the live model says and compare the two on {blind:,} blind answers."
    names = {Method.HEAD.value: "a head", Method.ADAPTER.value: "an adapter and a head"}
    what = names.get(options.method, "a head with pseudo-labels")
    return (
        f"Would fit {what} on {sum(counts):,} labels of {len(counts)} categories and measure it on "
        f"{blind:,} blind answers."
    )


def _measured(project: Project, options: TrainingOptions) -> float | None:
    cost = (
        TrainingRun.objects.filter(project=project, method=options.method, finished_at__isnull=False)
        .exclude(cost={})
        .order_by("-pk")
        .values_list("cost", flat=True)
        .first()
    )
    return round(sum(value for name, value in cost.items() if name != "peak_mb"), 1) if cost else None
