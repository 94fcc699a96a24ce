"""One project's audits by each method, judged by the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.bounds import AuditorError, exact_p_values
from ml.evaluation.certify import Goal, certify_lot, plan_lots
from ml.evaluation.weighted_audits import audit_chances, certify_weighted, draw_weighted
from ml.types import FloatArray, IntArray

METHODS = ("exact", "lots", "weighted")
BASELINE_LOTS = 60
PAGE = 32


@dataclass(frozen=True)
class Scored:
    """Of P images: `confidence` (P,) in the head's label and whether it is `right` (P,)."""

    confidence: FloatArray
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """`accepted` share of the pool, `error` among accepted labels that nobody looked at, human `actions` a label."""

    accepted: float
    error: float
    actions: float


def audit_round(
    baseline: Scored, ours: Scored, *, goal: Goal, audits: int, seed: list[int], auditors: AuditorError
) -> dict[str, Outcome]:
    """Every method of `METHODS` with `audits` answers of its own."""
    rng = np.random.default_rng(seed)
    found = {"exact": _exact(baseline, goal=goal, audits=audits, rng=rng, auditors=auditors)}
    plan = plan_lots(ours.confidence, goal=goal, audits=audits)
    rows = plan.draw(audits, seed=int(rng.integers(1 << 31)))
    wrong = answers(~ours.right[rows], rng=rng, auditors=auditors)
    lot = certify_lot(plan, ours.confidence, audited=rows, wrong=wrong, goal=goal, auditors=auditors)
    found["lots"] = _outcome(ours, plan.order[: lot.size], rows)
    if auditors.silent:
        chances = audit_chances(plan, ours.confidence)
        drawn = draw_weighted(chances, audits, seed=int(rng.integers(1 << 31)))
        size = certify_weighted(plan, chances, audited=drawn, wrong=~ours.right[drawn], goal=goal)
        found["weighted"] = _outcome(ours, plan.order[:size], drawn[:0])
    return found


def answers(wrong: NDArray[np.bool_], *, rng: np.random.Generator, auditors: AuditorError) -> NDArray[np.bool_]:
    """What auditors say of labels that are `wrong` or not."""
    chance = np.where(wrong, 1 - auditors.miss, auditors.false_alarm)
    return rng.random(len(wrong)) < chance


def _exact(scored: Scored, *, goal: Goal, audits: int, rng: np.random.Generator, auditors: AuditorError) -> Outcome:
    """The usual way: audits anywhere, thresholds from the surest on, a binomial bound at each until one fails.

    It starts where audits are enough to pass without an error. Where auditors err it knows by how much.
    """
    order = np.argsort(-scored.confidence, kind="stable")
    rows = rng.permutation(len(order))[: min(audits, len(order))]
    said = answers(~scored.right[rows], rng=rng, auditors=auditors)
    looked, broken = np.zeros(len(order), dtype=np.int64), np.zeros(len(order), dtype=np.int64)
    looked[rows], broken[rows] = 1, said
    sizes = np.unique(np.ceil(np.linspace(1 / BASELINE_LOTS, 1, BASELINE_LOTS) * len(order)).astype(np.int64))
    m, k = np.cumsum(looked[order])[sizes - 1], np.cumsum(broken[order])[sizes - 1]
    target = goal.error * (1 - auditors.miss) + (1 - goal.error) * auditors.false_alarm
    passed = exact_p_values(k, audited=m, target=target) <= 1 - goal.level
    possible = np.flatnonzero(exact_p_values(np.zeros_like(m), audited=m, target=target) <= 1 - goal.level)
    return _outcome(scored, order[: _climbed(passed, possible, sizes)], rows)


def _climbed(passed: NDArray[np.bool_], possible: IntArray, sizes: IntArray) -> int:
    if not len(possible) or not passed[possible[0]]:
        return 0
    failed = np.flatnonzero(~passed[possible[0] :])
    return int(sizes[possible[0] + failed[0] - 1] if len(failed) else sizes[-1])


def _outcome(scored: Scored, lot: IntArray, audited: IntArray) -> Outcome:
    unseen = np.setdiff1d(lot, audited)
    rest = np.setdiff1d(np.arange(len(scored.right)), np.union1d(lot, audited))
    # The rest is confirmed by pages: a key a page, and one more for each wrong tile.
    actions = len(audited) + len(rest) / PAGE + np.count_nonzero(~scored.right[rest])
    return Outcome(
        accepted=len(lot) / len(scored.right),
        error=float(1 - scored.right[unseen].mean()) if len(unseen) else 0.0,
        actions=actions / len(scored.right),
    )
