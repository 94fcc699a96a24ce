"""`python -m ml.bench certify`: projects that label a few, audit some and accept the rest, at a guarantee.

Each project draws categories and labels, fits heads, and audits by each method; the truth that a project would not know
says how wrong the accepted labels are. One head serves several projects that differ in what was audited.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ml.bench._certify_rounds import METHODS, Outcome, Scored, audit_round
from ml.bench.episodes import vectors_of
from ml.data.labelled import LabelledImages, add_data_arguments, from_arguments
from ml.data.vectors import CACHE_FOLDER
from ml.encoders import load_encoder
from ml.errors import ConfigError
from ml.evaluation.bounds import AuditorError
from ml.evaluation.certify import Goal
from ml.evaluation.intervals import exact_interval, paired_difference
from ml.heads import Examples, Head, fit_head
from ml.heads.pool_gda import fit_pool_gda

ACTED = ("lots", "whole", "lots_thrifty", "whole_thrifty")
"""Methods that leave the rest to pages, with audits as many as asked for, or as many as cost least."""


def main(argv: Sequence[str]) -> int:
    """Measure and print one JSON object; shares lie in [0, 1]."""
    args = _parser().parse_args(argv)
    report = measure(args)
    print(json.dumps(report, indent=None if args.json else 2))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """The report: figures of the first error target, and of each under `by_error`."""
    images = from_arguments(args)
    goals = [Goal(error, args.level) for error in args.error]
    ways = min(args.categories, len(images.class_names))
    vectors = vectors_of(images, load_encoder(args.encoder, device="cpu"), cache=args.cache)
    started = time.perf_counter()
    fits = min(args.projects, args.heads)
    outcomes: dict[float, dict[str, list[Outcome]]] = {goal.error: {name: [] for name in METHODS} for goal in goals}
    accuracies = []
    for number in range(fits):
        baseline, ours = scored_project(
            images, vectors, ways=ways, shots=args.labels_per_class, seed=[args.seed, number]
        )
        accuracies.append((float(baseline.right.mean()), float(ours.right.mean())))
        for turn in range(number, args.projects, fits):
            again = [np.random.default_rng([args.seed, number, turn, 1]) for _ in range(2)]
            pools = [one.drawn_again(args.times, rng=rng) for one, rng in zip((baseline, ours), again, strict=True)]
            for goal in goals:
                found = audit_round(
                    *pools,
                    goal=goal,
                    audits=args.audits,
                    seed=[args.seed, number, turn],
                    auditors=AuditorError(args.auditor_error, args.auditor_error),
                    thrifty=args.thrifty,
                )
                for name, outcome in found.items():
                    outcomes[goal.error][name].append(outcome)
        _tell(number + 1, fits, started)
    by_error = {str(error): _summary(found, goal_error=error) for error, found in outcomes.items()}
    first = by_error[str(args.error[0])]
    setting = {
        name: getattr(args, name)
        for name in ("labels_per_class", "audits", "projects", "level", "auditor_error", "times", "seed")
    }
    return {
        **{key: first[key] for key in ("accepted", "baseline_accepted", "broken", "baseline_broken")},
        "head_accuracy": round(float(np.mean(accuracies, axis=0)[1]), 4),
        "baseline_head_accuracy": round(float(np.mean(accuracies, axis=0)[0]), 4),
        "error": args.error[0],
        "categories": ways,
        "heads": fits,
        **setting,
        "encoder": args.encoder,
        "by_error": by_error,
        "seconds": round(time.perf_counter() - started, 1),
    }


def scored_project(
    images: LabelledImages, vectors: torch.Tensor, *, ways: int, shots: int, seed: list[int]
) -> tuple[Scored, Scored]:
    """What the default head and the pool's head say of all images that were not labelled.

    Raises:
        ConfigError: A category has no image left to accept.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(images.class_names))[:ways]
    drawn = [rng.permutation(np.flatnonzero(images.labels == label)) for label in chosen]
    if min(map(len, drawn)) <= shots:
        raise ConfigError(f"every category needs more than {shots} images, the smallest has {min(map(len, drawn))}")
    support = torch.from_numpy(np.concatenate([rows[:shots] for rows in drawn]))
    rest = torch.from_numpy(np.concatenate([rows[shots:] for rows in drawn]))
    truth = np.repeat(np.arange(ways), [len(rows) - shots for rows in drawn])
    background = vectors[torch.cat([support, rest])].mean(dim=0)
    index = np.repeat(np.arange(ways), shots)
    examples = Examples.of(vectors[support], index, n_classes=ways, background=background)
    pool = vectors[rest]
    return _score(fit_head("default", examples), pool, truth), _score(fit_pool_gda(examples, pool), pool, truth)


def _score(head: Head, pool: torch.Tensor, truth: np.ndarray[Any, Any]) -> Scored:
    # In double: a float32 softmax calls everything beyond seven nines certain, and the order among those is lost.
    probabilities = torch.softmax((head.logits(pool) / head.temperature).double(), dim=1)
    top = probabilities.max(dim=1)
    return Scored(confidence=top.values.numpy(), right=top.indices.numpy() == truth)


def _summary(found: dict[str, list[Outcome]], *, goal_error: float) -> dict[str, Any]:
    ours, baseline = found["lots"], found["exact"]
    accepted, usual = (np.array([outcome.accepted for outcome in rounds]) for rounds in (ours, baseline))
    report: dict[str, Any] = {
        "accepted": round(float(accepted.mean()), 4),
        "baseline_accepted": round(float(usual.mean()), 4),
    }
    # Weighted audits have no model of auditors who err, so there they are not offered.
    for name, rounds in ((name, rounds) for name, rounds in found.items() if rounds):
        broken = sum(outcome.error > goal_error for outcome in rounds)
        interval = exact_interval(broken, trials=len(rounds))
        key = {"lots": "broken", "exact": "baseline_broken"}.get(name, f"{name}_broken")
        report[key] = round(broken / len(rounds), 4)
        report[f"{key}_95"] = [round(interval.low, 4), round(interval.high, 4)]
        report.setdefault(f"{name}_accepted", round(float(np.mean([outcome.accepted for outcome in rounds])), 4))
    report["actions_per_label"] = round(float(np.mean([outcome.actions for outcome in ours])), 4)
    report["actions"] = {name: _actions(rounds) for name, rounds in found.items() if rounds and name in ACTED}
    if len(accepted) > 1:
        gain = paired_difference(accepted, usual, seed=0).interval
        report["gain_95"] = [round(gain.low, 4), round(gain.high, 4)]
    return report


def _actions(rounds: list[Outcome]) -> dict[str, float]:
    """Presses an image of the pool, and what they are spent on."""
    names = ("actions", "actions_in_pages", "audits", "in_pages", "pages", "strikes")
    return {name: round(float(np.mean([getattr(outcome, name) for outcome in rounds])), 4) for name in names}


def _tell(done: int, total: int, started: float) -> None:
    if done % 20 == 0 or done == total:
        left = (time.perf_counter() - started) / done * (total - done)
        print(f"projects: {done} of {total} heads, {left:.0f} s left", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench certify", description=__doc__)
    add_data_arguments(parser)
    parser.add_argument("--encoder", required=True, help="name or JSON specification of an encoder")
    parser.add_argument("--error", type=float, nargs="+", default=[0.05], help="share of labels that may be wrong")
    parser.add_argument("--categories", type=int, default=10, help="drawn afresh for each head; all where fewer")
    for name, value in (("labels-per-class", 15), ("audits", 300), ("projects", 200), ("heads", 200), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--times", type=int, default=1, help="pools so many times as large, drawn with replacement")
    parser.add_argument("--thrifty", action="store_true", help="also lots with as many audits as cost fewest presses")
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--auditor-error", type=float, default=0.0, help="how often auditors err, and are known to")
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER, help="folder of kept vectors")
    parser.add_argument("--json", action="store_true", help="one line instead of indented lines")
    return parser
