"""Certificates that never came to stand: withdrawn by their owner, or with nothing to promise."""

from django.db import transaction

from server.accounts.models import User
from server.core import sql
from server.core.errors import Conflict
from server.snapshots.certificate_services import certificate_move
from server.snapshots.models import Certificate, CertificateState

WITHDRAWABLE = (
    CertificateState.PLANNING,
    CertificateState.AUDITING,
    CertificateState.PROVED,
    CertificateState.UNPROVED,
)

# What nobody holds or has answered goes back to ordinary work; what somebody has in front of them stays an audit.
UNQUEUE = """
DELETE FROM labeling_queueitem q USING labeling_blinddraw b
WHERE q.project_id = %(project)s AND b.project_id = q.project_id AND b.image_id = q.image_id AND b.lot = %(certificate)s
  AND q.purpose = 'blind' AND q.slots = q.wanted AND q.remaining = q.wanted
"""
UNDRAW = """
DELETE FROM labeling_blinddraw b
WHERE b.project_id = %(project)s AND b.lot = %(certificate)s
  AND NOT EXISTS (SELECT 1 FROM labeling_annotation a WHERE a.image_id = b.image_id)
  AND NOT EXISTS (SELECT 1 FROM labeling_queueitem q WHERE q.project_id = b.project_id AND q.image_id = b.image_id)
"""


@transaction.atomic
def certificate_withdraw(*, certificate: Certificate, withdrawn_by: User) -> None:
    """Ask nobody any further. Answers stay labels like any other, blind; the lot can never be accepted.

    Raises:
        Conflict: Labels were accepted under it; those are taken back, not withdrawn.
    """
    held = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if held.state == CertificateState.WITHDRAWN:
        return
    if held.state not in WITHDRAWABLE:
        raise Conflict("Labels were accepted under it: take the lot back instead.", code="accepted")
    params = {"project": held.project_id, "certificate": held.pk}
    sql.execute(UNQUEUE, params)
    sql.execute(UNDRAW, params)
    certificate_move(held, CertificateState.WITHDRAWN, f"Withdrawn by {withdrawn_by.username}.")


@transaction.atomic
def certificate_refuse(*, certificate: Certificate, why: str) -> None:
    """There is nothing to promise; the reason stays to be read."""
    held = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if held.state == CertificateState.PLANNING:
        certificate_move(held, CertificateState.UNPROVED, why)
