"""How wrong a lot is by audits that keep coming, valid however often one looks.

A bound for a fixed number of audits is right once; who looks again after every answer will sooner or later see it fail
by chance alone. A confidence sequence is right at all looks at once. This one is exact for drawing without replacement:
the prior-posterior-ratio martingale of Waudby-Smith and Ramdas, "Confidence sequences for sampling without replacement"
(NeurIPS 2020), which is the capital of a gambler who bets with a beta-binomial prior's own odds.
"""

from dataclasses import dataclass
from math import inf, log

from scipy.special import betaln, gammaln

from ml.errors import ConfigError, ShapeError

# Most lots that were proved hold few wrong labels; a prior that leans there narrows the sequence early, for any truth.
PRIOR = (0.5, 4.5)


@dataclass(frozen=True)
class Standing:
    """Shares of wrong labels, `low` ≤ `high`, that audits leave possible; true at every look but for 1 - level."""

    low: float
    high: float


def anytime_interval(
    errors: int,
    *,
    audited: int,
    size: int,
    level: float = 0.95,
    unanswered: int = 0,
    prior: tuple[float, float] = PRIOR,
) -> Standing:
    """Between which shares of wrong labels a lot of `size` lies, when `errors` of `audited` drawn ones were wrong.

    Looks may come after every answer, and whether to draw more may depend on what was seen.

    Args:
        errors: Wrong labels found so far.
        audited: Labels drawn, uniformly without replacement, whether answered by now or not.
        size: Labels of the lot at first, audited ones among them.
        level: Probability that the truth lies inside at all looks together.
        unanswered: How many of the drawn ones have no answer. They count as right below and as wrong above, so that
            neither the order of answers nor what is skipped can bend the interval.
        prior: Parameters of the beta-binomial; any choice is valid, and fixed before the answers.

    Raises:
        ShapeError: More errors than answers, or more audits than labels.
        ConfigError: `level` is no share.
    """
    if not (errors >= 0 and unanswered >= 0 and errors + unanswered <= audited <= size and size > 0):
        raise ShapeError(
            f"expected errors + unanswered ≤ audited ≤ size, got {errors} + {unanswered}, {audited} and {size}"
        )
    if not 0 < level < 1:
        raise ConfigError(f"level is a share between 0 and 1, got {level}")
    limit = -log(1 - level)
    low = _edge(errors, audited=audited, size=size, limit=limit, prior=prior, below=True)
    high = _edge(errors + unanswered, audited=audited, size=size, limit=limit, prior=prior, below=False)
    return Standing(low / size, high / size)


def _edge(errors: int, *, audited: int, size: int, limit: float, prior: tuple[float, float], below: bool) -> int:
    """The smallest or largest number of wrong labels that is not doubted; the likelihood has one peak."""
    first, last = errors, size - (audited - errors)
    kept = min(max((errors * (size + 1)) // max(audited, 1), first), last)
    lost = first - 1 if below else last + 1
    while abs(kept - lost) > 1:
        middle = (kept + lost) // 2
        capital = _log_capital(errors, audited=audited, size=size, wrong=middle, prior=prior)
        kept, lost = (middle, lost) if capital < limit else (kept, middle)
    return kept


def _log_capital(errors: int, *, audited: int, size: int, wrong: int, prior: tuple[float, float]) -> float:
    """What the gambler holds who doubts that `wrong` of `size` are wrong, from a start of 1."""
    if wrong < errors or size - wrong < audited - errors:
        return inf
    told = betaln(prior[0] + errors, prior[1] + audited - errors) - betaln(*prior)
    left = _log_choose(size - audited, wrong - errors) - _log_choose(size, wrong)
    return float(told - left)


def _log_choose(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
