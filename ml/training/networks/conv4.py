"""The four-block network of the few-shot papers (Vinyals et al. 2016; Snell et al. 2017)."""

from typing import cast

import torch
from torch import Tensor, nn


class Conv4(nn.Module):
    """Four blocks of conv3×3 – BatchNorm – ReLU – maxpool2, flattened.

    (B, C, H, W) to (B, D) with D = width · ⌊H/16⌋ · ⌊W/16⌋: 64 for 28×28, 256 for 32×32, 1600 for 84×84.
    """

    def __init__(self, *, channels: int, size: int, width: int = 64, generator: torch.Generator) -> None:
        super().__init__()
        inputs = [channels, width, width, width]
        self.blocks = nn.Sequential(*(_block(i, width) for i in inputs))
        self.dimension = width * (size // 16) ** 2
        initialize(self, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.blocks(images)).flatten(1)


class Conv4Maps(nn.Module):
    """The variant of relation networks (Sung et al. 2018): only the first two blocks pool, so maps stay maps.

    The first two convolutions have no padding: (B, C, 28, 28) to (B, 64, 5, 5), (B, 3, 32, 32) to (B, 64, 6,
    6).
    """

    def __init__(self, *, channels: int, size: int, width: int = 64, generator: torch.Generator) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            _block(channels, width, padding=0),
            _block(width, width, padding=0),
            _block(width, width, pool=False),
            _block(width, width, pool=False),
        )
        self.width = width
        self.map_size = ((size - 2) // 2 - 2) // 2
        self.dimension = width * self.map_size**2
        initialize(self, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.blocks(images))


def _block(inputs: int, outputs: int, *, padding: int = 1, pool: bool = True) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=padding)
    # ReLU after pooling gives the same maps as before it, bit for bit, for a quarter of the work.
    pooling = [nn.MaxPool2d(2)] if pool else []
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), *pooling, nn.ReLU())


def initialize(network: nn.Module, *, generator: torch.Generator) -> None:
    """He initialisation for convolutions and linear layers; BatchNorm 1 and 0. Explicitly seeded."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
