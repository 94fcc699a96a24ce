"""`python -m ml.train pmf`: fine-tune a trained learner on each task of another domain, against leaving it as
it is.
"""

import argparse
import collections
import time
from pathlib import Path
from typing import Any

import torch

from ml.episodes.sampler import EpisodeSampler
from ml.training.artefact import load_learner
from ml.training.augment import AUGMENTATIONS, named_augmentation
from ml.training.command import (
    add_image_arguments,
    add_run_arguments,
    data_spec,
    open_device,
    run_command,
    way_shot,
    write_record,
)
from ml.training.methods.pmf import RATES, FineTuning, finetune_gain, predict_finetuned
from ml.training.partition import load_partition
from ml.training.sources import Views, gather_episode


def main(argv: list[str]) -> int:
    return run_command(_parser(), argv, run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Paired accuracies of the plain and the fine-tuned learner on test classes."""
    device = open_device(args.device)
    learner, spec, normalization = load_learner(args.learner)
    learner.to(device)
    args.size, args.grey = spec.size, spec.channels == 1
    parts = load_partition(data_spec(args)).to(device)
    views = Views.build(parts.test, normalization, augmentation=AUGMENTATIONS["none"], seed=0)
    options = FineTuning(
        normalization, named_augmentation(args.augment), steps=args.finetune_steps, rates=tuple(args.rates)
    )
    generator = torch.Generator(device).manual_seed(args.seed)
    results = []
    for text in args.test:
        ways, shots = way_shot(text)
        sampler = EpisodeSampler(
            parts.test.labels, n_way=ways, k_shot=shots, n_query=args.test_queries, seed=args.seed + 2
        )
        results.append(_compare(learner, views, sampler, options=options, generator=generator, args=args))
    write_record(args, device=device, record={"results": results, "learner": str(args.learner)})
    return {"name": args.name, "results": results}


def _compare(
    learner: Any,
    views: Views,
    sampler: EpisodeSampler,
    *,
    options: FineTuning,
    generator: torch.Generator,
    args: argparse.Namespace,
) -> dict[str, Any]:
    plain: list[float] = []
    tuned: list[float] = []
    rates: collections.Counter[float] = collections.Counter()
    started = time.monotonic()
    for _ in range(args.episodes):
        if args.minutes and time.monotonic() - started > args.minutes * 60:
            break
        episode = gather_episode(views, sampler.sample())
        probabilities, choice = predict_finetuned(learner, episode, options=options, generator=generator)
        rates[choice.rate] += 1
        for scores, answer in ((plain, learner.predict(episode)), (tuned, probabilities)):
            scores.append(float((answer.argmax(-1) == episode.query_labels).float().mean()))
    gain, ci95 = finetune_gain(plain, tuned)
    return {
        "n_way": sampler.n_way,
        "k_shot": sampler.k_shot,
        "episodes": len(plain),
        "plain": round(sum(plain) / len(plain), 5),
        "tuned": round(sum(tuned) / len(tuned), 5),
        "gain": round(gain, 5),
        "gain_ci95": round(ci95, 5),
        "rates": {str(rate): count for rate, count in sorted(rates.items())},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.train pmf", description=__doc__)
    add_image_arguments(parser)
    add_run_arguments(parser, name="pmf")
    add = parser.add_argument
    add("--learner", type=Path, required=True, help="weights that `episodes` or `pretrain` wrote")
    add("--augment", choices=sorted(AUGMENTATIONS), default="drawing")
    add("--rates", type=float, nargs="+", default=list(RATES))
    add("--finetune-steps", type=int, default=40)
    add("--episodes", type=int, default=200)
    add("--minutes", type=float, default=0.0, help="fewer episodes if time runs out (for each test)")
    add("--test-queries", type=int, default=15)
    add("--test", nargs="*", default=["5w5s"])
    return parser
