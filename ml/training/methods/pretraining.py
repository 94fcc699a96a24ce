"""Supervised pretraining on base classes with a rotation task beside it: the first stage of P>M>F."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.training.networks.conv4 import initialize
from ml.training.sources import Batch

TEMPERATURE = 4.0


class Pretraining(nn.Module):
    """Class and rotation heads on one network (Rajasegaran et al. 2020; Gidaris et al. 2019).

    Every image is seen at 0, 90, 180 and 270 degrees: the class must be told at each of them, and which turn
    it is. With `turned_share` below 1 an image is seen once instead, and that share of a batch is turned: a
    quarter of the cost, for processors. With a `teacher`, an earlier generation of the same model, the loss
    also contains the divergence from its softened class probabilities (self-distillation, temperature 4).
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        dimension: int,
        n_classes: int,
        rotation_weight: float,
        turned_share: float = 1.0,
        smoothing: float = 0.0,
        teacher: "Pretraining | None" = None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.network = network
        self.class_head = nn.Linear(dimension, n_classes)
        self.turn_head = nn.Linear(dimension, 4)
        self.rotation_weight, self.turned_share = rotation_weight, turned_share
        self.smoothing = smoothing
        initialize(self.class_head, generator=generator)
        initialize(self.turn_head, generator=generator)
        # A plain tuple keeps the teacher's weights out of this model's parameters and checkpoints.
        self._teacher = (teacher.eval(),) if teacher is not None else ()

    def loss(self, batch: Batch) -> Tensor:
        images, labels = batch.images, batch.labels
        turns = torch.zeros_like(labels)
        if self.rotation_weight and self.turned_share < 1:
            images, turns = turn_some(images, share=self.turned_share)
        elif self.rotation_weight:
            images, turns, labels = *turn_all(images), labels.repeat(4)
        features = cast(Tensor, self.network(images)).flatten(1)
        logits = self.class_head(features).float()
        loss = F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
        if self.rotation_weight:
            loss = loss + self.rotation_weight * F.cross_entropy(self.turn_head(features).float(), turns)
        for teacher in self._teacher:
            loss = 0.5 * loss + 0.5 * soft_divergence(logits, teacher.class_logits(images))
        return loss

    @torch.no_grad()
    def class_logits(self, images: Tensor) -> Tensor:
        """(B, n_classes) float32 without gradients."""
        logits: Tensor = self.class_head(cast(Tensor, self.network(images)).flatten(1))
        return logits.float()


def turn_all(images: Tensor) -> tuple[Tensor, Tensor]:
    """(B, C, H, H) to all four turns (4B, C, H, H), and which turn (4B,)."""
    turned = torch.cat([torch.rot90(images, turn, dims=(2, 3)) for turn in range(4)])
    turns = torch.arange(4, device=images.device).repeat_interleave(len(images))
    return turned.contiguous(memory_format=torch.channels_last), turns


def turn_some(images: Tensor, *, share: float) -> tuple[Tensor, Tensor]:
    """(B, C, H, H) with its last `share` turned, a third of it each way, and which turn (B,).

    A shuffled batch needs no further chance, and a run that is resumed no further state.
    """
    third = round(share * len(images) / 3)
    sizes = [len(images) - 3 * third, third, third, third]
    parts = [torch.rot90(part, turn, dims=(2, 3)) for turn, part in enumerate(torch.split(images, sizes))]
    turns = torch.arange(4, device=images.device).repeat_interleave(torch.tensor(sizes, device=images.device))
    return torch.cat(parts).contiguous(memory_format=torch.channels_last), turns


def soft_divergence(logits: Tensor, teacher: Tensor, *, temperature: float = TEMPERATURE) -> Tensor:
    """T² · KL(teacher ‖ student) at temperature T (Hinton et al. 2015); (B, N) logits to a scalar."""
    student = (logits / temperature).log_softmax(dim=-1)
    target = (teacher / temperature).log_softmax(dim=-1)
    return temperature**2 * F.kl_div(student, target, log_target=True, reduction="batchmean")
