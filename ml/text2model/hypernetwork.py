"""The hypernetwork of Text2Model: from descriptions of k classes to the weights of a classifier among them.

Reference: Amosy et al., arXiv 2210.15182, section 4 and appendix: trunk EV(384→120)-ReLU-EV(120→120)-ReLU, then
equivariant heads for a linear target (`EV`), or invariant heads for a hidden layer and equivariant ones for the last
(`IVEV`).

Differs from the paper: past the trunk of an `EV` network leads a path that starts as a kernel regression of images on
words (`path.GatedPath`), because a few dozen seen classes do not suffice to learn that from nothing; the trunk then
corrects it. `train` opens the path. With `landmarks=0` there is none and the network is the paper's.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from ml.errors import ConfigError, ShapeError, SpaceMismatchError
from ml.text2model.descriptions import DescriptionBank
from ml.text2model.emitted import EmittedModel
from ml.text2model.layers import EquivariantLinear, InvariantLinear
from ml.text2model.path import GatedPath
from ml.text2model.projection import KernelSpace

Target = Literal["EV", "IVEV"]


@dataclass(frozen=True)
class HypernetworkConfig:
    """`target_hidden` is the hidden width E of an `IVEV` target; the paper's is 120 at 512 features."""

    text_dim: int = 384
    feature_dim: int = 512
    target: Target = "EV"
    trunk: int = 120
    target_hidden: int = 48
    landmarks: int = 0
    """Descriptions that the path of an `EV` network stands on; `train` sets them."""

    def __post_init__(self) -> None:
        if self.target not in ("EV", "IVEV"):
            raise ConfigError(f"target is EV or IVEV, not {self.target!r}")
        if min(self.text_dim, self.feature_dim, self.trunk, self.target_hidden) < 1:
            raise ConfigError(f"every width is at least 1, got {self}")


class Hypernetwork(nn.Module):
    """Descriptions (…, k, T), one of each class, to an `EmittedModel`; any k ≥ 2."""

    def __init__(self, config: HypernetworkConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        width, hidden, dim = config.trunk, config.target_hidden, config.feature_dim
        last = dim if config.target == "EV" else hidden
        self.first = EquivariantLinear(config.text_dim, width)
        self.second = EquivariantLinear(width, width)
        self.weight = EquivariantLinear(width, last)
        self.bias = EquivariantLinear(width, 1)
        self.path: GatedPath | None = None
        if config.target == "IVEV":
            self.hidden_weight = InvariantLinear(width, width, hidden * dim)
            self.hidden_bias = InvariantLinear(width, width, hidden)
        elif config.landmarks:
            self.path = GatedPath(config.text_dim, width, dim, config.landmarks)
        _initialize(self, torch.Generator().manual_seed(seed))

    def start_from(self, space: KernelSpace) -> None:
        """Begin as this projection: the path says it, the trunk nothing yet.

        Raises:
            ConfigError: An `IVEV` network, whose last layer reads no features.
        """
        if self.config.target != "EV":
            raise ConfigError("only a linear target starts from a projection; train IVEV from its random start")
        dim, count = self.config.feature_dim, len(space.landmarks)
        self.config = replace(self.config, landmarks=count)
        self.path = GatedPath(self.config.text_dim, self.config.trunk, dim, count)
        self.path.start_from(space)
        for head in (self.weight, self.bias):
            for parameter in head.parameters():
                nn.init.zeros_(parameter)

    def project(self, bank: DescriptionBank) -> DescriptionBank | None:
        """Every text of every class as the path projects it; None for a network without a path."""
        return None if self.path is None else self.path.space.of_bank(bank)

    def forward(self, descriptions: Tensor, *, projected: Tensor | None = None) -> EmittedModel:
        """`projected` (…, k, R) is what the path makes of the texts behind each description, in the mean.

        Without it a description counts as a single text.

        Raises:
            ShapeError: Fewer than two classes. SpaceMismatchError: Vectors of another text encoder.
        """
        if descriptions.ndim < 2 or descriptions.shape[-2] < 2:
            raise ShapeError(
                f"expected descriptions (…, k, T) of at least two classes, got {tuple(descriptions.shape)}"
            )
        if descriptions.shape[-1] != self.config.text_dim:
            raise SpaceMismatchError(
                f"this hypernetwork reads text vectors of length {self.config.text_dim}, got {descriptions.shape[-1]}; "
                "embed the descriptions with the sentence encoder that it was trained with"
            )
        z = torch.relu(self.second(torch.relu(self.first(descriptions))))
        weight, bias = self.weight(z), self.bias(z).squeeze(-1)
        if self.path is not None:
            weight = weight + self.path(self.path.space.project(descriptions) if projected is None else projected, z)
        if self.config.target == "EV":
            return EmittedModel(weight, bias)
        hidden = self.hidden_weight(z)
        shape = (*hidden.shape[:-1], self.config.target_hidden, self.config.feature_dim)
        return EmittedModel(weight, bias, hidden.reshape(shape), self.hidden_bias(z))


def _initialize(network: nn.Module, generator: torch.Generator) -> None:
    """Torch's own scheme for linear layers, from a generator of our own."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            bound = layer.in_features**-0.5
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
