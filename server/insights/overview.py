"""The project page: what is there, how good it is, what to do next. About ten queries, whatever the size."""

from dataclasses import dataclass, field
from typing import Any

from server.core import sql
from server.embeddings.selectors import embeddings_count
from server.insights.accuracy import Accuracy, accuracy_history, accuracy_of, blind_scores, blind_total
from server.insights.advice import Advice, advice_for
from server.jobs.models import Job
from server.jobs.selectors import jobs_of_project, workers_alive
from server.labeling.models import ConsensusState
from server.labeling.tally import Standing, consensus_counted
from server.predictions.selectors import predictions_counted
from server.projects.models import Project
from server.taxonomy.selectors import categories_of
from server.taxonomy.tree import Node, walk

MOSAIC = 6

COUNTS = """
SELECT
  (SELECT COALESCE(sum(count), 0)::bigint FROM images_imagetally WHERE project_id = %(project)s AND state = 'ready')
    AS images,
  (SELECT COALESCE(sum(count), 0)::bigint FROM images_imagetally WHERE project_id = %(project)s AND state = 'received')
    AS processing,
  (SELECT COALESCE(sum(rejected), 0) FROM images_importbatch WHERE project_id = %(project)s) AS rejected,
  (SELECT count(*) FROM embeddings_embeddingfailure f JOIN images_image i ON i.id = f.image_id
    WHERE f.space_id = %(space)s AND i.project_id = %(project)s) AS unfit,
  (SELECT count(*) FROM labeling_lease l WHERE l.project_id = %(project)s AND l.lease_until > clock_timestamp())
    AS leased,
  (SELECT count(*) FROM labeling_blinddraw WHERE project_id = %(project)s) AS blind_drawn
"""
# Confirmed images first; where there are none, the surest predicted ones that nobody has to judge blind.
MOSAICS = """
SELECT c.id AS category_id, m.image_id
FROM unnest(%(categories)s::bigint[], %(confirmed)s::int[]) AS c (id, confirmed)
CROSS JOIN LATERAL (
    (SELECT k.image_id, 0 AS place, 0::real AS less FROM labeling_consensus k
     WHERE k.project_id = %(project)s AND k.category_id = c.id AND k.state = 'agreed' LIMIT %(limit)s)
    UNION ALL
    (SELECT p.image_id, 1, -p.probability FROM predictions_prediction p
     WHERE p.run_id = %(run)s AND p.category_id = c.id AND c.confirmed < %(limit)s
       AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b
                       WHERE b.project_id = %(project)s AND b.image_id = p.image_id)
       AND NOT EXISTS (SELECT 1 FROM labeling_consensus k WHERE k.image_id = p.image_id)
     ORDER BY p.probability DESC LIMIT %(limit)s)
    ORDER BY place, less LIMIT %(limit)s) m
"""

CONFUSED = """
SELECT c.category_id AS said, p.category_id AS predicted, count(*) AS count
FROM labeling_consensus c JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = c.image_id
WHERE c.project_id = %(project)s AND c.blind AND c.state = 'agreed' AND p.category_id <> c.category_id
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1
"""


@dataclass
class CategoryCard:
    """One category on the project page. Its accuracy is over blind images that people put here."""

    node: Node
    predicted: int = 0
    confirmed: int = 0
    accuracy: Accuracy | None = None
    mosaic: list[int] = field(default_factory=list)


@dataclass
class Overview:
    """Everything on the project page."""

    counts: dict[str, int]
    leased: int
    accuracy: Accuracy
    history: list[dict[str, object]]
    jobs: list[Job]
    workers: dict[str, bool]
    categories: list[CategoryCard]
    advice: list[Advice]


def project_overview(project: Project) -> Overview:
    """Read it all. Nothing is cached, nothing is estimated, and nothing is counted that the database keeps count of."""
    params = {"project": project.pk, "space": project.active_space_id, "run": project.active_run_id}
    figures = sql.fetch_one(COUNTS, params) or {}
    figures["embedded"] = embeddings_count(project_id=project.pk, space=project.active_space)
    states = consensus_counted(project_id=project.pk)
    predicted = predictions_counted(project.active_run_id)
    scores = blind_scores(project_id=project.pk, run_id=project.active_run_id)
    cards = _cards(project, params, states, predicted, scores)
    counts = _counts(figures, states, predicted)
    accuracy = accuracy_of(*blind_total(scores))
    workers = workers_alive()
    jobs = list(jobs_of_project(project_id=project.pk, live=True).exclude(queue="interactive")[:20])
    confused = sql.fetch_one(CONFUSED, params)
    names = {card.node.category.pk: card.node.category.name for card in cards}
    advice = advice_for(
        project_id=project.pk,
        counts=counts,
        unfit=figures["unfit"],
        thin=[card.node.category.name for card in cards if card.confirmed < 3 and not _is_parent(card, cards)],
        confused=(names.get(confused["said"], ""), names.get(confused["predicted"], "")) if confused else None,
        workers=workers,
        working=bool(jobs),
        categories=len(cards),
    )
    return Overview(
        counts, figures["leased"], accuracy, accuracy_history(project_id=project.pk), jobs, workers, cards, advice
    )


def _counts(figures: dict[str, Any], states: list[Standing], predicted: dict[int, int]) -> dict[str, int]:
    by_state: dict[str, int] = {}
    for standing in states:
        by_state[standing.state] = by_state.get(standing.state, 0) + standing.count
    return {
        "images": figures["images"],
        "processing": figures["processing"],
        "rejected": figures["rejected"],
        "embedded": figures["embedded"],
        "predicted": sum(predicted.values()),
        "labeled": by_state.get("agreed", 0),
        "skipped": by_state.get("skipped", 0),
        "flagged": by_state.get("flagged", 0),
        "disputed": by_state.get("disputed", 0),
        "need_eyes": max(0, figures["images"] - sum(by_state.values())),
        "blind_drawn": figures["blind_drawn"],
        "blind_answered": sum(standing.count for standing in states if standing.blind),
    }


def _cards(
    project: Project,
    params: dict[str, Any],
    states: list[Standing],
    predicted: dict[int, int],
    scores: dict[int, tuple[int, int]],
) -> list[CategoryCard]:
    nodes = [node for node in walk(categories_of(project)) if node.category.deprecated_at is None]
    cards = {node.category.pk: CategoryCard(node, predicted.get(node.category.pk, 0)) for node in nodes}
    for standing in states:
        if standing.state == ConsensusState.AGREED and standing.category_id in cards:
            cards[standing.category_id].confirmed += standing.count
    for category_id, (right, answered) in scores.items():
        if category_id in cards:
            cards[category_id].accuracy = accuracy_of(right, answered)
    wanted = {"categories": list(cards), "confirmed": [card.confirmed for card in cards.values()], "limit": MOSAIC}
    for row in sql.fetch_all(MOSAICS, {**params, **wanted}):
        cards[row["category_id"]].mosaic.append(row["image_id"])
    return list(cards.values())


def _is_parent(card: CategoryCard, cards: list[CategoryCard]) -> bool:
    return any(other.node.category.parent_id == card.node.category.pk for other in cards)
