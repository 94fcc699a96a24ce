"""Labels, skips, flags and undos: events that are written once and never changed."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from server.core import sql
from server.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from server.labeling.models import Annotation, Consensus, Evidence, Kind
from server.labeling.services.consensus import (
    ConsensusChange,
    consensus_changes,
    consensus_refresh,
    consensus_refresh_sent,
    consensus_standing,
)
from server.labeling.services.leases import LEASE_S
from server.labeling.services.locks import LOCK_SHARED, NAMESPACE
from server.predictions.prototypes import prototype_move

IMPORTED = uuid.UUID("5f0d9c1e-6a57-5f0e-9d43-1c3b8a0a7b11")
"""Namespace of ids of imported labels: the same image and category give the same event."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a person says about one image. `id` is made by the client, so that a retry is the same event."""

    id: UUID
    image_id: int
    kind: str = Kind.LABEL
    category_id: int | None = None
    undoes_id: UUID | None = None
    evidence: str | None = None
    """Left out: blind where the image was drawn blind, else suggestion where one was taken, else free."""
    evidence_details: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    duration_ms: int | None = None
    client_at: datetime | None = None


@dataclass(frozen=True)
class Recorded:
    """The stored event. `created` is False for a replay, which changes nothing."""

    id: UUID
    sequence: int
    image_id: int
    created: bool
    consensus: ConsensusChange | None


# One row: what has to be known before writing. The image's row is locked, so its annotators take turns.
CONTEXT = """
SELECT p.active_space_id, p.taxonomy_revision,
       EXISTS (SELECT 1 FROM taxonomy_category c WHERE c.id = %(category)s AND c.project_id = p.id) AS category_known,
       EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = p.id AND b.image_id = i.id) AS blind,
       (SELECT a.annotator_id FROM labeling_annotation a
        WHERE a.id = %(undoes)s AND a.image_id = i.id AND a.kind <> 'undo') AS undoes_of,
       EXISTS (SELECT 1 FROM labeling_annotation a
               WHERE a.id = %(undoes)s AND a.image_id = i.id AND a.kind <> 'undo') AS undoes_known
FROM images_image i JOIN projects_project p ON p.id = i.project_id
WHERE i.id = %(image)s AND i.project_id = %(project)s
FOR NO KEY UPDATE OF i
"""

INSERT = """
INSERT INTO labeling_annotation (id, project_id, image_id, annotator_id, kind, category_id, undoes_id, evidence,
    evidence_details, comment, taxonomy_revision, duration_ms, client_at)
VALUES (%(id)s, %(project)s, %(image)s, %(annotator)s, %(kind)s, %(category)s, %(undoes)s, %(evidence)s,
    %(details)s, %(comment)s, %(revision)s, %(duration_ms)s, %(client_at)s)
ON CONFLICT (id) DO NOTHING
RETURNING sequence
"""

# Counted afresh under the item's lock: judgements that stand, and leases without the judge's own. What an image was
# called may want more opinions than what it was predicted to be. Who takes a
# judgement back gets the image again for a while, so that the next person does not meet it in the meantime.
ACCOUNT = """
WITH gone AS (
    DELETE FROM labeling_lease WHERE item_id = %(item)s AND user_id = %(user)s RETURNING 1
), judged AS (
    SELECT count(DISTINCT a.annotator_id) AS people, COALESCE(max(COALESCE(c.overlap, p.overlap)), 1) AS wanted
    FROM labeling_annotation a
    LEFT JOIN taxonomy_category c ON c.id = a.category_id LEFT JOIN projects_project p ON p.id = c.project_id
    WHERE a.image_id = %(image)s AND a.kind <> 'undo' AND a.annotator_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
), held AS (
    SELECT (SELECT count(*) FROM labeling_lease WHERE item_id = %(item)s) - (SELECT count(*) FROM gone) AS others
)
UPDATE labeling_queueitem q
SET wanted = GREATEST(q.wanted, judged.wanted),
    remaining = GREATEST(0, GREATEST(q.wanted, judged.wanted) - judged.people),
    slots = GREATEST(0, GREATEST(q.wanted, judged.wanted) - judged.people - held.others)
FROM judged, held WHERE q.id = %(item)s
"""

LEASE_AGAIN = """
WITH mine AS (
    UPDATE labeling_queueitem SET slots = slots - 1 WHERE id = %(item)s AND slots > 0 RETURNING id, project_id)
INSERT INTO labeling_lease (item_id, project_id, user_id, token, leased_at, lease_until)
SELECT id, project_id, %(user)s, gen_random_uuid(), clock_timestamp(),
       clock_timestamp() + make_interval(secs => %(lease_s)s)
FROM mine
ON CONFLICT (item_id, user_id) DO NOTHING
"""


@transaction.atomic
def annotation_create(
    judgement: Judgement, *, project_id: int, annotator_id: int, as_reviewer: bool = False
) -> Recorded:
    """Record one event, derive the image's consensus, move its prototype and settle the queue, in one transaction.

    Never refuses a label for being late: leases only decide what is shown to whom. The same id again returns the
    stored event and changes nothing. Five statements in two round trips; two more where an image teaches another
    category than before.

    Raises:
        NotFound: The image or the event to undo is not in this project.
        InvalidInput: Kind, category and `undoes` do not go together.
        NotAllowed: Only a reviewer takes back what somebody else said.
        Conflict: The id belongs to another person's event.
    """
    _check_shape(judgement)
    item, context = _locked(judgement, project_id=project_id)
    _check_context(judgement, context, annotator_id=annotator_id, as_reviewer=as_reviewer)
    params = {"item": item, "user": annotator_id, "image": judgement.image_id, "lease_s": LEASE_S}
    with sql.pipeline():  # for a replay the second and third find nothing to change
        inserted = sql.Sent(INSERT, _values(judgement, project_id, annotator_id, context))
        if item is not None:
            sql.Sent(ACCOUNT, params)
        refreshed = consensus_refresh_sent(image_id=judgement.image_id, space_id=context["active_space_id"])
    sequence = inserted.value()
    if sequence is None:
        return _replay(judgement.id, project_id=project_id, annotator_id=annotator_id)
    if item is not None and judgement.kind == Kind.UNDO and context["undoes_of"] == annotator_id:
        sql.execute(LEASE_AGAIN, params)
    change = consensus_changes(refreshed)
    for moved in change:
        if moved.taught_before is None:
            continue  # done beside the consensus, or nothing to do
        prototype_move(
            space_id=context["active_space_id"],
            image_id=moved.image_id,
            category_before=moved.taught_before,
            category_now=moved.teaches_now,
        )
    return Recorded(judgement.id, sequence, judgement.image_id, True, next(iter(change), None))


def _check_shape(judgement: Judgement) -> None:
    if judgement.kind not in Kind.values:
        raise InvalidInput(f"kind: expected one of {', '.join(Kind.values)}, got {judgement.kind!r}.")
    if (judgement.kind == Kind.LABEL) != (judgement.category_id is not None):
        raise InvalidInput("category: a label names one; a skip, a flag and an undo name none.")
    if (judgement.kind == Kind.UNDO) != (judgement.undoes_id is not None):
        raise InvalidInput("undoes: an undo names the event that it takes back; nothing else does.")


def _locked(judgement: Judgement, *, project_id: int) -> tuple[int | None, dict[str, Any]]:
    """The queue item and the image, both locked, and what has to be known of them: one round trip."""
    params = {
        "project": project_id,
        "image": judgement.image_id,
        "category": judgement.category_id,
        "undoes": judgement.undoes_id,
        "namespace": NAMESPACE,
    }
    with sql.pipeline():
        item = sql.Sent(LOCK_SHARED, params)
        context = sql.Sent(CONTEXT, params)
    found = context.one()
    if found is None:
        raise NotFound("There is no such image in this project.")
    return item.value(), found


def _check_context(judgement: Judgement, context: Mapping[str, Any], *, annotator_id: int, as_reviewer: bool) -> None:
    if judgement.category_id is not None and not context["category_known"]:
        raise InvalidInput("category: it is not one of this project's categories.")
    if judgement.undoes_id is not None:
        if not context["undoes_known"]:
            raise NotFound("There is no such event of this image to undo.")
        if context["undoes_of"] != annotator_id and not as_reviewer:
            raise NotAllowed("Only a reviewer can take back what somebody else said.")
    if judgement.evidence == Evidence.REVIEW and not as_reviewer:
        raise NotAllowed("Only a reviewer can decide a disputed image.")


def _values(judgement: Judgement, project_id: int, annotator_id: int, context: Mapping[str, Any]) -> dict[str, Any]:
    suggested = judgement.evidence_details.get("suggested") is not None
    told = judgement.evidence or (Evidence.SUGGESTION if suggested else Evidence.FREE)
    # Whether an image was drawn blind is ours to know. A review looks at it with all there is to see.
    evidence = Evidence.BLIND if context["blind"] and told != Evidence.REVIEW else told
    return {
        "id": judgement.id,
        "project": project_id,
        "image": judgement.image_id,
        "annotator": annotator_id,
        "kind": str(judgement.kind),
        "category": judgement.category_id,
        "undoes": judgement.undoes_id,
        "evidence": str(evidence),
        "details": Jsonb(dict(judgement.evidence_details)),
        "comment": judgement.comment,
        "revision": context["taxonomy_revision"],
        "duration_ms": judgement.duration_ms,
        "client_at": judgement.client_at,
    }


def _replay(event_id: UUID, *, project_id: int, annotator_id: int) -> Recorded:
    stored = Annotation.objects.filter(pk=event_id, project_id=project_id, annotator_id=annotator_id).first()
    if stored is None:
        raise Conflict("This id was used for another event. Make a new one and send again.", code="id_taken")
    standing = Consensus.objects.filter(pk=stored.image_id).first()
    return Recorded(
        stored.pk, stored.sequence, stored.image_id, False, consensus_standing(standing) if standing else None
    )


IMPORT = """
INSERT INTO labeling_annotation (id, project_id, image_id, annotator_id, kind, category_id, evidence,
    evidence_details, comment, taxonomy_revision)
SELECT row.id, p.id, row.image_id, NULL, 'label', row.category_id, 'imported', %(details)s, '', p.taxonomy_revision
FROM unnest(%(ids)s::uuid[], %(images)s::bigint[], %(categories)s::bigint[]) AS row (id, image_id, category_id)
JOIN projects_project p ON p.id = %(project)s
JOIN images_image i ON i.id = row.image_id AND i.project_id = p.id
JOIN taxonomy_category c ON c.id = row.category_id AND c.project_id = p.id
ON CONFLICT (id) DO NOTHING
"""


@transaction.atomic
def annotations_import(*, project_id: int, labels: Sequence[tuple[int, int]], imported_by_id: int | None) -> int:
    """Labels that came with the images, as (image, category) pairs: the number of new events. Safe to repeat.

    They give way to a person's own judgement. Pairs of another project are left out. Prototypes follow with the
    next prediction run.
    """
    images = sorted({image for image, _ in labels})
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM images_image WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [images])
    params = {
        "project": project_id,
        "details": Jsonb({"imported_by": imported_by_id}),
        "ids": [uuid.uuid5(IMPORTED, f"{image}:{category}") for image, category in labels],
        "images": [image for image, _ in labels],
        "categories": [category for _, category in labels],
    }
    created = sql.execute(IMPORT, params)
    consensus_refresh(image_ids=images)
    return created
