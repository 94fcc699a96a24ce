"""`python -m ml.bench episodes`: few-shot accuracy of an encoder with a head on labelled images."""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ml.data.labelled import LabelledImages, add_data_arguments, from_arguments, load_labelled
from ml.data.vectors import CACHE_FOLDER, cached_vectors, progress_lines
from ml.encoders import Encoder, load_encoder
from ml.encoders.prompts import class_text_vectors
from ml.episodes import EpisodeSampler
from ml.evaluation.confusion import class_distances
from ml.evaluation.episodes import EpisodeResults, evaluate_head
from ml.heads import KINDS

CENTERS = ("pool", "support", "none")


def main(argv: Sequence[str]) -> int:
    """Measure and print; returns the exit status."""
    args = _parser().parse_args(argv)
    report = measure(args)
    print(json.dumps(report, indent=None if args.json else 2))
    return 0


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """One report; every accuracy, error and interval lies in [0, 1]."""
    images = from_arguments(args)
    encoder = load_encoder(args.encoder, device=args.device)
    vectors = vectors_of(images, encoder, cache=args.cache)
    background = background_of(args, vectors, encoder)
    started = time.perf_counter()
    episodes = EpisodeSampler(
        images.labels, n_way=args.ways, k_shot=args.shots, n_query=args.queries, seed=args.seed
    ).sample_batch(args.episodes)
    text = _text(images, encoder) if encoder.has_text and args.head in ("zero-shot", "text-prototypes") else None
    results = evaluate_head(
        args.head,
        vectors,
        episodes,
        background=background,
        text=text,
        text_scale=encoder.logit_scale or 100.0,
        seed=args.seed,
    )
    seconds = round(time.perf_counter() - started, 3)
    return {**_report(args, results, images=images, vectors=vectors), "seconds": seconds}


def _report(
    args: argparse.Namespace, results: EpisodeResults, *, images: LabelledImages, vectors: Tensor
) -> dict[str, Any]:
    accuracy = results.accuracy
    distances = class_distances(vectors.cpu().numpy(), images.labels)
    report = {
        "accuracy": accuracy.value,
        "ci95": accuracy.half_width,
        "n_way": args.ways,
        "k_shot": args.shots,
        "episodes": args.episodes,
        "encoder": args.encoder,
        "head": args.head,
        "n_query": args.queries,
        "seed": args.seed,
        "center": args.background_split or args.center,
        "ece": results.calibration_error,
        "chance": 1 / args.ways,
        "intra_distance": distances.intra,
        "inter_distance": distances.inter,
        "distance_ratio": distances.ratio,
        "images": len(images),
        "classes": len(images.class_names),
    }
    if args.confusion:
        report["class_names"] = list(images.class_names)
        report["confusion"] = results.confusion(n_classes=len(images.class_names)).tolist()
    return report


def vectors_of(images: LabelledImages, encoder: Encoder, *, cache: Path) -> Tensor:
    """Unit vectors (n, D) of the images on the encoder's device, kept in `cache`, with progress on stderr."""
    found = cached_vectors(images, encoder, folder=cache, progress=progress_lines("embedding"))
    return torch.from_numpy(found).to(encoder.device)


def background_of(args: argparse.Namespace, vectors: Tensor, encoder: Encoder) -> Tensor | None:
    """The mean that heads center on: other classes' where they are named, else the unlabelled pool's."""
    if args.background_split:
        others = load_labelled(args.data, label_columns=args.label_column, split=args.background_split)
        return vectors_of(others, encoder, cache=args.cache).mean(dim=0)
    if args.center == "support":
        return None
    return torch.zeros_like(vectors[0]) if args.center == "none" else vectors.mean(dim=0)


def _text(images: LabelledImages, encoder: Encoder) -> Tensor:
    names = [name.replace("_", " ") for name in images.class_names]
    return torch.from_numpy(class_text_vectors(encoder, names)).to(encoder.device)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench episodes", description=__doc__)
    add_data_arguments(parser)
    parser.add_argument("--encoder", required=True, help="name or JSON specification of an encoder")
    parser.add_argument("--head", default="default", choices=KINDS)
    for name, value in (("ways", 5), ("shots", 1), ("queries", 15), ("episodes", 600), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument(
        "--center", choices=CENTERS, default="pool", help="mean to subtract: of all images (no label is read), …"
    )
    parser.add_argument(
        "--background-split", action="append", default=[], metavar="COLUMN=VALUE", help="center on these rows instead"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache", type=Path, default=CACHE_FOLDER, help="folder of kept vectors")
    parser.add_argument("--confusion", action="store_true", help="add the confusion matrix")
    parser.add_argument("--json", action="store_true", help="one line instead of indented lines")
    return parser
