"""`python -m ml.bench acquire`: labels to accuracy, strategy against strategy, paired over seeds."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.bench._curves import labels_to_reach, learning_curve, use_one_thread
from ml.bench._page import write_block
from ml.bench._pools import LabelledVectors, labelled_vectors
from ml.evaluation.intervals import bootstrap_interval

SETS = "tiny-20,cifar-superclasses,field-guide"
STRATEGIES = "random,weighted_coverage,margin,typiclust,max_herding,badge"
REFERENCE = "random"
HELD_OUT = 0.35
Curves = dict[str, dict[str, NDArray[np.float64]]]
"""Set → strategy → (seeds, steps) held-out accuracy."""


def main(argv: Sequence[str]) -> int:
    """Measure and print a Markdown report, or one JSON object with `--json`; a line goes to stderr for each cell."""
    args = _parser().parse_args(argv)
    use_one_thread()
    curves = measure(args)
    print(json.dumps(as_json(curves, args), indent=2) if args.json else as_markdown(curves, args))
    if args.write:
        write_block(args.write, "strategies", as_markdown(curves, args))
    return 0


def measure(args: argparse.Namespace) -> Curves:
    """Every strategy on the same pools, held-out images and seeds."""
    curves: Curves = {}
    for name in args.sets.split(","):
        splits = [_split(name, seed, args) for seed in range(args.first_seed, args.first_seed + args.seeds)]
        curves[name] = {}
        for strategy in args.strategies.split(","):
            found = [
                learning_curve(strategy, pool, held_out, batch=args.batch, budget=args.budget, seed=seed)
                for seed, (pool, held_out) in enumerate(splits, start=args.first_seed)
            ]
            curves[name][strategy] = np.stack(found)
            print(f"{name} {strategy}: {np.round(100 * found[0][-1], 1)}", file=sys.stderr, flush=True)
    return curves


def _split(name: str, seed: int, args: argparse.Namespace) -> tuple[LabelledVectors, LabelledVectors]:
    return labelled_vectors(name, part=args.part, seed=seed).split(held_out=HELD_OUT, most=args.most, seed=seed)


def averaged(curves: Curves) -> dict[str, NDArray[np.float64]]:
    """Strategy → (seeds, steps): the mean over sets, seed by seed."""
    strategies = next(iter(curves.values()))
    return {name: np.mean([found[name] for found in curves.values()], axis=0) for name in strategies}


def savings(ours: NDArray[np.float64], reference: NDArray[np.float64], *, at: int, batch: int) -> dict[str, float]:
    """Labels at which the mean of `ours` reaches the mean of `reference` at `at` labels, with its 95 % interval.

    Seeds are resampled in pairs; where a resample never reaches it, the whole budget counts.
    """
    rng = np.random.default_rng(0)
    step, most = at // batch - 1, float(batch * ours.shape[1])

    def reached(rows: NDArray[np.int64]) -> float:
        found = labels_to_reach(ours[rows].mean(axis=0), target=float(reference[rows].mean(axis=0)[step]), batch=batch)
        return most if np.isnan(found) else found

    seeds = len(ours)
    resampled = [reached(rng.integers(0, seeds, seeds)) for _ in range(1000)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {"labels": reached(np.arange(seeds)), "low": float(low), "high": float(high)}


def as_json(curves: Curves, args: argparse.Namespace) -> dict[str, Any]:
    """Curves in percent with what they save."""
    return {
        name: {
            strategy: {
                "accuracy": np.round(100 * found.mean(axis=0), 2).tolist(),
                "to_random_at": {at: savings(found, sets[REFERENCE], at=at, batch=args.batch) for at in _marks(args)},
                "worst_vs_random": round(float(100 * (found - sets[REFERENCE]).mean(axis=0).min()), 2),
            }
            for strategy, found in sets.items()
        }
        for name, sets in [*curves.items(), ("mean of sets", averaged(curves))]
    }


def as_markdown(curves: Curves, args: argparse.Namespace) -> str:
    """A table a set and one of their mean; the last columns say what is saved."""
    return "\n\n".join(
        _table(name, found, args) for name, found in [*curves.items(), ("mean of sets", averaged(curves))]
    )


def _table(name: str, found: dict[str, NDArray[np.float64]], args: argparse.Namespace) -> str:
    shown = [at for at in (10, 20, 30, 50, 100, 150, 200) if at <= args.budget]
    marks = _marks(args)
    head = [f"{name}: accuracy at", *map(str, shown), *(f"labels to random@{at}" for at in marks), "worst − random"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for strategy, curve in found.items():
        cells = [_cell(curve[:, at // args.batch - 1]) for at in shown]
        for at in marks:
            saved = savings(curve, found[REFERENCE], at=at, batch=args.batch)
            cells.append(f"{saved['labels']:.0f} [{saved['low']:.0f}, {saved['high']:.0f}]")
        worst = 100 * (curve - found[REFERENCE]).mean(axis=0).min()
        lines.append(f"| {strategy} | " + " | ".join([*cells, f"{worst:+.1f}"]) + " |")
    return "\n".join(lines)


def _cell(values: NDArray[np.float64]) -> str:
    if len(values) < 2:
        return f"{100 * values[0]:.1f}"
    interval = bootstrap_interval(100 * values, seed=0)
    return f"{interval.value:.1f} ± {interval.half_width:.1f}"


def _marks(args: argparse.Namespace) -> list[int]:
    return [at for at in (50, 100, 200) if at <= args.budget]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench acquire", description=__doc__)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--strategies", default=STRATEGIES, help=f"separated by commas; {REFERENCE} must be among them")
    parser.add_argument("--part", choices=("tuning", "reported"), default="reported")
    for name, value in (("seeds", 5), ("first-seed", 0), ("batch", 10), ("budget", 200), ("most", 3000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path, help="put the tables into this page")
    return parser
