"""Networks by name. A network maps (B, C, H, W) float images to (B, D) features and knows its `dimension`."""

from collections.abc import Callable

import torch
from torch import nn

from ml.errors import ConfigError
from ml.training.networks.conv4 import Conv4, Conv4Maps
from ml.training.networks.pooled import PooledNet
from ml.training.networks.resnet12 import ResNet12

Builder = Callable[[int, int, torch.Generator], nn.Module]

NETWORKS: dict[str, Builder] = {
    "conv4": lambda channels, size, g: Conv4(channels=channels, size=size, generator=g),
    "conv4-32": lambda channels, size, g: Conv4(channels=channels, size=size, width=32, generator=g),
    "conv4-maps": lambda channels, size, g: Conv4Maps(channels=channels, size=size, generator=g),
    "pooled": lambda channels, size, g: PooledNet(channels=channels, widths=(64, 128, 256, 512), generator=g),
    "resnet12": lambda channels, size, g: ResNet12(channels=channels, widths=(64, 160, 320, 640), generator=g),
    "resnet12-slim": lambda channels, size, g: ResNet12(channels=channels, widths=(64, 128, 256, 512), generator=g),
}


def build_network(name: str, *, channels: int, size: int, seed: int) -> nn.Module:
    """A freshly initialised network; the same seed gives the same weights. Raises ConfigError for other
    names.
    """
    if name not in NETWORKS:
        raise ConfigError(f"no network {name!r}; there are {', '.join(sorted(NETWORKS))}")
    return NETWORKS[name](channels, size, torch.Generator().manual_seed(seed))
