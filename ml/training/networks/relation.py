"""The relation module (Sung et al. 2018): a small network that says how much a query belongs to a class."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
        return self._judge(self.blocks[0](pairs))

    def every_pair(self, classes: Tensor, queries: Tensor) -> Tensor:
        """`forward` of each query with each class: (E, N, width, h, w) and (E, Q, width, h, w) to (E, Q, N).

        A convolution of two maps that lie one above the other is the sum of a convolution of each: the first one, most
        of the work, is computed N + Q times instead of N · Q.
        """
        first = cast(nn.Conv2d, self.blocks[0])
        upper, lower = first.weight[:, : classes.shape[2]], first.weight[:, classes.shape[2] :]
        left = F.conv2d(classes.flatten(0, 1), upper, first.bias, padding=1)
        right = F.conv2d(queries.flatten(0, 1), lower, padding=1)
        sides = left.view(len(classes), 1, -1, *left.shape[1:]), right.view(len(queries), -1, 1, *right.shape[1:])
        pairs = sides[0] + sides[1]
        return self._judge(pairs.flatten(0, 2)).view(pairs.shape[:3])

    def _judge(self, maps: Tensor) -> Tensor:
        for layer in self.blocks[1:]:
            maps = layer(maps)
        return cast(Tensor, self.score(maps.flatten(1))).squeeze(1).sigmoid()


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
