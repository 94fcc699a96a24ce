"""The relation module (Sung et al. 2018): a small network that says how much a query belongs to a class."""

from typing import cast

import torch
from torch import Tensor, nn

from ml.training.networks.conv4 import initialize


class RelationModule(nn.Module):
    """Two blocks of conv3×3 – BatchNorm – ReLU – maxpool2, then a hidden layer of 8 and a sigmoid.

    (B, 2·width, h, w), the maps of class and query one above the other, to (B,) in (0, 1).
    """

    def __init__(self, *, width: int, map_size: int, hidden: int = 8, generator: torch.Generator) -> None:
        super().__init__()
        # Maps of 5×5 or 6×6 shrink to nothing without padding where the reference code pads the later blocks.
        side = map_size // 2 // 2
        self.blocks = nn.Sequential(*_block(2 * width, width), *_block(width, width))
        self.score = nn.Sequential(nn.Linear(width * side**2, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        initialize(self, generator=generator)

    def forward(self, pairs: Tensor) -> Tensor:
        maps = cast(Tensor, self.blocks(pairs))
        return cast(Tensor, self.score(maps.flatten(1))).squeeze(1).sigmoid()


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
