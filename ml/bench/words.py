"""`python -m ml.bench words`: how far classes from words can be trusted on top of a head of a few trained classes."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ml.data.labelled import first_of_each, load_labelled
from ml.data.vectors import CACHE_FOLDER, cached_vectors, progress_lines
from ml.encoders import load_encoder
from ml.words import ClassWords, describe, fit_kit
from ml.words.trial import Material

SENTENCES = 4
PER_CLASS_KEPT = 50


def main(argv: Sequence[str]) -> int:
    args = _parser().parse_args(argv)
    torch.set_num_threads(args.threads)
    report = measure(args)
    print(json.dumps(report) if args.json else _table(report))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Random classes of CIFAR-100, told by name and four sentences each; a head, then the rehearsal on its classes."""
    material = _material(args)
    head = material.head(torch.arange(len(material.vectors)), range(args.classes), seed=args.seed)
    began = time.perf_counter()
    kit = fit_kit(head, material, seed=args.seed)
    seconds = round(time.perf_counter() - began, 1)
    return {"encoder": args.encoder, "classes": args.classes, "per_class": args.per_class, "seconds": seconds} | (
        kit.rehearsal.as_json()
    )


def _material(args: argparse.Namespace) -> Material:
    images = first_of_each(load_labelled(args.data, label_columns=["fine_label"]), PER_CLASS_KEPT)
    encoder = load_encoder(args.encoder, device="cpu")
    vectors = cached_vectors(images, encoder, folder=args.cache, progress=progress_lines("embedding"))
    texts = json.loads((args.data.parent / "class-texts.json").read_text())["cifar100"]
    chosen = np.sort(np.random.default_rng(args.seed).choice(len(images.class_names), args.classes, replace=False))
    names = [images.class_names[c].replace("_", " ") for c in chosen]
    words = [ClassWords((name,), sentences=tuple(texts[name][:SENTENCES])) for name in names]
    tower = None
    if encoder.has_text:
        tower = torch.from_numpy(encoder.encode_texts([f"a photo of a {name}." for name in names]))
    rows = np.concatenate([np.flatnonzero(images.labels == c)[: args.per_class] for c in chosen])
    return Material(
        vectors=torch.from_numpy(vectors[rows]).float(),
        class_index=torch.arange(args.classes).repeat_interleave(args.per_class),
        described=describe(words, tower=tower, space=encoder.fingerprint),
        background=torch.from_numpy(vectors.mean(axis=0)).float(),
        text_scale=encoder.logit_scale or 100.0,
        with_text=tower is not None,
    )


def _table(report: dict[str, Any]) -> str:
    lines = ["| method | finds | of these right | F1 [95 %] |", "|---|---|---|---|"]
    for name, one in report["methods"].items():
        cells = (f"{100 * one[key]:.0f} %" for key in ("recall", "precision"))
        interval = f"{100 * one['f1']:.1f} [{100 * one['low']:.1f}, {100 * one['high']:.1f}]"
        lines.append(f"| {name} | {' | '.join(cells)} | {interval} |")
    steps = [f"{s['shots']}: {s['share']:.2f} ({100 * s['f1']:.0f})" for s in report["takeover"]]
    return "\n".join([*lines, "", f"words' share by confirmed images (F1): {', '.join(steps)}; {report['seconds']} s"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench words", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="cifar100.parquet, with class-texts.json beside it")
    add("--encoder", default="demo")
    add("--classes", type=int, default=21)
    add("--per-class", type=int, default=40)
    add("--seed", type=int, default=0)
    add("--threads", type=int, default=1)
    add("--cache", type=Path, default=CACHE_FOLDER)
    add("--json", action="store_true")
    return parser
