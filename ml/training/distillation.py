"""A small student of a head or an encoder, and its export to ONNX, checked where it will run."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.errors import ArtefactError, ShapeError
from ml.training.methods.pretraining import soft_divergence
from ml.training.networks.conv4 import initialize
from ml.training.sources import Batch, BatchSource
from ml.training.store import Normalization

Target = Literal["probabilities", "vectors"]
LARGEST_DIFFERENCE = 1e-3


class Student(nn.Module):
    """A network and a linear layer that imitates a teacher's `outputs`: N class logits, or D-dimensional unit
    vectors.

    Its loss against probabilities is the softened divergence of Hinton et al. (2015); against vectors it is one minus
    the cosine.
    """

    def __init__(
        self, network: nn.Module, *, dimension: int, outputs: int, target: Target, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Linear(dimension, outputs)
        self.target = target
        initialize(self.head, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) normalised to (B, N) logits or (B, D) unit vectors."""
        answer = cast(Tensor, self.head(cast(Tensor, self.network(images)).flatten(1))).float()
        return F.normalize(answer, dim=1) if self.target == "vectors" else answer

    def loss(self, batch: Batch) -> Tensor:
        """`batch.labels` are the teacher's logits (B, N) or vectors (B, D)."""
        answer = self.forward(batch.images)
        if self.target == "vectors":
            return 1 - (answer * batch.labels).sum(dim=1).mean()
        return soft_divergence(answer, batch.labels)


class TeacherSource:
    """Batches whose labels are what a teacher said about each image: `answers` (S, N) or (S, D), by store row."""

    def __init__(self, source: BatchSource, answers: Tensor) -> None:
        if len(answers) != len(source.views.store):
            raise ShapeError(f"one answer an image is needed: {len(answers)} answers, {len(source.views.store)} images")
        self._source = source
        self._answers = answers.to(source.views.store.device)

    def next(self, progress: float) -> Batch:
        images, rows = self._source.next_rows()
        return Batch(images, self._answers[rows])

    def state(self) -> tuple[dict[str, Any], Tensor]:
        return self._source.state()

    def restore(self, state: dict[str, Any], generator_state: Tensor) -> None:
        self._source.restore(state, generator_state)


class _Deployed(nn.Module):
    """What is exported: pixels in [0, 1] in, class probabilities or unit vectors out."""

    def __init__(self, student: Student, normalization: Normalization) -> None:
        super().__init__()
        self.student = student
        mean, std = normalization.tensors("cpu")
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, images: Tensor) -> Tensor:
        answer = self.student.forward((images - self.get_buffer("mean")) / self.get_buffer("std"))
        return answer.softmax(dim=1) if self.student.target == "probabilities" else answer


@dataclass(frozen=True)
class ExportReport:
    """What was written and how it compares: the largest difference to PyTorch over random images, time an image."""

    path: Path
    size_bytes: int
    largest_difference: float
    milliseconds_per_image: float


def export_student(
    student: Student, path: Path, *, normalization: Normalization, channels: int, size: int, seed: int = 0
) -> ExportReport:
    """Write ONNX with a free batch size, run it in onnxruntime and compare.

    Input "images": (B, C, H, W) float32 in [0, 1]; output "answer". Raises ArtefactError where the exported model
    differs from PyTorch by more than 1e-3.
    """
    deployed = _Deployed(student.cpu().eval(), normalization).eval()
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand((4, channels, size, size), generator=generator)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        deployed,
        (images,),
        str(path),
        input_names=["images"],
        output_names=["answer"],
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return _compare(deployed, path, images=torch.rand((7, channels, size, size), generator=generator))


@torch.no_grad()
def _compare(deployed: nn.Module, path: Path, *, images: Tensor) -> ExportReport:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"images": images.numpy()})[0]
    difference = float(np.abs(answer - deployed(images).numpy()).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ArtefactError(
            f"the exported student differs from PyTorch by {difference:.2g}, more than {LARGEST_DIFFERENCE}: "
            "export it with the versions of constraints.txt"
        )
    started = time.perf_counter()
    for _ in range(5):
        session.run(None, {"images": images.numpy()})
    milliseconds = (time.perf_counter() - started) / 5 / len(images) * 1000
    return ExportReport(path, path.stat().st_size, difference, milliseconds)
