"""Augmentation of whole batches where they lie: crop, turn, flip, color, resolution, noise, CutMix."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def views(
    pixels: Tensor, *, size: int, generator: torch.Generator, smallest: float, turn: float, color: float
) -> Tensor:
    """One random view of each image.

    Args:
        pixels: uint8 (B, 3, h, w).
        size: Side of the views.
        smallest: Least share of the area that a crop keeps.
        turn: Standard deviation of the rotation in degrees; a full turn where it is 180 or more.
        color: Strength of brightness, contrast and saturation changes.

    Returns:
        float32 (B, 3, size, size), 0…255.
    """
    b, device = len(pixels), pixels.device

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(b, device=device).uniform_(low, high, generator=generator)

    scale = uniform(smallest, 1.0).sqrt()
    stretch = uniform(-math.log(4 / 3), math.log(4 / 3)).mul(0.5).exp()
    width, height = (scale * stretch).clamp(max=1), (scale / stretch).clamp(max=1)
    x, y = uniform(-1, 1) * (1 - width), uniform(-1, 1) * (1 - height)
    if turn >= 180:
        angle = uniform(-math.pi, math.pi)
    else:
        angle = torch.randn(b, device=device, generator=generator) * math.radians(turn)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = angle.cos(), angle.sin()
    theta = torch.stack(
        [
            torch.stack([width * cos * flip, -height * sin, x], -1),
            torch.stack([width * sin * flip, height * cos, y], -1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [b, 3, size, size], align_corners=False)
    out = F.grid_sample(pixels.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return colored(out, generator=generator, strength=color)


def colored(images: Tensor, *, generator: torch.Generator, strength: float) -> Tensor:
    """Brightness, contrast and saturation, each image by factors of its own in 1 ± `strength`, and a little noise."""
    b, device = len(images), images.device

    def factor(low: float) -> Tensor:
        return torch.empty(b, 1, 1, 1, device=device).uniform_(1 - low, 1 + low, generator=generator)

    images = images * factor(strength)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * factor(strength) + mean
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * factor(strength) + grey
    noise = torch.randn(images.shape, device=device, generator=generator)
    level = torch.empty(b, 1, 1, 1, device=device).uniform_(-6, 6, generator=generator).clamp(min=0)
    return (images + noise * level).clamp(0, 255)


def coarser(images: Tensor, *, share: float, side: int, generator: torch.Generator) -> Tensor:
    """Bring a share of the images down to `side` pixels and up again, so that small pictures are no other world."""
    chosen = torch.rand(len(images), device=images.device, generator=generator) < share
    small = F.interpolate(images[chosen], size=side, mode="area")
    out = images.clone()
    out[chosen] = F.interpolate(small, size=images.shape[-2:], mode="bicubic", align_corners=False).clamp(0, 255)
    return out


def cutmix(images: Tensor, *, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Paste a box of another image of the batch into a share of them (Yun et al., "CutMix", ICCV 2019).

    Returns:
        The images, the index of each one's partner (B,), and how much of each is still its own (B,) in 0…1.
    """
    b, side, device = len(images), images.shape[-1], images.device
    partner = torch.randperm(b, device=device, generator=generator)
    keep = torch.rand(b, device=device, generator=generator)
    mixed = torch.rand(b, device=device, generator=generator) < share
    edge = (side * (1 - keep).sqrt()).long() * mixed
    left = (torch.rand(b, device=device, generator=generator) * (side - edge + 1)).long()
    top = (torch.rand(b, device=device, generator=generator) * (side - edge + 1)).long()
    line = torch.arange(side, device=device)
    across = (line >= left[:, None]) & (line < (left + edge)[:, None])
    down = (line >= top[:, None]) & (line < (top + edge)[:, None])
    box = down[:, None, :, None] & across[:, None, None, :]
    own = 1 - (edge.float() / side) ** 2
    return torch.where(box, images[partner], images), partner, own
