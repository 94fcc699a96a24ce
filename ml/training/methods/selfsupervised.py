"""Learning from a project's own images without a label: rotation, instance discrimination, masked prediction.

Each task wraps a network and has `loss(batch)`, so the one training loop trains it; labels in the batch are ignored.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.errors import ConfigError, ShapeError
from ml.training.networks.conv4 import initialize
from ml.training.sources import Batch

TEMPERATURE = 0.5  # SimCLR's setting for 32×32 photographs
MASKED_SHARE = 0.6
PATCH = 4


class PretextTask(nn.Module):
    """A network and what its pretext task puts on top; `views` copies of each image are asked of the source."""

    views: ClassVar[int] = 1

    def __init__(self, network: nn.Module, *, dimension: int) -> None:
        super().__init__()
        self.network = network
        self.dimension = dimension

    def features(self, images: Tensor) -> Tensor:
        """(B, D) of whatever the network gives."""
        return cast(Tensor, self.network(images)).flatten(1)

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """A scalar; the batch's labels are not looked at."""


class RotationTask(PretextTask):
    """Which quarter turn is this? (Gidaris et al. 2018). All four turns of an image are in the batch."""

    def __init__(self, network: nn.Module, *, dimension: int, generator: torch.Generator) -> None:
        super().__init__(network, dimension=dimension)
        self.head = nn.Linear(dimension, 4)
        initialize(self.head, generator=generator)

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (4B, 4) of the turned images and the turns (4B,)."""
        turned = torch.cat([torch.rot90(images, turn, dims=(2, 3)) for turn in range(4)])
        turns = torch.arange(4, device=images.device).repeat_interleave(len(images))
        return self.head(self.features(turned)).float(), turns

    def loss(self, batch: Batch) -> Tensor:
        return F.cross_entropy(*self.logits(batch.images))


class ContrastiveTask(PretextTask):
    """Which view shows the same image? (SimCLR, Chen et al. 2020): NT-Xent on a two-layer projection of 128."""

    views: ClassVar[int] = 2

    def __init__(
        self, network: nn.Module, *, dimension: int, generator: torch.Generator, temperature: float = TEMPERATURE
    ) -> None:
        super().__init__(network, dimension=dimension)
        self.temperature = temperature
        self.projection = nn.Sequential(nn.Linear(dimension, dimension), nn.ReLU(), nn.Linear(dimension, 128))
        initialize(self.projection, generator=generator)

    def loss(self, batch: Batch) -> Tensor:
        projected = self.projection(self.features(batch.images)).float()
        return nt_xent(projected, temperature=self.temperature)


class MaskedTask(PretextTask):
    """What was behind the mask? (He et al. 2022, in SimMIM's form for convolutional networks, Xie et al. 2022).

    Random 4×4 patches, 60 % of them, become the image's mean; a linear decoder predicts every patch, normalised by
    its own mean and deviation, and the error counts on masked patches alone. Such features need tuning before
    prototypes or neighbours work well on them.
    """

    def __init__(self, network: nn.Module, *, dimension: int, channels: int, size: int, generator: torch.Generator):
        super().__init__(network, dimension=dimension)
        if size % PATCH:
            raise ConfigError(f"masked prediction needs a size divisible by {PATCH}, got {size}")
        self.decoder = nn.Linear(dimension, channels * size**2)
        self.side = size // PATCH
        initialize(self.decoder, generator=generator)
        # Masks are part of the task, not of the data; their generator's state is a buffer so that a run resumes
        # exactly.
        seed = int(torch.randint(0, 2**31, (1,), generator=generator))
        self._generator = torch.Generator().manual_seed(seed)
        self.register_buffer("mask_state", self._generator.get_state())

    def loss(self, batch: Batch) -> Tensor:
        images = batch.images
        masked = self._draw(len(images)).to(images.device)
        pixels = masked.view(-1, 1, self.side, self.side).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
        seen = torch.where(pixels, images.mean(dim=(2, 3), keepdim=True), images)
        guess = self.decoder(self.features(seen)).float().view(images.shape)
        target = patches(images)
        target = (target - target.mean(-1, keepdim=True)) / (target.std(-1, keepdim=True) + 1e-3)
        error = (patches(guess) - target).pow(2).mean(dim=-1)
        return (error * masked).sum() / masked.sum().clamp_min(1)

    def _draw(self, count: int) -> Tensor:
        """Which patches are hidden, (count, patches) bool."""
        state = self.get_buffer("mask_state")
        self._generator.set_state(state.cpu())
        hidden = torch.rand((count, self.side**2), generator=self._generator) < MASKED_SHARE
        state.copy_(self._generator.get_state())
        return hidden


def patches(images: Tensor) -> Tensor:
    """(B, C, H, W) to (B, patches, C · 16)."""
    return F.unfold(images, PATCH, stride=PATCH).transpose(1, 2)


def nt_xent(projected: Tensor, *, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy (SimCLR, equation 1); rows i and i + B of (2B, D) are a pair."""
    if len(projected) % 2 or len(projected) < 4:
        raise ShapeError(f"two views of at least two images are needed, got {len(projected)} rows")
    unit = F.normalize(projected, dim=1)
    similarity = unit @ unit.T / temperature
    similarity = similarity.masked_fill(torch.eye(len(unit), dtype=torch.bool, device=unit.device), -torch.inf)
    partner = torch.arange(len(unit), device=unit.device).roll(len(unit) // 2)
    return F.cross_entropy(similarity, partner)


TASKS: dict[str, Callable[..., PretextTask]] = {
    "rotation": lambda network, *, dimension, channels, size, generator: RotationTask(
        network, dimension=dimension, generator=generator
    ),
    "contrastive": lambda network, *, dimension, channels, size, generator: ContrastiveTask(
        network, dimension=dimension, generator=generator
    ),
    "masked": MaskedTask,
}


def build_task(name: str, network: nn.Module, *, dimension: int, channels: int, size: int, seed: int) -> PretextTask:
    """Raises ConfigError for names other than rotation, contrastive and masked."""
    if name not in TASKS:
        raise ConfigError(f"no pretext task {name!r}; there are {', '.join(TASKS)}")
    generator = torch.Generator().manual_seed(seed)
    return TASKS[name](network, dimension=dimension, channels=channels, size=size, generator=generator)
