"""The proportions of the beetle families."""

from dataclasses import dataclass

from ml.data.fieldguide import strokes as s
from ml.data.fieldguide.strokes import Point


@dataclass(frozen=True)
class Build:
    """A family's proportions: wing cases from `top` to `tip`, half `width`; the shield; the head; leg length."""

    width: float
    top: float
    tip: float
    shoulder: float
    hips: float
    shield: tuple[float, float]
    head: tuple[float, float]
    leg: float


BUILDS = {
    "domebacks": Build(62, -34, 72, 0.80, 0.86, (46, 24), (21, 14), 38),
    "longhorns": Build(27, -30, 92, 0.98, 0.82, (23, 30), (16, 17), 60),
    "antlerbacks": Build(42, -16, 84, 1.02, 0.80, (44, 32), (30, 20), 56),
    "snouters": Build(45, -22, 84, 0.62, 1.06, (25, 30), (12, 15), 50),
}


def case_outline(build: Build) -> list[Point]:
    """The wing cases of both sides as one closed outline."""
    w, height = build.width, build.tip - build.top
    right = [
        (w * 0.50, build.top),
        (w * build.shoulder, build.top + height * 0.14),
        (w * (build.shoulder + build.hips) / 2 * 1.06, build.top + height * 0.40),
        (w * build.hips, build.top + height * 0.66),
        (w * build.hips * 0.62, build.top + height * 0.90),
        (w * 0.12, build.tip),
    ]
    return right + s.mirrored(reversed(right))
