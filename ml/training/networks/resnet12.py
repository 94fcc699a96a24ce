"""ResNet-12 as few-shot papers use it (Oreshkin et al. 2018; Lee et al. 2019): four blocks of three
convolutions.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from ml.training.networks.blocks import BlockNet
from ml.training.networks.small_maps import SmallMapConv2d


class _Block(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(inputs, width),
            nn.LeakyReLU(0.1),
            *_convolution(width, width),
            nn.LeakyReLU(0.1),
            *_convolution(width, width),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, maps: Tensor) -> Tensor:
        return F.max_pool2d(F.leaky_relu(self.body(maps) + self.shortcut(maps), 0.1), 2)


def _convolution(inputs: int, width: int) -> list[nn.Module]:
    return [SmallMapConv2d(inputs, width), nn.BatchNorm2d(width)]


class ResNet12(BlockNet):
    """(B, C, H, W) to (B, widths[-1]): global mean of the last block's maps.

    Leaky ReLU 0.1, maxpool 2 after each block, 1×1 shortcut. Where we differ: no DropBlock; the training
    recipe regularises by augmentation and a rotation task instead.
    """

    block = _Block
