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
