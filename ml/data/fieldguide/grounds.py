"""What an insect was photographed on. Each ground is SVG over the canvas 0…320 and never tells the species."""

from collections.abc import Callable

import numpy as np

from ml.data.fieldguide import strokes as s
from ml.data.fieldguide.palette import RGB, css, mix, shifted

SIZE = 320.0


def ground(kind: str, rng: np.random.Generator) -> str:
    """The SVG of one ground of `kind`, one of `GROUNDS`."""
    return GROUNDS[kind](rng)


def _fill(color: RGB, far: RGB, rng: np.random.Generator) -> str:
    x, y = rng.uniform(0.2, 0.8, size=2)
    at = f'cx="{x:.2f}" cy="{y:.2f}" r="0.85"'
    return f"<defs>{s.radial('sky', [(0, css(color), 1), (1, css(far), 1)], at=at)}</defs>" + (
        f'<rect width="{SIZE:.0f}" height="{SIZE:.0f}" fill="url(#sky)"/>'
    )


def _tint(color: RGB, rng: np.random.Generator, spread: float = 1.0) -> RGB:
    hue, saturation, value = rng.normal(0, (0.012 * spread, 0.10 * spread, 0.07 * spread))
    return shifted(color, hue=float(hue), saturation=1 + float(saturation), value=1 + float(value))


def _paper(rng: np.random.Generator) -> str:
    page = _tint((240, 230, 208), rng, 0.6)
    out = _fill(page, mix(page, (150, 120, 80), 0.16), rng)
    for _ in range(26):
        x, y = rng.uniform(0, SIZE, 2)
        dx, dy = rng.normal(0, 7, 2)
        out += s.path(
            f"M{x:.0f} {y:.0f}q{dx:.1f} {dy:.1f} {dx * 2:.1f} {dy:.1f}",
            stroke="#8a6d45",
            width=0.7,
            alpha=0.22,
        )
    inset = float(rng.uniform(12, 20))
    side = SIZE - 2 * inset
    frame = f"M{inset:.1f} {inset:.1f}h{side:.1f}v{side:.1f}h{-side:.1f}Z"
    out += s.path(frame, stroke="#6d5636", width=1.2, alpha=0.5)
    bar = SIZE - inset - 14
    return out + s.path(
        f"M{inset + 12:.0f} {bar:.0f}h44m0 -4v8m-22 -8v8m-22 -8v8", stroke="#4a3b26", width=1.3, alpha=0.7
    )


def _leaf(rng: np.random.Generator) -> str:
    green = _tint((92, 140, 58), rng, 1.5)
    dark, light = mix(green, (16, 40, 20), 0.45), mix(green, (226, 240, 170), 0.30)
    out = _fill(green, dark, rng)
    bend = float(rng.normal(0, 26))
    turn = float(rng.uniform(0, 180))
    ribs = s.path(f"M160 -120Q{160 + bend:.0f} 160 160 440", stroke=css(light), width=5, alpha=0.75)
    fine = ""
    for i in range(-8, 14):
        y = i * 34.0 + float(rng.normal(0, 3))
        for side in (-1, 1):
            d = f"M{160 + bend * 0.5:.0f} {y:.0f}Q{160 + side * 110} {y - 16:.0f} {160 + side * 270} {y - 118:.0f}"
            ribs += s.path(d, stroke=css(light), width=2.2, alpha=0.6)
            ribs += s.path(d, stroke=css(dark), width=9, alpha=0.16, more=f'transform="translate(0 {12})"')
            fine += f"M{160 + side * 60} {y + 8:.0f}l{side * 24} 20m{side * 34} -34l{side * 22} 22"
    fine_path = s.path(fine, stroke=css(light), width=0.8, alpha=0.4)
    out += f'<g transform="rotate({turn:.1f} 160 160)">{ribs}{fine_path}</g>'
    for _ in range(int(rng.integers(0, 5))):
        x, y = rng.uniform(10, SIZE - 10, 2)
        r = float(rng.uniform(3, 7))
        out += s.ellipse(x, y + 1, r, r, fill=css(dark), alpha=0.35)
        out += s.ellipse(x, y, r, r * 0.95, fill=css(light), alpha=0.5)
        out += s.ellipse(x - r * 0.3, y - r * 0.35, r * 0.28, r * 0.24, fill="#fff", alpha=0.9)
    return out


def _bark(rng: np.random.Generator) -> str:
    brown = _tint((122, 98, 76), rng, 1.4)
    dark, light = mix(brown, (22, 14, 10), 0.6), mix(brown, (224, 208, 180), 0.35)
    out, turn = _fill(brown, mix(brown, dark, 0.5), rng), float(rng.normal(0, 30))
    lines = ""
    for x in np.arange(-80, 400, 13.0):
        points = [(float(x + rng.normal(0, 7)), float(y)) for y in range(-90, 430, 58)]
        wide = float(rng.uniform(1.5, 7.5))
        lines += s.polyline(points, stroke=css(dark), width=wide, alpha=rng.uniform(0.3, 0.75))
        lines += s.polyline([(px + wide * 0.8, py) for px, py in points], stroke=css(light), width=1.4, alpha=0.35)
    out += f'<g transform="rotate({turn:.1f} 160 160)">{lines}</g>'
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(0, SIZE, 2)
        for _ in range(7):
            px, py = rng.normal((x, y), 10)
            out += s.ellipse(
                px,
                py,
                float(rng.uniform(4, 12)),
                float(rng.uniform(4, 10)),
                fill=css(_tint((150, 164, 120), rng)),
                alpha=0.55,
            )
    return out


def _sand(rng: np.random.Generator) -> str:
    sand = _tint((206, 182, 142), rng, 1.2)
    out = _fill(mix(sand, (255, 250, 235), 0.2), mix(sand, (110, 84, 56), 0.25), rng)
    for x, y, r, shade in zip(
        *rng.uniform(0, SIZE, (2, 170)), rng.gamma(2.0, 0.9, 170), rng.uniform(0, 1, 170), strict=True
    ):
        tone = mix((92, 72, 52), (250, 240, 220), float(shade))
        out += s.ellipse(x, y, 0.8 + r, 0.7 + r * 0.8, fill=css(tone), alpha=0.6)
    for _ in range(int(rng.integers(1, 6))):
        x, y = rng.uniform(0, SIZE, 2)
        r = float(rng.uniform(9, 26))
        stone = _tint((150, 144, 138), rng, 2)
        out += s.ellipse(x + 4, y + 5, r, r * 0.72, fill="#3a2c1c", alpha=0.35)
        out += s.ellipse(x, y, r, r * 0.72, fill=css(stone)) + s.ellipse(
            x - r * 0.2, y - r * 0.2, r * 0.55, r * 0.34, fill="#fff", alpha=0.18
        )
    return out


def _meadow(rng: np.random.Generator) -> str:
    far = _tint((150, 178, 110), rng, 2)
    out = _fill(mix(far, (252, 248, 214), 0.5), mix(far, (30, 60, 40), 0.5), rng)
    for _ in range(26):
        x, y = rng.uniform(-20, SIZE + 20, 2)
        tone = _tint(
            ((236, 230, 150), (120, 160, 84), (70, 116, 74), (214, 168, 190), (250, 248, 226))[int(rng.integers(5))],
            rng,
        )
        r = float(rng.uniform(12, 46))
        name = f"b{int(rng.integers(1 << 30))}"
        out += f"<defs>{s.radial(name, [(0, css(tone), 0.75), (0.8, css(tone), 0.55), (1, css(tone), 0)])}</defs>"
        out += s.ellipse(x, y, r, r, fill=f"url(#{name})")
    for _ in range(12):
        x, lean = float(rng.uniform(-20, SIZE + 20)), float(rng.normal(0, 40))
        tip, bend = f"{x + lean:.0f} {rng.uniform(0, 220):.0f}", x + lean * 0.3
        blade = f"M{x:.0f} 340Q{bend:.0f} 200 {tip}Q{bend + 6:.0f} 220 {x + 9:.0f} 340Z"
        out += s.path(blade, fill=css(_tint((64, 112, 56), rng, 2)), alpha=0.45)
    return out


def _petals(rng: np.random.Generator) -> str:
    hue = ((232, 196, 214), (250, 232, 180), (214, 208, 240), (246, 240, 232), (244, 200, 170))[int(rng.integers(5))]
    petal = _tint(hue, rng)
    deep = mix(petal, (120, 60, 90), 0.45)
    out = _fill(mix(petal, (70, 110, 66), 0.75), (44, 78, 48), rng)
    cx, cy = rng.uniform(90, 230, 2)
    start, n = float(rng.uniform(0, 360)), int(rng.integers(7, 12))
    stops = [(0, css(mix(petal, (255, 255, 255), 0.35)), 1), (0.75, css(petal), 1), (1, css(deep), 1)]
    out += f"<defs>{s.linear('pt', stops)}</defs>"
    for i in range(n):
        turn = start + 360 / n * i + float(rng.normal(0, 4))
        shape = f"M{cx:.0f} {cy:.0f}c-54 -40 -62 -150 0 -196c62 46 54 156 0 196Z"
        lines = s.path(
            f"M{cx:.0f} {cy - 20:.0f}q-14 -70 -8 -130m8 130q2 -70 0 -140m0 140q14 -70 8 -130",
            stroke=css(deep),
            width=1,
            alpha=0.3,
        )
        leaf = s.path(shape, fill="url(#pt)", stroke=css(deep), width=0.8)
        out += f'<g transform="rotate({turn:.1f} {cx:.1f} {cy:.1f})">{leaf}{lines}</g>'
    heart = _tint((226, 176, 52), rng)
    out += s.ellipse(cx, cy, 34, 34, fill=css(heart))
    for _ in range(60):
        px, py = rng.normal((cx, cy), 13)
        out += s.ellipse(px, py, 2.2, 2.2, fill=css(_tint(mix(heart, (110, 60, 10), 0.4), rng, 2)), alpha=0.8)
    return out


GROUNDS: dict[str, Callable[[np.random.Generator], str]] = {
    "paper": _paper,
    "leaf": _leaf,
    "bark": _bark,
    "sand": _sand,
    "meadow": _meadow,
    "petals": _petals,
}
