"""What one training learns from and is measured on: classes under one numbering, captions, kept maps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ml.data.fieldguide import Species
from ml.training.demo.captions import captions_in_order
from ml.training.demo.corpus import Corpus, Photos
from ml.training.demo.drawings import guide_drawings, training_drawings
from ml.training.demo.features import Front, frozen_maps, kept, resized
from ml.training.demo.texts import DRAWING_TEMPLATES, ClassTexts, species_texts

TRAIN, VAL, TEST = 0, 1, 2


@dataclass(frozen=True)
class Labelled:
    """Maps (P, C, h, w) float16 and labels (P,)."""

    maps: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Study:
    """All pictures as maps. `cifar` holds the CIFAR-FS parts by name with CIFAR's own labels."""

    imagenet_train: Labelled
    imagenet_test: Labelled
    cifar: dict[str, Labelled]
    drawings: Labelled
    guide: Labelled
    species: list[Species]
    catalog: list[Species]


def photo_classes(
    corpus: Corpus, imagenet: list[ClassTexts], cifar: dict[str, ClassTexts]
) -> tuple[list[ClassTexts], Tensor]:
    """The 160 ImageNet classes, then the CIFAR-FS training classes that are none of them.

    Returns:
        The classes, and for each of the 100 CIFAR labels its class, or −1 where it is held out.
    """
    known = {name.lower(): i for i, words in enumerate(imagenet) for name in words.names}
    train = {int(label) for label in torch.unique(corpus.cifar.of(TRAIN)[1])}
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


def build_study(
    corpus: Corpus,
    trunk: nn.Module,
    *,
    size: int,
    species: int,
    each: int,
    cifar_each: int,
    seed: int,
    workers: int,
    work: Path,
) -> Study:
    """Maps of all pictures, read from the folder `work` where an earlier run left them there."""
    front = Front(trunk)

    def maps(name: str, pixels: Callable[[], Tensor]) -> Tensor:
        return kept(work / f"{name}.safetensors", lambda: frozen_maps(front, pixels(), lambda x: resized(x, size)))

    def photos(name: str, source: Photos, part: int, most: int) -> Labelled:
        pixels, labels = first_of_each(*source.of(part), most)
        return Labelled(maps(name, lambda: pixels), labels)

    drawn, labels, others = training_drawings(species, each, seed=seed, workers=workers)
    pictures, kinds, catalog = guide_drawings()
    return Study(
        imagenet_train=photos("imagenet-train", corpus.imagenet, TRAIN, 240),
        imagenet_test=photos("imagenet-test", corpus.imagenet, TEST, 240),
        cifar={
            "train": photos("cifar-train", corpus.cifar, TRAIN, cifar_each),
            "val": photos("cifar-val", corpus.cifar, VAL, 100),
            "test": photos("cifar-test", corpus.cifar, TEST, 100),
        },
        drawings=Labelled(maps(f"drawings-{seed}-{species}-{each}", drawn), labels),
        guide=Labelled(maps("guide", pictures), kinds),
        species=others,
        catalog=catalog,
    )


def first_of_each(pixels: Tensor, labels: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The first `most` pictures of each class."""
    chosen = torch.cat([torch.nonzero(labels == label)[:most, 0] for label in torch.unique(labels)])
    return pixels[chosen], labels[chosen]


def corpus_texts(classes: Sequence[ClassTexts], species: Sequence[Species]) -> list[str]:
    """All texts that the vocabulary is cut to."""
    photos, _ = captions_in_order(classes)
    drawings, _ = captions_in_order([species_texts(s) for s in species], DRAWING_TEMPLATES)
    return photos + drawings
