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
from ml.bench.text2model_generalized import generalized
from ml.bench.text2model_score import Contest, compare
from ml.bench.text2model_splits import over_splits
from ml.bench.text2model_variants import measure_variants, variants_as_markdown
from ml.data.labelled import first_of_each, load_labelled
from ml.data.vectors import CACHE_FOLDER, cached_vectors, progress_lines
from ml.encoders import load_encoder
from ml.episodes.splits import ClassSplit
from ml.errors import ConfigError
from ml.text2model.basis import discriminant_basis
from ml.text2model.descriptions import NEGATED, DescriptionBank
from ml.text2model.hypernetwork import Hypernetwork, HypernetworkConfig
from ml.text2model.tasks import SeenClasses
from ml.text2model.training import Trained, TrainingConfig, train

ENCODER = "ml/bench/specs/mobilenetv2-160.json"
VALIDATION = 16
KEPT_BACK = 0.2


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
    if args.splits > 1 and args.part_column is not None:
        raise ConfigError("a column that names the parts of the classes gives one split; leave out --splits")
    features, labels, names = _features(args)
    kinds = args.descriptions.split(",")
    texts = class_texts(args.texts or args.data.parent / "class-texts.json", args.data.stem.replace("-", "_"), names)
    bank = text_bank(texts, kinds, cache=args.cache)

    def run(args: argparse.Namespace) -> dict[str, Any]:
        reports = []
        for seed in range(args.seed, args.seed + args.splits):
            split = _split(args, labels, names, seed=seed)
            reports.append(experiment(features, labels, bank, split, args, seed=seed))
        return over_splits(reports)

    return measure_variants(run, args) if args.variants else run(args)


def experiment(
    features: Tensor, labels: Tensor, bank: DescriptionBank, split: ClassSplit, args: argparse.Namespace, *, seed: int
) -> dict[str, Any]:
    """Train on the seen classes, choose on the validation classes, score on the others; (n, D) unit features.

    A fifth of the images of training classes is kept from all that learns, for seen and unseen classes together.
    """
    started = time.perf_counter()
    train_classes, val_classes, test = (torch.tensor(part) for part in (split.train, split.val, split.test))
    in_train = torch.isin(labels, train_classes)
    kept_back = in_train & last_of_each(labels, share=KEPT_BACK)
    learned = in_train & ~kept_back
    basis = discriminant_basis(features[learned], labels[learned], components=args.components)

    def some(rows: Tensor) -> SeenClasses:
        return SeenClasses(basis(features[rows]), labels[rows], bank, train_classes, val_classes)

    seen, photographs = some(~kept_back), some(kept_back | ~in_train)
    trained = fit(seen, args, seed=seed)
    seconds = time.perf_counter() - started
    contest = Contest.of(trained.network, seen, test, plain=basis.plain, seed=seed)
    ways = [int(w) for w in args.ways.split(",")]
    table = [
        compare(contest, kind=kind, ways=min(w, len(split.test)), tasks=args.tasks) for kind in bank.kinds for w in ways
    ]
    together = [generalized(contest, seen, photographs, test, kind=kind) for kind in bank.kinds if kind != NEGATED]
    return {
        **table[0],
        "data": str(args.data.name),
        "target": args.target,
        "mode": args.mode,
        "start": not args.no_start,
        "seed": seed,
        "splits": 1,
        "seen_classes": len(split.train),
        "validation_classes": len(split.val),
        "unseen_classes": len(split.test),
        "validation_accuracy": trained.val_accuracy,
        "steps": [trained.step],
        "training_seconds": round(seconds, 1),
        "gzsl": together[0] if together else None,
        "table": table,
        "generalized": together,
    }


def last_of_each(labels: Tensor, *, share: float) -> Tensor:
    """(n,) bool: the last images of each class, `share` of them."""
    last = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(int(labels.max()) + 1):
        rows = torch.nonzero(labels == label).flatten()
        last[rows[len(rows) - int(share * len(rows)) :]] = True
    return last


def fit(seen: SeenClasses, args: argparse.Namespace, *, seed: int) -> Trained:
    """A hypernetwork for these features and descriptions."""
    config = HypernetworkConfig(
        text_dim=seen.bank.text_dim, feature_dim=seen.features.shape[1], target=args.target, trunk=args.trunk
    )
    training = TrainingConfig(steps=args.steps, mode=args.mode, start=not args.no_start)
    return train(Hypernetwork(config, seed=seed), seen, config=training, seed=seed)


def _features(args: argparse.Namespace) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    images = first_of_each(load_labelled(args.data, label_columns=[args.label_column]), args.per_class)
    encoder = load_encoder(args.encoder, device="cpu")
    vectors = cached_vectors(images, encoder, folder=args.cache, progress=progress_lines("embedding"))
    return torch.from_numpy(vectors), torch.from_numpy(images.labels), images.class_names


def _split(args: argparse.Namespace, labels: Tensor, names: tuple[str, ...], *, seed: int) -> ClassSplit:
    """The parts that a column names, or random classes held out."""
    if args.part_column is None:
        n = len(names)
        return ClassSplit.random(labels.numpy(), val=VALIDATION / n, test=args.held_out / n, seed=seed)
    found = {
        part: load_labelled(args.data, label_columns=[args.label_column], split=[f"{args.part_column}={part}"])
        for part in ("train", "val", "test")
    }
    parts = {part: tuple(names.index(name) for name in images.class_names) for part, images in found.items()}
    return ClassSplit(**parts)


def flips_as_markdown(report: dict[str, Any]) -> str:
    """Right decisions in percent by attribute and by its negation, and both for the same attribute and animal."""
    lines = ["| | with | without | flips |", "|---|---|---|---|"]
    for name, prefix in (("text2model", ""), ("shared space", "baseline_")):
        cells = (f"{100 * report[prefix + key]:.1f}" for key in ("with", "without", "flips"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines[2] = lines[2].removesuffix(" |") + f" ± {100 * report['ci95']:.1f} |"
    return "\n".join(lines)


def as_markdown(report: dict[str, Any]) -> str:
    """Accuracy in percent ± 95 %; the lead over the better baseline with its intervals."""
    if "table" not in report:
        return flips_as_markdown(report)
    if "variants" in report:
        return variants_as_markdown(report)
    over = ["tasks", "classes"] if report["splits"] == 1 else ["splits"]
    heads = ["descriptions", "ways", "text2model", "shared space", "same, own kind", "oracle", "lead"]
    heads += [f"over {what}" for what in over]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in report["table"]:
        cells = [f"{100 * row[key]:.1f}" for key in ("baseline_accuracy", "baseline_own_kind", "oracle")]
        unseen = f"{100 * row['unseen_accuracy']:.1f} ± {100 * row['ci95']:.1f}"
        keys = ["lead_ci95", "lead_classes_ci95"][: len(over)]
        leads = [f"{100 * row['lead']:+.1f}", *(_interval(row[key]) for key in keys)]
        lines.append(f"| {row['descriptions']} | {row['n_way']} | {unseen} | {' | '.join(cells + leads)} |")
    lines += ["", "| together | S | U | H | AUSUC × 100 | H without gamma | shared space S | U | H |", "|---" * 9 + "|"]
    figures = ("seen", "unseen", "h", "ausuc", "h_without_gamma", "baseline_seen", "baseline_unseen", "baseline_h")
    for row in report["generalized"]:
        lines.append(f"| {row['descriptions']} | {' | '.join(f'{100 * row[key]:.1f}' for key in figures)} |")
    return "\n".join(lines)


def _interval(ends: Sequence[float]) -> str:
    low, high = (100 * end for end in ends)
    return f"[{low:+.1f}, {high:+.1f}]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench text2model", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="cifar100.parquet, tiny-imagenet-160.parquet or awa-attributes.json")
    add("--texts", type=Path, help="class-texts.json; by default beside the data")
    add("--label-column", default="fine_label")
    add("--part-column", help="column that puts each class into train, val or test; without it classes are drawn")
    add("--held-out", type=int, default=40, help="classes drawn as unseen where no column names them")
    add("--splits", type=int, default=1, help="random splits of the classes, each trained; intervals over splits")
    add("--per-class", type=int, default=50, help="images of each class, the first ones")
    add("--descriptions", default=",".join(KINDS), help=f"kinds, separated by commas: {', '.join(KINDS)}")
    add("--ways", default="2,5,20")
    add("--tasks", type=int, default=300, help="unseen tasks for each cell")
    add("--encoder", default=ENCODER)
    add("--target", choices=("EV", "IVEV"), default="EV")
    add("--mode", choices=("direct", "delta"), default="direct")
    add("--no-start", action="store_true", help="the paper's network: no projection to start from")
    add("--variants", action="store_true", help="train and score the paper's network, target and training as well")
    add("--steps", type=int, default=1200)
    add("--trunk", type=int, default=120)
    add("--components", type=int, default=256)
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=1)
    add("--cache", type=Path, default=CACHE_FOLDER, help="folder of kept vectors")
    add("--json", action="store_true")
    return parser
