"""`python -m ml.bench student`: how far a small student stays behind the head that taught it, on images neither saw."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ml.bench.episodes import vectors_of
from ml.data.decode_rgb import decode_rgb
from ml.data.labelled import add_data_arguments, from_arguments
from ml.data.vectors import CACHE_FOLDER
from ml.encoders import load_encoder
from ml.errors import MlError
from ml.evaluation.intervals import paired_difference
from ml.heads import Examples, fit_head
from ml.training.compact import CompactOptions, distill
from ml.training.deployment import deploy, student_probabilities


def main(argv: Sequence[str]) -> int:
    args = _parser().parse_args(argv)
    try:
        print(json.dumps(compare(args), indent=None if args.json else 2))
    except MlError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def compare(args: argparse.Namespace) -> dict[str, Any]:
    """A head learns from `shots` labels a class, a student from what it says of `shown` other images; both answer
    `tested` images, the student through its file."""
    images = from_arguments(args)
    vectors = vectors_of(images, load_encoder(args.encoder, device="cpu"), cache=args.cache).numpy()
    labels = images.labels.astype(np.int64)
    order = np.random.default_rng(args.seed).permutation(len(labels))
    tested, rest = order[: args.tested], order[args.tested :]
    taught = np.concatenate([rest[labels[rest] == name][: args.shots] for name in range(len(images.class_names))])
    shown = np.sort(rest[: args.shown])
    examples = Examples.of(
        vectors[taught], labels[taught], n_classes=len(images.class_names), background=vectors[rest].mean(axis=0)
    )
    head = fit_head(args.head, examples, seed=args.seed)
    began = time.perf_counter()
    made = distill(
        (images.image_bytes(int(row)) for row in shown),
        head.probabilities(torch.from_numpy(vectors[shown])).numpy(),
        options=CompactOptions(),
        seed=args.seed,
    )
    seconds = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        names = [{"id": i, "name": name} for i, name in enumerate(images.class_names)]
        written = deploy(made.student, Path(folder) / "student.onnx", labels=names)
        pictures = [np.array(decode_rgb(images.image_bytes(int(row))).image) for row in tested]
        said = student_probabilities(written.path, pictures).argmax(axis=1)
    wanted = head.probabilities(torch.from_numpy(vectors[tested])).argmax(dim=1).numpy()
    right = [(answers == labels[tested]).astype(np.float64) for answers in (said, wanted)]
    gap = paired_difference(right[0], right[1], seed=0).interval
    return {
        "encoder": args.encoder,
        "classes": len(images.class_names),
        "teacher": round(100 * float(right[1].mean()), 2),
        "student": round(100 * float(right[0].mean()), 2),
        "difference": [round(100 * value, 2) for value in (gap.value, gap.low, gap.high)],
        "agreement": round(100 * float((said == wanted).mean()), 2),
        "size_bytes": written.size_bytes,
        "largest_difference": written.largest_difference,
        "milliseconds_per_image": round(written.milliseconds_per_image, 2),
        "seconds": round(seconds, 1),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench student", description=__doc__)
    add_data_arguments(parser)
    parser.add_argument("--encoder", default="demo", help="of the teacher: a name or a JSON specification")
    parser.add_argument("--head", default="default", help="kind of the teacher")
    for name, value in (("shots", 20), ("shown", 8000), ("tested", 2000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER, help="folder of kept vectors")
    parser.add_argument("--json", action="store_true", help="one line instead of indented lines")
    return parser
