"""`python -m ml.bench adapter`: an episodic adapter beside the refitted head, and what its episodes cost."""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ml.bench.episodes import vectors_of
from ml.bench.speed_episodes import make_embeddings
from ml.data.labelled import add_data_arguments, from_arguments
from ml.data.vectors import CACHE_FOLDER
from ml.encoders import load_encoder
from ml.evaluation.intervals import mean_interval, paired_difference
from ml.heads import Examples, Head, fit_head
from ml.training.adapt import fit_adapted
from ml.training.adapter import AdapterOptions, train_adapter
from ml.types import FloatArray, IntArray

TESTED = 50
WIDTHS = {"adapter, bottleneck 64": 64, "adapter, bottleneck 16": 16, "adapter, linear": 0}


def main(argv: Sequence[str]) -> int:
    args = _parser().parse_args(argv)
    print(json.dumps(speed(args) if args.speed else compare(args), indent=None if args.json else 2))
    return 0


def speed(args: argparse.Namespace) -> dict[str, Any]:
    """1,000 5-way 5-shot episodes on 20 classes of 500 made-up vectors: seconds and the peak of the whole process."""
    vectors, labels = make_embeddings(classes=20, each=500, dimension=args.dimension, seed=args.seed)
    started = time.perf_counter()
    trained = train_adapter(
        vectors.numpy(),
        labels,
        background=vectors.mean(dim=0).numpy(),
        options=AdapterOptions(episodes=args.episodes),
        seed=args.seed,
    )
    return {
        "episodes": args.episodes,
        "dimension": args.dimension,
        "threads": torch.get_num_threads(),
        "seconds": round(time.perf_counter() - started, 2),
        "steps": trained.report.step,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def compare(args: argparse.Namespace) -> dict[str, Any]:
    """Accuracy on images that nobody labelled, over random projects of `classes` classes and `shots` labels a class."""
    images = from_arguments(args)
    vectors = vectors_of(images, load_encoder(args.encoder, device="cpu"), cache=args.cache).numpy()
    names = ["default", "logistic", *WIDTHS]
    scores: dict[str, list[float]] = {name: [] for name in names}
    for trial in range(args.trials):
        found = _trial(vectors, images.labels, args=args, seed=args.seed + trial)
        for name, value in found.items():
            scores[name].append(value)
        print(trial, {name: round(value, 4) for name, value in found.items()}, file=sys.stderr, flush=True)
    report: dict[str, Any] = {"encoder": args.encoder, "classes": args.classes, "shots": args.shots, "methods": {}}
    for name in names:
        mean = mean_interval(np.asarray(scores[name]))
        gain = paired_difference(np.asarray(scores[name]), np.asarray(scores["default"]), seed=0).interval
        report["methods"][name] = {
            "accuracy": round(100 * mean.value, 2),
            "ci95": round(100 * mean.half_width, 2),
            "gain": [round(100 * end, 2) for end in (gain.value, gain.low, gain.high)],
        }
    return report


def _trial(vectors: FloatArray, labels: IntArray, *, args: argparse.Namespace, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(int(labels.max()) + 1)[: args.classes]
    rows = [rng.permutation(np.flatnonzero(labels == name)) for name in chosen]
    taught = np.concatenate([row[: args.shots] for row in rows])
    tested = np.concatenate([row[args.shots : args.shots + TESTED] for row in rows])
    place = {int(name): i for i, name in enumerate(chosen)}
    classes, truth = (np.asarray([place[int(name)] for name in labels[part]]) for part in (taught, tested))
    examples = Examples.of(
        vectors[taught],
        classes,
        n_classes=args.classes,
        background=vectors[np.concatenate([taught, tested])].mean(axis=0),
    )
    heads: dict[str, Head] = {kind: fit_head(kind, examples, seed=seed) for kind in ("default", "logistic")}
    options = AdapterOptions(episodes=args.episodes, k_shot=min(5, args.shots // 2), n_query=min(5, args.shots // 2))
    for name, width in WIDTHS.items():
        heads[name] = fit_adapted(examples, options=replace(options, width=width), seed=seed).head
    questions = torch.from_numpy(vectors[tested])
    return {name: float((head.logits(questions).argmax(dim=1).numpy() == truth).mean()) for name, head in heads.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench adapter", description=__doc__)
    add_data_arguments(parser)
    for action in parser._actions:
        action.required = False
    parser.add_argument("--encoder", default="demo", help="name or JSON specification of an encoder")
    parser.add_argument("--speed", action="store_true", help="time the episodes on made-up vectors; needs no data")
    for name, value in (("classes", 20), ("shots", 20), ("trials", 20), ("episodes", 1000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--dimension", type=int, default=512, help="of the made-up vectors")
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER, help="folder of kept vectors")
    parser.add_argument("--json", action="store_true", help="one line instead of indented lines")
    return parser
