"""The twenty-four species of the guide, and an endless supply of others for training."""

from collections.abc import Iterator

import numpy as np

from ml.data.fieldguide.describing import described
from ml.data.fieldguide.palette import INKS, contrast
from ml.data.fieldguide.species import FAMILIES, FINISHES, PATTERNS, Attributes, Family, Species

# family, base, accent, trim, pattern, marks a side, finish, limbs
PLATES: tuple[tuple[str, str, str, str, str, int, str, str], ...] = (
    ("domebacks", "red", "black", "black", "spots", 3, "glossy", "black"),
    ("domebacks", "green", "yellow", "brown", "rim", 1, "metallic", "brown"),
    ("domebacks", "cream", "brown", "orange", "chevrons", 3, "matte", "brown"),
    ("longhorns", "dark blue", "black", "dark blue", "bands", 3, "matte", "black"),
    ("longhorns", "yellow", "black", "red", "stripes", 2, "matte", "red"),
    ("longhorns", "olive", "cream", "green", "speckles", 1, "metallic", "black"),
    ("antlerbacks", "brown", "brown", "black", "plain", 1, "glossy", "black"),
    ("antlerbacks", "purple", "orange", "black", "saddle", 1, "metallic", "black"),
    ("antlerbacks", "white", "black", "black", "bands", 2, "matte", "brown"),
    ("snouters", "turquoise", "black", "turquoise", "stripes", 2, "metallic", "black"),
    ("snouters", "grey", "white", "brown", "spots", 4, "matte", "grey"),
    ("snouters", "pink", "purple", "purple", "bands", 3, "matte", "purple"),
    ("kitewings", "cream", "black", "orange", "rays", 1, "matte", "black"),
    ("kitewings", "black", "light blue", "dark blue", "band", 1, "iridescent", "black"),
    ("kitewings", "yellow", "red", "yellow", "pearls", 1, "velvety", "black"),
    ("fanwings", "orange", "black", "orange", "veins", 1, "velvety", "black"),
    ("fanwings", "light blue", "dark blue", "light blue", "border", 1, "iridescent", "grey"),
    ("fanwings", "purple", "yellow", "red", "eyespots", 2, "velvety", "brown"),
    ("plumemoths", "green", "pink", "white", "eyespots", 2, "velvety", "white"),
    ("plumemoths", "brown", "cream", "orange", "patch", 1, "velvety", "brown"),
    ("plumemoths", "white", "grey", "white", "veins", 1, "matte", "yellow"),
    ("dartwings", "pink", "olive", "pink", "band", 1, "velvety", "olive"),
    ("dartwings", "grey", "black", "red", "rays", 1, "matte", "grey"),
    ("dartwings", "green", "cream", "brown", "patch", 1, "matte", "green"),
)
MIN_CONTRAST = 60.0


def species_catalog(*, seed: int = 0) -> list[Species]:
    """The 24 species of the guide, three of each family. The seed moves nothing but their Latin names."""
    rng = np.random.default_rng([seed, 24])
    return [described(FAMILIES[plate[0]], Attributes(*plate[1:]), rng) for plate in PLATES]


def other_species(n: int, seed: int) -> list[Species]:
    """`n` distinct species that are none of the guide's: no two share a definition, and none shares family, pattern and
    base colour with a plate, so that an encoder trained on them has to read the words to know the guide."""
    rng = np.random.default_rng([seed, 7])
    taken = {(family, pattern, base) for family, base, _, _, pattern, *_ in PLATES}
    found: dict[str, Species] = {}
    for family, attributes in _endless(rng):
        if len(found) == n:
            break
        if (family.key, attributes.pattern, attributes.base) in taken:
            continue
        species = described(family, attributes, rng)
        found.setdefault(species.definition, species)
    return list(found.values())


def _endless(rng: np.random.Generator) -> Iterator[tuple[Family, Attributes]]:
    families, words = list(FAMILIES.values()), list(INKS)
    while True:
        family = families[int(rng.integers(len(families)))]
        base, accent, trim, limbs = (str(word) for word in rng.choice(words, size=4))
        pattern = str(rng.choice(PATTERNS[family.order]))
        if rng.random() < 0.35:
            trim = base
        if pattern == "plain":
            accent = base
        elif min(contrast(base, accent), contrast(trim, accent) + 40) < MIN_CONTRAST:
            continue
        if rng.random() < 0.4:
            limbs = str(rng.choice(["black", "brown"]))
        finish = str(rng.choice(FINISHES[family.order]))
        yield family, Attributes(base, accent, trim, pattern, _count(pattern, rng), finish, limbs)


def _count(pattern: str, rng: np.random.Generator) -> int:
    choices = {
        "spots": (1, 2, 3, 4, 5),
        "bands": (1, 2, 3),
        "stripes": (1, 2, 3),
        "chevrons": (2, 3, 4),
        "eyespots": (1, 2),
    }
    return int(rng.choice(choices.get(pattern, (1,))))
