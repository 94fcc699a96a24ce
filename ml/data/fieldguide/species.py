"""What a species is: a family's build and a handful of attributes that are drawn, and told, in the same words."""

from dataclasses import asdict, dataclass
from typing import Literal

Order = Literal["beetle", "butterfly"]


@dataclass(frozen=True)
class Family:
    """A first-level category. `build` is the sentence fragment that tells what all of its species share."""

    key: str
    name: str
    singular: str
    latin: str
    order: Order
    build: str
    clues: tuple[str, ...]


FAMILIES: dict[str, Family] = {
    family.key: family
    for family in (
        Family(
            "domebacks", "Domebacks", "domeback", "Tholidae", "beetle",
            "a round, domed beetle with a small head and short antennae",
            ("its body is round like a button", "its wing cases form a high dome"),
        ),
        Family(
            "longhorns", "Longhorns", "longhorn", "Ceratidae", "beetle",
            "a long, narrow beetle with antennae longer than its body",
            ("its antennae sweep back in long curves", "its body is slender and straight-sided"),
        ),
        Family(
            "antlerbacks", "Antlerbacks", "antlerback", "Elaphidae", "beetle",
            "a heavy, broad-shouldered beetle with antler-like jaws",
            ("its jaws are curved like antlers", "its broad head carries two great jaws"),
        ),
        Family(
            "snouters", "Snouters", "snouter", "Rhynchidae", "beetle",
            "a pear-shaped beetle with a long snout and elbowed antennae",
            ("its head is drawn out into a long snout", "its body is shaped like a pear"),
        ),
        Family(
            "kitewings", "Kitewings", "kitewing", "Aquilonidae", "butterfly",
            "a butterfly with pointed wings and a long tail on each hindwing",
            ("its hindwings end in long tails", "its wings are angular like a kite"),
        ),
        Family(
            "fanwings", "Fanwings", "fanwing", "Flabellidae", "butterfly",
            "a butterfly with broad, round, scalloped wings",
            ("its wings are round with a wavy edge", "its wings spread like open fans"),
        ),
        Family(
            "plumemoths", "Lantern moths", "lantern moth", "Lychnidae", "butterfly",
            "a stout, furry moth with feathery antennae and wide wings",
            ("its antennae are like feathers", "its body is thick and furry"),
        ),
        Family(
            "dartwings", "Dartwings", "dartwing", "Telidae", "butterfly",
            "a streamlined hawk moth with narrow, swept-back wings and a long tapering body",
            ("its forewings are narrow and swept back", "its long body tapers to a point"),
        ),
    )
}  # fmt: skip

PATTERNS: dict[Order, tuple[str, ...]] = {
    "beetle": ("plain", "spots", "bands", "stripes", "rim", "saddle", "speckles", "chevrons"),
    "butterfly": ("plain", "eyespots", "band", "veins", "border", "pearls", "patch", "rays"),
}
FINISHES: dict[Order, tuple[str, ...]] = {
    "beetle": ("matte", "glossy", "metallic"),
    "butterfly": ("matte", "velvety", "iridescent"),
}


@dataclass(frozen=True)
class Attributes:
    """All that is drawn of a species, in words.

    `base` is the colour of the wing cases or wings, `accent` that of the pattern, `trim` that of the second part:
    the shield behind a beetle's head, a butterfly's hindwings. `count` is the number of marks on each side.
    """

    base: str
    accent: str
    trim: str
    pattern: str
    count: int
    finish: str
    limbs: str


@dataclass(frozen=True)
class Species:
    """A second-level category: `definition` is one phrase, `sentences` are what an owner would write about it."""

    key: str
    name: str
    latin: str
    family: Family
    attributes: Attributes
    definition: str
    sentences: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """A JSON-ready record in which the family is given by its key."""
        return {**asdict(self), "family": self.family.key, "sentences": list(self.sentences)}
