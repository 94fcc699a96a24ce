"""The inks of one individual: the species' colours, moved a little as between brothers and sisters."""

from dataclasses import dataclass

import numpy as np

from ml.data.fieldguide.palette import RGB, css, mix, rgb_of, shifted
from ml.data.fieldguide.species import Attributes


@dataclass(frozen=True)
class Inks:
    """CSS colours of the parts; `sheen_a` and `sheen_b` are the two ends of a metallic or iridescent play."""

    base: str
    light: str
    deep: str
    accent: str
    trim: str
    trim_deep: str
    head: str
    jaw: str
    limb: str
    limb_edge: str
    edge: str
    sheen_a: str
    sheen_b: str
    finish: str


def inks_of(attributes: Attributes, rng: np.random.Generator) -> Inks:
    """Colours of one individual; hue moves by about 1 %, saturation and value by about 5 %."""
    base, accent, trim, limb = (
        _individual(rgb_of(word), rng)
        for word in (attributes.base, attributes.accent, attributes.trim, attributes.limbs)
    )
    ink: RGB = (24.0, 20.0, 24.0)
    return Inks(
        base=css(base),
        light=css(mix(base, (255.0, 250.0, 235.0), 0.28)),
        deep=css(mix(base, ink, 0.32)),
        accent=css(accent),
        trim=css(trim),
        trim_deep=css(mix(trim, ink, 0.34)),
        head=css(mix(trim, ink, 0.45)),
        jaw=css(mix(base, ink, 0.30)),
        limb=css(mix(limb, (200.0, 196.0, 190.0), 0.12)),
        limb_edge=css(mix(limb, ink, 0.62)),
        edge=css(mix(base, ink, 0.74)),
        sheen_a=css(shifted(mix(base, (255.0, 255.0, 255.0), 0.3), hue=0.07, saturation=1.25)),
        sheen_b=css(shifted(base, hue=-0.09, saturation=1.2, value=1.15)),
        finish=attributes.finish,
    )


def _individual(color: RGB, rng: np.random.Generator) -> RGB:
    hue, saturation, value = rng.normal(0, (0.010, 0.06, 0.045))
    return shifted(color, hue=float(hue), saturation=1 + float(saturation), value=1 + float(value))
