"""`python -m ml.bench looks`: how often an accepted lot is judged falsely when every later answer is a reason to look.

Each lot holds a known share of wrong labels. It is accepted, whatever a first sample proves of it, and then audited
further, one answer at a time, with a look after each. Two ways to look: an exact bound for one look, asked again each
time, and the confidence sequence that is meant for it.
"""

import argparse
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from ml.evaluation.anytime import anytime_interval
from ml.evaluation.certify import remainder_upper
from ml.evaluation.intervals import exact_interval


def main(argv: Sequence[str]) -> int:
    """Simulate and print one JSON object; shares of lots."""
    args = _parser().parse_args(argv)
    rows = [_row(share, args, seed=number) for number, share in enumerate(args.wrong)]
    print(json.dumps({**vars(args), "rows": rows}, indent=None if args.json else 2))
    return 0


def _row(share: float, args: argparse.Namespace, *, seed: int) -> dict[str, Any]:
    """Lots of which a share `share` is wrong, whether the promise is true of them or not."""
    rng = np.random.default_rng([args.seed, seed])
    wrong = round(share * args.size)
    tally = dict.fromkeys(("proved", "one_look_revokes", "one_look_proves", "anytime_revokes", "anytime_proves"), 0)
    one_look, anytime = _one_look(args), _anytime(args)
    for _ in range(args.lots):
        answers = rng.permutation(np.arange(args.size) < wrong)
        first, later = answers[: args.audits], np.cumsum(answers[args.audits :][: args.looks])
        left = args.size - args.audits
        tally["proved"] += remainder_upper(int(first.sum()), audited=args.audits, size=args.size) <= args.goal
        for name, look in (("one_look", one_look), ("anytime", anytime)):
            seen = [look(number, int(found), left) for number, found in enumerate(later, start=1)]
            tally[f"{name}_revokes"] += any(low > args.goal for low, _ in seen)
            tally[f"{name}_proves"] += any(high <= args.goal for _, high in seen)
    told = {name: _with_interval(count, args.lots) for name, count in tally.items()}
    return {"wrong": share, **told}


def _one_look(args: argparse.Namespace) -> Any:
    @cache
    def look(audited: int, errors: int, left: int) -> tuple[float, float]:
        low = stats.beta.ppf(1 - args.level, errors, audited - errors + 1) if errors else 0.0
        high = stats.beta.ppf(args.level, errors + 1, audited - errors) if errors < audited else 1.0
        return float(low), float(high)

    return look


def _anytime(args: argparse.Namespace) -> Any:
    @cache
    def look(audited: int, errors: int, left: int) -> tuple[float, float]:
        found = anytime_interval(errors, audited=audited, size=left, level=args.level)
        return found.low, found.high

    return look


def _with_interval(count: int, lots: int) -> dict[str, Any]:
    interval = exact_interval(count, trials=lots)
    return {"share": count / lots, "interval_95": [round(interval.low, 4), round(interval.high, 4)]}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench looks", description=__doc__)
    parser.add_argument("--wrong", type=float, nargs="+", default=[0.02, 0.05, 0.055, 0.08, 0.15])
    for name, value in (("size", 2_000), ("audits", 300), ("looks", 600), ("lots", 1_000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--goal", type=float, default=0.05)
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--json", action="store_true", help="one line instead of indented lines")
    return parser
