"""How wrong a set of labels can be when a random part of it was looked at.

Every function answers the same question: with what probability would an audit have looked this good, or better, if more
than the allowed share of the labels were wrong? Small means that the claim "at most so many are wrong" is proved.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from ml.errors import ConfigError, ShapeError
from ml.types import FloatArray, IntArray

STAKES = 24


@dataclass(frozen=True)
class AuditorError:
    """How people who audit err: they call a right label wrong (`false_alarm`) or agree with a wrong one (`miss`).

    Both shares lie in [0, 1). Known false alarms make a proof possible where people err as
    often as the head may; so state the least of it that is sure, and the most
    that is feared of misses.
    """

    false_alarm: float = 0.0
    miss: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.false_alarm < 1 and 0 <= self.miss < 1 and self.false_alarm + self.miss < 1):
            raise ConfigError(
                f"auditors' errors are shares in [0, 1) that add up to less than 1, got {self.false_alarm} and "
                f"{self.miss}: an audit by such people says nothing; measure them on gold items"
            )

    @property
    def silent(self) -> bool:
        """True where audited labels are taken as truth."""
        return self.false_alarm == 0 and self.miss == 0


TRUTH = AuditorError()


def exact_upper(errors: int, *, audited: int, level: float = 0.95) -> float:
    """Clopper and Pearson's one-sided upper bound (1934) of a share; 1 where nothing was audited."""
    if not 0 <= errors <= audited:
        raise ShapeError(f"expected 0 ≤ errors ≤ audited, got {errors} of {audited}")
    return 1.0 if errors == audited else float(stats.beta.ppf(level, errors + 1, audited - errors))


def exact_p_values(errors: IntArray, *, audited: IntArray, target: float | FloatArray) -> NDArray[np.float64]:
    """P(at most `errors` of `audited`) if a share `target`, one for all or one each, of an endless supply is wrong."""
    found: NDArray[np.float64] = stats.binom.cdf(errors, audited, target)
    return np.where(np.asarray(audited) == 0, 1.0, found)


def remainder_p_values(
    errors: IntArray,
    *,
    audited: IntArray,
    size: IntArray,
    target: float | FloatArray,
    auditors: AuditorError = TRUTH,
) -> NDArray[np.float64]:
    """For lots of `size` labels: evidence against "more than `target` of the labels nobody looked at are wrong".

    `target` is one share for all lots, or one each; a share of 1 cannot be passed, so it needs no evidence: 0.

    Audited labels are corrected, so the claim is about the others, and drawing without replacement is taken at its
    word: P(X ≤ errors) for X hypergeometric with the fewest wrong labels that would break the claim. That number
    depends on the errors found; the test is still exact, because of all outcomes that would be a false proof the one
    with most errors is the likeliest to be counted (`docs/methods/certificate.md`). Auditors who err add binomial
    noise, and the errors they seem to have found are then not taken off the lot. 1 where nothing is left to claim.
    """
    k, m, lot = (np.asarray(values, dtype=np.int64) for values in (errors, audited, size))
    allowed = np.floor(target * (lot - m) + 1e-9).astype(np.int64)
    wrong = allowed + 1 + (k if auditors.silent else 0)
    tail = np.array([_tail(*row, auditors=auditors) for row in zip(k, lot, wrong, m, strict=True)], dtype=np.float64)
    return np.where(np.asarray(target) >= 1, 0.0, np.where((m == 0) | (wrong > lot), 1.0, tail))


def _tail(errors: int, size: int, wrong: int, audited: int, *, auditors: AuditorError) -> float:
    if wrong > size or audited == 0:
        return 1.0
    if auditors.silent:
        return _hypergeometric_cdf(errors, size=size, wrong=wrong, audited=audited)
    met = np.arange(min(wrong, audited) + 1)
    chance = np.exp(_log_hypergeometric(met, size=size, wrong=wrong, audited=audited))
    kept = chance > 1e-12
    return float(chance[kept] @ _noisy_cdf(errors, met[kept], audited=audited, auditors=auditors))


def _hypergeometric_cdf(errors: int, *, size: int, wrong: int, audited: int) -> float:
    met = np.arange(min(errors, wrong, audited) + 1)
    return float(min(1.0, np.exp(_log_hypergeometric(met, size=size, wrong=wrong, audited=audited)).sum()))


def _log_hypergeometric(met: IntArray, *, size: int, wrong: int, audited: int) -> FloatArray:
    possible = audited - met <= size - wrong
    rest = np.where(possible, audited - met, 0)
    logs = _log_choose(wrong, met) + _log_choose(size - wrong, rest) - _log_choose(size, np.asarray(audited))
    return np.where(possible, logs, -np.inf)


def _log_choose(n: int, k: IntArray) -> FloatArray:
    chosen: FloatArray = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return chosen


def _noisy_cdf(errors: int, met: IntArray, *, audited: int, auditors: AuditorError) -> FloatArray:
    """(H,) P(called wrong ≤ errors) where `met` (H,) of the audited labels are wrong."""
    found, wrong = np.arange(errors + 1), met[:, None]
    missed = np.maximum(wrong - found, 0)
    logs = special.xlogy(found, 1 - auditors.miss) + special.xlogy(missed, auditors.miss)
    chosen = special.gammaln(wrong + 1) - special.gammaln(found + 1) - special.gammaln(missed + 1)
    seen = np.where(found <= wrong, np.exp(chosen + logs), 0.0)
    right = audited - wrong
    alarms = special.bdtr(np.minimum(errors - found, right), right, auditors.false_alarm)
    called: FloatArray = (alarms * seen).sum(axis=1)
    return called


def betting_p_values(losses: FloatArray, *, counted: NDArray[np.bool_], top: FloatArray, target: float) -> FloatArray:
    """Evidence that a mean loss is at most `target`, by the capital of a gambler who bets that it is (Waudby-Smith and
    Ramdas, "Estimating means of bounded random variables by betting", 2024).

    Args:
        losses: (G, n) in [0, top]: importance-weighted losses in the order of the draws, one row a claim.
        counted: (G, n): the draws that belong to each claim.
        top: (G,) largest loss that each claim's weights allow.
        target: The mean that is claimed not to be passed.

    Returns:
        (G,) p-values. The capital is the mean over a fixed grid of stakes, so it needs no tuning and may be looked at
        after every draw (Ville's inequality: it passes 1/p with probability p at most).
    """
    room = np.maximum(np.asarray(top, dtype=np.float64) - target, 1e-9)
    stakes = np.linspace(0, 1, STAKES + 1)[1:][:, None, None] / np.maximum(room, 1e-9)[None, :, None]
    # A stake of 1/(top - target) loses everything at the largest loss; a hair less keeps logarithms finite.
    gains = np.where(counted, np.log1p(np.maximum(stakes * (target - losses), -1 + 1e-12)), 0.0)
    capital = np.exp(np.cumsum(gains, axis=2)).mean(axis=0)
    best = capital.max(axis=1) if capital.shape[1] else np.ones(len(room))
    return np.minimum(1.0, 1.0 / np.maximum(best, 1e-300))
