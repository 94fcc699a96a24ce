"""Patterns on wing cases; drawn inside the clip of their outline."""

import numpy as np

from ml.data.fieldguide import strokes as s
from ml.data.fieldguide.beetle_build import Build, case_outline
from ml.data.fieldguide.inks import Inks
from ml.data.fieldguide.species import Attributes

SPOTS = {
    1: ((0.46, 0.45),),
    2: ((0.46, 0.28), (0.46, 0.64)),
    3: ((0.44, 0.20), (0.54, 0.50), (0.32, 0.78)),
    4: ((0.42, 0.16), (0.58, 0.38), (0.38, 0.60), (0.34, 0.83)),
    5: ((0.34, 0.15), (0.68, 0.30), (0.34, 0.46), (0.66, 0.62), (0.30, 0.82)),
}


def marks(attributes: Attributes, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    """The pattern of `attributes` on wing cases of `build`."""
    draw = {
        "plain": _plain, "spots": _spots, "bands": _bands, "stripes": _stripes,
        "rim": _rim, "saddle": _saddle, "speckles": _speckles, "chevrons": _chevrons,
    }[attributes.pattern]  # fmt: skip
    return draw(attributes.count, build, inks, rng)


def _plain(count: int, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    return ""


def _spots(count: int, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    height, out = build.tip - build.top, ""
    radius = {1: 0.34, 2: 0.27, 3: 0.24, 4: 0.20, 5: 0.18}[count] * build.width * (1 + rng.normal(0, 0.05))
    for x, y in SPOTS[count]:
        for side in (-1, 1):
            px = side * x * build.width + rng.normal(0, 0.8)
            py = build.top + y * height + rng.normal(0, 0.8)
            out += s.ellipse(px, py, radius, radius * float(rng.uniform(0.95, 1.2)), fill=inks.accent)
    return out


def _bands(count: int, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    height, w, out = build.tip - build.top, build.width * 1.3, ""
    thick = height * {1: 0.24, 2: 0.17, 3: 0.125}[count]
    for i in range(count):
        y = build.top + height * ((i + 0.75) / (count + 0.45)) + rng.normal(0, 0.8)
        bend = thick * float(rng.uniform(0.2, 0.45))
        points = [
            (-w, y + bend),
            (-w * 0.5, y - bend * 0.6),
            (0, y + bend * 0.5),
            (w * 0.5, y - bend * 0.6),
            (w, y + bend),
        ]
        out += s.polyline(points, stroke=inks.accent, width=thick)
    return out


def _stripes(count: int, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    height, out = build.tip - build.top, ""
    thick = build.width * {1: 0.30, 2: 0.20, 3: 0.14}[count]
    for i in range(count):
        share = (i + 0.62) / (count + 0.15)
        for side in (-1, 1):
            x = side * build.width * share
            points = [
                (x * 0.75, build.top + 4),
                (x * 1.02, build.top + height * 0.45),
                (x * 0.5, build.tip - height * 0.07),
            ]
            out += s.polyline(points, stroke=inks.accent, width=thick * (1 + rng.normal(0, 0.05)))
    return out


def _rim(count: int, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    return s.path(s.outline(case_outline(build)), stroke=inks.accent, width=build.width * 0.46)


def _saddle(count: int, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    height, w = build.tip - build.top, build.width * (0.64 + rng.normal(0, 0.02))
    y = build.top + height * 0.44
    right = [(w * 0.30, y - height * 0.20), (w, y - height * 0.10), (w * 0.80, y + height * 0.12)]
    points = [*right, (0.0, y + height * 0.25), *s.mirrored(reversed(right))]
    return s.path(s.outline(points), fill=inks.accent)


def _speckles(count: int, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    height, out = build.tip - build.top, ""
    for i in range(64):
        across, along = (i * 0.618034) % 1, (i + 0.5) / 64
        x = (across * 2 - 1) * build.width + rng.normal(0, 0.8)
        y = build.top + along * height + rng.normal(0, 0.8)
        radius = build.width * float(rng.uniform(0.042, 0.072))
        out += s.ellipse(x, y, radius, radius, fill=inks.accent)
    return out


def _chevrons(count: int, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    height, w, out = build.tip - build.top, build.width * 1.15, ""
    thick = height * {2: 0.12, 3: 0.09, 4: 0.07}[count]
    for i in range(count):
        y = build.top + height * ((i + 0.9) / (count + 0.5)) + rng.normal(0, 0.6)
        d = f"M{-w:.1f} {y - height * 0.2:.1f}L0 {y:.1f}L{w:.1f} {y - height * 0.2:.1f}"
        out += s.path(d, stroke=inks.accent, width=thick)
    return out
