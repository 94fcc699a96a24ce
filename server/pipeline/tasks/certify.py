"""Fix lots that could be accepted unseen, and judge them when people have answered."""

import secrets
from typing import Any

from server.compute.certify import lots_plan
from server.core.errors import Conflict, NotFound
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.pipeline.tasks.lot_candidates import Candidates, candidates_of
from server.pipeline.tasks.lot_verdicts import accepted_verdict, fresh_verdict
from server.snapshots.certificate_endings import certificate_refuse
from server.snapshots.certificate_selectors import labels_of_release, lot_answers
from server.snapshots.certificate_services import lot_fix, verdict_record
from server.snapshots.models import Certificate, CertificateState, LotItem, Scope


@station("plan_lot")
def plan_lot(handle: JobHandle) -> None:
    """Params: `certificate`. Fix the lots from confidences of this moment and draw the audits, before any answer."""
    certificate = _certificate(handle)
    try:
        found = candidates_of(handle.project)
    except Conflict as nothing:
        certificate_refuse(certificate=certificate, why=nothing.message)
        handle.progress(message=nothing.message)
        return
    handle.progress(total=len(found.image_ids))
    region, drawn, plan = lots_plan(
        found.confidence,
        score=found.score,
        error=certificate.error,
        level=certificate.level,
        audits=certificate.audits,
        seed=secrets.randbits(31),
        among=labels_of_release(project_id=handle.project_id) if certificate.scope == Scope.RELEASE else None,
    )
    items = _items(certificate, found, region.tolist(), set(drawn.tolist()))
    with handle.commit(done=len(found.image_ids)):
        Certificate.objects.filter(pk=certificate.pk).update(run=found.run)
        lot_fix(certificate=certificate, items=items, plan=plan, head=found.head, people=handle.project.overlap)


def _items(certificate: Certificate, found: Candidates, region: list[int], drawn: set[int]) -> list[LotItem]:
    return [
        LotItem(
            certificate=certificate,
            image_id=int(found.image_ids[row]),
            category_id=int(found.category_ids[row]),
            confidence=float(found.confidence[row]),
            place=place,
            audited=place in drawn,
        )
        for place, row in enumerate(region)
    ]


@station("judge_lot")
def judge_lot(handle: JobHandle) -> None:
    """Params: `certificate`. What its audits prove by now; an accepted lot that they break is revoked."""
    certificate = _certificate(handle)
    if certificate.state == CertificateState.PLANNING:
        return
    answers = lot_answers(certificate=certificate)
    judged = accepted_verdict if certificate.state == CertificateState.ACCEPTED else fresh_verdict
    verdict: dict[str, Any] = judged(certificate, answers)
    verdict["seen"] = answers.seen
    with handle.commit(done=len(answers.place)):
        verdict_record(certificate=certificate, verdict=verdict)


def _certificate(handle: JobHandle) -> Certificate:
    found = Certificate.objects.filter(pk=handle.params["certificate"], project_id=handle.project_id).first()
    if found is None:
        raise NotFound("The certificate was deleted while it waited.")
    return found
