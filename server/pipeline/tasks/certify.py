"""Plan what could be accepted unseen, and judge it when people have answered."""

import secrets
from typing import Any

import numpy as np

from server.compute.certify import categories_judge, lot_holds, lot_judge, lots_plan
from server.core import sql
from server.core.errors import Conflict, NotFound
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.snapshots.certificate_selectors import LotAnswers, lot_answers
from server.snapshots.certificate_services import lot_fix, verdict_record
from server.snapshots.models import Certificate, CertificateState, LotItem
from server.taxonomy.models import Category

# What nobody has judged and nobody was asked to judge blind before.
POOL = """
SELECT p.image_id, p.category_id, p.probability FROM predictions_prediction p
JOIN images_image i ON i.id = p.image_id AND i.state = 'ready'
WHERE p.run_id = %(run)s
  AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = p.image_id)
  AND NOT EXISTS (SELECT 1 FROM labeling_blinddraw b WHERE b.project_id = %(project)s AND b.image_id = p.image_id)
ORDER BY p.image_id
"""


@station("plan_lot")
def plan_lot(handle: JobHandle) -> None:
    """Params: `certificate`. Fix the lots from the live run's confidences and draw the audits, before any answer."""
    certificate = _certificate(handle)
    run = handle.project.active_run
    if run is None:
        raise Conflict("Nothing is predicted yet, so there is nothing to accept.")
    rows = sql.fetch_all(POOL, {"run": run.pk, "project": handle.project_id})
    if not rows:
        raise Conflict("Every image is judged already; there is nothing left to accept.")
    confidence = np.clip(np.array([row["probability"] for row in rows], np.float64), 0, 1)
    handle.progress(total=len(rows))
    region, drawn, plan = lots_plan(
        confidence,
        error=certificate.error,
        level=certificate.level,
        audits=certificate.audits,
        seed=secrets.randbits(31),
    )
    audited = np.zeros(len(region), bool)
    audited[drawn[drawn < len(region)]] = True
    items = [
        LotItem(
            certificate=certificate,
            image_id=rows[row]["image_id"],
            category_id=rows[row]["category_id"],
            confidence=float(confidence[row]),
            place=place,
            audited=bool(audited[place]),
        )
        for place, row in enumerate(region.tolist())
    ]
    with handle.commit(done=len(rows)):
        Certificate.objects.filter(pk=certificate.pk).update(run=run)
        head = f"{run.method}, run {run.pk}"
        lot_fix(certificate=certificate, items=items, plan=plan, head=head, people=handle.project.overlap)


@station("judge_lot")
def judge_lot(handle: JobHandle) -> None:
    """Params: `certificate`. What its audits prove by now; an accepted lot that they break is revoked."""
    certificate = _certificate(handle)
    if certificate.state == CertificateState.PLANNING:
        return
    answers = lot_answers(certificate=certificate)
    verdict = (
        _accepted(certificate, answers)
        if certificate.state == CertificateState.ACCEPTED
        else _fresh(certificate, answers)
    )
    verdict["last_sequence"] = answers.last_sequence
    with handle.commit(done=len(answers.place)):
        verdict_record(certificate=certificate, verdict=verdict)


def _fresh(certificate: Certificate, answers: LotAnswers) -> dict[str, Any]:
    """Lots are as they were fixed; images deleted since leave their places empty, so a changed lot is not judged."""
    items = list(
        LotItem.objects.filter(certificate=certificate)
        .order_by("place")
        .values_list("place", "category_id", "confidence", "audited")
    )
    open_audits = sum(item[3] for item in items) - len(answers.place)
    counted = {"answered": len(answers.place), "all_errors": int(answers.wrong.sum()), "open": max(open_audits, 0)}
    nothing = {"size": 0, "threshold": 1.0, "audited": 0, "errors": 0, "bound": 1.0, "p_value": 1.0, "categories": []}
    kept = {place: at for at, (place, *_) in enumerate(items)}
    if not items or open_audits > 0:
        return {**nothing, **counted}
    places = np.array(sorted(kept))
    sizes = np.searchsorted(places, np.array(certificate.plan["sizes"]), side="left")
    sizes, first = np.unique(sizes, return_index=True)
    usable = sizes > 0
    found = lot_judge(
        np.array([item[2] for item in items]),
        place=np.array([kept[place] for place in answers.place.tolist()], np.int64),
        wrong=answers.wrong,
        sizes=sizes[usable].tolist(),
        expected=np.array(certificate.plan["expected"])[first[usable]].tolist(),
        error=certificate.error,
        level=certificate.level,
    )
    if found["size"]:
        # Places, not counts, name the end of the lot from here on.
        end = int(places[found["size"] - 1]) + 1
        found["categories"] = _categories(certificate, [item[1] for item in items if item[0] < end], answers, end)
        found["size"] = end
    return {**nothing, **found, **counted}


def _accepted(certificate: Certificate, answers: LotAnswers) -> dict[str, Any]:
    before, size = certificate.verdict, int(certificate.verdict["accepted_size"])
    inside = answers.place < size
    left = LotItem.objects.filter(certificate=certificate, place__lt=size).count()
    holds, bound = lot_holds(
        size=left,
        audited=int(inside.sum()),
        errors=int(answers.wrong[inside].sum()),
        error=certificate.error,
        level=certificate.level,
    )
    return {
        **before,
        "audited": int(inside.sum()),
        "errors": int(answers.wrong[inside].sum()),
        "all_errors": int(answers.wrong.sum()),
        "answered": len(answers.place),
        "bound": bound,
        "holds": holds,
        "lost": max(0, int(before["accepted_items"]) - left),
    }


def _categories(certificate: Certificate, inside: list[int], answers: LotAnswers, end: int) -> list[dict[str, Any]]:
    names = sorted(set(inside))
    within = answers.place < end
    audits = [
        (
            category,
            inside.count(category),
            int((within & (answers.category == category)).sum()),
            int((within & answers.wrong & (answers.category == category)).sum()),
        )
        for category in names
    ]
    parents = dict(Category.objects.filter(project_id=certificate.project_id).values_list("pk", "parent_id"))
    return categories_judge(audits, parents=parents, error=certificate.error, level=certificate.level)


def _certificate(handle: JobHandle) -> Certificate:
    found = Certificate.objects.filter(pk=handle.params["certificate"], project_id=handle.project_id).first()
    if found is None:
        raise NotFound("The certificate was withdrawn while it waited.")
    return found
