"""Butterflies and moths with spread wings, head up, in a box of about 200 units around the origin."""

from dataclasses import dataclass

import numpy as np

from ml.data.fieldguide import strokes as s
from ml.data.fieldguide.inks import Inks
from ml.data.fieldguide.species import Species
from ml.data.fieldguide.strokes import Point
from ml.data.fieldguide.wing_marks import Wing, marks


@dataclass(frozen=True)
class Build:
    """A family's right wings as points in order around them, starting at the root; and its body."""

    fore: tuple[Point, ...]
    hind: tuple[Point, ...]
    body: tuple[float, float]
    thorax: tuple[float, float]
    wave: float


BUILDS = {
    "kitewings": Build(
        ((3, -16), (34, -52), (70, -80), (92, -86), (90, -66), (76, -34), (62, -6), (36, 2)),
        ((4, -2), (38, -2), (60, 6), (66, 26), (60, 42), (54, 56),
         (56, 76), (60, 94), (54, 98), (48, 84), (42, 62), (28, 58), (12, 34)),
        (6, 40), (7.5, 15), 0.0,
    ),
    "fanwings": Build(
        ((3, -16), (28, -52), (58, -70), (84, -66), (92, -46), (88, -20), (74, -2), (38, 4)),
        ((4, -2), (40, -2), (68, 6), (80, 28), (74, 54), (54, 72), (32, 70), (14, 42)),
        (5.5, 40), (7.5, 15), 2.2,
    ),
    "plumemoths": Build(
        ((4, -18), (36, -48), (72, -62), (94, -56), (94, -42), (82, -18), (72, 8), (38, 10)),
        ((5, -2), (40, 4), (62, 12), (70, 32), (60, 54), (40, 62), (20, 52), (9, 30)),
        (11.5, 40), (13.5, 19), 0.0,
    ),
    "dartwings": Build(
        ((5, -20), (36, -30), (72, -22), (100, 6), (104, 16), (90, 14), (60, 2), (30, 2)),
        ((6, -2), (32, 0), (52, 10), (60, 24), (46, 32), (26, 28), (10, 18)),
        (11, 62), (12.5, 22), 0.0,
    ),
}  # fmt: skip


def butterfly(species: Species, inks: Inks, rng: np.random.Generator) -> str:
    """The SVG group of one individual; the wings of the two sides are raised a little differently."""
    build, attributes = BUILDS[species.family.key], species.attributes
    hind = Wing("hind", _edge(build.hind, build.wave), build.hind[0])
    fore = Wing("fore", _edge(build.fore, build.wave), build.fore[0])
    pair = ""
    for wing, base, deep in ((hind, inks.trim, inks.trim_deep), (fore, inks.base, inks.deep)):
        pair += _wing(wing, base, deep, marks(attributes, wing, inks, rng), inks)
    raised = float(rng.uniform(0.72, 1.0))
    lifts = (raised, min(raised * float(rng.uniform(0.9, 1.1)), 1.0))
    turns = rng.normal(0, 2.5, size=2)
    sides = "".join(
        f'<g transform="scale({side * lift:.3f} 1) rotate({turn:.2f})">{pair}</g>'
        for side, lift, turn in zip((-1, 1), lifts, turns, strict=True)
    )
    defs = s.clip("cfore", s.outline(fore.edge)) + s.clip("chind", s.outline(hind.edge)) + _shades(inks)
    antennae = _antennae(species.family.key, inks, rng)
    return f"<defs>{defs}</defs>{antennae}{sides}{_body(species.family.key, build, inks, rng)}"


def _edge(points: tuple[Point, ...], wave: float) -> tuple[Point, ...]:
    """The wing's outline in fine steps; `wave` scallops its outer margin."""
    fine = s.sampled(points, 8)
    if not wave:
        return tuple(fine)
    n, out = len(fine), []
    for i, (x, y) in enumerate(fine):
        share = i / n
        swing = wave * np.cos(share * 2 * np.pi * 17) if 0.28 < share < 0.88 else 0.0
        length = float(np.hypot(x, y)) or 1.0
        out.append((x + x / length * swing, y + y / length * swing))
    return tuple(out)


def _shades(inks: Inks) -> str:
    play = [
        (0.0, inks.sheen_a, 0.0),
        (0.4, inks.sheen_a, 0.75),
        (0.62, inks.sheen_b, 0.65),
        (1.0, inks.sheen_b, 0.0),
    ]
    return (
        s.radial("root", [(0.0, "#000", 0.42), (0.35, "#000", 0.10), (0.7, "#fff", 0.07), (1.0, "#000", 0.14)],
                 at='cx="0" cy="0" r="104" gradientUnits="userSpaceOnUse"')
        + s.linear("play", play, at='x1="0" y1="0" x2="1" y2="1"')
        + s.ball("ball")
    )  # fmt: skip


def _wing(wing: Wing, base: str, deep: str, pattern: str, inks: Inks) -> str:
    d = s.outline(wing.edge)
    inner = s.path(d, fill=base) + _scales(wing, deep) + pattern + s.path(d, fill="url(#root)")
    if inks.finish == "iridescent":
        inner += s.path(d, fill="url(#play)", alpha=0.5)
    if inks.finish == "velvety":
        inner += s.path(d, stroke="#fff", width=5, alpha=0.13)
    return f'<g clip-path="url(#c{wing.key})">{inner}</g>' + s.path(d, stroke=inks.edge, width=1.1)


def _scales(wing: Wing, deep: str) -> str:
    """The faint ribs that every wing has."""
    n, out = len(wing.edge), ""
    for share in (0.16, 0.26, 0.35, 0.44, 0.53, 0.62, 0.71, 0.82):
        x, y = wing.edge[int(share * n)]
        out += f"M{wing.root[0]:.1f} {wing.root[1]:.1f}L{x:.1f} {y:.1f}"
    return s.path(out, stroke=deep, width=0.9, alpha=0.5)


def _body(family: str, build: Build, inks: Inks, rng: np.random.Generator) -> str:
    (bw, bl), (tw, tl) = build.body, build.thorax
    furry = family in ("plumemoths", "dartwings")
    belly = [
        (-bw, -4.0),
        (bw, -4.0),
        (bw * 0.92, bl * 0.4),
        (bw * 0.2, bl),
        (-bw * 0.2, bl),
        (-bw * 0.92, bl * 0.4),
    ]
    d = s.outline(belly)
    out = s.path(d, fill=inks.limb, stroke=inks.limb_edge, width=1.0)
    rings = "".join(
        f"M{-bw * (1 - t) - 1:.1f} {bl * t:.1f}Q0 {bl * t + 3:.1f} {bw * (1 - t) + 1:.1f} {bl * t:.1f}"
        for t in (0.2, 0.36, 0.52, 0.68, 0.82)
    )
    out += s.path(rings, stroke=inks.limb_edge, width=1.5, alpha=0.6) + s.path(d, fill="url(#ball)")
    out += s.ellipse(0, -13, tw, tl, fill=inks.limb, more=f'stroke="{inks.limb_edge}" stroke-width="1"')
    if furry:
        out += _fur(tw, tl, inks, rng)
    out += s.ellipse(0, -13, tw, tl, fill="url(#ball)")
    head = tw * 0.62
    y = -13 - tl - head * 0.35
    out += s.ellipse(0, y, head, head * 0.9, fill=inks.limb, more=f'stroke="{inks.limb_edge}" stroke-width="1"')
    for side in (-1, 1):
        out += s.ellipse(side * head * 0.75, y - 1, head * 0.36, head * 0.42, fill="#141216")
    return out


def _fur(width: float, length: float, inks: Inks, rng: np.random.Generator) -> str:
    d = ""
    for angle, share in zip(rng.uniform(0, 360, 70), rng.uniform(0.35, 1.0, 70), strict=True):
        x, y = s.around((0.0, 0.0), 1.0, float(angle))
        px, py = x * width * share, -13 + y * length * share
        d += f"M{px:.1f} {py:.1f}l{x * 3.4:.1f} {y * 3.4 + 1.5:.1f}"
    light = s.path(d, stroke=inks.limb, width=1.6)
    return s.path(d, stroke=inks.limb_edge, width=2.2, alpha=0.35) + light


def _antennae(family: str, inks: Inks, rng: np.random.Generator) -> str:
    out = ""
    for side in (-1, 1):
        sway = float(rng.normal(0, 3))
        if family == "plumemoths":
            stem: list[Point] = [
                (side * 4.0, -36.0),
                (side * (17 + sway), -54.0),
                (side * (38 + sway), -64.0),
            ]
            out += _feather(stem, side, inks)
            continue
        reach = 24 if family == "dartwings" else 30
        tip = (side * (reach + sway), -76.0 if family != "dartwings" else -60.0)
        points: list[Point] = [(side * 3.0, -34.0), (side * reach * 0.42, -52.0), tip]
        out += s.polyline(points, stroke=inks.limb_edge, width=2.6 if family == "dartwings" else 1.7)
        if family != "dartwings":
            out += s.ellipse(tip[0], tip[1], 2.6, 3.8, fill=inks.limb_edge)
    return out


def _feather(stem: list[Point], side: int, inks: Inks) -> str:
    d = ""
    for i in range(1, 12):
        t = i / 12
        x = (1 - t) ** 2 * stem[0][0] + 2 * t * (1 - t) * stem[1][0] + t**2 * stem[2][0]
        y = (1 - t) ** 2 * stem[0][1] + 2 * t * (1 - t) * stem[1][1] + t**2 * stem[2][1]
        barb = 12 * (1 - t) ** 0.6 * min(1, t * 4)
        d += f"M{x:.1f} {y:.1f}l{side * barb * 0.2:.1f} {-barb:.1f}"
        d += f"M{x:.1f} {y:.1f}l{side * barb * 0.9:.1f} {barb * 0.5:.1f}"
    return s.path(d, stroke=inks.limb_edge, width=1.5) + s.polyline(stem, stroke=inks.limb_edge, width=2.6)
