"""Patterns on wings. Bands and rows follow the outer margin: the outline drawn in towards the wing's root."""

from dataclasses import dataclass

import numpy as np

from ml.data.fieldguide import strokes as s
from ml.data.fieldguide.inks import Inks
from ml.data.fieldguide.species import Attributes
from ml.data.fieldguide.strokes import Point


@dataclass(frozen=True)
class Wing:
    """One right wing: its `key` (fore or hind), outline and root."""

    key: str
    edge: tuple[Point, ...]
    root: Point

    @property
    def chord(self) -> float:
        """The square root of the outline's box: a length for marks that suits broad and narrow wings."""
        width, height = (max(p[i] for p in self.edge) - min(p[i] for p in self.edge) for i in (0, 1))
        return float((width * min(height, width)) ** 0.5)

    def at(self, around: float, out: float) -> Point:
        """The point `out` (0 root … 1 margin) towards the outline point at share `around`."""
        x, y = self.edge[int(around * len(self.edge)) % len(self.edge)]
        return self.root[0] + (x - self.root[0]) * out, self.root[1] + (y - self.root[1]) * out


def marks(attributes: Attributes, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    """The pattern of `attributes` on one wing."""
    draw = {
        "plain": _plain, "eyespots": _eyespots, "band": _band, "veins": _veins,
        "border": _border, "pearls": _pearls, "patch": _patch, "rays": _rays,
    }[attributes.pattern]  # fmt: skip
    return draw(attributes.count, wing, inks, rng)


def _plain(count: int, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    return ""


def _eyespots(count: int, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    if wing.key == "hind" and count < 2:
        return ""
    x, y = wing.at(0.46, 0.62)
    r = wing.chord * 0.2 * float(rng.uniform(0.93, 1.07))
    rings = ((r * 1.32, inks.edge), (r * 1.1, inks.accent), (r * 0.55, "#17131a"))
    glint = s.ellipse(x - r * 0.18, y - r * 0.2, r * 0.17, r * 0.17, fill="#fff", alpha=0.9)
    return "".join(s.ellipse(x, y, size, size, fill=fill) for size, fill in rings) + glint


def _band(count: int, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    share = 0.66 + float(rng.normal(0, 0.012))
    return s.path(s.outline(s.scaled(wing.edge, wing.root, share)), stroke=inks.accent, width=wing.chord * 0.20)


def _veins(count: int, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    hub = wing.at(0.45, 0.42)
    d = ""
    for share in (0.12, 0.20, 0.28, 0.36, 0.44, 0.52, 0.60, 0.68, 0.76, 0.86):
        end = wing.at(share, 1.0)
        middle = wing.at(share, 0.45)
        d += s.outline([wing.root, ((middle[0] + hub[0]) / 2, (middle[1] + hub[1]) / 2), end], closed=False)
    cell = s.outline([wing.at(a, 0.5) for a in (0.2, 0.36, 0.52, 0.68, 0.84)], closed=False)
    margin = s.path(s.outline(wing.edge), stroke=inks.accent, width=6)
    return s.path(d + cell, stroke=inks.accent, width=2.7) + margin


def _border(count: int, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    share = 0.76 + float(rng.normal(0, 0.012))
    inner = s.outline(s.scaled(wing.edge, wing.root, share))
    return s.path(s.outline(wing.edge) + inner, fill=inks.accent, more='fill-rule="evenodd"')


def _pearls(count: int, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    out = ""
    for share in np.linspace(0.24, 0.80, 9):
        x, y = wing.at(float(share), 0.84)
        r = wing.chord * 0.062 * float(rng.uniform(0.9, 1.15))
        out += s.ellipse(x, y, r, r, fill=inks.accent)
    return out


def _patch(count: int, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    if wing.key == "hind":
        return ""
    size = float(rng.uniform(0.95, 1.08))
    ring = [
        wing.at(a, o) for a, o in ((0.16, 0.55), (0.30, 0.78), (0.42, 0.86), (0.56, 0.80), (0.68, 0.66), (0.62, 0.40))
    ]
    middle = (sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring))
    return s.path(s.outline(s.scaled(ring, middle, 0.86 * size)), fill=inks.accent)


def _rays(count: int, wing: Wing, inks: Inks, rng: np.random.Generator) -> str:
    out = ""
    for share in (0.18, 0.29, 0.40, 0.51, 0.62, 0.74):
        left, right = wing.at(share - 0.018, 1.02), wing.at(share + 0.018, 1.02)
        root = wing.at(share, 0.12)
        out += f"M{root[0]:.1f} {root[1]:.1f}L{left[0]:.1f} {left[1]:.1f}L{right[0]:.1f} {right[1]:.1f}Z"
    return s.path(out, fill=inks.accent, stroke=inks.accent, width=1.6)
