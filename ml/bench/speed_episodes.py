"""`python -m ml.bench speed_episodes`: few-shot episodes on cached embeddings, beside easyfsl doing the same."""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ml.episodes.sampler import EpisodeSampler
from ml.training.features import score_feature_episodes
from ml.types import IntArray

REPEATS = 5


def main(argv: list[str]) -> int:
    args = _parser().parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    features, labels = make_embeddings(classes=args.classes, each=args.items, dimension=args.dimension, seed=args.seed)
    ours_s, ours = _time(lambda: _ours(features, labels, args=args), repeats=REPEATS)
    result: dict[str, Any] = {
        "episodes": args.episodes,
        "n_way": args.ways,
        "k_shot": args.shots,
        "queries": args.queries,
        "dimension": args.dimension,
        "threads": torch.get_num_threads(),
        "seconds": round(ours_s, 4),
        "accuracy": round(ours, 4),
    }
    try:
        theirs_s, theirs = _time(lambda: _easyfsl(features, labels, args=args), repeats=2)
    except ImportError:
        result["easyfsl_seconds"] = None
    else:
        result |= {"easyfsl_seconds": round(theirs_s, 4), "easyfsl_accuracy": round(theirs, 4)}
        result["times_faster"] = round(theirs_s / ours_s, 1)
    print(json.dumps(result))
    return 0


def make_embeddings(*, classes: int, each: int, dimension: int, seed: int) -> tuple[Tensor, IntArray]:
    """Unit vectors around random class directions: (classes · each, dimension) float32 and their labels."""
    generator = torch.Generator().manual_seed(seed)
    centers = torch.randn((classes, 1, dimension), generator=generator)
    noise = torch.randn((classes, each, dimension), generator=generator)
    vectors = nn.functional.normalize((centers + 3 * noise).flatten(0, 1), dim=1)
    return vectors, np.repeat(np.arange(classes), each)


def _ours(features: Tensor, labels: IntArray, *, args: argparse.Namespace) -> float:
    scores = score_feature_episodes(
        features,
        labels,
        n_way=args.ways,
        k_shot=args.shots,
        n_query=args.queries,
        episodes=args.episodes,
        seed=args.seed,
        transform="raw",
    )
    return scores.accuracy


def _easyfsl(features: Tensor, labels: IntArray, *, args: argparse.Namespace) -> float:
    """The library's classifier and scoring, one episode after another as it is built to work.

    Its own task sampler does not start under current torch, so episodes come from ours, which costs it nothing.
    """
    from easyfsl.methods import PrototypicalNetworks
    from easyfsl.utils import evaluate_on_one_task

    sampler = EpisodeSampler(labels, n_way=args.ways, k_shot=args.shots, n_query=args.queries, seed=args.seed)
    indices = sampler.sample_batch(args.episodes)
    support_labels = torch.arange(args.ways).repeat_interleave(args.shots)
    query_labels = torch.arange(args.ways).repeat_interleave(args.queries)
    model = PrototypicalNetworks(nn.Identity()).eval()
    right = total = 0
    with torch.no_grad():
        for support, query in zip(indices.support, indices.query, strict=True):
            support_items, query_items = features[support.ravel()], features[query.ravel()]
            scored = evaluate_on_one_task(model, support_items, support_labels, query_items, query_labels)
            right, total = right + scored[0], total + scored[1]
    return right / total


def _time(call: Callable[[], float], *, repeats: int) -> tuple[float, float]:
    """Median seconds after one warm-up, and the last answer."""
    answer = call()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        answer = call()
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)), answer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench speed_episodes", description=__doc__)
    add = parser.add_argument
    add("--episodes", type=int, default=600)
    add("--ways", type=int, default=5)
    add("--shots", type=int, default=1)
    add("--queries", type=int, default=15)
    add("--dimension", type=int, default=512)
    add("--classes", type=int, default=100)
    add("--items", type=int, default=100, help="embeddings a class")
    add("--threads", type=int, default=1, help="0 leaves torch's choice")
    add("--seed", type=int, default=0)
    add("--json", action="store_true", help="the only output there is; accepted for symmetry")
    return parser
