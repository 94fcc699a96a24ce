"""`python -m ml.bench learner`: a trained learner on episodes of a data set's test classes."""

import argparse
from pathlib import Path
from typing import Any

from ml.episodes.sampler import EpisodeSampler
from ml.errors import ConfigError
from ml.training.artefact import load_learner
from ml.training.augment import AUGMENTATIONS
from ml.training.command import (
    add_image_arguments,
    add_run_arguments,
    data_spec,
    open_device,
    run_command,
    way_shot,
    write_record,
)
from ml.training.episode import EpisodeLearner
from ml.training.evaluate import score_episodes
from ml.training.methods.maml import Maml
from ml.training.partition import load_partition
from ml.training.sources import Views


def main(argv: list[str]) -> int:
    return run_command(_parser(), argv, run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Accuracy with its 95 % interval for each test, with the preprocessing that belongs to the learner."""
    device = open_device(args.device)
    learner, spec, normalization = load_learner(args.learner)
    learner.to(device)
    if args.statistics:
        learner.transductive = _transductive(learner, statistics=args.statistics)
    args.size, args.grey = spec.size, spec.channels == 1
    parts = load_partition(data_spec(args)).to(device)
    store = getattr(parts, args.part)
    views = Views.build(store, normalization, augmentation=AUGMENTATIONS["none"], seed=0)
    results = []
    for text in args.test:
        ways, shots = way_shot(text)
        sampler = EpisodeSampler(store.labels, n_way=ways, k_shot=shots, n_query=args.queries, seed=args.seed + 2)
        scores = score_episodes(learner, views=views, sampler=sampler, episodes=args.episodes)
        figures = {"accuracy": round(scores.accuracy, 5), "ci95": round(scores.ci95, 5)}
        results.append({"n_way": ways, "k_shot": shots, "queries": args.queries, "episodes": args.episodes, **figures})
    record = {"learner": str(args.learner), "part": args.part, "transductive": learner.transductive, "results": results}
    write_record(args, device=device, record=record)
    return {"name": args.name, **record}


def _transductive(learner: EpisodeLearner, *, statistics: str) -> bool:
    if not isinstance(learner, Maml):
        raise ConfigError(f"--statistics is for MAML and ANIL, whose normalisation may be chosen; got {learner.name}")
    return statistics == "queries"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench learner", description=__doc__)
    add_image_arguments(parser)
    add_run_arguments(parser, name="learner")
    add = parser.add_argument
    add("--learner", type=Path, required=True, help="weights that a training wrote")
    add("--part", choices=["train", "val", "test"], default="test")
    add("--test", nargs="*", default=["5w1s", "5w5s"])
    add("--queries", type=int, default=15)
    add("--episodes", type=int, default=600)
    add(
        "--statistics", choices=["support", "queries"], help="MAML: what normalises a query, instead of what did before"
    )
    add("--json", action="store_true", help="the only output there is; accepted for symmetry")
    return parser
