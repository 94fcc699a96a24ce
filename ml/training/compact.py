"""A student small enough to take along: MobileNetV2's trunk, kept as it is, and a small network that learns to say
what the teacher says.

The trunk is the demo encoder's (ImageNet weights of Apache-2.0), so only the last layers are trained, on features that
are computed once: a student costs one pass over the images and seconds of fitting, whatever the teacher is. Convolution
and batch normalisation are fused and weights rounded to float16 first, so the student that learns is the one that is
exported.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval

from ml.data.decode_rgb import decode_rgb
from ml.errors import ShapeError
from ml.training.callbacks import Callback
from ml.training.loop import TrainOptions, TrainReport, train
from ml.training.methods.pretraining import soft_divergence
from ml.training.networks.conv4 import initialize
from ml.training.schedules import Schedule
from ml.types import FloatArray

SIZE = 129
"""Pixels: at 32·n + 1 the trunk computes what it was trained to (docs/encoders/demo.md)."""
WIDTH = 128
BATCH = 32
LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class CompactOptions:
    """steps: of `batch` images; judged: share of the images that the student never learns from; noise: Gaussian, on
    features, in units of their deviation."""

    steps: int = 1500
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    judged: float = 0.1
    noise: float = 0.6


class CompactStudent(nn.Module):
    """(B, 3, 129, 129) in [0, 1] to (B, N) logits: a frozen trunk, then 1280 → 128 → N."""

    def __init__(self, trunk: nn.Module, n_classes: int, *, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.trunk = trunk
        self.last = LastLayers(int(cast(Any, trunk).num_features), n_classes, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.last(self.features(images)))

    def features(self, images: Tensor) -> Tensor:
        """(B, 1280) of the trunk, which sees pixels in [-1, 1]."""
        return cast(Tensor, self.trunk(images * 2 - 1))


class LastLayers(nn.Module):
    """What is trained. Its loss is the softened divergence of Hinton, Vinyals and Dean (2015)."""

    def __init__(self, dim: int, n_classes: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.hidden = nn.Linear(dim, WIDTH)
        self.out = nn.Linear(WIDTH, n_classes)
        for layer in (self.hidden, self.out):
            initialize(layer, generator=generator)

    def forward(self, features: Tensor) -> Tensor:
        x = (features - self.get_buffer("mean")) * self.get_buffer("scale")
        return cast(Tensor, self.out(F.relu(self.hidden(x))))

    def fit_scale(self, features: Tensor) -> None:
        """Inputs of zero mean and unit deviation, as far as the images at hand tell."""
        self.get_buffer("mean").copy_(features.mean(dim=0))
        self.get_buffer("scale").copy_(1 / features.std(dim=0).clamp_min(1e-2))

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        features, answers = batch
        return soft_divergence(self.forward(features), answers)


class AnswerSource:
    """Random batches of features and of the teacher's logits; its place can be kept and restored."""

    def __init__(self, features: Tensor, answers: Tensor, *, options: CompactOptions, seed: int) -> None:
        self._features, self._answers, self._batch = features, answers, options.batch
        self._noise = options.noise * features.std(dim=0)
        self._generator = torch.Generator().manual_seed(seed)

    def next(self, progress: float) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self._features), (self._batch,), generator=self._generator)
        noise = torch.randn((self._batch, self._features.shape[1]), generator=self._generator)
        return self._features[rows] + noise * self._noise, self._answers[rows]

    def state(self) -> tuple[dict[str, Any], Tensor]:
        return {}, self._generator.get_state()

    def restore(self, state: dict[str, Any], generator_state: Tensor) -> None:
        self._generator.set_state(generator_state)


@dataclass(frozen=True)
class Distilled:
    """The student, how training went, and how often it agrees with its teacher on images that it did not learn from."""

    student: CompactStudent
    report: TrainReport
    agreement: float
    judged: int


def compact_trunk() -> nn.Module:
    """The demo encoder's trunk, fused, rounded to float16 and frozen."""
    from ml.encoders import load_encoder

    tower = load_encoder("demo", dtype="float32").image_tower
    trunk = tower.get_submodule("trunk")
    fuse_normalization(trunk)
    round_weights(trunk)
    return trunk.eval().requires_grad_(False)


def distill(
    images: Iterable[bytes],
    probabilities: FloatArray,
    *,
    options: CompactOptions,
    seed: int,
    seen: Callable[[int], None] = lambda count: None,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
) -> Distilled:
    """Teach a student what a teacher says about images.

    Args:
        images: S encoded images.
        probabilities: (S, N) of the teacher, row by row the same image.
        options: How long and how.
        seed: First weights, batches, and which images judge.
        seen: Hears how many images have passed through the trunk; may raise to stop.
        callbacks: Of the training of the last layers.
        checkpoint: Where it is kept and resumed from.

    Raises:
        ShapeError: Not one row of probabilities an image.
        DecodeError: An image cannot be read. NonFiniteError: The loss became NaN or infinite.
    """
    student = CompactStudent(compact_trunk(), probabilities.shape[1], seed=seed)
    features = features_of(student, images, seen=seen)
    if len(features) != len(probabilities):
        raise ShapeError(f"one row of answers an image is needed: {len(probabilities)} rows, {len(features)} images")
    answers = torch.from_numpy(np.array(probabilities, np.float32)).clamp_min(LEAST_PROBABILITY).log()
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    cut = max(1, round(options.judged * len(order)))
    aside, inside = order[:cut], order[cut:]
    student.last.fit_scale(features[inside])
    source = AnswerSource(features[inside], answers[inside], options=options, seed=seed)
    wanted = answers[aside].argmax(dim=1)

    def agreement(model: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            said = cast(Tensor, model(features[aside])).argmax(dim=1)
        return {"score": float((said == wanted).float().mean())}

    report = train(
        student.last,
        source=source,
        options=TrainOptions(
            steps=options.steps,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
            schedule=Schedule("cosine"),
            evaluate_every=max(1, options.steps // 5),
        ),
        evaluate=agreement,
        callbacks=callbacks,
        checkpoint=checkpoint,
    )
    round_weights(student.last)
    return Distilled(student.eval(), report, agreement(student.last)["score"], len(aside))


@torch.no_grad()
def features_of(student: CompactStudent, images: Iterable[bytes], *, seen: Callable[[int], None]) -> Tensor:
    """(S, 1280) of encoded images, seen as the exported model sees them."""
    parts: list[Tensor] = []
    batch: list[Tensor] = []
    count = 0
    for data in images:
        batch.append(prepared(torch.from_numpy(np.array(decode_rgb(data).image))))
        if len(batch) == BATCH:
            parts.append(student.features(torch.stack(batch)))
            count, batch = count + len(batch), []
            seen(count)
    if batch:
        parts.append(student.features(torch.stack(batch)))
        seen(count + len(batch))
    return torch.cat(parts) if parts else torch.empty((0, int(cast(Any, student.trunk).num_features)))


def prepared(pixels: Tensor) -> Tensor:
    """uint8 (H, W, 3) to float32 (3, 129, 129) in [0, 1]: the middle square, resized bicubically without aliasing."""
    image = pixels.permute(2, 0, 1)[None].float()
    side = min(image.shape[2:])
    top, left = (image.shape[2] - side) // 2, (image.shape[3] - side) // 2
    square = image[:, :, top : top + side, left : left + side]
    resized = F.interpolate(square, size=(SIZE, SIZE), mode="bicubic", antialias=True, align_corners=False)
    return resized.clamp(0, 255)[0] / 255


def fuse_normalization(module: nn.Module) -> None:
    """Multiply every batch normalisation that follows a convolution among its siblings into it, in place."""
    before: tuple[str, nn.Conv2d] | None = None
    for name, child in list(module.eval().named_children()):
        if isinstance(child, nn.Conv2d):
            before = (name, child)
        elif isinstance(child, nn.modules.batchnorm._BatchNorm) and before is not None:
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, getattr(child, "act", nn.Identity()))
            before = None
        else:
            fuse_normalization(child)


@torch.no_grad()
def round_weights(module: nn.Module) -> None:
    """Round every matrix and kernel to what float16 holds, in place."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            parameter.copy_(parameter.half().float())
