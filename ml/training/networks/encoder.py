"""An encoder's image tower as a network that learners can train."""

import copy
from typing import cast

import torch
from torch import Tensor, nn

from ml.encoders import load_encoder
from ml.errors import ConfigError
from ml.training.store import Normalization

PREFIX = "encoder:"


class EncoderNetwork(nn.Module):
    """(B, 3, H, W), normalised by the encoder's own `normalization`, to (B, D) features.

    BatchNorm keeps its stored statistics whatever the mode: a few dozen images are too few to replace them, and some
    encoders have them folded into their convolutions, where batch statistics would give noise.
    """

    def __init__(self, tower: nn.Module, *, dimension: int, normalization: Normalization) -> None:
        super().__init__()
        self.tower = tower
        self.dimension = dimension
        self.normalization = normalization

    def forward(self, images: Tensor) -> Tensor:
        features = self.tower(images)
        return cast(Tensor, features[0] if isinstance(features, tuple) else features)

    def train(self, mode: bool = True) -> "EncoderNetwork":
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self


def encoder_network(name: str, *, channels: int) -> EncoderNetwork:
    """The network of "encoder:NAME", an own copy in float32. Raises ConfigError for grey images."""
    if channels != 3:
        raise ConfigError(f"encoders see RGB: decode with 3 channels for {name!r}")
    encoder = load_encoder(name.removeprefix(PREFIX))
    tower = copy.deepcopy(encoder.image_tower).float().requires_grad_(True)
    seen = encoder.preprocessing
    normalization = Normalization(tuple(seen.mean), tuple(seen.std))
    return EncoderNetwork(tower, dimension=encoder.dim, normalization=normalization).to(torch.device("cpu"))
