"""What residual networks for small images share: one block a width, then the mean of the maps."""

from typing import ClassVar, cast

import torch
from torch import Tensor, nn

from ml.training.networks.conv4 import initialize


class BlockNet(nn.Module):
    """(B, C, H, W) to (B, widths[-1]): global mean of the last block's maps. A subclass says what a `block` is,
    made from the number of maps that go in and come out."""

    block: ClassVar[type[nn.Module]]

    def __init__(self, *, channels: int, widths: tuple[int, ...], generator: torch.Generator) -> None:
        super().__init__()
        inputs = (channels, *widths[:-1])
        self.blocks = nn.Sequential(*(self.block(i, w) for i, w in zip(inputs, widths, strict=True)))
        self.dimension = widths[-1]
        initialize(self, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.blocks(images)).mean(dim=(2, 3))
