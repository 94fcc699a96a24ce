"""`python -m ml.bench text2model`: classifiers written from descriptions of unseen classes, beside a shared space."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ml.bench.class_texts import KINDS, class_texts, text_bank
from ml.bench.text2model_score import Contest, compare
from ml.data.labelled import first_of_each, load_labelled
from ml.data.vectors import CACHE_FOLDER, cached_vectors, progress_lines
from ml.encoders import load_encoder
from ml.episodes.splits import ClassSplit
from ml.text2model.basis import principal_basis
from ml.text2model.descriptions import DescriptionBank
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig
from ml.text2model.tasks import SeenClasses
from ml.text2model.training import Trained, TrainingConfig, train

ENCODER = "ml/bench/specs/mobilenetv2-160.json"
VALIDATION = 16


def main(argv: Sequence[str]) -> int:
    args = _parser().parse_args(argv)
    torch.set_num_threads(args.threads)
    report = measure(args)
    print(json.dumps(report) if args.json else as_markdown(report))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """One report; its first lines are those of the first kind of description at the first number of ways."""
    if args.data.suffix == ".json":
        from ml.bench.text2model_attributes import measure_attributes

        return measure_attributes(args.data, seed=args.seed, cache=args.cache)
    features, labels, names = _features(args)
    split = _split(args, labels, names)
    kinds = args.descriptions.split(",")
    texts = class_texts(args.texts or args.data.parent / "class-texts.json", args.data.stem.replace("-", "_"), names)
    bank = text_bank(texts, kinds, cache=args.cache)
    return experiment(features, labels, bank, split, args)


def experiment(
    features: Tensor, labels: Tensor, bank: DescriptionBank, split: ClassSplit, args: argparse.Namespace
) -> dict[str, Any]:
    """Train on the seen classes, choose on the validation classes, score on the others; (n, D) unit features."""
    started = time.perf_counter()
    train_classes, val_classes = torch.tensor(split.train), torch.tensor(split.val)
    basis = principal_basis(features[torch.isin(labels, train_classes)], components=args.components)
    seen = SeenClasses(basis(features), labels, bank, train_classes, val_classes)
    trained = fit(seen, args)
    seconds = time.perf_counter() - started
    contest = Contest.of(trained.network, seen, torch.tensor(split.test), seed=args.seed)
    ways = [int(w) for w in args.ways.split(",")]
    table = [
        compare(contest, kind=kind, ways=min(w, len(split.test)), tasks=args.tasks) for kind in bank.kinds for w in ways
    ]
    return {
        **table[0],
        "data": str(args.data.name),
        "target": args.target,
        "mode": args.mode,
        "start": not args.no_start,
        "seed": args.seed,
        "seen_classes": len(split.train),
        "validation_classes": len(split.val),
        "unseen_classes": len(split.test),
        "validation_accuracy": trained.val_accuracy,
        "step": trained.step,
        "training_seconds": round(seconds, 1),
        "table": table,
    }


def fit(seen: SeenClasses, args: argparse.Namespace) -> Trained:
    """A hypernetwork for these features and descriptions."""
    config = HypernetworkConfig(
        text_dim=seen.bank.text_dim, feature_dim=seen.features.shape[1], target=args.target, trunk=args.trunk
    )
    training = TrainingConfig(steps=args.steps, mode=args.mode, start=not args.no_start)
    return train(Hypernetwork(config, seed=args.seed), seen, config=training, seed=args.seed)


def _features(args: argparse.Namespace) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    images = first_of_each(load_labelled(args.data, label_columns=[args.label_column]), args.per_class)
    encoder = load_encoder(args.encoder, device="cpu")
    vectors = cached_vectors(images, encoder, folder=args.cache, progress=progress_lines("embedding"))
    return torch.from_numpy(vectors), torch.from_numpy(images.labels), images.class_names


def _split(args: argparse.Namespace, labels: Tensor, names: tuple[str, ...]) -> ClassSplit:
    """The parts that a column names, or random classes held out."""
    if args.part_column is None:
        n = len(names)
        return ClassSplit.random(labels.numpy(), val=VALIDATION / n, test=args.held_out / n, seed=args.seed)
    found = {
        part: load_labelled(args.data, label_columns=[args.label_column], split=[f"{args.part_column}={part}"])
        for part in ("train", "val", "test")
    }
    parts = {part: tuple(names.index(name) for name in images.class_names) for part, images in found.items()}
    return ClassSplit(**parts)


def as_markdown(report: dict[str, Any]) -> str:
    """Accuracy in percent ± 95 % over tasks; the lead over the better baseline with its interval."""
    if "table" not in report:
        return json.dumps(report, indent=2)
    lines = ["| descriptions | ways | text2model | shared space | same, own kind | oracle | lead |", "|---" * 7 + "|"]
    for row in report["table"]:
        cells = [f"{100 * row[key]:.1f}" for key in ("baseline_accuracy", "baseline_own_kind", "oracle")]
        unseen = f"{100 * row['unseen_accuracy']:.1f} ± {100 * row['ci95']:.1f}"
        low, high = (100 * end for end in row["lead_ci95"])
        lead = f"{100 * row['lead']:+.1f} [{low:+.1f}, {high:+.1f}]"
        lines.append(f"| {row['descriptions']} | {row['n_way']} | {unseen} | {' | '.join(cells)} | {lead} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench text2model", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="cifar100.parquet, tiny-imagenet-160.parquet or awa-attributes.json")
    add("--texts", type=Path, help="class-texts.json; by default beside the data")
    add("--label-column", default="fine_label")
    add("--part-column", help="column that puts each class into train, val or test; without it classes are drawn")
    add("--held-out", type=int, default=40, help="classes drawn as unseen where no column names them")
    add("--per-class", type=int, default=50, help="images of each class, the first ones")
    add("--descriptions", default=",".join(KINDS), help=f"kinds, separated by commas: {', '.join(KINDS)}")
    add("--ways", default="2,5,20")
    add("--tasks", type=int, default=300, help="unseen tasks for each cell")
    add("--encoder", default=ENCODER)
    add("--target", choices=("EV", "IVEV"), default="EV")
    add("--mode", choices=("direct", "delta"), default="direct")
    add("--no-start", action="store_true", help="the paper's network: no projection to start from")
    add("--steps", type=int, default=1200)
    add("--trunk", type=int, default=120)
    add("--components", type=int, default=256)
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=1)
    add("--cache", type=Path, default=CACHE_FOLDER, help="folder of kept vectors")
    add("--json", action="store_true")
    return parser
