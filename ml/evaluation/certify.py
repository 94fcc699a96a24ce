"""The largest lot of machine labels that may be accepted unseen, with a proof of how wrong it is at most.

Candès, Ilyas and Zrnic, "Probably approximately correct labels" (2025), made to fit a project that audits a few
hundred images: the pool is sorted by calibrated confidence, nested lots are fixed before anyone answers, and they are
tested from the surest on, each at the full level, until one fails (fixed-sequence testing: the first false proof ends
the sequence, so looking at many lots costs nothing). Where we differ from a threshold with a binomial bound:

- audits are drawn where they can matter: uniformly in the region that confidence believes could meet the target;
- the sequence starts at the lot that confidence believes is likeliest to pass, not at the smallest;
- the claim is about the labels nobody looked at, and drawing without replacement is taken at its word.

Nothing here reads the answers to decide what is tested, so a wrong confidence costs size, never the guarantee.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ml.errors import ConfigError, ShapeError
from ml.evaluation.bounds import TRUTH, AuditorError, exact_p_values, remainder_p_values
from ml.types import FloatArray, IntArray

LOTS = 25
SMALLEST_LOT = 0.04


@dataclass(frozen=True)
class Goal:
    """ "At most `error` of the labels may be wrong, `level` sure".

    Which labels: those of the lot that nobody looked at; or where `among` is given, so many labels, the lot among them,
    of which all others are looked at and taken as right. That is the goal of Candès, Ilyas and Zrnic, and asks less.
    """

    error: float
    level: float = 0.95
    among: int | None = None

    def __post_init__(self) -> None:
        if not (0 < self.error < 1 and 0 < self.level < 1):
            raise ConfigError(f"error and level are shares between 0 and 1, got {self.error} and {self.level}")
        if self.among is not None and self.among < 1:
            raise ConfigError(f"among is a number of labels, got {self.among}")

    def targets(self, size: IntArray, *, audited: IntArray) -> FloatArray:
        """Share of wrong labels allowed among the `size - audited` of each lot that nobody looked at, at most 1."""
        if self.among is None:
            return np.full(len(size), self.error)
        allowed: FloatArray = np.minimum(self.error * self.among / np.maximum(size - audited, 1), 1.0)
        return allowed


@dataclass(frozen=True)
class LotPlan:
    """What is fixed before anyone answers.

    `order` (P,) rows by falling confidence, of which the first `region` may be audited; `sizes` (G,) of the nested
    lots, rising; `expected` (G,) share of wrong labels in each as confidence has it.
    """

    order: IntArray
    region: int
    sizes: IntArray
    expected: FloatArray

    def draw(self, count: int, *, seed: int, already: IntArray | None = None) -> IntArray:
        """Rows to audit, uniform in the region among those not `already` drawn; all of it where it holds fewer."""
        open_rows = self.order[: self.region]
        if already is not None:
            open_rows = open_rows[~np.isin(open_rows, already)]
        drawn: IntArray = np.random.default_rng(seed).permutation(open_rows)[:count]
        return drawn


@dataclass(frozen=True)
class LotCertificate:
    """A proof, or that there is none (`size` 0).

    `threshold`: accept where confidence is at least this. Of `size` labels `audited` were looked at and `errors` of
    those were wrong. `bound`: at most so large a share of the labels that nobody looked at is wrong, `level` sure.
    """

    size: int
    threshold: float
    audited: int
    errors: int
    bound: float
    p_value: float
    tested: int


def plan_lots(confidence: FloatArray, *, goal: Goal, audits: int, score: FloatArray | None = None) -> LotPlan:
    """Fix the region and the lots from calibrated confidences (P,) in [0, 1] alone.

    The region is the largest set whose expected share of wrong labels is within the goal, and never fewer than the
    audits. The order is that of `score` (P,), where it is given, which has to rise with confidence: log-odds still
    tell apart what is certain to sixteen digits. Equals are never parted.
    """
    sure = np.asarray(confidence, dtype=np.float64)
    if sure.ndim != 1 or not len(sure) or not (np.isfinite(sure).all() and 0 <= sure.min() <= sure.max() <= 1):
        raise ShapeError(f"expected confidences (P,) in [0, 1], at least one, got shape {sure.shape}")
    rank = sure if score is None else np.asarray(score, dtype=np.float64)
    if rank.shape != sure.shape or np.isnan(rank).any():
        raise ShapeError(f"expected a score for each of {len(sure)} confidences, none NaN, got shape {rank.shape}")
    order = np.argsort(-rank, kind="stable")
    sorted_rank, sorted_sure = rank[order], sure[order]
    expected = np.cumsum(1 - sorted_sure) / np.arange(1, len(sure) + 1)
    counts = np.arange(1, len(sure) + 1)
    within = np.flatnonzero(expected <= goal.targets(counts, audited=np.zeros_like(counts)))
    region = _with_ties(sorted_rank, max(int(within[-1]) + 1 if len(within) else 1, min(audits, len(sure))))
    ends = np.unique(np.ceil(np.linspace(SMALLEST_LOT, 1, LOTS) * region).astype(np.int64))
    sizes = np.unique([_with_ties(sorted_rank, int(end)) for end in ends])
    return LotPlan(order=order, region=region, sizes=sizes, expected=expected[sizes - 1])


def certify_lot(
    plan: LotPlan,
    confidence: FloatArray,
    *,
    audited: IntArray,
    wrong: NDArray[np.bool_],
    goal: Goal,
    auditors: AuditorError = TRUTH,
) -> LotCertificate:
    """The largest lot that the audits prove.

    Args:
        plan: Of the same confidences; fixed before the answers.
        confidence: (P,) calibrated.
        audited: (n,) distinct rows, drawn uniformly in the region or in the whole pool; the latter count where they
            fall into the region.
        wrong: (n,) whether the auditors called the head's label wrong.
        goal: What is to be proved.
        auditors: How the auditors err; by default their answers are the truth.

    Raises:
        ShapeError: Rows and answers do not match, or a row is audited twice.
    """
    sizes, (m, k) = plan.sizes, _counts(plan, audited, wrong)
    p_values = remainder_p_values(k, audited=m, size=sizes, target=goal.targets(sizes, audited=m), auditors=auditors)
    start = _start(plan, m, goal=goal, auditors=auditors)
    last = start
    while last < len(sizes) and p_values[last] <= 1 - goal.level:
        last += 1
    tested = min(last + 1, len(sizes)) - start
    if last == start:
        return LotCertificate(0, 1.0, 0, 0, 1.0, float(p_values[start]) if start < len(sizes) else 1.0, tested)
    best = last - 1
    size = int(sizes[best])
    return LotCertificate(
        size=size,
        threshold=float(np.asarray(confidence, dtype=np.float64)[plan.order[size - 1]]),
        audited=int(m[best]),
        errors=int(k[best]),
        bound=remainder_upper(int(k[best]), audited=int(m[best]), size=size, level=goal.level, auditors=auditors),
        p_value=float(p_values[best]),
        tested=tested,
    )


def remainder_upper(
    errors: int, *, audited: int, size: int, level: float = 0.95, auditors: AuditorError = TRUTH
) -> float:
    """Upper bound of the share of wrong labels among the `size - audited` that nobody looked at; by bisection.

    1 where nothing was audited, 0 where nothing is left.
    """
    left = size - audited
    if left <= 0:
        return 0.0
    low, high = -1, left
    while high - low > 1:
        middle = (low + high) // 2
        p = remainder_p_values(
            np.array([errors]),
            audited=np.array([audited]),
            size=np.array([size]),
            target=middle / left,
            auditors=auditors,
        )[0]
        low, high = (middle, high) if p > 1 - level else (low, middle)
    return high / left


def audits_for_lot(plan: LotPlan, *, goal: Goal, chance: float = 0.8) -> IntArray:
    """(G,) audits, uniform in the region, after which each lot passes with probability `chance` if confidence is right.

    -1 where even auditing half of the lot would not do.
    """
    found = []
    for size, share in zip(plan.sizes, plan.expected, strict=True):
        half = int(size) // 2
        tries = np.unique(np.geomspace(min(10, half), half, 40).astype(np.int64)) if half else np.empty(0, np.int64)
        sizes = np.full(len(tries), size)
        passes = _pass_chance(sizes, tries, np.full(len(tries), share), goal=goal, auditors=TRUTH) >= chance
        found.append(round(int(tries[passes.argmax()]) * plan.region / int(size)) if passes.any() else -1)
    return np.array(found)


def _start(plan: LotPlan, audited: IntArray, *, goal: Goal, auditors: AuditorError) -> int:
    """The lot likeliest to pass if confidence is right: small ones hold too few audits, large ones too many errors.

    Sees how many audits fell into each lot, never what they answered.
    """
    return int(_pass_chance(plan.sizes, audited, plan.expected, goal=goal, auditors=auditors).argmax())


def _pass_chance(
    sizes: IntArray, audited: IntArray, expected: FloatArray, *, goal: Goal, auditors: AuditorError
) -> FloatArray:
    """P(a lot passes) if a share `expected` of its labels is wrong. A forecast, so noise is treated as binomial."""
    targets = goal.targets(sizes, audited=audited)
    noise = _called_wrong(targets, auditors)
    most, passing = np.full(len(sizes), -1), np.arange(len(sizes))
    for errors in range(int(audited.max(initial=0)) + 1):
        counts, looked = np.full(len(passing), errors), audited[passing]
        if auditors.silent:
            p_values = remainder_p_values(counts, audited=looked, size=sizes[passing], target=targets[passing])
        else:
            p_values = exact_p_values(counts, audited=looked, target=noise[passing])
        passing = passing[p_values <= 1 - goal.level]  # with more errors no lot passes that failed with fewer
        if not len(passing):
            break
        most[passing] = errors
    seen = _called_wrong(np.clip(expected, 0, 1), auditors)
    chance: FloatArray = np.where(most < 0, 0.0, stats.binom.cdf(most, audited, seen))
    return chance


def _called_wrong(share: Any, auditors: AuditorError) -> Any:
    """What share auditors call wrong where `share` is."""
    return share * (1 - auditors.miss) + (1 - share) * auditors.false_alarm


def _counts(plan: LotPlan, audited: IntArray, wrong: NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    rows, answers = np.asarray(audited, dtype=np.int64), np.asarray(wrong, dtype=bool)
    if rows.shape != answers.shape or rows.ndim != 1:
        raise ShapeError(f"expected one answer an audited row, got {rows.shape} rows and {answers.shape} answers")
    if len(np.unique(rows)) != len(rows):
        raise ShapeError("an image is audited twice: settle its answers first, then count it once")
    looked = np.zeros(len(plan.order), dtype=np.int64)
    looked[rows] = 1
    broken = np.zeros(len(plan.order), dtype=np.int64)
    broken[rows] = answers
    return np.cumsum(looked[plan.order])[plan.sizes - 1], np.cumsum(broken[plan.order])[plan.sizes - 1]


def _with_ties(sorted_confidence: FloatArray, end: int) -> int:
    """The first `end` items and all that are as sure as the last of them."""
    return int(np.searchsorted(-sorted_confidence, -sorted_confidence[end - 1], side="right"))
