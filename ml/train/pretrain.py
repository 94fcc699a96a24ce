"""`python -m ml.train pretrain`: supervised pretraining on training classes, judged by episodes of new
classes.
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

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
from ml.training.features import FeatureTransform, embed_store, score_feature_episodes
from ml.training.loop import TrainOptions, train
from ml.training.methods.pretraining import Pretraining
from ml.training.methods.prototypical import PrototypicalNetwork
from ml.training.methods.registry import LearnerSpec
from ml.training.networks import NETWORKS, build_network
from ml.training.partition import Partition, load_partition
from ml.training.schedules import Schedule
from ml.training.sources import BatchSource, Views
from ml.training.store import ImageStore

CENTER_IMAGES = 10_000
"""Of so many training images, spread evenly, the mean is taken that "cl2n" subtracts."""
ROOT = "root-cl2n"
TRANSFORMS: tuple[FeatureTransform | str, ...] = ("raw", "l2", "cl2n", ROOT)


def main(argv: list[str]) -> int:
    return run_command(_parser(), argv, run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Generations of pretraining, then every transform scored on validation and on test classes."""
    device = open_device(args.device)
    data = data_spec(args)
    parts = load_partition(data).to(device)
    network, reports = _start(args, data_channels=data.channels, device=device), []
    teacher: Pretraining | None = None
    for generation in range(args.generations):
        if generation:
            seed = args.seed + generation
            network = build_network(args.network, channels=data.channels, size=args.size, seed=seed)
            network = network.to(device).to(memory_format=torch.channels_last)
        if args.steps:
            teacher, report = _generation(network, parts, args=args, teacher=teacher, generation=generation)
            reports.append(asdict(report))
    results = score_transforms(network, parts, args=args)
    write_record(args, device=device, record={"results": results, "training": reports})
    spec = LearnerSpec("protonet-cosine", args.network, data.channels, args.size, args.seed)
    learner = PrototypicalNetwork(network, metric="cosine")
    weights = args.out / f"{args.name}.safetensors"
    save_learner(weights, learner, spec=spec, normalization=parts.normalization, half=args.half)
    return {"name": args.name, "results": results}


def _start(args: argparse.Namespace, *, data_channels: int, device: torch.device) -> nn.Module:
    network = build_network(args.network, channels=data_channels, size=args.size, seed=args.seed)
    if args.init:
        trained, _, _ = load_learner(args.init)
        network.load_state_dict(trained.get_submodule("network").state_dict())
    return network.to(device).to(memory_format=torch.channels_last)


def _generation(
    network: nn.Module,
    parts: Partition,
    *,
    args: argparse.Namespace,
    teacher: Pretraining | None,
    generation: int,
) -> tuple[Pretraining, Any]:
    device = parts.train.device
    model = Pretraining(
        network,
        dimension=int(network.dimension),  # type: ignore[arg-type]
        n_classes=len(parts.train.class_names),
        rotation_weight=args.rotation_weight,
        turned_share=args.turned_share,
        smoothing=args.smoothing,
        teacher=teacher,
        generator=torch.Generator().manual_seed(args.seed + 100 + generation),
    ).to(device)
    augmentation = named_augmentation(args.augment)
    views = Views.build(parts.train, parts.normalization, augmentation=augmentation, seed=args.seed + generation)
    source = BatchSource(views, batch_size=args.batch_size, seed=args.seed + 200 + generation)
    options = TrainOptions(
        steps=args.steps,
        learning_rate=args.learning_rate,
        optimizer="sgd",
        weight_decay=args.weight_decay,
        schedule=Schedule("cosine", warmup=args.warmup),
        evaluate_every=args.evaluate_every,
        minutes=args.minutes / args.generations,
        precision=args.precision,
        log_every=max(1, min(200, args.steps // 4)),
    )
    report = train(
        model,
        source=source,
        options=options,
        evaluate=lambda m: {"score": _validate(m.get_submodule("network"), parts, args=args)},
        callbacks=[PrintProgress(f"{args.name}.{generation}")],
        checkpoint=args.out / f"{args.name}.{generation}.run.safetensors" if args.resume else None,
    )
    return model, report


def _validate(network: nn.Module, parts: Partition, *, args: argparse.Namespace) -> float:
    features = _embed(network, parts.val, parts=parts, args=args)
    scores = score_feature_episodes(
        features,
        parts.val.labels,
        n_way=min(5, len(parts.val.class_names)),
        k_shot=1,
        n_query=5,
        episodes=args.validation_episodes,
        seed=args.seed + 1,
        transform="l2",
    )
    return scores.accuracy


def score_transforms(network: nn.Module, parts: Partition, *, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Accuracy of each feature transform, with and without mirrored views, on validation and test classes.

    "root-cl2n" takes the square root of features, keeping their sign, before "cl2n" (Hu, Gripon and Pateux 2021): what
    ReLU and a mean leave is skewed, and prototypes want it less so.
    """
    results = []
    step = -(-len(parts.train) // CENTER_IMAGES)
    base = replace(parts.train, images=parts.train.images[::step], labels=parts.train.labels[::step])
    for flips in (False, True):
        trained = _embed(network, base, parts=parts, args=args, flips=flips)
        for part in ("val", "test"):
            store: ImageStore = getattr(parts, part)
            features = _embed(network, store, parts=parts, args=args, flips=flips)
            for transform in TRANSFORMS:
                seen, known = (
                    (signed_root(features), signed_root(trained)) if transform == ROOT else (features, trained)
                )
                plain = cast(FeatureTransform, "cl2n" if transform == ROOT else transform)
                about = {"part": part, "transform": transform, "flips": flips}
                results += _score_tests(seen, store, center=known.mean(dim=0), transform=plain, about=about, args=args)
    return results


def _score_tests(
    features: Tensor,
    store: ImageStore,
    *,
    center: Tensor,
    transform: FeatureTransform,
    about: dict[str, Any],
    args: argparse.Namespace,
) -> list[dict[str, Any]]:
    results = []
    for text in args.test:
        ways, shots = way_shot(text)
        scores = score_feature_episodes(
            features,
            store.labels,
            n_way=ways,
            k_shot=shots,
            n_query=args.test_queries,
            episodes=args.test_episodes,
            seed=args.seed + 2,
            transform=transform,
            center=center,
        )
        figures = {"accuracy": round(scores.accuracy, 5), "ci95": round(scores.ci95, 5)}
        results.append({**about, "n_way": ways, "k_shot": shots, "episodes": args.test_episodes, **figures})
    return results


def signed_root(features: Tensor) -> Tensor:
    """√|x| with the sign of x."""
    return features.abs().sqrt() * features.sign()


def _embed(
    network: nn.Module, store: ImageStore, *, parts: Partition, args: argparse.Namespace, flips: bool = False
) -> torch.Tensor:
    views = Views.build(store, parts.normalization, augmentation=AUGMENTATIONS["none"], seed=0)
    return embed_store(network, views, flips=flips, half=args.precision == "bfloat16")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.train pretrain", description=__doc__)
    add_image_arguments(parser)
    add_run_arguments(parser, name="pretrain")
    add = parser.add_argument
    add("--network", choices=sorted(NETWORKS), default="resnet12")
    add("--augment", choices=sorted(AUGMENTATIONS), default="photo")
    add("--init", type=Path, help="start from the network of this trained learner")
    add("--generations", type=int, default=1, help="each later one is distilled from the one before")
    add("--rotation-weight", type=float, default=1.0, help="0 trains on upright images alone")
    add("--turned-share", type=float, default=1.0, help="below 1: so many images are turned, each seen once")
    add("--smoothing", type=float, default=0.0, help="label smoothing in [0, 1)")
    add("--steps", type=int, default=20_000, help="0 only scores")
    add("--minutes", type=float, default=0.0, help="end after this time, decaying the rate accordingly")
    add("--batch-size", type=int, default=64)
    add("--learning-rate", type=float, default=0.05)
    add("--weight-decay", type=float, default=5e-4)
    add("--warmup", type=int, default=100)
    add("--precision", choices=["float32", "bfloat16"], default="float32")
    add("--evaluate-every", type=int, default=2000)
    add("--validation-episodes", type=int, default=600)
    add("--test", nargs="*", default=["5w1s", "5w5s"])
    add("--test-episodes", type=int, default=600)
    add("--test-queries", type=int, default=15)
    add("--resume", action="store_true", help="keep a checkpoint of each generation and go on from it")
    add("--half", action="store_true", help="store float16 weights")
    return parser
