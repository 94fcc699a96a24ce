"""Where and how one individual was photographed: everything that varies and is not the species."""

from dataclasses import dataclass, replace

import numpy as np

from ml.data.fieldguide.grounds import GROUNDS


@dataclass(frozen=True)
class Scene:
    """Pose, ground, light and camera of one picture.

    `turn` in degrees; `size` 1 fills about 62 % of the frame; `x`, `y` in pixels of a 320-pixel canvas; `tilt` squeezes
    the body as seen from the side; `light` in degrees; `warmth` −1 (shade) … 1 (evening); `exposure` in stops;
    `blur` and `grain` in pixels and 8-bit levels at 320 pixels; `quality` is JPEG's.
    """

    seed: int
    ground: str
    turn: float
    size: float
    x: float
    y: float
    tilt: float
    lean: float
    light: float
    warmth: float
    exposure: float
    blur: float
    grain: float
    quality: int
    blade: bool = False


def scene_sample(rng: np.random.Generator) -> Scene:
    """A usual picture: recognisable, never twice the same."""
    upright = rng.random() < 0.55
    return Scene(
        seed=int(rng.integers(1 << 31)),
        ground=str(rng.choice(list(GROUNDS))),
        turn=float(rng.normal(0, 16) if upright else rng.uniform(-180, 180)),
        size=float(np.clip(rng.normal(1.0, 0.14), 0.62, 1.28)),
        x=float(rng.normal(0, 11)),
        y=float(rng.normal(0, 11)),
        tilt=float(rng.uniform(0.80, 1.0)),
        lean=float(rng.normal(0, 4)),
        light=float(rng.uniform(0, 360)),
        warmth=float(np.clip(rng.normal(0.1, 0.4), -1, 1)),
        exposure=float(np.clip(rng.normal(0, 0.22), -0.7, 0.6)),
        blur=float(max(rng.exponential(0.45) - 0.25, 0)),
        grain=float(rng.gamma(2.0, 1.5)),
        quality=int(rng.integers(72, 94)),
        blade=bool(rng.random() < 0.05),
    )


def scene_again(scene: Scene, rng: np.random.Generator) -> Scene:
    """The same picture taken a moment later: a near-duplicate."""
    return replace(
        scene,
        x=scene.x + float(rng.normal(0, 1.2)),
        y=scene.y + float(rng.normal(0, 1.2)),
        turn=scene.turn + float(rng.normal(0, 0.6)),
        exposure=scene.exposure + float(rng.normal(0, 0.05)),
        grain=scene.grain + 1.0,
        quality=int(rng.integers(60, 90)),
    )


def scene_ruined(scene: Scene, rng: np.random.Generator) -> Scene:
    """A picture in which nobody can name the species: out of focus, too dark, or hardly in the frame."""
    flaw = int(rng.integers(3))
    if flaw == 0:
        return replace(scene, blur=float(rng.uniform(13, 18)))
    if flaw == 1:
        return replace(scene, exposure=float(rng.uniform(-5.2, -4.4)), grain=16.0)
    return replace(scene, x=float(rng.choice([-168, 168])), y=float(rng.choice([-150, 150])), size=0.9, blur=2.5)
