"""`python -m ml.train selfsupervised`: train a network on images without labels; labels only judge it afterwards."""

import argparse
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from ml.training.artefact import save_learner
from ml.training.augment import AUGMENTATIONS, named_augmentation
from ml.training.callbacks import PrintProgress
from ml.training.command import (
    add_image_arguments,
    add_run_arguments,
    data_spec,
    open_device,
    run_command,
    write_record,
)
from ml.training.features import embed_store, knn_accuracy
from ml.training.loop import TrainOptions, train
from ml.training.methods.prototypical import PrototypicalNetwork
from ml.training.methods.registry import LearnerSpec
from ml.training.methods.selfsupervised import TASKS, build_task
from ml.training.networks import NETWORKS, build_network
from ml.training.partition import Partition, load_partition
from ml.training.schedules import Schedule
from ml.training.sources import BatchSource, Views
from ml.training.store import ImageStore


def main(argv: list[str]) -> int:
    return run_command(_parser(), argv, run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Neighbour accuracy on test classes of raw pixels, of the untrained and of the trained network."""
    device = open_device(args.device)
    data = data_spec(args)
    parts = load_partition(data).to(device)
    network = build_network(args.network, channels=data.channels, size=args.size, seed=args.seed)
    dimension = int(network.dimension)  # type: ignore[arg-type]
    network = network.to(device).to(memory_format=torch.channels_last)
    task = build_task(
        args.task, network, dimension=dimension, channels=data.channels, size=args.size, seed=args.seed + 1
    ).to(device)
    results = {"pixels": _judge(_pixels(parts.test), parts.test, args=args), "untrained": _score(network, parts, args)}
    augmentation = named_augmentation(args.augment)
    views = Views.build(parts.train, parts.normalization, augmentation=augmentation, seed=args.seed)
    report = train(
        task,
        source=BatchSource(views, batch_size=args.batch_size, seed=args.seed + 2, views_per_image=task.views),
        options=TrainOptions(
            steps=args.steps,
            learning_rate=args.learning_rate,
            weight_decay=args.weight_decay,
            schedule=Schedule("cosine", warmup=min(100, args.steps // 10)),
            evaluate_every=args.evaluate_every,
            minutes=args.minutes,
            precision=args.precision,
            log_every=max(1, min(200, args.steps // 4)),
        ),
        evaluate=lambda model: {"score": _val_score(model.get_submodule("network"), parts, args)},
        callbacks=[PrintProgress(args.name)],
        checkpoint=args.out / f"{args.name}.run.safetensors" if args.resume else None,
    )
    results["trained"] = _score(network, parts, args)
    write_record(args, device=device, record={"results": results, "training": asdict(report)})
    learner = PrototypicalNetwork(network, metric="cosine")
    spec = LearnerSpec("protonet-cosine", args.network, data.channels, args.size, args.seed)
    save_learner(args.out / f"{args.name}.safetensors", learner, spec=spec, normalization=parts.normalization)
    return {"name": args.name, "task": args.task, "results": results}


def _pixels(store: ImageStore) -> Tensor:
    pixels = store.images.flatten(1).float()
    return pixels - pixels.mean(dim=0)


def _score(network: nn.Module, parts: Partition, args: argparse.Namespace) -> dict[str, float]:
    return _judge(_embed(network, parts.test, parts), parts.test, args=args)


def _val_score(network: nn.Module, parts: Partition, args: argparse.Namespace) -> float:
    return _judge(_embed(network, parts.val, parts), parts.val, args=args)["accuracy"]


def _embed(network: nn.Module, store: ImageStore, parts: Partition) -> Tensor:
    views = Views.build(store, parts.normalization, augmentation=AUGMENTATIONS["none"], seed=0)
    features = embed_store(network, views).flatten(1)
    return features - features.mean(dim=0)


def _judge(features: Tensor, store: ImageStore, *, args: argparse.Namespace) -> dict[str, float]:
    accuracy, ci95 = knn_accuracy(features, store.labels, neighbours=args.neighbours, seed=args.seed)
    return {"accuracy": round(accuracy, 5), "ci95": round(ci95, 5)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.train selfsupervised", description=__doc__)
    add_image_arguments(parser)
    add_run_arguments(parser, name="selfsupervised")
    add = parser.add_argument
    add("--task", choices=sorted(TASKS), default="contrastive")
    add("--network", choices=sorted(NETWORKS), default="conv4")
    add("--augment", choices=sorted(AUGMENTATIONS), default="contrast")
    add("--steps", type=int, default=5000)
    add("--minutes", type=float, default=0.0)
    add("--batch-size", type=int, default=256)
    add("--learning-rate", type=float, default=1e-3)
    add("--weight-decay", type=float, default=1e-4)
    add("--precision", choices=["float32", "bfloat16"], default="float32")
    add("--evaluate-every", type=int, default=500)
    add("--neighbours", type=int, default=20)
    add("--resume", action="store_true", help="keep a checkpoint and go on from it")
    return parser
