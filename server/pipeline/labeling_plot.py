"""A labelling session as a picture: accuracy of labels and head over modelled time, in plain SVG."""

from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 360, 56, 44, 40
LINES = (("head_accuracy", "#2f6f5e", "head, on held-out images"), ("label_accuracy", "#b4632d", "labels"))


def curve_svg(report: dict[str, Any]) -> str:
    """The report's curve: minutes that people spent across, share that is right upwards."""
    curve = report["curve"]
    longest = max(point["modelled_s"] for point in curve) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(_title(report))}</text>',
    ]
    for share in (0, 25, 50, 75, 100):
        y = _y(share / 100)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 16}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e0"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share} %</text>')
    for quarter in range(5):
        x = _x(quarter / 4)
        minutes = longest / 60 * quarter / 4
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 24}" text-anchor="middle">{minutes:.0f}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">modelled minutes of all people</text>')
    for number, (name, color, label) in enumerate(LINES):
        points = [(p["modelled_s"] / longest, p[name]) for p in curve if p[name] is not None]
        path = " ".join(f"{_x(at):.1f},{_y(value):.1f}" for at, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        place = HEIGHT - BOTTOM - 28 + 16 * number
        parts.append(f'<text x="{WIDTH - 24}" y="{place}" text-anchor="end" fill="{color}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _title(report: dict[str, Any]) -> str:
    return (
        f"{report['interface']}, {report['annotators']} people, {report['labels']} labels,"
        f" {report['actions_per_label']:.2f} actions and {report['seconds_per_label']:.2f} s a label"
    )


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - 16 - LEFT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
