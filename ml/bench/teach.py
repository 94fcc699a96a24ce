"""`python -m ml.bench teach`: from a correction to a newly ranked pool, beside what reading the pool alone costs."""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap

from ml.acquisition.pages import compose_pages
from ml.acquisition.sweep import best_two
from ml.acquisition.teach import changed_rows, rescore, taught_head
from ml.heads import Examples
from ml.types import FloatArray, IntArray


def main(argv: Sequence[str]) -> int:
    """Print one JSON object: seconds of each step, the best of `--repeats` after one unmeasured run."""
    parser = argparse.ArgumentParser(prog="python -m ml.bench teach", description=__doc__)
    parser.add_argument("--pool", default="100000,1000000", help="sizes, separated by commas")
    for name, value in (("dim", 512), ("classes", 100), ("labels", 5_000), ("pages", 4), ("repeats", 3), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    report: dict[str, Any] = {f"{size}x{args.dim}x{args.classes}": measure(int(size), args) for size in _sizes(args)}
    print(json.dumps({**report, "threads": args.threads, "load_average": os.getloadavg()[0]}, indent=2))
    return 0


def measure(size: int, args: argparse.Namespace) -> dict[str, Any]:
    """Fit, sweep, compare and compose on a mapped float16 file of `size` rows; the full top five beside it."""
    vectors, labels = _blobs(max(args.labels, 20_000), args)
    support = Examples.of(vectors[: args.labels], labels[: args.labels], n_classes=args.classes)
    with tempfile.TemporaryDirectory() as folder:
        pool = _pool_file(Path(folder) / "pool.npy", vectors, rows=size)
        head = taught_head(support, seed=args.seed)
        before = rescore(head, pool)
        steps: dict[str, Callable[[], object]] = {
            "floor_s": lambda: _read_through(pool),
            "fit_s": lambda: taught_head(support, seed=args.seed),
            "sweep_s": lambda: best_two(head, pool, threads=args.threads),
            "top5_and_entropy_s": lambda: rescore(head, pool),
            "changed_s": lambda: changed_rows(before.class_index[:, 0], before),
            "compose_s": lambda: compose_pages(
                vectors=pool,
                top_categories=before.class_index,
                top_probabilities=before.probability,
                eligible=np.ones(size, bool),
                struck={},
                reliability=np.full(args.classes, np.nan),
                size=np.full(args.classes, 48),
                count=args.pages,
                seed=args.seed,
            ),
        }
        seconds = {name: _best(step, repeats=args.repeats) for name, step in steps.items()}
    total = sum(seconds[name] for name in ("fit_s", "sweep_s", "changed_s", "compose_s"))
    return {**seconds, "teach_s": round(total, 3), "floor_gb_per_s": round(pool.nbytes / 1e9 / seconds["floor_s"], 1)}


def _read_through(pool: FloatArray) -> None:
    """Every byte of the matrix once, at the pace of all threads: the time below which no ranking can come."""
    words = torch.from_numpy(pool.view(np.int64).reshape(-1))
    words.sum()


def _sizes(args: argparse.Namespace) -> list[str]:
    return [size for size in args.pool.split(",") if size]


def _best(step: Callable[[], object], *, repeats: int) -> float:
    step()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return round(min(seconds), 4)


def _pool_file(file: Path, vectors: FloatArray, *, rows: int) -> FloatArray:
    pool = open_memmap(file, mode="w+", dtype=np.float16, shape=(rows, vectors.shape[1]))
    for start in range(0, rows, len(vectors)):
        pool[start : start + len(vectors)] = vectors[: rows - start]
    pool.flush()
    return np.load(file, mmap_mode="c")  # type: ignore[no-any-return]


def _blobs(items: int, args: argparse.Namespace) -> tuple[FloatArray, IntArray]:
    rng = np.random.default_rng(args.seed)
    labels = np.arange(items) % args.classes
    vectors = rng.standard_normal((args.classes, args.dim), dtype=np.float32)[labels]
    vectors += 2 * rng.standard_normal((items, args.dim), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels
