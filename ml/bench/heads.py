"""`python -m ml.bench heads`: every head at several shots on the same episodes, as a Markdown table."""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from ml.bench.episodes import CENTERS, background_of, vectors_of
from ml.data.labelled import add_data_arguments, from_arguments
from ml.data.vectors import CACHE_FOLDER
from ml.encoders import load_encoder
from ml.episodes import EpisodeSampler
from ml.evaluation.episodes import EpisodeResults, evaluate_head
from ml.evaluation.intervals import paired_difference

HEADS = "default,prototypes,prototypes-euclidean,tip-adapter,knn,logistic"


def main(argv: Sequence[str]) -> int:
    """Measure and print; a line goes to stderr as each cell is done."""
    args = _parser().parse_args(argv)
    results = measure(args)
    print(as_markdown(results))
    return 0


def measure(args: argparse.Namespace) -> dict[str, dict[int, EpisodeResults]]:
    """Results by head and shots; every head meets the same episodes."""
    images = from_arguments(args)
    encoder = load_encoder(args.encoder, device=args.device)
    vectors = vectors_of(images, encoder, cache=args.cache)
    background = background_of(args, vectors, encoder)
    heads, shots = args.heads.split(","), [int(k) for k in args.shots.split(",")]
    results: dict[str, dict[int, EpisodeResults]] = {head: {} for head in heads}
    for k in shots:
        sampler = EpisodeSampler(images.labels, n_way=args.ways, k_shot=k, n_query=args.queries, seed=args.seed)
        episodes = sampler.sample_batch(args.episodes)
        for head in heads:
            found = evaluate_head(head, vectors, episodes, background=background, seed=args.seed)
            results[head][k] = found
            print(f"{head} {k}-shot: {_cell(found)}", file=sys.stderr, flush=True)
    return results


def as_markdown(results: dict[str, dict[int, EpisodeResults]]) -> str:
    """Accuracy ± 95 % interval (calibration error), in percent; last row: default minus the best other, paired.

    A head that answers as the default in every episode is the one that it chose, and no other.
    """
    shots = list(next(iter(results.values())))
    lines = ["| head | " + " | ".join(f"{k}" for k in shots) + " |", "|---" * (len(shots) + 1) + "|"]
    lines += [f"| {head} | " + " | ".join(_cell(cells[k]) for k in shots) + " |" for head, cells in results.items()]
    if "default" in results and len(results) > 1:
        lines.append("| default − best other | " + " | ".join(_lead(results, k) for k in shots) + " |")
    return "\n".join(lines)


def _cell(found: EpisodeResults) -> str:
    accuracy = found.accuracy
    return f"{100 * accuracy.value:.1f} ± {100 * accuracy.half_width:.1f} ({100 * found.calibration_error:.1f})"


def _lead(results: dict[str, dict[int, EpisodeResults]], shots: int) -> str:
    ours = results["default"][shots].accuracies
    others = [cells[shots] for cells in results.values() if not np.array_equal(cells[shots].accuracies, ours)]
    if not others:
        return ""
    best = max(others, key=lambda found: found.accuracy.value)
    lead = paired_difference(ours, best.accuracies, seed=0).interval
    return f"{100 * lead.value:+.1f} [{100 * lead.low:+.1f}, {100 * lead.high:+.1f}]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench heads", description=__doc__)
    add_data_arguments(parser)
    parser.add_argument("--encoder", required=True, help="name or JSON specification of an encoder")
    parser.add_argument("--heads", default=HEADS, help="kinds, separated by commas")
    parser.add_argument("--shots", default="1,2,4,8,16", help="separated by commas")
    for name, value in (("ways", 5), ("queries", 15), ("episodes", 600), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--center", choices=CENTERS, default="pool")
    parser.add_argument("--background-split", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cache", default=CACHE_FOLDER, help="folder of kept vectors")
    return parser
