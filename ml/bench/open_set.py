"""`python -m ml.bench open_set`: do reject scores tell unknown classes from known ones?"""

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from ml.bench.episodes import CENTERS, background_of, vectors_of
from ml.data.labelled import add_data_arguments, from_arguments
from ml.data.vectors import CACHE_FOLDER
from ml.encoders import load_encoder
from ml.evaluation.intervals import mean_interval
from ml.evaluation.open_set import open_set_report
from ml.heads import KINDS, Examples, Head, fit_head
from ml.types import IntArray

QUERIES = 50


def main(argv: Sequence[str]) -> int:
    """Measure and print one JSON object; AUROC and accuracy lie in [0, 1]."""
    args = _parser().parse_args(argv)
    print(json.dumps(measure(args)))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Half of the classes are known, the other half unknown; repeated over random halves."""
    images = from_arguments(args)
    encoder = load_encoder(args.encoder)
    vectors = vectors_of(images, encoder, cache=args.cache)
    background = background_of(args, vectors, encoder)
    rounds = [
        _one_split(vectors, images.labels, background, head=args.head, shots=args.shots, seed=args.seed + turn)
        for turn in range(args.splits)
    ]
    report: dict[str, Any] = {"head": args.head, "shots": args.shots, "splits": args.splits, "encoder": args.encoder}
    for name in rounds[0]:
        interval = mean_interval(np.array([found[name] for found in rounds]))
        report[name] = {"mean": round(interval.value, 4), "ci95": round(interval.half_width, 4)}
    return report


def _one_split(
    vectors: Tensor, labels: IntArray, background: Tensor | None, *, head: str, shots: int, seed: int
) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.unique(labels))
    known, unknown = classes[: len(classes) // 2], classes[len(classes) // 2 :]
    drawn = [rng.permutation(np.flatnonzero(labels == label))[: shots + QUERIES] for label in known]
    strangers = np.concatenate([rng.permutation(np.flatnonzero(labels == label))[:QUERIES] for label in unknown])
    examples = Examples.of(
        vectors[np.concatenate([items[:shots] for items in drawn])],
        np.repeat(np.arange(len(known)), shots),
        n_classes=len(known),
        background=background,
    )
    fitted = fit_head(head, examples, seed=seed)
    queries = [items[shots:] for items in drawn]
    truth = np.repeat(np.arange(len(known)), [len(items) for items in queries])
    inside, outside = vectors[np.concatenate(queries)], vectors[strangers]
    right = fitted.logits(inside).argmax(dim=1).cpu().numpy() == truth
    return {**_aurocs(fitted, inside, outside), "accuracy_on_known": float(right.mean())}


def _aurocs(head: Head, inside: Tensor, outside: Tensor) -> dict[str, float]:
    """Energy and max-logit beside the usual baseline, one minus the largest probability."""
    scores = {
        "energy": (head.reject_score(inside), head.reject_score(outside)),
        "max_logit": (head.reject_score(inside, rule="max-logit"), head.reject_score(outside, rule="max-logit")),
        "max_probability": (-head.probabilities(inside).amax(1), -head.probabilities(outside).amax(1)),
    }
    return {
        f"auroc_{name}": open_set_report(known.cpu().numpy(), unknown.cpu().numpy()).auroc
        for name, (known, unknown) in scores.items()
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench open_set", description=__doc__)
    add_data_arguments(parser)
    parser.add_argument("--encoder", required=True, help="name or JSON specification of an encoder")
    parser.add_argument("--head", default="default", choices=KINDS)
    for name, value in (("shots", 16), ("splits", 10), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--center", choices=CENTERS, default="pool")
    parser.add_argument("--background-split", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("--cache", default=CACHE_FOLDER, help="folder of kept vectors")
    return parser
