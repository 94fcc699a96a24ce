"""What the frozen front of the image tower makes of a picture, computed once and kept.

All of MobileNetV2 up to its last inverted residual is frozen: 5 × 5 maps of 160 channels a picture at 129 pixels. The
training that follows touches only what comes after, so an epoch costs seconds, not an hour, on one core.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ml.training.demo.tower import normalized

FROZEN_BLOCKS = 6  # of the seven groups of inverted residuals


class Front(nn.Module):
    """Stem and first six groups of a timm MobileNetV2: images (B, 3, H, W) to maps (B, 160, h, w)."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.stem = nn.Sequential(trunk.conv_stem, trunk.bn1)
        self.blocks = trunk.blocks[:FROZEN_BLOCKS]

    def forward(self, images: Tensor) -> Tensor:
        """Maps of the images."""
        maps: Tensor = self.blocks(self.stem(images))
        return maps


class Tail(nn.Module):
    """The last group, the 1280-channel convolution and the mean: maps (B, 160, h, w) to features (B, 1280)."""

    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.blocks = trunk.blocks[FROZEN_BLOCKS:]
        self.conv_head, self.bn2, self.pool = trunk.conv_head, trunk.bn2, trunk.global_pool

    def forward(self, maps: Tensor) -> Tensor:
        """Features of the maps."""
        features: Tensor = self.pool(self.bn2(self.conv_head(self.blocks(maps))))
        return features


def resized(pixels: Tensor, size: int) -> Tensor:
    """uint8 (B, 3, h, w) to `size` × `size` as the encoder's own preprocessing does, still 0…255."""
    out = F.interpolate(pixels.float(), size=size, mode="bicubic", antialias=True, align_corners=False)
    return out.round().clamp(0, 255)


@torch.inference_mode()
def frozen_maps(front: nn.Module, pixels: Tensor, view: Callable[[Tensor], Tensor], *, batch: int = 64) -> Tensor:
    """Maps (P, 160, h, w) float16 of uint8 pixels (P, 3, h, w), each batch through `view` first; bf16 arithmetic."""
    out = []
    for chunk in torch.split(pixels, batch):
        images = normalized(view(chunk)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out.append(front(images).half().contiguous())
    return torch.cat(out)


def kept(path: Path, compute: Callable[[], Tensor]) -> Tensor:
    """The tensor in the safetensors file `path`, computed and written where the file is absent."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"maps": compute().contiguous()}, path)
    return load_file(path)["maps"]
