"""Beetles seen from above, head up, in a box of about 200 units around the origin."""

import numpy as np

from ml.data.fieldguide import strokes as s
from ml.data.fieldguide.beetle_build import BUILDS, Build, case_outline
from ml.data.fieldguide.beetle_marks import marks
from ml.data.fieldguide.inks import Inks
from ml.data.fieldguide.species import Species
from ml.data.fieldguide.strokes import Point


def beetle(species: Species, inks: Inks, rng: np.random.Generator) -> str:
    """The SVG group of one individual."""
    build = BUILDS[species.family.key]
    cases = case_outline(build)
    d = s.outline(cases)
    shield_y = build.top - build.shield[1] * 0.78
    head_y = shield_y - build.shield[1] * 0.72 - build.head[1] * 0.45
    parts = [
        f"<defs>{s.clip('case', d)}{_shades(inks)}</defs>",
        *_legs(build, inks, rng),
        *_antennae(species.family.key, head_y, build, inks, rng),
        *_head(species.family.key, head_y, build, inks),
        *_shield(shield_y, build, inks),
        s.path(d, fill=inks.base),
        f'<g clip-path="url(#case)">{marks(species.attributes, build, inks, rng)}{_relief(d, build, inks)}</g>',
        s.path(d, stroke=inks.edge, width=1.3),
        s.path(f"M0 {build.top + 2:.1f}L0 {build.tip - 1:.1f}", stroke=inks.edge, width=1.2),
        s.path(
            f"M-5 {build.top + 1:.1f}L5 {build.top + 1:.1f}L0 {build.top + 11:.1f}Z",
            fill=inks.trim,
            stroke=inks.edge,
            width=0.8,
        ),
    ]
    return "".join(parts)


def _shades(inks: Inks) -> str:
    sheen = [
        (0.0, inks.sheen_a, 0.75),
        (0.45, inks.base, 0.0),
        (0.75, inks.sheen_b, 0.7),
        (1.0, inks.edge, 0.5),
    ]
    return (
        s.radial("round", [(0.0, "#fff", 0.20), (0.5, "#fff", 0.0), (0.72, "#000", 0.08), (1.0, "#000", 0.50)],
                 at='cx="0.44" cy="0.36" r="0.66"')
        + s.linear("sheen", sheen, at='x1="0" y1="0" x2="1" y2="1"')
        + s.radial("glint", [(0.0, "#fff", 0.95), (0.35, "#fff", 0.5), (1.0, "#fff", 0.0)])
        + s.ball("ball")
    )  # fmt: skip


def _relief(d: str, build: Build, inks: Inks) -> str:
    """Light and shade on the cases: matte, glossy or metallic."""
    height, out = build.tip - build.top, ""
    if inks.finish == "metallic":
        out += s.path(d, fill="url(#sheen)")
    for share in (0.28, 0.52, 0.76):
        for side in (-1, 1):
            x = side * build.width * share
            points = [(x * 0.8, build.top), (x * 1.0, build.top + height * 0.5), (x * 0.5, build.tip)]
            out += s.polyline(points, stroke="#000", width=0.7, alpha=0.16)
    out += s.path(d, fill="url(#round)")
    if inks.finish != "matte":
        strength = 0.85 if inks.finish == "glossy" else 0.55
        x, y = -build.width * 0.40, build.top + height * 0.24
        out += s.ellipse(
            x,
            y,
            build.width * 0.24,
            height * 0.15,
            fill="url(#glint)",
            alpha=strength,
            more=f'transform="rotate(14 {x:.1f} {y:.1f})"',
        )
        out += s.ellipse(
            build.width * 0.42,
            build.top + height * 0.2,
            build.width * 0.1,
            height * 0.08,
            fill="url(#glint)",
            alpha=strength * 0.7,
        )
    return out


def _shield(y: float, build: Build, inks: Inks) -> list[str]:
    w, h = build.shield
    right = [(w * 0.55, y - h * 0.75), (w * 0.92, y - h * 0.3), (w, y + h * 0.3), (w * 0.72, y + h * 0.82)]
    d = s.outline(right + s.mirrored(reversed(right)))
    out = [s.path(d, fill=inks.trim, stroke=inks.edge, width=1.2), s.path(d, fill="url(#ball)")]
    if inks.finish != "matte":
        out.append(s.ellipse(-w * 0.35, y - h * 0.25, w * 0.24, h * 0.2, fill="url(#glint)", alpha=0.6))
    return out


def _head(family: str, y: float, build: Build, inks: Inks) -> list[str]:
    w, h = build.head
    out = []
    if family == "antlerbacks":
        jaw: list[Point] = [(w * 0.55, y - 6), (w * 1.0, y - 24), (w * 0.86, y - 44), (w * 0.30, y - 54)]
        tooth: list[Point] = [(w * 0.95, y - 30), (w * 0.62, y - 33), (w * 0.45, y - 30)]
        for side in (jaw, s.mirrored(jaw)):
            out += [
                s.polyline(side, stroke=inks.edge, width=8.5),
                s.polyline(side, stroke=inks.jaw, width=5.5),
            ]
        for side in (tooth, s.mirrored(tooth)):
            out.append(s.polyline(side, stroke=inks.jaw, width=4))
    if family == "snouters":
        out.append(
            s.path(
                f"M-6 {y}Q-3.5 {y - 26} -4.5 {y - 42}Q0 {y - 47} 4.5 {y - 42}Q3.5 {y - 26} 6 {y}Z",
                fill=inks.jaw,
                stroke=inks.edge,
                width=1.1,
            )
        )
    out.append(s.ellipse(0, y, w, h, fill=inks.head, more=f'stroke="{inks.edge}" stroke-width="1.1"'))
    out.append(s.ellipse(0, y, w, h, fill="url(#ball)"))
    for eye in (-w * 0.78, w * 0.78):
        out.append(s.ellipse(eye, y - h * 0.15, 4.2, 5, fill="#141216"))
        out.append(s.ellipse(eye - 1.2, y - h * 0.15 - 1.6, 1.2, 1.2, fill="#fff", alpha=0.8))
    return out


def _antennae(family: str, y: float, build: Build, inks: Inks, rng: np.random.Generator) -> list[str]:
    w, out = build.head[0], []
    for side in (-1, 1):
        sway = float(rng.normal(0, 5))
        shapes: dict[str, list[Point]] = {
            "domebacks": [(w * 0.6, y - 8), (w + 8, y - 20 + sway / 2), (w + 20, y - 24 + sway / 2)],
            "longhorns": [
                (w * 0.6, y - 8),
                (w + 20, y - 34 + sway / 3),
                (w + 56, y - 6 + sway),
                (w + 62, y + 60 + sway),
                (w + 40 + sway, y + 122),
            ],
            "antlerbacks": [(w * 0.9, y - 4), (w + 16, y - 12 + sway / 2), (w + 28, y - 4 + sway)],
            "snouters": [
                (3.5, y - 34),
                (22, y - 46 + sway / 2),
                (26, y - 46 + sway / 2),
                (38, y - 66 + sway),
            ],
        }
        points = [(side * px, py) for px, py in shapes[family]]
        width = 3.4 if family == "longhorns" else 2.6
        out.append(s.polyline(points, stroke=inks.limb_edge, width=width + 0.8))
        out.append(s.polyline(points, stroke=inks.limb, width=width - 0.6))
        if family == "longhorns":
            out.append(
                s.polyline(points, stroke=inks.limb_edge, width=width, alpha=0.8, more='stroke-dasharray="0.5 13"')
            )
        else:
            out.append(
                s.ellipse(
                    points[-1][0],
                    points[-1][1],
                    4.6,
                    3.6,
                    fill=inks.limb,
                    more=f'stroke="{inks.limb_edge}" stroke-width="0.8"',
                )
            )
    return out


def _legs(build: Build, inks: Inks, rng: np.random.Generator) -> list[str]:
    out = []
    height = build.tip - build.top
    anchors = (
        (build.top - 12, -32, -52),
        (build.top + height * 0.26, 6, 22),
        (build.top + height * 0.55, 34, 62),
    )
    for y, knee, foot in anchors:
        for side in (-1, 1):
            sway = rng.normal(0, 4, size=2)
            start = (side * build.width * 0.5, y)
            knee_at = (side * (build.width * 0.9 + build.leg * 0.36), y + knee * 0.42 + sway[0])
            foot_at = (side * (build.width * 0.95 + build.leg * 0.74), y + foot * 0.75 + sway[1])
            toe = (foot_at[0] + side * build.leg * 0.13, foot_at[1] + foot * 0.15)
            thigh, shin = [start, knee_at], [knee_at, foot_at]
            for line, width in ((thigh, 7.0), (shin, 4.4), ([foot_at, toe], 2.4)):
                out.append(s.polyline(line, stroke=inks.limb_edge, width=width))
            for line, width in ((thigh, 5.0), (shin, 2.8)):
                out.append(s.polyline(line, stroke=inks.limb, width=width))
    return out
