"""The life of a certificate: planned, audited, proved, accepted in one act, undone in one act, revoked by itself."""

import secrets
from typing import Any

from django.db import transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from server.accounts.models import User
from server.core import sql
from server.core.errors import Conflict, InvalidInput
from server.core.events import publish
from server.labeling.services.consensus import consensus_refresh
from server.labeling.services.locks import project_lock_alone
from server.projects.models import Project
from server.snapshots.models import Certificate, CertificateState, LotItem, Scope

LIVE_AT_MOST = 3
CLOSED = (CertificateState.REVOKED, CertificateState.UNDONE, CertificateState.WITHDRAWN)
BATCH = 5_000

# The draw is written down with the lot, in one transaction, before anyone can answer.
DRAW = """
INSERT INTO labeling_blinddraw (project_id, image_id, seed, lot, drawn_at)
SELECT %(project)s, i.image_id, %(seed)s, %(certificate)s, now() FROM snapshots_lotitem i
WHERE i.certificate_id = %(certificate)s AND i.audited
ON CONFLICT (project_id, image_id) DO NOTHING
"""
QUEUE = """
INSERT INTO labeling_queueitem
    (project_id, image_id, purpose, rank, reason, wanted, remaining, slots, created_at)
SELECT %(project)s, i.image_id, 'blind', open.low + random() * (open.high - open.low), '',
       want.people, want.people, want.people, now()
FROM snapshots_lotitem i JOIN taxonomy_category c ON c.id = i.category_id
CROSS JOIN LATERAL (SELECT COALESCE(c.overlap, %(people)s) AS people) want, (
    SELECT COALESCE(min(rank), 0) AS low, COALESCE(max(rank), 1) AS high FROM (
        SELECT rank FROM labeling_queueitem WHERE project_id = %(project)s AND slots > 0
        ORDER BY rank, id LIMIT %(spread)s) head) open
WHERE i.certificate_id = %(certificate)s AND i.audited
ON CONFLICT (project_id, image_id) DO UPDATE SET purpose = 'blind', rank = EXCLUDED.rank
"""
ACCEPT = """
INSERT INTO labeling_annotation (id, project_id, image_id, annotator_id, kind, category_id, evidence,
    evidence_details, comment, taxonomy_revision)
SELECT gen_random_uuid(), p.id, i.image_id, NULL, 'label', i.category_id, 'accepted',
       %(details)s || jsonb_build_object('probability', i.confidence), '', p.taxonomy_revision
FROM snapshots_lotitem i JOIN projects_project p ON p.id = %(project)s
WHERE i.certificate_id = %(certificate)s AND i.place < %(size)s AND NOT i.audited
  AND NOT EXISTS (SELECT 1 FROM labeling_annotation a WHERE a.image_id = i.image_id AND a.evidence = 'accepted'
                  AND a.evidence_details ->> 'certificate' = %(certificate)s::text
                  AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id))
RETURNING image_id
"""
UNDO = """
INSERT INTO labeling_annotation (id, project_id, image_id, annotator_id, kind, undoes_id, evidence,
    evidence_details, comment, taxonomy_revision)
SELECT gen_random_uuid(), a.project_id, a.image_id, %(user)s, 'undo', a.id, 'accepted', %(details)s, '',
       p.taxonomy_revision
FROM labeling_annotation a JOIN projects_project p ON p.id = a.project_id
WHERE a.project_id = %(project)s AND a.evidence = 'accepted' AND a.kind = 'label'
  AND a.evidence_details ->> 'certificate' = %(certificate)s::text
  AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
RETURNING image_id
"""


def certificate_create(
    *,
    project: Project,
    created_by: User | None,
    error: float,
    audits: int,
    level: float = 0.95,
    scope: str = Scope.LOT,
) -> Certificate:
    """A certificate whose plan a job will make. Nothing is promised yet.

    Raises:
        InvalidInput: Shares outside (0, 1), or no audits.
        Conflict: Nothing is predicted, three lots are being audited already, or another promise about all labels is
            there: two would each count the same labels of people.
    """
    if not (0 < error < 1 and 0.5 <= level < 1):
        raise InvalidInput(f"error lies between 0 and 1 and level between 0.5 and 1; got {error} and {level}.")
    if not 1 <= audits <= 100_000:
        raise InvalidInput(f"audits: expected 1 to 100,000, got {audits}.")
    if project.active_run_id is None:
        raise Conflict("Nothing is predicted yet, so there is nothing to accept. Confirm a few images first.")
    live = (CertificateState.PLANNING, CertificateState.AUDITING)
    if Certificate.objects.filter(project=project, state__in=live).count() >= LIVE_AT_MOST:
        raise Conflict(f"{LIVE_AT_MOST} lots are being audited already; finish or withdraw one.")
    whole = Certificate.objects.filter(project=project, scope=Scope.RELEASE).exclude(state__in=CLOSED)
    if scope == Scope.RELEASE and whole.exists():
        raise Conflict(
            "A promise about all labels of the release is there already; withdraw it or take it back.",
            code="one_release",
        )
    of = " of all labels" if scope == Scope.RELEASE else ""
    told = f"At most {error:.2%}{of} wrong, {level:.0%} sure; {audits} audits."
    return Certificate.objects.create(
        project=project,
        error=error,
        level=level,
        audits=audits,
        scope=scope,
        created_by=created_by,
        run_id=project.active_run_id,
        history=[_entry(CertificateState.PLANNING, told)],
    )


@transaction.atomic
def lot_fix(*, certificate: Certificate, items: list[LotItem], plan: dict[str, Any], head: str, people: int) -> None:
    """Write the lot, its draw and the audits' places in the queue down, once. Safe to repeat."""
    held = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if held.state != CertificateState.PLANNING:
        return
    LotItem.objects.bulk_create(items, batch_size=BATCH)
    seed = secrets.randbits(53)
    params = {"project": held.project_id, "certificate": held.pk, "seed": seed, "people": people, "spread": 2_000}
    sql.execute(DRAW, params)
    sql.execute(QUEUE, params)
    drawn = sum(item.audited for item in items)
    held.plan, held.head = {**plan, "seed": seed, "drawn": drawn}, head
    certificate_move(
        held, CertificateState.AUDITING, f"{drawn} of {len(items)} images drawn at random, to be judged blind."
    )


@transaction.atomic
def verdict_record(*, certificate: Certificate, verdict: dict[str, Any]) -> None:
    """What the audits prove now. An accepted lot that is not proved any more is revoked, with the reason."""
    held = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if held.state == CertificateState.ACCEPTED and "broken" not in verdict:
        return  # accepted while it was judged: the next look is at an accepted lot
    held.verdict = verdict
    proved, told = verdict["size"] > 0, _told(verdict, among=held.among)
    if held.state == CertificateState.ACCEPTED:
        if verdict["broken"]:
            certificate_move(held, CertificateState.REVOKED, verdict["broken"])
        else:
            held.save(update_fields=["verdict"])
        return
    if held.state in CLOSED:
        return
    state = (
        CertificateState.PROVED
        if proved
        else CertificateState.AUDITING
        if verdict["open"]
        else CertificateState.UNPROVED
    )
    if state != held.state:
        certificate_move(held, state, told)
    else:
        held.save(update_fields=["verdict"])


@transaction.atomic
def lot_accept(*, certificate: Certificate, accepted_by: User) -> int:
    """Give every image of the proved lot that nobody looked at its frozen label; the number of new labels.

    Raises:
        Conflict: The certificate is not proved.
    """
    project_lock_alone(project_id=certificate.project_id)
    held = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if held.state == CertificateState.ACCEPTED:
        return 0
    if held.state != CertificateState.PROVED:
        raise Conflict("Only a proved lot can be accepted. Answer its audits first.", code="not_proved")
    details = {
        "certificate": held.pk,
        "head": held.head,
        "accepted_by": accepted_by.pk,
        "threshold": held.verdict["threshold"],
    }
    params = {
        "project": held.project_id,
        "certificate": held.pk,
        "size": held.verdict["size"],
        "details": Jsonb(details),
    }
    images = [row["image_id"] for row in sql.fetch_all(ACCEPT, params)]
    sql.execute(UNQUEUE, {"project": held.project_id, "images": images})
    consensus_refresh(image_ids=images)
    held.verdict = {
        **held.verdict,
        "accepted_at": timezone.now().isoformat(),
        "accepted_size": held.verdict["size"],
        "accepted_items": LotItem.objects.filter(certificate=held, place__lt=held.verdict["size"]).count(),
    }
    certificate_move(
        held, CertificateState.ACCEPTED, f"{len(images)} labels accepted at p ≥ {held.verdict['threshold']:.3f}."
    )
    return len(images)


@transaction.atomic
def lot_undo(*, certificate: Certificate, undone_by: User) -> int:
    """Take every label of the lot back; the number of labels. What people said themselves stays.

    Raises:
        Conflict: Nothing of it was accepted.
    """
    project_lock_alone(project_id=certificate.project_id)
    held = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if held.state not in (CertificateState.ACCEPTED, CertificateState.REVOKED):
        raise Conflict("Nothing of this lot is accepted, so there is nothing to take back.", code="not_accepted")
    params = {
        "project": held.project_id,
        "certificate": held.pk,
        "user": undone_by.pk,
        "details": Jsonb({"certificate": held.pk}),
    }
    images = [row["image_id"] for row in sql.fetch_all(UNDO, params)]
    consensus_refresh(image_ids=images)
    certificate_move(held, CertificateState.UNDONE, f"{len(images)} labels taken back by {undone_by.username}.")
    return len(images)


# Nobody needs to be shown what was just accepted. What somebody holds stays theirs.
UNQUEUE = """
DELETE FROM labeling_queueitem WHERE id IN (
    SELECT id FROM labeling_queueitem
    WHERE project_id = %(project)s AND image_id = ANY(%(images)s) AND purpose = 'acquired'
      AND slots = wanted AND remaining = wanted
    FOR UPDATE SKIP LOCKED)
"""
MORE = """
UPDATE snapshots_lotitem SET audited = true, later = true WHERE (certificate_id, image_id) IN (
    SELECT i.certificate_id, i.image_id FROM snapshots_lotitem i
    JOIN labeling_consensus c ON c.image_id = i.image_id AND c.evidence = 'accepted'
    WHERE i.certificate_id = %(certificate)s AND i.place < %(size)s AND NOT i.audited
    ORDER BY hashint8extended(i.image_id, %(seed)s), i.image_id LIMIT %(count)s)
"""


@transaction.atomic
def lot_audit_more(*, certificate: Certificate, count: int, people: int) -> int:
    """Draw more audits from an accepted lot, at random among the labels nobody looked at; how many were drawn.

    Raises:
        InvalidInput: Not between 1 and 10,000.
        Conflict: The lot is not accepted.
    """
    if not 1 <= count <= 10_000:
        raise InvalidInput(f"count: expected 1 to 10,000, got {count}.")
    held = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if held.state != CertificateState.ACCEPTED:
        raise Conflict("Only an accepted lot can be audited further.", code="not_accepted")
    params = {
        "project": held.project_id,
        "certificate": held.pk,
        "size": held.verdict["accepted_size"],
        "seed": secrets.randbits(53),
        "count": count,
        "people": people,
        "spread": 2_000,
    }
    drawn = sql.execute(MORE, params)
    sql.execute(DRAW, params)
    sql.execute(QUEUE, params)
    certificate_move(held, CertificateState.ACCEPTED, f"{drawn} more images drawn from the lot, to be judged blind.")
    return drawn


def _told(verdict: dict[str, Any], *, among: int | None) -> str:
    gone = f" {verdict['missing']} audited images are gone, and count as wrong." if verdict.get("missing") else ""
    if verdict["size"] and verdict["open"]:
        gone += f" {verdict['open']} are not answered yet, and count as wrong until they are."
    if verdict["size"]:
        of = "the others" if among is None else f"all {among:,}"
        return (
            f"{verdict['size']} labels may be accepted: {verdict['errors']} of {verdict['audited']} audited were "
            f"wrong, so at most {verdict['bound']:.2%} of {of} are.{gone}"
        )
    return (
        f"{verdict['all_errors']} of {verdict['answered']} audited labels were wrong, so no lot can be promised.{gone}"
    )


def certificate_move(certificate: Certificate, state: CertificateState, text: str) -> None:
    """Write a new state and why into the certificate and its history, and tell open pages."""
    certificate.state = state
    certificate.history = [*certificate.history, _entry(state, text)]
    certificate.save()
    publish(certificate.project_id, "certificates", "annotations")


def _entry(state: CertificateState, text: str) -> dict[str, str]:
    return {"at": timezone.now().isoformat(), "state": str(state), "text": text}
