"""Small pieces of SVG: smooth outlines through points, shapes, gradients."""

import math
from collections.abc import Iterable, Sequence

Point = tuple[float, float]


def outline(points: Sequence[Point], *, closed: bool = True, tension: float = 0.5) -> str:
    """The path of a Catmull-Rom spline through `points`, written as cubic Bézier segments."""
    n = len(points)
    d = [f"M{points[0][0]:.2f} {points[0][1]:.2f}"]
    for i in range(n if closed else n - 1):
        before, start = points[(i - 1) % n if closed else max(i - 1, 0)], points[i]
        end, after = points[(i + 1) % n], points[(i + 2) % n if closed else min(i + 2, n - 1)]
        k = tension / 3 * 2
        d.append(
            f"C{start[0] + (end[0] - before[0]) * k / 2:.2f} {start[1] + (end[1] - before[1]) * k / 2:.2f} "
            f"{end[0] - (after[0] - start[0]) * k / 2:.2f} {end[1] - (after[1] - start[1]) * k / 2:.2f} "
            f"{end[0]:.2f} {end[1]:.2f}"
        )
    return "".join(d) + ("Z" if closed else "")


def sampled(points: Sequence[Point], per_segment: int = 6) -> list[Point]:
    """Points along the closed Catmull-Rom spline through `points`."""
    n, out = len(points), []
    for i in range(n):
        p0, p1, p2, p3 = (points[(i + j) % n] for j in (-1, 0, 1, 2))
        for step in range(per_segment):
            t = step / per_segment
            out.append((_spline(p0[0], p1[0], p2[0], p3[0], t), _spline(p0[1], p1[1], p2[1], p3[1], t)))
    return out


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def scaled(points: Iterable[Point], root: Point, factor: float) -> list[Point]:
    """`points` drawn towards `root`."""
    return [(root[0] + (x - root[0]) * factor, root[1] + (y - root[1]) * factor) for x, y in points]


def mirrored(points: Iterable[Point]) -> list[Point]:
    """The other side of a symmetric body."""
    return [(-x, y) for x, y in points]


def path(
    d: str,
    *,
    fill: str = "none",
    stroke: str = "none",
    width: float = 0.0,
    alpha: float = 1.0,
    more: str = "",
) -> str:
    """A `<path>`; strokes have round caps and joins."""
    line = f' stroke="{stroke}" stroke-width="{width:.2f}" stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{d}" fill="{fill}"{line if width else ""}{_alpha(alpha)} {more}/>'


def ellipse(x: float, y: float, rx: float, ry: float, *, fill: str, alpha: float = 1.0, more: str = "") -> str:
    """An `<ellipse>`."""
    place = f'cx="{x:.2f}" cy="{y:.2f}" rx="{rx:.2f}" ry="{ry:.2f}"'
    return f'<ellipse {place} fill="{fill}"{_alpha(alpha)} {more}/>'


def _alpha(alpha: float) -> str:
    # `opacity` would make the renderer paint each shape on a layer of its own, ten times slower.
    return f' fill-opacity="{alpha:.2f}" stroke-opacity="{alpha:.2f}"' if alpha < 1 else ""


def polyline(points: Sequence[Point], *, stroke: str, width: float, alpha: float = 1.0, more: str = "") -> str:
    """An open smooth line."""
    return path(outline(points, closed=False), stroke=stroke, width=width, alpha=alpha, more=more)


def clip(name: str, d: str) -> str:
    """A clip path."""
    return f'<clipPath id="{name}"><path d="{d}"/></clipPath>'


def radial(name: str, stops: Sequence[tuple[float, str, float]], *, at: str = 'cx="0.5" cy="0.5" r="0.5"') -> str:
    """A radial gradient of (offset, colour, opacity) stops."""
    return f'<radialGradient id="{name}" {at}>{_stops(stops)}</radialGradient>'


def linear(name: str, stops: Sequence[tuple[float, str, float]], *, at: str = 'x1="0" y1="0" x2="0" y2="1"') -> str:
    """A linear gradient of (offset, colour, opacity) stops."""
    return f'<linearGradient id="{name}" {at}>{_stops(stops)}</linearGradient>'


def ball(name: str) -> str:
    """Light and shade of anything round, lit from the upper left."""
    return radial(
        name, [(0.0, "#fff", 0.28), (0.5, "#fff", 0.0), (1.0, "#000", 0.45)], at='cx="0.42" cy="0.35" r="0.7"'
    )


def _stops(stops: Sequence[tuple[float, str, float]]) -> str:
    return "".join(f'<stop offset="{o:.3f}" stop-color="{c}" stop-opacity="{a:.3f}"/>' for o, c, a in stops)


def around(center: Point, radius: float, angle: float) -> Point:
    """The point at `angle` (degrees, clockwise from up) and `radius` from `center`."""
    turn = math.radians(angle)
    return center[0] + radius * math.sin(turn), center[1] - radius * math.cos(turn)
