"""The colours of the field guide: a plain word for descriptions, a finer one for names, and the ink."""

import colorsys
from typing import NamedTuple


class Ink(NamedTuple):
    """One colour: `word` is what a user would type, `epithet` what a naturalist would name a species after."""

    word: str
    epithet: str
    latin: str
    rgb: tuple[int, int, int]


INKS: dict[str, Ink] = {
    ink.word: ink
    for ink in (
        Ink("black", "Sable", "nigra", (30, 27, 33)),
        Ink("white", "Chalk", "alba", (244, 241, 232)),
        Ink("cream", "Ivory", "eburnea", (238, 220, 178)),
        Ink("yellow", "Saffron", "crocea", (240, 190, 44)),
        Ink("orange", "Ember", "ignea", (228, 116, 28)),
        Ink("red", "Scarlet", "rubra", (190, 36, 42)),
        Ink("pink", "Rose", "rosea", (229, 138, 158)),
        Ink("purple", "Damson", "purpurea", (104, 48, 116)),
        Ink("dark blue", "Cobalt", "cobaltina", (38, 62, 148)),
        Ink("light blue", "Sky", "caelestis", (128, 184, 222)),
        Ink("turquoise", "Lagoon", "marina", (28, 148, 146)),
        Ink("green", "Emerald", "viridis", (40, 134, 66)),
        Ink("olive", "Lichen", "olivacea", (122, 128, 58)),
        Ink("brown", "Umber", "fusca", (104, 64, 38)),
        Ink("grey", "Ash", "cinerea", (142, 142, 146)),
    )
}

RGB = tuple[float, float, float]


def rgb_of(word: str) -> RGB:
    """The ink of a colour word, channels in 0…255."""
    red, green, blue = INKS[word].rgb
    return float(red), float(green), float(blue)


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """`share` of `other` in `one`."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def shifted(color: RGB, *, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0) -> RGB:
    """Turn the hue by a share of the circle and scale saturation and value."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in color))
    red, green, blue = colorsys.hsv_to_rgb((h + hue) % 1, min(s * saturation, 1), min(v * value, 1))
    return red * 255, green * 255, blue * 255


def css(color: RGB) -> str:
    """`#rrggbb`."""
    return "#" + "".join(f"{round(min(max(c, 0), 255)):02x}" for c in color)


def contrast(one: str, other: str) -> float:
    """Distance of two colour words in 0…441, luminance counted double: below about 110 a pattern disappears."""
    a, b = rgb_of(one), rgb_of(other)
    luminance = sum(w * (x - y) for w, x, y in zip((0.3, 0.59, 0.11), a, b, strict=True))
    return float((sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / 2 + 1.5 * luminance**2) ** 0.5)
