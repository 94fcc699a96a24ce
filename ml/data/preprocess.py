"""From an RGB image to the square of pixels an encoder looks at. Pillow and numpy only: decoder processes load this."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.errors import ConfigError

ResizeMode = Literal["shortest", "squash", "longest"]
Pixels = NDArray[np.uint8]

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Preprocessing:
    """How one encoder sees an image; a part of the identity of its space.

    The same arithmetic as the evaluation transforms of open_clip and timm, split in two: `to_pixels` here gives
    uint8, and the (x / 255 − mean) / std happens on the device, so that a quarter of the bytes travel.
    """

    size: tuple[int, int]  # height, width of the pixels the encoder sees
    resize_to: tuple[int, int]  # height, width that the resize aims at, before the crop
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    resize_mode: ResizeMode = "shortest"
    fill: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        if self.interpolation not in _FILTERS:
            raise ConfigError(f"interpolation is one of {sorted(_FILTERS)}, not {self.interpolation!r}")
        if self.resize_mode not in ("shortest", "squash", "longest"):
            raise ConfigError(f"resize mode is shortest, squash or longest, not {self.resize_mode!r}")
        if min(*self.size, *self.resize_to) < 1 or min(self.std) <= 0:
            raise ConfigError("sizes and standard deviations of a preprocessing are positive")

    @property
    def decode_at_least(self) -> int:
        """Shorter side below which a JPEG is not decoded for this encoder: four times what the resize makes of it.

        Measured on the MobileNet of the tests, whose vectors move easily: cosine to a full decode at 4.7 times
        0.9998 in the mean and 0.9995 at least; at 2.1 times 0.9994 and 0.9988.
        """
        return 4 * min(self.resize_to)

    @property
    def bytes_a_row(self) -> int:
        """Bytes of one image's pixels."""
        return self.size[0] * self.size[1] * 3

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON and for the fingerprint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `as_dict`, also after JSON made lists of the tuples."""
        tuples: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**tuples)


def to_pixels(image: Image.Image, preprocessing: Preprocessing) -> Pixels:
    """Resize and crop.

    Args:
        image: An upright RGB image.
        preprocessing: What the encoder wants.

    Returns:
        uint8 of shape (H, W, 3), contiguous.
    """
    height, width = _resized_size(image.height, image.width, preprocessing)
    if (image.height, image.width) != (height, width):
        image = image.resize((width, height), _FILTERS[preprocessing.interpolation])
    return np.ascontiguousarray(_center_crop_or_pad(image, preprocessing))


def _resized_size(height: int, width: int, preprocessing: Preprocessing) -> tuple[int, int]:
    want_h, want_w = preprocessing.resize_to
    if preprocessing.resize_mode == "squash":
        return want_h, want_w
    if preprocessing.resize_mode == "shortest" and want_h == want_w:
        # torchvision truncates the long side here; the ratio branch below rounds it. Both are kept to the pixel.
        if height <= width:
            return want_h, int(want_h * width / height)
        return int(want_w * height / width), want_w
    ratios = (height / want_h, width / want_w)
    ratio = max(ratios) if preprocessing.resize_mode == "longest" else min(ratios)
    return round(height / ratio), round(width / ratio)


def _center_crop_or_pad(image: Image.Image, preprocessing: Preprocessing) -> Image.Image:
    height, width = preprocessing.size
    if image.height < height or image.width < width:
        canvas_h, canvas_w = max(image.height, height), max(image.width, width)
        canvas = Image.new("RGB", (canvas_w, canvas_h), preprocessing.fill)
        canvas.paste(image, ((canvas_w - image.width) // 2, (canvas_h - image.height) // 2))
        image = canvas
    top, left = round((image.height - height) / 2), round((image.width - width) / 2)
    if (top, left) == (0, 0) and image.size == (width, height):
        return image
    return image.crop((left, top, left + width, top + height))


def scale_size(size: tuple[int, int], crop_pct: float) -> tuple[int, int]:
    """The resize target that leaves `crop_pct` of it in the crop, rounded down as timm does."""
    return math.floor(size[0] / crop_pct), math.floor(size[1] / crop_pct)
