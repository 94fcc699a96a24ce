"""`python -m ml.train episodes`: meta-train a learner on some classes, choose it on others, score it on new
ones.
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from ml.episodes.sampler import EpisodeSampler
from ml.errors import ConfigError
from ml.training.artefact import load_learner, save_learner
from ml.training.augment import AUGMENTATIONS, named_augmentation
from ml.training.callbacks import PrintProgress
from ml.training.command import (
    add_image_arguments,
    add_run_arguments,
    data_spec,
    open_device,
    run_command,
    way_shot,
    write_record,
)
from ml.training.curriculum import EpisodeShape, semantic_curriculum, ways_curriculum
from ml.training.episode import EpisodeLearner
from ml.training.evaluate import score_episodes
from ml.training.loop import TrainOptions, train
from ml.training.methods.pmf import finetune_gain
from ml.training.methods.registry import METHODS, LearnerSpec, build_learner
from ml.training.networks import NETWORKS
from ml.training.networks.encoder import EncoderNetwork
from ml.training.partition import Partition, load_partition
from ml.training.schedules import Schedule
from ml.training.scores import EpisodeScores
from ml.training.sources import EpisodeSource, Stage, Views
from ml.training.store import ImageStore

VALIDATION_EPISODES = 200
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def main(argv: list[str]) -> int:
    return run_command(_parser(), argv, run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train, score on test classes and write `<name>.safetensors` and `<name>.json` under `args.out`."""
    device = open_device(args.device)
    data = data_spec(args)
    parts = load_partition(data).to(device)
    spec = _learner_spec(args, channels=data.channels)
    learner = _start(args, spec=spec)
    if isinstance(learner.network, EncoderNetwork):
        parts = replace(parts, normalization=learner.network.normalization)
    learner = learner.to(device).to(memory_format=torch.channels_last)
    augmentation = named_augmentation(args.augment)
    views = Views.build(parts.train, parts.normalization, augmentation=augmentation, seed=args.seed)
    before = [_test(learner, parts, text=text, args=args) for text in args.test] if args.before else []
    report = train(
        learner,
        source=EpisodeSource(views, _stages(args, parts.train), episodes_per_step=args.episodes_per_step),
        options=_options(args),
        evaluate=lambda model: {"score": _validate(model, parts.val, parts=parts, args=args)},
        callbacks=[PrintProgress(args.name)],
        checkpoint=args.out / f"{args.name}.run.safetensors" if args.resume else None,
    )
    after = [_test(learner, parts, text=text, args=args) for text in args.test]
    results = [_result(text, scores, args=args) for text, scores in zip(args.test, after, strict=True)]
    for result, old, new in zip(results, before, after, strict=False):
        gain, reach = finetune_gain(old.accuracies.tolist(), new.accuracies.tolist())
        result |= {"before": round(old.accuracy, 5), "gain": round(gain, 5), "gain_ci95": round(reach, 5)}
    record = {"results": results, "transductive": learner.transductive, "training": asdict(report)}
    write_record(args, device=device, record=record)
    weights = args.out / f"{args.name}.safetensors"
    save_learner(weights, learner, spec=spec, normalization=parts.normalization, half=args.half)
    return {"name": args.name, "results": results, "steps": report.step, "seconds": round(report.seconds, 1)}


def _start(args: argparse.Namespace, *, spec: LearnerSpec) -> EpisodeLearner:
    """A fresh learner, or with `--init` one whose network starts from a trained learner's.

    Running statistics are left out where the network has none (MAML's normalisation looks at the support set alone).
    """
    learner = build_learner(spec)
    if args.init:
        trained, given, _ = load_learner(args.init)
        network = learner.get_submodule("network")
        wanted, weights = network.state_dict(), trained.get_submodule("network").state_dict()
        weights = {name: w for name, w in weights.items() if name in wanted or not name.endswith(STATISTICS)}
        shapes = [{name: w.shape for name, w in state.items()} for state in (wanted, weights)]
        if shapes[0] != shapes[1] or given.size != spec.size:
            raise ConfigError(f"{args.init} holds a {given.network} for {given.size} px: choose the same here")
        network.load_state_dict(weights)
    return learner


def _validate(model: Any, store: ImageStore, *, parts: Partition, args: argparse.Namespace) -> float:
    """Accuracy on validation classes; the same episodes every time, so that scores can be compared."""
    ways = min(args.ways, len(store.class_names))
    sampler = EpisodeSampler(
        store.labels, n_way=ways, k_shot=args.shots, n_query=args.validation_queries, seed=args.seed + 1
    )
    views = _plain_views(store, parts)
    return score_episodes(model, views=views, sampler=sampler, episodes=args.validation_episodes).accuracy


def _test(learner: EpisodeLearner, parts: Partition, *, text: str, args: argparse.Namespace) -> EpisodeScores:
    """The same episodes every time, so that two learners can be compared on each."""
    ways, shots = way_shot(text)
    sampler = EpisodeSampler(parts.test.labels, n_way=ways, k_shot=shots, n_query=args.test_queries, seed=args.seed + 2)
    return score_episodes(learner, views=_plain_views(parts.test, parts), sampler=sampler, episodes=args.test_episodes)


def _result(text: str, scores: EpisodeScores, *, args: argparse.Namespace) -> dict[str, Any]:
    ways, shots = way_shot(text)
    return {
        "n_way": ways,
        "k_shot": shots,
        "queries": args.test_queries,
        "episodes": args.test_episodes,
        "accuracy": round(scores.accuracy, 5),
        "ci95": round(scores.ci95, 5),
    }


def _plain_views(store: ImageStore, parts: Partition) -> Views:
    return Views.build(store, parts.normalization, augmentation=AUGMENTATIONS["none"], seed=0)


def _stages(args: argparse.Namespace, store: ImageStore) -> list[Stage]:
    ways = args.train_ways or args.ways
    episodes = EpisodeShape(n_way=ways, k_shot=args.shots, n_query=args.queries, seed=args.seed + 10)
    if args.curriculum == "ways":
        return ways_curriculum(store, episodes)
    if args.curriculum == "semantic":
        return semantic_curriculum(store, episodes)
    return [Stage(episodes.sampler(store))]


def _options(args: argparse.Namespace) -> TrainOptions:
    return TrainOptions(
        steps=args.steps,
        learning_rate=args.learning_rate,
        optimizer=args.optimizer,
        weight_decay=args.weight_decay,
        schedule=Schedule(args.schedule, warmup=args.warmup, every=args.decay_every),
        evaluate_every=args.evaluate_every,
        patience=args.patience,
        clip_norm=args.clip_norm,
        minutes=args.minutes,
        precision=args.precision,
        log_every=max(1, min(500, args.steps // 4)),
        evaluate_first=args.init is not None,
        graph=args.graph,
    )


def _learner_spec(args: argparse.Namespace, *, channels: int) -> LearnerSpec:
    return LearnerSpec(
        method=args.method,
        network=args.network,
        channels=channels,
        size=args.size,
        seed=args.seed,
        inner_rate=args.inner_rate,
        inner_steps=args.inner_steps,
        transductive=args.transductive,
        tuning=args.tune,
        rank=args.rank,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.train episodes", description=__doc__)
    add = parser.add_argument
    add_image_arguments(parser)
    add_run_arguments(parser, name="episodes")
    add("--method", choices=sorted(METHODS), default="protonet")
    add("--network", default="conv4", help=f"{', '.join(sorted(NETWORKS))} or encoder:NAME")
    add("--tune", choices=["all", "last-block", "lora", "none"], default="all", help="which part of the network")
    add("--rank", type=int, default=4, help="of LoRA")
    add("--augment", choices=sorted(AUGMENTATIONS), default="none")
    add("--inner-rate", type=float, default=0.05)
    add("--inner-steps", type=int, default=5)
    add("--transductive", action="store_true", help="MAML: normalise queries by each other, as published")
    add("--ways", type=int, default=5, help="ways of validation, and of training unless --train-ways")
    add("--train-ways", type=int, default=0)
    add("--shots", type=int, default=1)
    add("--queries", type=int, default=15, help="queries a class in training episodes")
    add("--curriculum", choices=["ways", "semantic"], help="from few ways to all, or from far classes to near ones")
    add("--episodes-per-step", type=int, default=1)
    add("--steps", type=int, default=10_000)
    add("--minutes", type=float, default=0.0, help="end after this time, decaying the rate accordingly")
    add("--learning-rate", type=float, default=1e-3)
    add("--optimizer", choices=["adam", "sgd"], default="adam")
    add("--weight-decay", type=float, default=0.0)
    add("--schedule", choices=["constant", "cosine", "step", "plateau"], default="step")
    add("--decay-every", type=int, default=2000, help="steps between halvings of the step schedule")
    add("--warmup", type=int, default=0)
    add("--clip-norm", type=float, default=0.0)
    add("--precision", choices=["float32", "bfloat16"], default="float32")
    add("--evaluate-every", type=int, default=500)
    add("--validation-episodes", type=int, default=VALIDATION_EPISODES)
    add("--validation-queries", type=int, default=5)
    add("--patience", type=int, default=0, help="evaluations without progress before stopping; 0 never")
    add("--test", nargs="*", default=["5w1s", "5w5s"], help='such as "5w1s 20w5s"')
    add("--test-queries", type=int, default=15)
    add("--test-episodes", type=int, default=600)
    add("--before", action="store_true", help="score the untouched network too, on the same test episodes")
    add("--resume", action="store_true", help="keep a checkpoint and go on from it")
    add("--init", type=Path, help="start from the network of this trained learner")
    add("--graph", action="store_true", help="replay the step as a CUDA graph (GPU, Adam, no curriculum)")
    add("--half", action="store_true", help="store float16 weights")
    return parser
