"""Looking through a project: filters, order and one image's story. Costs are those of a page.

Predictions of images drawn blind are shown to nobody until a person has answered; no filter, order or count tells.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from server.core import sql
from server.projects.models import Project

FROM = """
  FROM images_image i
  LEFT JOIN labeling_consensus c ON c.image_id = i.id
  LEFT JOIN labeling_blinddraw b ON b.project_id = i.project_id AND b.image_id = i.id
  {join} predictions_prediction p ON p.run_id = %(run)s AND p.image_id = i.id
        AND (b.image_id IS NULL OR c.image_id IS NOT NULL)
 WHERE i.project_id = %(project)s AND i.state = 'ready'
"""
COLUMNS = """
SELECT i.id, i.original_name AS name, i.width, i.height,
       CASE WHEN i.duplicate_group IS NULL THEN 0 ELSE (SELECT count(*) - 1 FROM images_image d
            WHERE d.project_id = i.project_id AND d.duplicate_group = i.duplicate_group) END AS duplicates,
       c.category_id AS c_category, c.state AS c_state, c.evidence AS c_evidence, c.blind AS c_blind,
       p.category_id AS p_category, p.probability AS p_probability, p.margin AS p_margin, p.entropy AS p_entropy
"""
ORDERS = {"newest": ("i.id", True), "oldest": ("i.id", False), "margin": ("p.margin", False)} | {
    "probability": ("p.probability", True),
    "entropy": ("p.entropy", True),
}
STATES = {"unlabeled": None, "labeled": "agreed", "skipped": "skipped", "flagged": "flagged", "disputed": "disputed"}
HISTORY = """
SELECT a.id, a.sequence, a.kind, a.category_id AS category, a.annotator_id, u.username AS annotator, a.evidence,
       a.evidence_details, a.comment, a.duration_ms, a.created_at,
       EXISTS (SELECT 1 FROM labeling_annotation undo WHERE undo.undoes_id = a.id) AS undone
  FROM labeling_annotation a LEFT JOIN accounts_user u ON u.id = a.annotator_id
 WHERE a.image_id = %(image)s AND a.project_id = %(project)s ORDER BY a.sequence LIMIT 1000
"""
ONE = """
SELECT i.original_name, i.byte_size, i.format, i.sha256, i.created_at, i.batch_id AS batch, i.duplicate_group,
       p.top_categories, p.top_probabilities
"""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What to look for. Categories are lists of ids: one and all below it."""

    category: list[int] | None = None
    predicted: list[int] | None = None
    state: str | None = None
    evidence: str | None = None
    annotator: int | None = None
    blind: bool | None = None
    margin_max: float | None = None
    probability_min: float | None = None
    probability_max: float | None = None
    batch: int | None = None
    duplicates: bool | None = None
    gold: bool | None = None
    changed: int | None = None
    """Version of a re-scoring: only images whose likeliest category it changed."""
    search: str = ""


@dataclass
class Clauses:
    """WHERE conditions and their values."""

    texts: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, text: str, **values: Any) -> None:
        self.texts.append(text)
        self.values.update(values)

    def sql(self) -> str:
        return "".join(f" AND {text}" for text in self.texts)


def clauses_of(project: Project, filters: Filters) -> Clauses:
    """The filters as conditions on the tables of `FROM`."""
    made = Clauses(values={"project": project.pk, "run": project.active_run_id})
    simple = {
        "category": "c.state = 'agreed' AND c.category_id = ANY(%(category)s)",
        "predicted": "p.category_id = ANY(%(predicted)s)",
        "evidence": "c.evidence = %(evidence)s",
        "annotator": "EXISTS (SELECT 1 FROM labeling_annotation a WHERE a.image_id = i.id"
        " AND a.annotator_id = %(annotator)s AND a.kind = 'label')",
        "margin_max": "p.margin <= %(margin_max)s::real",
        "probability_min": "p.probability >= %(probability_min)s::real",
        "probability_max": "p.probability <= %(probability_max)s::real",
        "batch": "i.batch_id = %(batch)s",
        "changed": "i.id IN (SELECT unnest(changed_images) FROM labeling_teaching"
        " WHERE project_id = %(project)s AND version = %(changed)s)",
    }
    for name, text in simple.items():
        value = getattr(filters, name)
        if value is not None:
            made.add(text, **{name: value})
    if filters.state == "unlabeled":
        made.add("c.image_id IS NULL")
    elif filters.state:
        made.add("c.state = %(state)s", state=STATES[filters.state])
    if filters.blind is not None:
        made.add("coalesce(c.blind, false)" if filters.blind else "NOT coalesce(c.blind, false)")
    if filters.duplicates is not None:
        made.add("i.duplicate_group IS NOT NULL" if filters.duplicates else "i.duplicate_group IS NULL")
    if filters.gold is not None:
        held = "EXISTS (SELECT 1 FROM labeling_gold g WHERE g.image_id = i.id)"
        made.add(held if filters.gold else f"NOT {held}")
    if filters.search:
        made.add("i.original_name ILIKE %(search)s", search=f"%{_literal(filters.search)}%")
    return made


def _literal(text: str) -> str:
    """Text without meaning in a LIKE pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def images_page(
    project: Project, *, filters: Filters, order: str, after: tuple[float, int] | None, limit: int
) -> list[dict[str, Any]]:
    """One query. `after` is the (value, id) of the last row before this page; `value` is the id itself for order by id.

    Orders by margin, probability and entropy hold only images whose prediction may be seen.
    """
    column, descending = ORDERS[order]
    made = clauses_of(project, filters)
    by_prediction = column.startswith("p.")
    direction, sign = ("DESC", "<") if descending else ("ASC", ">")
    if after and by_prediction:
        made.add(f"({column}, i.id) {sign} (%(value)s::real, %(last)s)", value=after[0], last=after[1])
    elif after:
        made.add(f"i.id {sign} %(last)s", last=after[1])
    ordering = f"{column} {direction}, i.id {direction}" if by_prediction else f"i.id {direction}"
    source = FROM.format(join="JOIN" if by_prediction else "LEFT JOIN")
    statement = f"{COLUMNS}{source}{made.sql()} ORDER BY {ordering} LIMIT %(limit)s"
    return sql.fetch_all(statement, {**made.values, "limit": limit})


def images_rows(project: Project, *, image_ids: list[int]) -> list[dict[str, Any]]:
    """These images as every list shows them. One query."""
    values = {"project": project.pk, "run": project.active_run_id, "images": image_ids}
    return sql.fetch_all(f"{COLUMNS}{FROM.format(join='LEFT JOIN')} AND i.id = ANY(%(images)s)", values)


@dataclass(frozen=True)
class ImageStory:
    """One image with everything that is known of it."""

    row: dict[str, Any]
    details: dict[str, Any]
    history: list[dict[str, Any]]
    created_at: datetime


def image_story(project: Project, *, image_id: int) -> ImageStory | None:
    """Three queries; None where the project shows no such image."""
    values = {"project": project.pk, "run": project.active_run_id, "image": image_id}
    source = FROM.format(join="LEFT JOIN") + " AND i.id = %(image)s"
    row = sql.fetch_one(COLUMNS + source, values)
    details = sql.fetch_one(ONE + source, values)
    if row is None or details is None:
        return None
    return ImageStory(row, details, sql.fetch_all(HISTORY, values), details["created_at"])
