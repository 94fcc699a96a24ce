"""From attributes to names and sentences: the text says what the picture shows, and nothing else."""

import numpy as np

from ml.data.fieldguide.palette import INKS
from ml.data.fieldguide.species import Attributes, Family, Species

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

# How a pattern is told: a noun phrase with {n} marks a side and {c} the accent, and the adjective of the name.
BEETLE_MARKS: dict[str, tuple[str, str]] = {
    "plain": ("no markings at all", "plain"),
    "spots": ("{n} round {c} spots on each wing case", "spotted"),
    "bands": ("{n} {c} bands across the back", "banded"),
    "stripes": ("{n} {c} stripes along each wing case", "striped"),
    "rim": ("a broad {c} rim around the wing cases", "rimmed"),
    "saddle": ("one large {c} patch in the middle of the back", "saddled"),
    "speckles": ("many tiny {c} speckles", "speckled"),
    "chevrons": ("{n} {c} V-shaped chevrons down the back", "chevroned"),
}
WING_MARKS: dict[str, tuple[str, str]] = {
    "plain": ("wings without any markings", "plain"),
    "eyespots": ("{n} {c} eyespots on each side", "eyed"),
    "band": ("a broad {c} band across the wings", "banded"),
    "veins": ("a net of {c} veins over the wings", "veined"),
    "border": ("a wide {c} border around the wings", "bordered"),
    "pearls": ("a row of {c} dots along the wing edges", "pearled"),
    "patch": ("a large {c} patch on each forewing", "patched"),
    "rays": ("{c} rays fanning out from the body", "rayed"),
}
BEETLE_SYLLABLES = (
    "bor",
    "cal",
    "dor",
    "fer",
    "gal",
    "lam",
    "mel",
    "nor",
    "pel",
    "ruf",
    "sel",
    "tor",
    "vel",
    "xan",
)
WING_SYLLABLES = (
    "ae",
    "cy",
    "eri",
    "ide",
    "io",
    "lys",
    "myr",
    "ny",
    "ori",
    "phae",
    "rhe",
    "sil",
    "thal",
    "zeph",
)
GENUS_ENDS = ("andra", "ella", "inia", "osia", "aris", "ope", "umna")


def marks_of(family: Family, attributes: Attributes) -> str:
    """The noun phrase of the pattern: "three black bands across the back"."""
    phrase = (BEETLE_MARKS if family.order == "beetle" else WING_MARKS)[attributes.pattern][0]
    return phrase.format(n=NUMBERS[attributes.count], c=attributes.accent)


def name_of(family: Family, attributes: Attributes) -> str:
    """The English name: "Sable-banded longhorn"; a plain species is named after its base colour."""
    adjective = (BEETLE_MARKS if family.order == "beetle" else WING_MARKS)[attributes.pattern][1]
    if attributes.pattern == "plain":
        return f"{INKS[attributes.base].epithet} {family.singular}"
    return f"{INKS[attributes.accent].epithet}-{adjective} {INKS[attributes.base].epithet.lower()} {family.singular}"


def latin_of(family: Family, attributes: Attributes, rng: np.random.Generator) -> str:
    """An invented binomial; the epithet is the Latin of the base colour."""
    syllables = BEETLE_SYLLABLES if family.order == "beetle" else WING_SYLLABLES
    stem = "".join(str(s) for s in rng.choice(syllables, size=2, replace=False))
    return f"{stem.capitalize()}{rng.choice(GENUS_ENDS)} {INKS[attributes.base].latin}"


def article(phrase: str) -> str:
    """`phrase` with its indefinite article."""
    return f"{'an' if phrase[0].lower() in 'aeiou' else 'a'} {phrase}"


def parts_of(family: Family) -> tuple[str, str, str]:
    """The words for base part, trim part and limbs."""
    if family.order == "beetle":
        return "wing cases", "neck shield", "legs"
    return "forewings", "hindwings", "body"


def definition_of(family: Family, attributes: Attributes) -> str:
    """One phrase that separates the species from every other of the guide."""
    body, trim, limbs = parts_of(family)
    return (
        f"{family.build}, {attributes.finish} {attributes.base} {body}, {attributes.trim} {trim}, "
        f"{attributes.limbs} {limbs} and {marks_of(family, attributes)}"
    )


def sentences_of(family: Family, attributes: Attributes, name: str) -> tuple[str, ...]:
    """Several sentences, each true of every drawing of the species."""
    body, trim, limbs = parts_of(family)
    marks, one = marks_of(family, attributes), article(family.singular)
    return (
        f"The {name} is {family.build}.",
        f"{one.capitalize()} with {attributes.base} {body} and {marks}.",
        f"Its {body} are {attributes.finish} {attributes.base}; its {trim} {_is(trim)} {attributes.trim}.",
        f"Look for {marks} on {attributes.base} {body}.",
        f"{article(attributes.base).capitalize()} {family.singular} with {attributes.trim} {trim} "
        f"and {attributes.limbs} {limbs}.",
        f"{article(name).capitalize()}: {family.clues[0]}, and it has {marks}.",
        f"In this species {family.clues[1]}; the {limbs} {_is(limbs)} {attributes.limbs}.",
    )


def _is(noun: str) -> str:
    return "are" if noun.endswith("s") else "is"


def described(family: Family, attributes: Attributes, rng: np.random.Generator) -> Species:
    """The species that these attributes make."""
    name = name_of(family, attributes)
    return Species(
        key=name.lower().replace(" ", "-"),
        name=name,
        latin=latin_of(family, attributes, rng),
        family=family,
        attributes=attributes,
        definition=definition_of(family, attributes),
        sentences=sentences_of(family, attributes, name),
    )
