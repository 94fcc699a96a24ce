"""How many audits cost people least: few prove little, and what is not proved has to be looked at.

A forecast from confidence alone, made before anyone answers, so choosing by it takes nothing from the guarantee.
"""

from dataclasses import dataclass

import numpy as np

from ml.evaluation.certify import Goal, LotPlan, audits_for_lot
from ml.types import FloatArray

PAGE = 32
"""Images that one press confirms where nothing on the page is wrong."""


@dataclass(frozen=True)
class Spending:
    """So many `audits` prove `size` labels, and with pages for the rest cost so many `presses` an image."""

    audits: int
    size: int
    presses: float


def fewest_presses(plan: LotPlan, confidence: FloatArray, *, goal: Goal, page: int = PAGE) -> Spending | None:
    """The lot that is forecast to cost least with the audits that would prove it; None where none can be proved.

    Presses: one an audit, one a page of the rest, one a wrong label of the rest.
    """
    audits = audits_for_lot(plan, goal=goal)
    pool = len(confidence)
    wrong = float((1 - np.asarray(confidence, dtype=np.float64)).sum())
    rest = pool - plan.sizes
    presses = (audits + rest / page + np.maximum(wrong - plan.expected * plan.sizes, 0)) / pool
    possible = np.flatnonzero(audits > 0)
    if not len(possible):
        return None
    best = int(possible[presses[possible].argmin()])
    return Spending(int(audits[best]), int(plan.sizes[best]), float(presses[best]))


TAILS = 25
SMALLEST_TAIL = 20


@dataclass(frozen=True)
class PagesFirst:
    """The `looked` surest images by pages, then so many `audits` prove all others: so many `presses` an image."""

    looked: int
    audits: int
    presses: float


def pages_first(confidence: FloatArray, *, goal: Goal, page: int = PAGE) -> PagesFirst:
    """The cheapest share to confirm by pages, surest first, before what is left is audited; all of it where no rest
    can be proved.

    A sure image costs a part of one press on a page, a doubtful one a press of its own where it is wrong. So where the
    goal is about all labels it is the doubtful ones that are cheapest left unseen, as long as few enough are wrong
    in all. A head that is fitted again on the confirmed ones knows more of the rest: ask again then. Forecast as in
    `fewest_presses`, from confidences (P,). Under a goal about the lot alone the doubtful ones are the last to be
    proved, so there it is what all of it would cost by pages.
    """
    sure = np.sort(np.asarray(confidence, dtype=np.float64))[::-1]
    pool, doubt = len(sure), np.concatenate([[0.0], np.cumsum(1 - sure)])
    best = PagesFirst(pool, 0, (pool / page + doubt[-1]) / pool)
    if goal.among is None:
        return best
    within = np.flatnonzero(doubt[-1] - doubt <= goal.error * goal.among)
    longest = pool - int(within[0])
    for left in np.unique(np.geomspace(min(SMALLEST_TAIL, longest), max(longest, 1), TAILS).astype(np.int64)):
        looked = pool - int(left)
        share = (doubt[-1] - doubt[looked]) / left
        tail = LotPlan(np.arange(left), int(left), np.array([left]), np.array([share]))
        audits = int(audits_for_lot(tail, goal=goal)[0])
        presses = (looked / page + doubt[looked] + audits) / pool
        if 0 < audits < left and presses < best.presses:
            best = PagesFirst(looked, audits, float(presses))
    return best
