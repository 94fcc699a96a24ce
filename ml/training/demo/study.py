"""What one training learns from: classes of all sources under one numbering, their captions, their images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.data.fieldguide import Species
from ml.training.demo.captions import CaptionBank, caption_bank, captions_in_order
from ml.training.demo.corpus import Corpus
from ml.training.demo.texts import DRAWING_TEMPLATES, ClassTexts, species_texts

Tokenize = Callable[[Sequence[str]], Tensor]


@dataclass(frozen=True)
class Source:
    """Images (P, 3, h, w) uint8 of one kind with labels (P,) into one caption bank."""

    pixels: Tensor
    labels: Tensor

    def draw(self, n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` random images with their labels."""
        at = torch.randint(len(self.labels), (n,), device=self.labels.device, generator=generator)
        return self.pixels[at], self.labels[at]

    def to(self, device: torch.device) -> "Source":
        """The same source on another device."""
        return Source(self.pixels.to(device), self.labels.to(device))


def photo_classes(
    corpus: Corpus, imagenet: list[ClassTexts], cifar: dict[str, ClassTexts]
) -> tuple[list[ClassTexts], Tensor]:
    """The 160 ImageNet classes, then the CIFAR-FS training classes that are none of them.

    Returns:
        The classes, and for each of the 100 CIFAR labels its class, or −1 where it is held out.
    """
    known = {name.lower(): i for i, words in enumerate(imagenet) for name in words.names}
    train = {int(label) for label in torch.unique(corpus.cifar.of(0)[1])}
    classes, mapped = list(imagenet), torch.full((len(corpus.cifar_names),), -1, dtype=torch.long)
    for label, name in enumerate(corpus.cifar_names):
        if label not in train:
            continue
        plain = name.replace("_", " ")
        if plain not in known:
            known[plain] = len(classes)
            classes.append(cifar[name])
        mapped[label] = known[plain]
    return classes, mapped


def photo_sources(corpus: Corpus, mapped: Tensor) -> tuple[Source, Source]:
    """Training images of ImageNet and of CIFAR, labels in the common numbering."""
    pixels, labels = corpus.imagenet.of(0)
    small, fine = corpus.cifar.of(0)
    return Source(pixels, labels), Source(small, mapped[fine])


def drawing_bank(species: Sequence[Species], tokenize: Tokenize) -> CaptionBank:
    """The captions of drawn species."""
    return caption_bank([species_texts(s) for s in species], tokenize, templates=DRAWING_TEMPLATES)


def corpus_texts(classes: Sequence[ClassTexts], species: Sequence[Species]) -> list[str]:
    """All texts that the vocabulary is cut to."""
    photos, _ = captions_in_order(classes)
    drawings, _ = captions_in_order([species_texts(s) for s in species], DRAWING_TEMPLATES)
    return photos + drawings
