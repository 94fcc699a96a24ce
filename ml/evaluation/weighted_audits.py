"""Audits drawn more often where errors are expected, counted with their weights.

Draws are independent, with replacement, with probability q of each row; an error found counts 1 / (M q) towards the
share of wrong labels in a lot of M, so that its mean is that share whatever q is (Horvitz and Thompson 1952). A betting
bound turns the weighted losses into a proof. Worth it where errors crowd together; where an audit finds next to none,
the plain draw of `ml.evaluation.certify` proves more, because an error in a seldom drawn part weighs so much.
"""

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.bounds import betting_p_values
from ml.evaluation.certify import Goal, LotPlan
from ml.types import FloatArray, IntArray

# Half of the draws are uniform, so no weight is ever above 2.
UNIFORM_SHARE = 0.5


def audit_chances(plan: LotPlan, confidence: FloatArray) -> FloatArray:
    """(P,) probability that one draw takes each row: half uniform in the region, half by the root of p (1 - p)."""
    sure = np.asarray(confidence, dtype=np.float64)
    spread = np.sqrt(np.clip(sure * (1 - sure), 0, 0.25))
    inside = np.zeros(len(sure), dtype=bool)
    inside[plan.order[: plan.region]] = True
    doubt = np.where(inside, spread, 0.0)
    share = doubt / doubt.sum() if doubt.sum() > 0 else inside / plan.region
    return UNIFORM_SHARE * inside / plan.region + (1 - UNIFORM_SHARE) * share


def draw_weighted(chances: FloatArray, count: int, *, seed: int) -> IntArray:
    """`count` rows with replacement."""
    return np.random.default_rng(seed).choice(len(chances), size=count, p=chances / chances.sum())


def certify_weighted(
    plan: LotPlan, chances: FloatArray, *, audited: IntArray, wrong: NDArray[np.bool_], goal: Goal
) -> int:
    """Size of the largest lot proved to hold at most `goal.error` wrong labels; 0 where none is.

    `audited` (n,) are the rows in the order drawn, repeats included, and `wrong` their answers. Claims are about whole
    lots, audited labels with the others. Lots are tested from the smallest that could pass without an error.
    """
    place = np.empty(len(plan.order), dtype=np.int64)
    place[plan.order] = np.arange(len(plan.order))
    at = place[np.asarray(audited, dtype=np.int64)]
    counted = at[None, :] < plan.sizes[:, None]
    within = np.cumsum(chances[plan.order])[plan.sizes - 1]
    # A draw that fell into the lot is a draw of q / q(lot).
    weight = within[:, None] / (plan.sizes[:, None] * chances[np.asarray(audited)][None, :])
    most = np.array([within[g] / (size * chances[plan.order[:size]].min()) for g, size in enumerate(plan.sizes)])
    losses = np.where(counted & np.asarray(wrong, dtype=bool)[None, :], weight, 0.0)
    spotless = betting_p_values(np.zeros_like(losses), counted=counted, top=most, target=goal.error)
    possible = np.flatnonzero(spotless <= 1 - goal.level)
    if not len(possible):
        return 0
    passed = betting_p_values(losses, counted=counted, top=most, target=goal.error) <= 1 - goal.level
    failed = np.flatnonzero(~passed[possible[0] :])
    last = possible[0] + (failed[0] if len(failed) else len(passed) - possible[0])
    return int(plan.sizes[last - 1]) if last > possible[0] else 0
