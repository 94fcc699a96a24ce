"""One project's audits by each method, judged by the truth."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.audit_costs import PAGE, fewest_presses
from ml.evaluation.bounds import AuditorError, exact_p_values
from ml.evaluation.certify import Goal, LotPlan, certify_lot, plan_lots
from ml.evaluation.weighted_audits import audit_chances, certify_weighted, draw_weighted
from ml.types import FloatArray, IntArray

METHODS = ("exact", "lots", "whole", "weighted", "lots_thrifty", "whole_thrifty")
BASELINE_LOTS = 60
FEWEST = 20
"""Audits at least, where their number is chosen to cost least."""


@dataclass(frozen=True)
class Scored:
    """Of P images: `confidence` (P,) in the head's label and whether it is `right` (P,)."""

    confidence: FloatArray
    right: NDArray[np.bool_]

    def drawn_again(self, times: int, *, rng: np.random.Generator) -> "Scored":
        """A pool so many times as large, drawn from this one with replacement; itself where `times` is 1."""
        if times == 1:
            return self
        rows = rng.integers(len(self.right), size=times * len(self.right))
        return Scored(self.confidence[rows], self.right[rows])


@dataclass(frozen=True)
class Outcome:
    """`accepted` share of the pool, `error` among the labels that the promise is about, and what people do for it.

    All in shares of the pool: `audits` one by one, `in_pages` what the same audits would cost in pages of their
    category, `pages` and `strikes` for the rest, which is confirmed by pages.
    """

    accepted: float
    error: float
    audits: float
    in_pages: float
    pages: float
    strikes: float

    @property
    def actions(self) -> float:
        """Presses an image, audits answered one by one."""
        return self.audits + self.pages + self.strikes

    @property
    def actions_in_pages(self) -> float:
        """Presses an image, audits answered in pages."""
        return self.in_pages + self.pages + self.strikes


def audit_round(
    baseline: Scored,
    ours: Scored,
    *,
    goal: Goal,
    audits: int,
    seed: list[int],
    auditors: AuditorError,
    thrifty: bool = False,
) -> dict[str, Outcome]:
    """Every method of `METHODS` with `audits` answers of its own; `thrifty`: lots also with as many as cost least."""
    rng = np.random.default_rng(seed)
    found = {"exact": _exact(baseline, goal=goal, audits=audits, rng=rng, auditors=auditors)}
    plan = plan_lots(ours.confidence, goal=goal, audits=audits)
    found["lots"] = _lot(ours, plan, goal=goal, audits=audits, rng=rng, auditors=auditors)
    all_labels = replace(goal, among=len(ours.right))
    wider = plan_lots(ours.confidence, goal=all_labels, audits=audits)
    found["whole"] = _lot(ours, wider, goal=all_labels, audits=audits, rng=rng, auditors=auditors)
    if auditors.silent:
        chances = audit_chances(plan, ours.confidence)
        drawn = draw_weighted(chances, audits, seed=int(rng.integers(1 << 31)))
        size = certify_weighted(plan, chances, audited=drawn, wrong=~ours.right[drawn], goal=goal)
        found["weighted"] = _outcome(ours, plan.order[:size], drawn[:0])
    for name, aim, fixed in (("lots", goal, plan), ("whole", all_labels, wider)) if thrifty else ():
        cheapest = fewest_presses(fixed, ours.confidence, goal=aim)
        number = audits if cheapest is None else max(cheapest.audits, FEWEST)
        again = plan_lots(ours.confidence, goal=aim, audits=number)
        found[f"{name}_thrifty"] = _lot(ours, again, goal=aim, audits=number, rng=rng, auditors=auditors)
    return found


def _lot(
    scored: Scored, plan: LotPlan, *, goal: Goal, audits: int, rng: np.random.Generator, auditors: AuditorError
) -> Outcome:
    rows = plan.draw(audits, seed=int(rng.integers(1 << 31)))
    wrong = answers(~scored.right[rows], rng=rng, auditors=auditors)
    lot = certify_lot(plan, scored.confidence, audited=rows, wrong=wrong, goal=goal, auditors=auditors)
    return _outcome(scored, plan.order[: lot.size], rows, among=goal.among)


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


def _outcome(scored: Scored, lot: IntArray, audited: IntArray, *, among: int | None = None) -> Outcome:
    unseen = np.setdiff1d(lot, audited)
    rest = np.setdiff1d(np.arange(len(scored.right)), np.union1d(lot, audited))
    wrong = np.count_nonzero(~scored.right[unseen])
    pool = len(scored.right)
    # A key a page, and one more for each wrong tile.
    return Outcome(
        accepted=len(lot) / pool,
        error=float(wrong / (among or max(len(unseen), 1))),
        audits=len(audited) / pool,
        in_pages=(len(audited) / PAGE + np.count_nonzero(~scored.right[audited])) / pool,
        pages=len(rest) / PAGE / pool,
        strikes=np.count_nonzero(~scored.right[rest]) / pool,
    )
