"""What the audits of a lot prove by now. An audit without an answer speaks against whatever would be said."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.certify import categories_judge, lot_bound, lot_judge, lot_standing
from server.snapshots.certificate_selectors import LotAnswers, lot_left
from server.snapshots.models import Certificate, LotItem
from server.taxonomy.models import Category

ROUNDING = 1e-9
NOTHING = {"size": 0, "threshold": 1.0, "audited": 0, "errors": 0, "bound": 1.0, "p_value": 1.0, "categories": []}


def fresh_verdict(certificate: Certificate, answers: LotAnswers) -> dict[str, Any]:
    """The largest lot that is proved whatever the open audits will say.

    Lots are as they were fixed. Images that were deleted since leave their places empty; a deleted audit counts as a
    wrong one in every lot, so that nobody can better a promise by deleting.
    """
    items = list(
        LotItem.objects.filter(certificate=certificate)
        .order_by("place")
        .values_list("place", "category_id", "confidence", "audited")
    )
    answered = dict(zip(answers.place.tolist(), answers.wrong.tolist(), strict=True))
    drawn = [place for place, _, _, audited in items if audited]
    missing = max(0, int(certificate.plan.get("drawn", len(drawn))) - len(drawn))
    counted = {
        "answered": len(answered),
        "all_errors": int(answers.wrong.sum()),
        "open": len(drawn) - len(answered),
        "missing": missing,
    }
    if not items or not drawn:
        return {**NOTHING, **counted}
    wrong = np.array([answered.get(place, True) for place in drawn], bool)
    found, end = _judged(certificate, items, np.array(drawn), wrong, missing=missing)
    if end:
        within = [item for item in items if item[0] < end]
        found["categories"] = _categories(certificate, within, answered, missing=missing)
        # Places, not counts, name the end of the lot from here on.
        found["size"] = end
    return {**NOTHING, **found, **counted}


def _judged(
    certificate: Certificate,
    items: list[tuple[int, int, float, bool]],
    drawn: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    *,
    missing: int,
) -> tuple[dict[str, Any], int]:
    """What is proved, and the place where the lot ends (0: nothing). `missing` wrong audits stand before the first."""
    places = np.array([item[0] for item in items])
    sizes = np.searchsorted(places, np.array(certificate.plan["sizes"]), side="left")
    sizes, first = np.unique(sizes, return_index=True)
    usable = sizes > 0
    found = lot_judge(
        np.concatenate([np.ones(missing), np.array([item[2] for item in items])]),
        place=np.concatenate([np.arange(missing), missing + np.searchsorted(places, drawn)]),
        wrong=np.concatenate([np.ones(missing, bool), wrong]),
        sizes=(missing + sizes[usable]).tolist(),
        expected=np.array(certificate.plan["expected"])[first[usable]].tolist(),
        error=certificate.error,
        level=certificate.level,
        among=certificate.among,
    )
    return found, int(places[found["size"] - missing - 1]) + 1 if found["size"] else 0


def accepted_verdict(certificate: Certificate, answers: LotAnswers) -> dict[str, Any]:
    """How an accepted lot stands: what proved it is judged as the one sample that it is, what came later at any time.

    `broken` says why the promise cannot stand any more; empty while it does.
    """
    before, size = certificate.verdict, int(certificate.verdict["accepted_size"])
    left = lot_left(certificate=certificate)
    inside = answers.place < size
    first, later = inside & ~answers.later, inside & answers.later
    gone = int(before.get("missing", 0))
    audited = left["first"] + gone
    errors = int(answers.wrong[first].sum()) + left["first"] - int(first.sum()) + gone
    seen, wrong = int(later.sum()), int(answers.wrong[later].sum())
    low, high = lot_standing(
        size=max(left["later"] + left["unseen"], 1),
        drawn=left["later"],
        errors=wrong,
        unanswered=left["later"] - seen,
        level=certificate.level,
        among=certificate.among,
    )
    verdict = {
        **before,
        "audited": audited,
        "errors": errors,
        "bound": lot_bound(
            size=int(before["accepted_items"]) + gone,
            audited=audited,
            errors=errors,
            level=certificate.level,
            among=certificate.among,
        ),
        "later": {"drawn": left["later"], "answered": seen, "wrong": wrong, "low": low, "high": high},
        "answered": len(answers.place),
        "all_errors": int(answers.wrong.sum()),
        "lost": max(0, int(before["accepted_items"]) - left["items"]),
    }
    return {**verdict, "broken": _broken(verdict, error=certificate.error)}


def _broken(verdict: dict[str, Any], *, error: float) -> str:
    later = verdict["later"]
    if verdict["lost"]:
        return f"The lot changed: {verdict['lost']} of its images are gone."
    if later["low"] > error:
        return (
            f"Later audits broke it: {later['wrong']} of {later['answered']} were wrong, so more than "
            f"{later['low']:.1%} of the labels are."
        )
    if verdict["bound"] > error + ROUNDING:
        return (
            f"Audits that proved it were answered otherwise since: {verdict['errors']} of {verdict['audited']} were "
            "wrong, and that proves it no more."
        )
    return ""


def _categories(
    certificate: Certificate, within: list[tuple[int, int, float, bool]], answered: dict[int, bool], *, missing: int
) -> list[dict[str, Any]]:
    """A verdict for each category of the lot; nobody knows what deleted audits were, so they count against all."""
    tally: dict[int, list[int]] = {}
    for place, category, _, audited in within:
        row = tally.setdefault(category, [missing, missing, missing])
        row[0] += 1
        row[1] += audited
        row[2] += audited and answered.get(place, True)
    parents = dict(Category.objects.filter(project_id=certificate.project_id).values_list("pk", "parent_id"))
    audits = [(category, size, seen, wrong) for category, (size, seen, wrong) in sorted(tally.items())]
    return categories_judge(audits, parents=parents, error=certificate.error, level=certificate.level)
