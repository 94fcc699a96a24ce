"""Certificates across the seam: confidences and answers in, lots and proofs out, as plain numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def lots_plan(
    confidence: NDArray[np.float64], *, error: float, level: float, audits: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Any]]:
    """(rows of the region, surest first; places among those to audit; the plan as JSON)."""
    from ml.evaluation.certify import Goal, audits_for_lot, plan_lots

    goal = Goal(error, level)
    plan = plan_lots(confidence, goal=goal, audits=audits)
    region = np.asarray(plan.order[: plan.region], np.int64)
    place = np.empty(len(confidence), np.int64)
    place[plan.order] = np.arange(len(confidence))
    drawn = np.sort(place[plan.draw(audits, seed=seed)])
    kept = {
        "region": int(plan.region),
        "sizes": plan.sizes.tolist(),
        "expected": [round(float(share), 6) for share in plan.expected],
        "audits_needed": audits_for_lot(plan, goal=goal).tolist(),
        "draw_seed": seed,
        "pool": len(confidence),
    }
    return region, drawn, kept


def lot_judge(
    confidence: NDArray[np.float64],
    *,
    place: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    sizes: list[int],
    expected: list[float],
    error: float,
    level: float,
) -> dict[str, Any]:
    """The largest lot that answers at `place` prove, of the region's `confidence`, surest first."""
    from ml.evaluation.certify import Goal, LotPlan, certify_lot

    region = len(confidence)
    plan = LotPlan(np.arange(region), region, np.array(sizes), np.array(expected))
    lot = certify_lot(plan, confidence, audited=place, wrong=wrong, goal=Goal(error, level))
    return {
        "size": lot.size,
        "threshold": lot.threshold,
        "audited": lot.audited,
        "errors": lot.errors,
        "bound": lot.bound,
        "p_value": lot.p_value,
    }


def lot_holds(*, size: int, audited: int, errors: int, error: float, level: float) -> tuple[bool, float]:
    """Whether a lot is still proved by all its audits, and the bound as it stands."""
    from ml.evaluation.certify import remainder_upper

    bound = remainder_upper(errors, audited=audited, size=size, level=level)
    return bound <= error, bound


def categories_judge(
    audits: list[tuple[int, int, int, int]], *, parents: Mapping[int, int | None], error: float, level: float
) -> list[dict[str, Any]]:
    """(category, size, audited, errors) of a lot → a verdict for each category or pool of small ones."""
    from ml.evaluation.category_certificates import CategoryAudit, certify_categories
    from ml.evaluation.certify import Goal

    found = certify_categories([CategoryAudit(*row) for row in audits], goal=Goal(error, level), parents=parents)
    return [
        {
            "node": verdict.node,
            "categories": list(verdict.categories),
            "size": verdict.size,
            "audited": verdict.audited,
            "errors": verdict.errors,
            "bound": verdict.bound,
            "certified": verdict.certified,
            "reason": verdict.reason,
        }
        for verdict in found
    ]
