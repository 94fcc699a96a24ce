"""Augmentation of whole batches on their own device, seeded by an explicit generator.

Only what keeps the meaning of a picture: a mirrored cat is a cat, a mirrored letter is another letter. Hence
the named policies below instead of one list for all images.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ml.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Strengths; 0 or False switches a part off.

    pad: pixels of reflected border that the random crop may use. scale: smallest share of the area that a
    random resized crop keeps (1 = none). jitter: brightness, contrast and saturation factors within 1 ±
    jitter. grey: probability of dropping color. erase: side of an erased square as a share of the image's
    side.
    """

    flip: bool = False
    pad: int = 0
    scale: float = 1.0
    jitter: float = 0.0
    grey: float = 0.0
    erase: float = 0.0

    def apply(self, images: Tensor, *, generator: torch.Generator) -> Tensor:
        """float (B, C, H, W) in [0, 1] to the same shape and range."""
        if self.scale < 1:
            images = resized_crop(images, smallest=self.scale, generator=generator)
        if self.pad or self.flip:
            images = shift_and_flip(images, pad=self.pad, flip=self.flip, generator=generator)
        if self.jitter or self.grey:
            images = jitter_color(images, strength=self.jitter, grey=self.grey, generator=generator)
        return erase_square(images, side=self.erase, generator=generator) if self.erase else images


AUGMENTATIONS: dict[str, Augmentation] = {
    "none": Augmentation(),
    "drawing": Augmentation(pad=2),
    "photo-light": Augmentation(flip=True, pad=4),
    "photo": Augmentation(flip=True, pad=4, jitter=0.4),
    "photo-strong": Augmentation(flip=True, scale=0.4, jitter=0.4, grey=0.1, erase=0.25),
    "contrast": Augmentation(flip=True, scale=0.2, jitter=0.5, grey=0.2),
}


def named_augmentation(name: str) -> Augmentation:
    if name not in AUGMENTATIONS:
        raise ConfigError(f"no augmentation {name!r}; there are {', '.join(AUGMENTATIONS)}")
    return AUGMENTATIONS[name]


def shift_and_flip(images: Tensor, *, pad: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Random crop from the reflected border and random mirroring, as one gather."""
    count, _, height, width = images.shape
    device = images.device
    padded = F.pad(images, (pad, pad, pad, pad), mode="reflect") if pad else images
    offset = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=generator, device=device)
    rows = offset[0] + torch.arange(height, device=device)
    columns = offset[1] + torch.arange(width, device=device)
    if flip:
        mirrored = torch.rand((count, 1), generator=generator, device=device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    item = torch.arange(count, device=device)[:, None, None]
    return padded[item, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def resized_crop(images: Tensor, *, smallest: float, generator: torch.Generator) -> Tensor:
    """Random window of `smallest` to all of the area, aspect 3:4 to 4:3, resampled to full size."""
    count, device = len(images), images.device
    area, aspect, x, y = torch.rand((4, count), generator=generator, device=device)
    side = (smallest + (1 - smallest) * area).sqrt()
    ratio = torch.exp((2 * aspect - 1) * math.log(4 / 3) / 2)
    width, height = (side * ratio).clamp(max=1), (side / ratio).clamp(max=1)
    theta = torch.zeros((count, 2, 3), device=device)
    theta[:, 0, 0], theta[:, 1, 1] = width, height
    theta[:, 0, 2], theta[:, 1, 2] = (1 - width) * (2 * x - 1), (1 - height) * (2 * y - 1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def jitter_color(images: Tensor, *, strength: float, grey: float, generator: torch.Generator) -> Tensor:
    """Random brightness, contrast and saturation of each image, and grey with probability `grey`."""
    shape = (len(images), 1, 1, 1)
    random = torch.rand((4, *shape), generator=generator, device=images.device)
    brightness, contrast, saturation = 1 + strength * (2 * random[:3] - 1)
    images = images * brightness
    average = images.mean(dim=(1, 2, 3), keepdim=True)
    images = average + (images - average) * contrast
    if images.shape[1] == 3:
        luminance = 0.299 * images[:, :1] + 0.587 * images[:, 1:2] + 0.114 * images[:, 2:]
        saturation = torch.where(random[3] < grey, torch.zeros_like(saturation), saturation)
        images = luminance + (images - luminance) * saturation
    return images.clamp(0, 1)


def erase_square(images: Tensor, *, side: float, generator: torch.Generator) -> Tensor:
    """Half of the images lose a square whose center is anywhere; it becomes the image's mean color."""
    count, _, height, width = images.shape
    device = images.device
    random = torch.rand((3, count, 1), generator=generator, device=device)
    near_row = (torch.arange(height, device=device) - random[0] * height).abs() < side * height / 2
    near_column = (torch.arange(width, device=device) - random[1] * width).abs() < side * width / 2
    hole = (near_row[:, :, None] & near_column[:, None, :] & (random[2] < 0.5)[:, :, None]).unsqueeze(1)
    return torch.where(hole, images.mean(dim=(2, 3), keepdim=True), images)
