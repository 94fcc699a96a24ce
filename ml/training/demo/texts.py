"""The words that the encoder learns from: names, definitions, descriptors and sentences of each class."""

import json
from dataclasses import dataclass
from pathlib import Path

from ml.data.fieldguide import Species

TEMPLATES = (
    "{}",
    "{}.",
    "a {}",
    "the {}",
    "a photo of a {}.",
    "a photo of the {}.",
    "a blurry photo of a {}.",
    "a close-up photo of a {}.",
    "a bright photo of a {}.",
    "a dark photo of a {}.",
    "a photo of the large {}.",
    "a photo of the small {}.",
    "a picture of a {}",
    "an image of a {}.",
    "a low resolution photo of a {}.",
    "a good photo of a {}.",
)
DRAWING_TEMPLATES = (
    "{}",
    "a photo of a {}.",
    "a drawing of a {}.",
    "a close-up photo of a {}.",
    "a photo of the small {}.",
)


@dataclass(frozen=True)
class ClassTexts:
    """A class: its `names` (the first is the one it is measured by), what defines it, and sentences about it."""

    names: tuple[str, ...]
    definitions: tuple[str, ...]
    sentences: tuple[str, ...]

    def captions(self, *, templates: tuple[str, ...] = TEMPLATES) -> tuple[list[str], list[str], list[str]]:
        """Captions of three kinds: by name, by definition, by sentence; an absent kind falls back on names."""
        by_name = [template.format(name) for name in self.names for template in templates]
        defined = [f"{self.names[0]}, {text}" for text in self.definitions] + list(self.definitions)
        return by_name, defined or by_name, list(self.sentences) or by_name


def photo_texts(data: Path) -> tuple[list[ClassTexts], dict[str, ClassTexts]]:
    """The texts of the 160 ImageNet classes in file order, and of the CIFAR-100 classes by label."""
    known = json.loads((data / "class-texts.json").read_text(encoding="utf-8"))
    imagenet = [
        ClassTexts(
            names=tuple(dict.fromkeys([entry["name"], *entry["synonyms"]])),
            definitions=(entry["definition"],),
            sentences=tuple(_clean(s) for s in [*entry["sentences"], *_described(entry["name"], entry["descriptors"])]),
        )
        for entry in known["tiny_imagenet_160"]
    ]
    cifar = {
        name.replace(" ", "_"): ClassTexts((name,), (), tuple(_clean(s) for s in sentences))
        for name, sentences in known["cifar100"].items()
    }
    return imagenet, cifar


def species_texts(species: Species) -> ClassTexts:
    """The texts of a drawn species: its own, and the phrases that a user would shorten them to."""
    family, a = species.family, species.attributes
    kind = family.singular
    names = (species.name, f"{a.base} {kind}", f"{a.finish} {a.base} {kind}")
    short = (
        f"{kind}, {family.build}",
        f"{a.base} {family.order} with {a.accent} {a.pattern}" if a.pattern != "plain" else kind,
    )
    return ClassTexts(names, (species.definition, *short), species.sentences)


def _described(name: str, descriptors: list[str]) -> list[str]:
    return [f"a {name}, which has {text}" for text in descriptors] + [f"{name}: {'; '.join(descriptors)}"]


def _clean(text: str) -> str:
    return " ".join(text.split())
