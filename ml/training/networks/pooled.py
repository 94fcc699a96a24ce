"""A residual network for little computing time: it pools before it normalises.

Of a convolution's answers only the largest of each 2×2 goes on, so that normalisation and ReLU, which cost a processor
as much as the convolutions, see a quarter of the values. The shape follows the networks that are trained on CIFAR-10 in
seconds (Jordan 2024), with a mean instead of a maximum at the end, as prototypes want it.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from ml.training.networks.blocks import BlockNet
from ml.training.networks.small_maps import SmallMapConv2d


class _Stage(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.shrink, self.shrink_norm = SmallMapConv2d(inputs, width), nn.BatchNorm2d(width)
        self.refine, self.refine_norm = SmallMapConv2d(width, width), nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        maps = F.relu(self.shrink_norm(F.max_pool2d(self.shrink(maps), 2)))
        return maps + F.relu(self.refine_norm(self.refine(maps)))


class PooledNet(BlockNet):
    """(B, C, H, W) to (B, widths[-1]): stages of a pooled convolution and a residual one, then the mean of the maps."""

    block = _Stage
