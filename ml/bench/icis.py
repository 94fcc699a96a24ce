"""`python -m ml.bench icis`: unseen accuracy of injected rows on real classifier rows, names and photographs."""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ml.evaluation.generalized import SeenUnseenCurve, seen_unseen_curve
from ml.evaluation.intervals import student_interval
from ml.icis.autoencoders import IcisConfig, IntVector, icis_rows
from ml.icis.baselines import blend_rows, conse_scores, kernel_rows, ridge_rows, weighted_average_rows
from ml.icis.descriptors import Descriptors, Matrix, sentence_vectors
from ml.icis.leveling import leveled

RIDGE_PENALTY = 1.0
METHODS = ("icis", "kernel", "blend", "ridge", "weighted_average", "conse", "oracle")
DESCRIPTORS = ("conceptnet", "wiki2vec", "sentences", "conceptnet+sentences")


@dataclass(frozen=True)
class Bench:
    """Rows (N, D + 1), photographs (P, D + 1) with a constant column, their classes (P,), descriptors of N classes."""

    rows: Matrix
    features: Matrix
    class_index: IntVector
    descriptors: Descriptors


def main(argv: list[str]) -> int:
    args = _parser().parse_args(argv)
    torch.set_num_threads(args.threads)
    bench = load(Path(args.data), args.descriptors)
    result = run(bench, unseen=args.unseen, splits=args.splits, seed=args.seed)
    report = {
        "descriptors": args.descriptors,
        "unseen": args.unseen,
        "splits": args.splits,
        "seed": args.seed,
        **result,
    }
    print(json.dumps(report) if args.json else _table(report))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench icis", description=__doc__)
    parser.add_argument("--data", required=True, help="npz with wnid, W, b, feat, feat_wnid and class-name vectors")
    parser.add_argument("--descriptors", choices=DESCRIPTORS, default="conceptnet")
    parser.add_argument("--unseen", type=int, default=50)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    return parser


def load(path: Path, kind: str) -> Bench:
    """Read the npz; texts of ImageNet's classes (names and definitions) come with timm."""
    data = np.load(path, allow_pickle=False)
    rows = np.concatenate([data["W"], data["b"][:, None]], axis=1, dtype=np.float64)
    features = np.concatenate([data["feat"], np.ones((len(data["feat"]), 1))], axis=1, dtype=np.float64)
    index = {wnid: position for position, wnid in enumerate(data["wnid"].tolist())}
    classes = np.array([index[wnid] for wnid in data["feat_wnid"].tolist()], dtype=np.int64)
    blocks: dict[str, Any] = {name: data[name] for name in ("conceptnet", "wiki2vec") if name in kind}
    weights = dict.fromkeys(blocks, 2.0)
    if "sentences" in kind:
        blocks |= text_blocks(data["wnid"].tolist())
    return Bench(rows, features, classes, Descriptors.of(blocks, weights))


def text_blocks(wnids: list[str]) -> dict[str, Matrix]:
    """Sentence vectors of each class's definition, of all its names with the definition, and of its prompt."""
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo()
    entries = [info.label_name_to_description(wnid, detailed=True).partition(": ") for wnid in wnids]
    names = [names for names, _, _ in entries]
    definitions = [definition or names for names, _, definition in entries]
    first = [f"a photo of a {group.split(',')[0]}" for group in names]
    return {
        "entry": sentence_vectors([[f"{n}: {d}"] for n, d in zip(names, definitions, strict=True)]),
        "definition": sentence_vectors([[d] for d in definitions]),
        "prompt": sentence_vectors([[f] for f in first]),
    }


def run(bench: Bench, *, unseen: int, splits: int, seed: int, generalized_splits: int = 3) -> dict[str, Any]:
    """Unseen top-1 of every method over splits, image-free and leveled, and the generalized figures of the first ones.

    The first `generalized_splits` splits choose gamma, which takes as long as all the rest.
    """
    rng = np.random.RandomState(seed)
    with_photos = np.unique(bench.class_index)
    free: dict[str, list[float]] = {name: [] for name in METHODS}
    level: dict[str, list[float]] = {name: [] for name in METHODS if name != "conse"}
    generalized: list[dict[str, float]] = []
    epochs: list[int] = []
    for split in range(splits):
        hidden = np.sort(rng.choice(with_photos, unseen, replace=False))
        seen = np.setdiff1d(np.arange(len(bench.rows)), hidden)
        half = np.random.default_rng(split).random(len(bench.class_index)) < 0.5
        written, used = _write(bench, seen, hidden, seed=split)
        epochs.append(used)
        for name, value in _unseen_accuracy(bench, written, seen, hidden).items():
            free[name].append(value)
        even = _leveled(bench, written, seen, half)
        for name, value in _unseen_accuracy(bench, even, seen, hidden).items():
            if name in level:
                level[name].append(value)
        if split < generalized_splits:
            generalized.append(_generalized(bench, even["blend"], seen, hidden, half, seed=split))
        done = {name: round(values[-1], 4) for name, values in free.items()}
        print(
            json.dumps({"split": split, "image_free": done, "leveled": {n: round(v[-1], 4) for n, v in level.items()}}),
            file=sys.stderr,
        )
    summary: dict[str, Any] = {name: _figures(values) for name, values in free.items()}
    summary["leveled"] = {name: _figures(values) for name, values in level.items()}
    summary["gzsl"] = {key: float(np.mean([g[key] for g in generalized])) for key in generalized[0]}
    return summary | {"epochs": epochs, "chance": 1.0 / unseen}


def _figures(values: list[float]) -> dict[str, Any]:
    """Mean and standard deviation over splits, every split, and the 95 % interval of the mean (Student's t)."""
    if len(values) == 1:
        return {"mean": values[0], "sd": 0.0, "ci95": [values[0], values[0]], "splits": values}
    found = student_interval(np.array(values))
    sd = float(np.std(values, ddof=1))
    return {"mean": found.value, "sd": sd, "ci95": [found.low, found.high], "splits": values}


def _leveled(bench: Bench, written: dict[str, Matrix], seen: IntVector, half: NDArray[np.bool_]) -> dict[str, Matrix]:
    """Rows leveled on half of the photographs of seen classes, without their labels."""
    ground = bench.features[half & np.isin(bench.class_index, seen)]
    return {name: leveled(rows, bench.rows[seen], ground) for name, rows in written.items()}


def _write(bench: Bench, seen: IntVector, hidden: IntVector, *, seed: int) -> tuple[dict[str, Matrix], int]:
    rows_seen = bench.rows[seen]
    raw = bench.descriptors.matrix()
    fit = icis_rows(bench.descriptors.matrix(seen), rows_seen, seen=seen, unseen=hidden, config=IcisConfig(), seed=seed)
    kernel = kernel_rows(bench.descriptors, rows_seen, seen=seen, unseen=hidden, seed=seed)
    rows = {
        "icis": fit.rows,
        "kernel": kernel,
        "blend": blend_rows(fit.rows, kernel, rows_seen),
        "ridge": ridge_rows(raw, rows_seen, seen=seen, unseen=hidden, penalty=RIDGE_PENALTY),
        "weighted_average": weighted_average_rows(raw, rows_seen, seen=seen, unseen=hidden),
        "oracle": bench.rows[hidden],
    }
    return rows, fit.epochs


def _unseen_accuracy(bench: Bench, written: dict[str, Matrix], seen: IntVector, hidden: IntVector) -> dict[str, float]:
    mine = np.isin(bench.class_index, hidden)
    features, target = bench.features[mine], np.searchsorted(hidden, bench.class_index[mine])
    found = {name: _hits(features @ rows.T, target) for name, rows in written.items()}
    logits = features @ bench.rows[seen].T
    return found | {"conse": _hits(conse_scores(logits, bench.descriptors.matrix(), seen=seen, unseen=hidden), target)}


def _hits(scores: Matrix, target: IntVector) -> float:
    return float((scores.argmax(axis=1) == target).mean())


def _generalized(
    bench: Bench, rows: Matrix, seen: IntVector, hidden: IntVector, half: NDArray[np.bool_], *, seed: int
) -> dict[str, float]:
    """S, U, H among all classes with photographs; gamma from seen classes that are hidden in their turn.

    The photographs of seen classes are halved: one half levels rows and chooses gamma, the other is scored.
    """
    rng = np.random.default_rng(seed)
    seen_photo = np.intersect1d(seen, bench.class_index)
    pseudo = np.sort(rng.choice(seen_photo, len(hidden), replace=False))
    rest = np.setdiff1d(seen, pseudo)
    pseudo_rows = _leveled(bench, _write(bench, rest, pseudo, seed=seed)[0], rest, half)["blend"]
    chooser = _curve(bench, np.setdiff1d(seen_photo, pseudo), pseudo, pseudo_rows, half)
    gamma = chooser.best_gamma()
    curve = _curve(bench, seen_photo, hidden, rows, ~half | np.isin(bench.class_index, hidden))
    s, u, h = curve.at(gamma)
    plain = curve.at(0.0)
    return {
        "seen": s,
        "unseen": u,
        "h": h,
        "ausuc": curve.ausuc,
        "gamma": gamma,
        "h_without_gamma": plain[2],
        "h_best_possible": float(curve.harmonic.max()),
    }


def _curve(bench: Bench, seen: IntVector, unseen: IntVector, rows: Matrix, use: Any) -> SeenUnseenCurve:
    classes = np.concatenate([seen, unseen])
    mine = use & np.isin(bench.class_index, classes)
    logits = bench.features[mine] @ np.concatenate([bench.rows[seen], rows]).T
    position = {int(c): i for i, c in enumerate(classes)}
    target = np.array([position[int(c)] for c in bench.class_index[mine]])
    return seen_unseen_curve(logits, target, unseen=np.arange(len(classes)) >= len(seen))


def _table(report: dict[str, Any]) -> str:
    lines = [f"{report['descriptors']}: {report['unseen']} unseen classes, {report['splits']} splits"]
    lines.append("                    image-free     leveled")
    for name in METHODS:
        columns = [report[name], report["leveled"].get(name)]
        cells = [f"{100 * c['mean']:5.1f} ± {100 * c['sd']:.1f}   " if c else "" for c in columns]
        lines.append(f"  {name:<18}{''.join(cells)}".rstrip())
    g = report["gzsl"]
    lines.append(f"  seen {g['seen']:.3f}  unseen {g['unseen']:.3f}  H {g['h']:.3f}  AUSUC {g['ausuc']:.3f}")
    return "\n".join(lines)
