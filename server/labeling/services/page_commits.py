"""A page committed by one key and taken back by one key: each one transaction of a dozen statements, whatever its size.

Every tile that was judged becomes an event with an id that follows from the commit's, so a retry changes nothing.
Tiles that were planted become nothing at all.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from psycopg.types.json import Jsonb

from server.core import sql
from server.core.errors import Conflict, InvalidInput, NotFound
from server.labeling.models import Evidence, Kind
from server.labeling.services.consensus import ConsensusChange, consensus_refresh
from server.labeling.services.locks import NAMESPACE
from server.labeling.services.page_options import PageOptions
from server.labeling.services.page_sizes import Looked, size_learn
from server.labeling.services.review import review_recent_pages
from server.predictions.prototypes import prototypes_move
from server.projects.models import Project

VERDICTS = ("confirm", "strike", "label", "skip", "flag")


@dataclass(frozen=True)
class TileVerdict:
    """What a person decided about one tile. `label` names the category, nothing else does."""

    image_id: int
    verdict: str
    category_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class PageDecision:
    """One press of the commit key. A tile that is not named was not judged."""

    id: UUID
    page_id: UUID
    tiles: Sequence[TileVerdict]
    duration_ms: int | None = None
    client_at: datetime | None = None
    input: str | None = None


@dataclass(frozen=True)
class Missed:
    """A known-wrong tile that was confirmed."""

    image_id: int
    category_id: int


@dataclass(frozen=True)
class Committed:
    """What came of a commit. `created` is False for a replay; `planted` is 0 where attention was not measured."""

    created: bool
    labels: int
    struck: int
    planted: int
    caught: int
    missed: list[Missed]
    size_before: int
    size_after: int
    sent_to_review: int
    undone: bool


@dataclass(frozen=True)
class Event:
    """One annotation to be."""

    image_id: int
    kind: str
    category_id: int | None
    evidence: str
    details: dict[str, Any]


PAGE = """
SELECT id, category_id, tiles, committed_at FROM labeling_page
WHERE id = %(page)s AND project_id = %(project)s AND user_id = %(user)s FOR UPDATE
"""
CLAIM = """
INSERT INTO labeling_pagecommit (id, project_id, page_id, annotation_ids, answer, undone, duration_ms, client_at,
    created_at)
VALUES (%(id)s, %(project)s, %(page)s, '{}', '{}', 0, %(duration_ms)s, %(client_at)s, now())
ON CONFLICT (id) DO NOTHING RETURNING id
"""
STORED = """
SELECT t.page_id, t.answer, t.undo_id, p.user_id FROM labeling_pagecommit t JOIN labeling_page p ON p.id = t.page_id
WHERE t.id = %(id)s AND t.project_id = %(project)s
"""
ITEMS = """
WITH held AS (
    SELECT id FROM labeling_queueitem WHERE project_id = %(project)s AND image_id = ANY(%(images)s)
    ORDER BY id FOR UPDATE)
SELECT COALESCE((SELECT array_agg(id) FROM held), '{}') AS items,
       pg_advisory_xact_lock_shared(%(space)s, %(project)s::int),
       p.active_space_id, p.taxonomy_revision,
       (SELECT count(*) FROM taxonomy_category c
        WHERE c.project_id = p.id AND c.id = ANY(%(categories)s)) AS categories_known
FROM projects_project p WHERE p.id = %(project)s
"""
# A page shows suggestions: an image that became blind after its lease ran out is no longer a fair question.
IMAGES = """
WITH unfair AS (
    DELETE FROM labeling_blinddraw b WHERE b.project_id = %(project)s AND b.image_id = ANY(%(images)s)
      AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = b.image_id))
SELECT id FROM images_image WHERE project_id = %(project)s AND id = ANY(%(images)s) ORDER BY id FOR NO KEY UPDATE
"""
INSERT = """
INSERT INTO labeling_annotation (id, project_id, image_id, annotator_id, kind, category_id, undoes_id, evidence,
    evidence_details, comment, taxonomy_revision, duration_ms, client_at)
SELECT id, %(project)s, image_id, %(user)s, kind, category_id, undoes_id, evidence, details, '', %(revision)s,
       %(duration_ms)s::int, %(client_at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(images)s::bigint[], %(kinds)s::text[], %(categories)s::bigint[], %(undoes)s::uuid[],
            %(evidences)s::text[], %(details)s::jsonb[])
    AS row (id, image_id, kind, category_id, undoes_id, evidence, details)
ON CONFLICT (id) DO NOTHING
"""
# Counted afresh under the items' locks, as for a single label.
ACCOUNT = """
WITH gone AS (
    DELETE FROM labeling_lease WHERE user_id = %(user)s AND item_id = ANY(%(items)s)
      AND (token = %(page)s OR item_id IN (
          SELECT id FROM labeling_queueitem WHERE id = ANY(%(items)s) AND image_id = ANY(%(images)s)))
    RETURNING item_id
), judged AS (
    SELECT a.image_id, count(DISTINCT a.annotator_id) AS people, max(COALESCE(c.overlap, p.overlap)) AS wanted
    FROM labeling_annotation a
    LEFT JOIN taxonomy_category c ON c.id = a.category_id LEFT JOIN projects_project p ON p.id = c.project_id
    WHERE a.image_id = ANY(SELECT image_id FROM labeling_queueitem WHERE id = ANY(%(items)s))
      AND a.kind <> 'undo' AND a.annotator_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
    GROUP BY a.image_id
), counted AS (
    SELECT q.id, GREATEST(q.wanted, j.wanted) AS wanted,
           GREATEST(0, GREATEST(q.wanted, j.wanted) - COALESCE(j.people, 0)) AS remaining,
           (SELECT count(*) FROM labeling_lease l WHERE l.item_id = q.id)
         - (SELECT count(*) FROM gone WHERE gone.item_id = q.id) AS held
    FROM labeling_queueitem q LEFT JOIN judged j ON j.image_id = q.image_id WHERE q.id = ANY(%(items)s)
)
UPDATE labeling_queueitem q SET wanted = c.wanted, remaining = c.remaining, slots = GREATEST(0, c.remaining - c.held)
FROM counted c WHERE q.id = c.id
"""
STRIKE = """
INSERT INTO labeling_strike (project_id, image_id, category_id, commit_id)
SELECT %(project)s, image_id, %(category)s, %(commit)s FROM unnest(%(images)s::bigint[]) AS row (image_id)
ON CONFLICT (commit_id, image_id) DO NOTHING
"""
ANSWER = """
WITH first AS (
    UPDATE labeling_page SET committed_at = now() WHERE id = %(page)s AND committed_at IS NULL)
UPDATE labeling_pagecommit SET answer = %(answer)s, annotation_ids = %(ids)s WHERE id = %(id)s
"""


@transaction.atomic
def page_commit(decision: PageDecision, *, project: Project, user_id: int) -> Committed:
    """Record a page's decision: annotations, strikes, attention, page size and queue, in one transaction.

    Never refused for being late. The same id again tells what was told and changes nothing.

    Raises:
        NotFound: The page is not this person's, or not of this project.
        InvalidInput: A tile that the page does not show, a verdict and category that do not go together.
        Conflict: The id belongs to another page's commit.
    """
    found = sql.fetch_one(PAGE, {"page": decision.page_id, "project": project.pk, "user": user_id}, hot=True)
    if found is None:
        raise NotFound("There is no such page of yours in this project.")
    page = sql.read_json(found, "tiles")
    shown = {tile["image"]: tile for tile in page["tiles"]}
    _check(decision, shown)
    params = {"id": decision.id, "project": project.pk, "page": decision.page_id}
    times = {"duration_ms": decision.duration_ms, "client_at": decision.client_at}
    if sql.fetch_value(CLAIM, {**params, **times}, hot=True) is None:
        return _replay(decision, project_id=project.pk)
    real = [tile for tile in decision.tiles if "known" not in shown[tile.image_id]]
    events = _events(decision, page, shown, real)
    shown_images = [image for tile in page["tiles"] if "known" not in tile for image in images_of(tile)]
    context = rows_hold(project.pk, images=shown_images, categories=_categories(decision))
    ids = events_write(
        {uuid.uuid5(decision.id, str(event.image_id)): event for event in events},
        project_id=project.pk,
        user_id=user_id,
        context=context,
        times=times,
    )
    changes = consensus_refresh(image_ids=[event.image_id for event in events]) if events else []
    account = {"items": context["items"], "user": user_id, "page": decision.page_id}
    sql.execute(ACCOUNT, {**account, "images": [event.image_id for event in events]}, hot=True)
    struck = _struck(real, page["category_id"])
    if struck:
        images = [image for tile in struck for image in images_of(shown[tile]) if image in context["images"]]
        category = {"category": page["category_id"], "commit": decision.id, "project": project.pk}
        sql.execute(STRIKE, {**category, "images": images}, hot=True)
    labels = sum(event.kind == Kind.LABEL and event.image_id in context["images"] for event in events)
    committed = _learn(decision, page, shown, real, len(struck), project, user_id, ids, labels)
    sql.execute(
        ANSWER,
        {"page": decision.page_id, "id": decision.id, "ids": list(ids), "answer": Jsonb(answer_of(committed))},
        hot=True,
    )
    teach(context["active_space_id"], changes)
    return committed


def images_of(tile: Mapping[str, Any]) -> list[int]:
    """The tile's own image and those folded into it."""
    return [tile["image"], *tile["folded"]]


def teach(space_id: int | None, changes: Sequence[ConsensusChange]) -> None:
    """Move the prototypes, last of all: their rows are what annotators of one category share."""
    prototypes_move(space_id=space_id, moves=[(one.image_id, one.taught_before, one.teaches_now) for one in changes])


def _check(decision: PageDecision, shown: Mapping[int, Any]) -> None:
    strangers = [tile.image_id for tile in decision.tiles if tile.image_id not in shown]
    if strangers:
        raise InvalidInput(f"tiles: the page does not show image {strangers[0]}.")
    if len({tile.image_id for tile in decision.tiles}) != len(decision.tiles):
        raise InvalidInput("tiles: an image is named twice.")
    for tile in decision.tiles:
        if tile.verdict not in VERDICTS:
            raise InvalidInput(f"verdict: expected one of {', '.join(VERDICTS)}, got {tile.verdict!r}.")
        if (tile.verdict == "label") != (tile.category_id is not None):
            raise InvalidInput("category: a tile that is labeled names one; no other verdict does.")


def _categories(decision: PageDecision) -> list[int]:
    return sorted({tile.category_id for tile in decision.tiles if tile.category_id is not None})


def rows_hold(project_id: int, *, images: Sequence[int], categories: Sequence[int]) -> dict[str, Any]:
    """Lock what the transaction decides about, always in the same order, and read what it has to know."""
    params = {"project": project_id, "images": list(images), "categories": list(categories), "space": NAMESPACE}
    context = sql.fetch_one(ITEMS, params, hot=True)
    if context is None or context["categories_known"] != len(categories):
        raise InvalidInput("category: it is not one of this project's categories.")
    found = sql.fetch_all(IMAGES, {"project": project_id, "images": list(images)}, hot=True)
    return {**context, "images": {row["id"] for row in found}}


def _events(
    decision: PageDecision, page: Mapping[str, Any], shown: Mapping[int, Any], real: Sequence[TileVerdict]
) -> list[Event]:
    """A strike without a category is no annotation; what is folded into a tile follows it as propagated."""
    places = {tile["image"]: place for place, tile in enumerate(page["tiles"])}
    events = []
    for tile in real:
        kind = {"confirm": Kind.LABEL, "label": Kind.LABEL, "skip": Kind.SKIP, "flag": Kind.FLAG}.get(tile.verdict)
        if kind is None:
            continue
        category = page["category_id"] if tile.verdict == "confirm" else tile.category_id
        folded = shown[tile.image_id]["folded"]
        told = shown[tile.image_id]["suggestions"]
        details = {
            "page": str(page["id"]),
            "commit": str(decision.id),
            "size": len(page["tiles"]),
            "position": places[tile.image_id],
            "seconds": None if decision.duration_ms is None else decision.duration_ms / 1000,
            "suggested": page["category_id"],
            "probability": told[0][1] if told else None,
            "duplicates": len(folded),
            "input": decision.input,
        }
        events.append(Event(tile.image_id, kind.value, category, Evidence.PAGE.value, details))
        if kind != Kind.LABEL:
            continue
        follows = {**details, "duplicate_of": tile.image_id}
        events += [Event(image, kind.value, category, Evidence.PROPAGATED.value, follows) for image in folded]
    return events


def events_write(
    events: Mapping[UUID, Event],
    *,
    project_id: int,
    user_id: int,
    context: Mapping[str, Any],
    times: Mapping[str, Any],
    undoes: Sequence[UUID] | None = None,
) -> list[UUID]:
    """One insert for all; ids of those whose image is still there."""
    there = {made: event for made, event in events.items() if event.image_id in context["images"]}
    if there:
        params = {
            "project": project_id,
            "user": user_id,
            "revision": context["taxonomy_revision"],
            **times,
            "ids": list(there),
            "images": [event.image_id for event in there.values()],
            "kinds": [event.kind for event in there.values()],
            "categories": [event.category_id for event in there.values()],
            "undoes": list(undoes) if undoes else [None] * len(there),
            "evidences": [event.evidence for event in there.values()],
            "details": [Jsonb(event.details) for event in there.values()],
        }
        sql.execute(INSERT, params, hot=True)
    return list(there)


def _struck(real: Sequence[TileVerdict], category_id: int) -> list[int]:
    return [
        tile.image_id
        for tile in real
        if tile.verdict == "strike" or (tile.verdict == "label" and tile.category_id != category_id)
    ]


def _learn(
    decision: PageDecision,
    page: Mapping[str, Any],
    shown: Mapping[int, Any],
    real: Sequence[TileVerdict],
    struck: int,
    project: Project,
    user_id: int,
    ids: Sequence[UUID],
    labels: int,
) -> Committed:
    """Attention and size count by a page's first commit: who takes a page back has seen which tiles were planted."""
    first = page["committed_at"] is None
    planted = [tile for tile in decision.tiles if "known" in shown[tile.image_id] and tile.verdict != "skip"]
    planted = planted if first else []
    category = page["category_id"]
    fooled = [t for t in planted if t.verdict == "confirm" or (t.verdict == "label" and t.category_id == category)]
    looked = Looked(
        judged=len(real) if first else 0,
        struck=struck if first else 0,
        planted=len(planted),
        caught=len(planted) - len(fooled),
    )
    options = PageOptions.of(project)
    before, after = size_learn(
        project_id=project.pk, user_id=user_id, category_id=category, looked=looked, options=options
    )
    sent = 0
    if fooled:
        sent = review_recent_pages(project_id=project.pk, user_id=user_id, category_id=category, also=ids)
    missed = [Missed(tile.image_id, shown[tile.image_id]["known"]) for tile in fooled]
    return Committed(True, labels, struck, looked.planted, looked.caught, missed, before, after, sent, False)


def answer_of(committed: Committed) -> dict[str, Any]:
    """As it is stored beside the commit."""
    return {
        "labels": committed.labels,
        "struck": committed.struck,
        "planted": committed.planted,
        "caught": committed.caught,
        "missed": [[one.image_id, one.category_id] for one in committed.missed],
        "size_before": committed.size_before,
        "size_after": committed.size_after,
        "sent_to_review": committed.sent_to_review,
    }


def _replay(decision: PageDecision, *, project_id: int) -> Committed:
    stored = sql.fetch_one(STORED, {"id": decision.id, "project": project_id})
    if stored is None or stored["page_id"] != decision.page_id:
        raise Conflict("This id was used for another page. Make a new one and send again.", code="id_taken")
    answer = sql.read_json(stored, "answer")["answer"]
    missed = [Missed(image, category) for image, category in answer.pop("missed")]
    return Committed(created=False, missed=missed, undone=stored["undo_id"] is not None, **answer)
