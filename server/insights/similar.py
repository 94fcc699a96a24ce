"""Neighbors as the browse grid shows images: with what people and the live run say of each."""

from collections.abc import Sequence
from typing import Any

from server.core import sql
from server.projects.models import Project

CARDS = """
SELECT i.id, i.original_name AS name, i.width, i.height,
       (SELECT count(*) FROM images_image d
        WHERE d.project_id = i.project_id AND d.duplicate_group = i.duplicate_group AND d.id <> i.id) AS duplicates,
       c.category_id AS said, c.state, c.evidence, c.blind,
       p.category_id AS predicted, p.probability, p.margin, p.entropy,
       c.image_id IS NULL AND EXISTS (SELECT 1 FROM labeling_blinddraw b
                                      WHERE b.project_id = i.project_id AND b.image_id = i.id) AS hidden
FROM images_image i
LEFT JOIN labeling_consensus c ON c.image_id = i.id
LEFT JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = i.id
WHERE i.project_id = %(project)s AND i.id = ANY(%(images)s)
"""


def image_cards(project: Project, *, image_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Image → its card. One query. A prediction of an image that is to be judged blind stays hidden."""
    rows = sql.fetch_all(CARDS, {"project": project.pk, "run": project.active_run_id, "images": list(image_ids)})
    return {row["id"]: _card(row) for row in rows}


def _card(row: dict[str, Any]) -> dict[str, Any]:
    consensus = prediction = None
    if row["state"] is not None:
        consensus = {
            "category": row["said"],
            "state": row["state"],
            "evidence": row["evidence"],
            "blind": row["blind"],
        }
    if row["predicted"] is not None and not row["hidden"]:
        prediction = {
            "category": row["predicted"],
            "probability": row["probability"],
            "margin": row["margin"],
            "entropy": row["entropy"],
        }
    card = {key: row[key] for key in ("id", "name", "width", "height", "duplicates")}
    return {**card, "consensus": consensus, "prediction": prediction}
