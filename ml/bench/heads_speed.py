"""`python -m ml.bench heads_speed`: three costs that a person waits for, beside the usual library."""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from easyfsl.methods import PrototypicalNetworks
from numpy.lib.format import open_memmap
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from ml.bench._page import write_block
from ml.bench.encode import processor_name
from ml.episodes import EpisodeSampler
from ml.evaluation.episodes import evaluate_head
from ml.heads import Examples, fit_head, predict_topk
from ml.types import FloatArray, IntArray

DIM, N_CLASSES = 512, 100


def main(argv: Sequence[str]) -> int:
    """Time and print one JSON object; every figure is the best of `--repeats` after one unmeasured run.

    Wall time is what counts on a quiet machine; CPU time is told beside it because it survives a busy one.
    """
    parser = argparse.ArgumentParser(prog="python -m ml.bench heads_speed", description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--items", type=int, default=100_000, help="labelled items of the fit")
    parser.add_argument("--pool", type=int, default=1_000_000, help="items to predict")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace the block speed-of-heads of this page")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    vectors, labels = _blobs(args.items, seed=args.seed)
    report = {
        "episodes_600_5way_1shot": _episodes(vectors, labels, args),
        f"gda_fit_{args.items}x{DIM}x{N_CLASSES}": _gda(vectors, labels, args),
        f"predict_{args.pool}x{DIM}x{N_CLASSES}": _predict(vectors, labels, args),
        "threads": args.threads,
        "load_average": os.getloadavg()[0],
        "machine": processor_name(),
        "versions": {name: metadata.version(name) for name in ("torch", "scikit-learn", "easyfsl")},
    }
    print(json.dumps(report, indent=2))
    if args.write:
        write_block(args.write, "speed-of-heads", as_markdown(report, args))
    return 0


def as_markdown(report: dict[str, Any], args: argparse.Namespace) -> str:
    """Seconds of wall time, with the processor's own beside them."""
    fit, predict = f"gda_fit_{args.items}x{DIM}x{N_CLASSES}", f"predict_{args.pool}x{DIM}x{N_CLASSES}"
    rows = (
        ("600 five-way one-shot episodes on cached 512-d vectors", "episodes_600_5way_1shot", "easyfsl"),
        (f"fit GDA on {args.items:,} × {DIM} with {N_CLASSES} classes", fit, "scikit_learn"),
        (f"predict {args.pool:,} × {DIM} × {N_CLASSES}: top five, margin, entropy", predict, "scikit_learn"),
    )
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    lines = [
        f"{report['machine']}, {report['threads']} threads, load {report['load_average']:.1f} at the end; {versions}.",
        f"Best of {args.repeats} after one that does not count; seconds of wall time (of processor time).",
        "",
        "| | Winnow | beside it |",
        "|---|---|---|",
    ]
    for label, key, other in rows:
        ours, theirs = report[key]["winnow_s"], report[key][f"{other}_s"]
        cells = [f"{found['wall']:.2f} ({found['cpu']:.2f})" for found in (ours, theirs)]
        lines.append(f"| {label} | {cells[0]} | {other.replace('_', '-')} {cells[1]} |")
    held, table = (report[predict][key] / 1e6 for key in ("held_bytes", "table_never_held_bytes"))
    lines += ["", f"The prediction holds {held:.0f} MB at a time and never the {table:.0f} MB of all probabilities."]
    return "\n".join(lines)


def _episodes(vectors: FloatArray, labels: IntArray, args: argparse.Namespace) -> dict[str, Any]:
    """600 episodes with 15 queries, sampling included on our side."""
    pool = torch.from_numpy(vectors)
    background = pool.mean(dim=0)
    sampler = EpisodeSampler(labels, n_way=5, k_shot=1, n_query=15, seed=args.seed)
    episodes = sampler.sample_batch(600)
    target, query_target = torch.arange(5), torch.arange(5).repeat_interleave(15)

    def ours() -> float:
        return evaluate_head("prototypes", pool, sampler.sample_batch(600), background=background).accuracy.value

    def easyfsl() -> float:
        method, right = PrototypicalNetworks(backbone=torch.nn.Identity()), 0
        for support, query in zip(episodes.support, episodes.query, strict=True):
            method.process_support_set(pool[torch.from_numpy(support.ravel())], target)
            answers = method(pool[torch.from_numpy(query.ravel())]).argmax(dim=1)
            right += int((answers == query_target).sum())
        return right / (600 * 75)

    return {"winnow_s": _best(ours, args), "easyfsl_s": _best(easyfsl, args)}


def _gda(vectors: FloatArray, labels: IntArray, args: argparse.Namespace) -> dict[str, Any]:
    """Seven shrinkages judged by leave-one-out, against scikit-learn at one shrinkage that it is told."""
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    examples = Examples.of(vectors, labels, n_classes=N_CLASSES)
    return {
        "winnow_s": _best(lambda: fit_head("gda", examples), args),
        "scikit_learn_s": _best(lambda: reference.fit(vectors, labels), args),
    }


def _predict(vectors: FloatArray, labels: IntArray, args: argparse.Namespace) -> dict[str, Any]:
    """Top-5, margin and entropy from a mapped float16 file; scikit-learn gives the probabilities alone, by chunks."""
    head = fit_head("gda", Examples.of(vectors, labels, n_classes=N_CLASSES))
    linear = LogisticRegression(max_iter=1).fit(vectors[:2000], labels[:2000])
    with tempfile.TemporaryDirectory() as folder:
        pool = _pool_file(Path(folder) / "pool.npy", vectors, rows=args.pool)

        def scikit_learn() -> None:
            for start in range(0, len(pool), 8192):
                np.argpartition(linear.predict_proba(pool[start : start + 8192].astype(np.float32)), -5, axis=1)

        return {
            "winnow_s": _best(lambda: predict_topk(head, pool), args),
            "scikit_learn_s": _best(scikit_learn, args),
            "table_never_held_bytes": args.pool * N_CLASSES * 4,
            "held_bytes": 8192 * (N_CLASSES * 3 + DIM * 2) * 4,
        }


def _pool_file(file: Path, vectors: FloatArray, *, rows: int) -> FloatArray:
    pool = open_memmap(file, mode="w+", dtype=np.float16, shape=(rows, DIM))
    for start in range(0, rows, len(vectors)):
        pool[start : start + len(vectors)] = vectors[: rows - start]
    pool.flush()
    return np.load(file, mmap_mode="r")  # type: ignore[no-any-return]


def _blobs(items: int, *, seed: int) -> tuple[FloatArray, IntArray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(items) % N_CLASSES
    vectors = rng.standard_normal((N_CLASSES, DIM), dtype=np.float32)[labels]
    vectors += 2 * rng.standard_normal((items, DIM), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels


def _best(work: Callable[[], object], args: argparse.Namespace) -> dict[str, float]:
    work()
    wall, cpu = [], []
    for _ in range(args.repeats):
        started, burnt = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - burnt)
    return {"wall": round(min(wall), 3), "cpu": round(min(cpu), 3)}
