"""`python -m ml.train distill`: a small student of an encoder, or of a head on it, exported to ONNX and checked."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from ml.data.labelled import LabelledImages, add_data_arguments, from_arguments
from ml.encoders import load_encoder
from ml.episodes.sampler import EpisodeSampler
from ml.heads import Examples, Head, fit_head
from ml.training.augment import AUGMENTATIONS, named_augmentation
from ml.training.callbacks import PrintProgress
from ml.training.command import add_run_arguments, open_device, run_command, write_record
from ml.training.distillation import Student, TeacherSource, export_student
from ml.training.loop import TrainOptions, train
from ml.training.networks import NETWORKS, build_network
from ml.training.schedules import Schedule
from ml.training.sources import BatchSource, Views
from ml.training.store import ImageStore, Normalization, decode_store

HELD_OUT = 0.2


def main(argv: list[str]) -> int:
    return run_command(_parser(), argv, run)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train on four fifths of the images, without their labels but for the head's shots; judge on the rest."""
    device = open_device(args.device)
    labelled = from_arguments(args)
    store = decode_store(labelled, size=args.size, channels=1 if args.grey else 3)
    order = np.random.default_rng(args.seed).permutation(len(store))
    cut = round(len(order) * HELD_OUT)
    judged, taught = (
        ImageStore(store.images[rows], store.labels[rows], store.class_names) for rows in (order[:cut], order[cut:])
    )
    vectors = torch.from_numpy(load_encoder(args.encoder, device=device).encode_images(_images(labelled)))
    head = _teacher_head(vectors[order[cut:]], taught, args=args) if args.target == "probabilities" else None
    answers = vectors if head is None else head.logits(vectors) / head.temperature

    normalization = taught.statistics()
    student = _build(args, outputs=answers.shape[1]).to(device)
    views = Views.build(taught.to(device), normalization, augmentation=named_augmentation(args.augment), seed=args.seed)
    report = train(
        student,
        source=TeacherSource(BatchSource(views, batch_size=args.batch_size, seed=args.seed), answers[order[cut:]]),
        options=TrainOptions(
            steps=args.steps,
            learning_rate=args.learning_rate,
            schedule=Schedule("cosine"),
            minutes=args.minutes,
            log_every=max(1, min(200, args.steps // 4)),
        ),
        callbacks=[PrintProgress(args.name)],
    )
    results = _judge(student, judged.to(device), answers[order[:cut]], normalization=normalization, target=args.target)
    args.out.mkdir(parents=True, exist_ok=True)
    save_file(
        {n: t.detach().cpu().contiguous() for n, t in student.state_dict().items()},
        args.out / f"{args.name}.safetensors",
    )
    exported = export_student(
        student,
        args.out / f"{args.name}.onnx",
        normalization=normalization,
        channels=store.channels,
        size=store.size,
        seed=args.seed,
    )
    results |= {name: value for name, value in asdict(exported).items() if name != "path"}
    write_record(args, device=device, record={"results": [results], "training": asdict(report)})
    return {"name": args.name, **results}


def _images(labelled: LabelledImages) -> Iterator[bytes]:
    for batch in labelled.batches(256):
        yield from batch


def _teacher_head(vectors: Tensor, taught: ImageStore, *, args: argparse.Namespace) -> Head:
    """A head fitted on `shots` labelled images a class: all the labels that this command looks at."""
    n_classes = len(taught.class_names)
    sampler = EpisodeSampler(taught.labels, n_way=n_classes, k_shot=args.shots, n_query=0, seed=args.seed)
    rows = sampler.sample().support[0].ravel()
    examples = Examples.of(vectors[rows], taught.labels[rows], n_classes=n_classes)
    return fit_head(args.head, examples, seed=args.seed)


def _build(args: argparse.Namespace, *, outputs: int) -> Student:
    network = build_network(args.student, channels=1 if args.grey else 3, size=args.size, seed=args.seed)
    dimension = int(network.dimension)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(args.seed + 1)
    return Student(network, dimension=dimension, outputs=outputs, target=args.target, generator=generator)


@torch.no_grad()
def _judge(
    student: Student, judged: ImageStore, answers: Tensor, *, normalization: Normalization, target: str
) -> dict[str, Any]:
    """On images that nobody learnt from: the student beside its teacher."""
    views = Views.build(judged, normalization, augmentation=AUGMENTATIONS["none"], seed=0)
    rows = torch.arange(len(judged), device=judged.device)
    said = torch.cat([student(views.take(part)).cpu() for part in torch.tensor_split(rows, max(1, len(rows) // 512))])
    if target == "vectors":
        return {"mean_cosine": round(float((said * answers.cpu()).sum(dim=1).mean()), 4), "images": len(judged)}
    truth = torch.from_numpy(judged.labels)
    teacher, guess = answers.cpu().argmax(dim=1), said.argmax(dim=1)
    shares = {
        "student_accuracy": guess == truth,
        "teacher_accuracy": teacher == truth,
        "agreement": guess == teacher,
    }
    return {name: round(float(hits.float().mean()), 4) for name, hits in shares.items()} | {"images": len(judged)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.train distill", description=__doc__)
    add_data_arguments(parser)
    add_run_arguments(parser, name="student")
    add = parser.add_argument
    add("--encoder", required=True, help="the teacher, or what its head stands on")
    add("--target", choices=["probabilities", "vectors"], default="probabilities", help="imitate a head or the encoder")
    add("--head", default="default", help="kind of the head to imitate")
    add("--shots", type=int, default=16, help="labelled images a class for the head")
    add("--student", choices=sorted(NETWORKS), default="conv4")
    add("--size", type=int, default=32, help="pixels a side that the student sees")
    add("--grey", action="store_true")
    add("--augment", choices=sorted(AUGMENTATIONS), default="photo")
    add("--batch-size", type=int, default=128)
    add("--steps", type=int, default=3000)
    add("--minutes", type=float, default=0.0)
    add("--learning-rate", type=float, default=1e-3)
    return parser
