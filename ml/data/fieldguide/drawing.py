"""One picture of one species: vector drawing, then light, camera and grain."""

import io
import math
from functools import lru_cache

import numpy as np
import resvg_py
from PIL import Image, ImageFilter

from ml.data.fieldguide import strokes as s
from ml.data.fieldguide.beetle import beetle
from ml.data.fieldguide.butterfly import butterfly
from ml.data.fieldguide.grounds import SIZE, ground
from ml.data.fieldguide.inks import inks_of
from ml.data.fieldguide.scene import Scene, scene_sample
from ml.data.fieldguide.species import Species


def draw(species: Species, *, seed: int, size: int = 320) -> Image.Image:
    """A picture of `species`, RGB, `size` × `size`. The same seed gives the same pixels."""
    return draw_scene(species, scene_sample(np.random.default_rng([seed, 11])), size=size)


def draw_scene(species: Species, scene: Scene, *, size: int = 320) -> Image.Image:
    """`species` in `scene`, RGB, `size` × `size`."""
    rng = np.random.default_rng([scene.seed, 4])
    # The ground lies a little out of focus: drawn at 60 % and enlarged, it costs a third.
    picture = _rendered(_document(ground(scene.ground, rng)), round(size * 0.6)).convert("RGB")
    picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    insect = _rendered(svg_of(species, scene), size)
    turn, reach = math.radians(scene.light), 7 * size / SIZE
    shade = insect.getchannel("A").filter(ImageFilter.GaussianBlur(4 * size / SIZE)).point(lambda a: a * 0.5)
    offset = round(reach * math.sin(turn)), round(reach * math.cos(turn))
    picture.paste((14, 11, 16), offset, shade)
    picture.paste(insect, (0, 0), insect)
    if scene.blade:
        blade = _rendered(_document(_blade(rng)), size)
        picture.paste(blade, (0, 0), blade)
    if scene.blur > 0.05:
        picture = picture.filter(ImageFilter.GaussianBlur(scene.blur * size / SIZE))
    return _developed(picture, scene)


def svg_of(species: Species, scene: Scene) -> str:
    """The insect alone as an SVG document on a transparent canvas of 320 units, posed as in `scene`."""
    rng = np.random.default_rng([scene.seed, 3])
    inks = inks_of(species.attributes, rng)
    insect = (beetle if species.family.order == "beetle" else butterfly)(species, inks, rng)
    zoom = scene.size * (1.12 if species.family.order == "beetle" else 1.22)
    place = (
        f"translate({160 + scene.x:.2f} {160 + scene.y:.2f}) rotate({scene.turn:.2f}) skewX({scene.lean:.2f}) "
        f"scale({zoom:.3f} {zoom * scene.tilt:.3f})"
    )
    return _document(f'<g transform="{place}">{insect}</g>')


def _document(content: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320">{content}</svg>'


def _rendered(svg: str, size: int) -> Image.Image:
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png)))


def _blade(rng: np.random.Generator) -> str:
    """A blade of grass across the picture."""
    start, end, lean = rng.uniform(0, SIZE, 3)
    d = f"M{start:.0f} 330Q{lean:.0f} 160 {end:.0f} -10Q{lean + 26:.0f} 160 {start + 22:.0f} 330Z"
    return s.path(d, fill="#5d8a3a", stroke="#35551f", width=1.2)


def _developed(picture: Image.Image, scene: Scene) -> Image.Image:
    """Fall-off of the light, white balance, exposure and grain."""
    size = picture.width
    pixels = np.asarray(picture, dtype=np.float32)
    across, down = _ramps(size)
    turn = math.radians(scene.light)
    falloff = 1 - 0.16 * (across * math.sin(turn) + down * math.cos(turn)) - 0.20 * (across**2 + down**2)
    balance = np.array([1 + 0.07 * scene.warmth, 1.0, 1 - 0.09 * scene.warmth], dtype=np.float32)
    pixels = pixels * (falloff[..., None] * 2.0**scene.exposure * balance * 1.06)
    rng = np.random.default_rng([scene.seed, 5])
    noise = rng.standard_normal((size, size, 1), dtype=np.float32) * scene.grain
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8), "RGB")


@lru_cache(maxsize=8)
def _ramps(size: int) -> tuple[np.ndarray, np.ndarray]:
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    return np.broadcast_to(ramp[None, :], (size, size)), np.broadcast_to(ramp[:, None], (size, size))
