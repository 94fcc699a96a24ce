"""The figures of the model card, on what training never saw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.training.demo.objective import mean_of_groups, unit
from ml.training.demo.study import Study
from ml.training.demo.texts import ClassTexts, species_texts

PROMPTS = (
    "a photo of a {}.",
    "a blurry photo of a {}.",
    "a close-up photo of a {}.",
    "a bright photo of a {}.",
    "a dark photo of a {}.",
    "a photo of the large {}.",
    "a photo of the small {}.",
)
EPISODES, WAYS, QUERIES = 600, 5, 15
# CIFAR-FS test classes whose thing is among the 160 ImageNet classes, under the same or nearly the same name.
ALSO_IN_IMAGENET = ("chimpanzee", "sweet_pepper", "table", "telephone")


@dataclass(frozen=True)
class Share:
    """A share in percent with the half width of its 95 % interval."""

    percent: float
    interval: float

    def to_json(self) -> dict[str, float]:
        """Rounded to a hundredth of a percent."""
        return {"percent": round(self.percent, 2), "interval": round(self.interval, 2)}


def class_vectors(encode: Callable[[Sequence[str]], Tensor], texts: Sequence[Sequence[str]]) -> Tensor:
    """Unit vectors (N, D): of each class the mean of its prompts."""
    flat = [prompt for prompts in texts for prompt in prompts]
    owner = torch.tensor([c for c, prompts in enumerate(texts) for _ in prompts])
    return mean_of_groups(encode(flat).float().cpu(), owner, len(texts))


def prompts_by_name(classes: Sequence[ClassTexts]) -> list[list[str]]:
    """The seven templates over each class's first name."""
    return [[template.format(words.names[0]) for template in PROMPTS] for words in classes]


def prompts_by_description(classes: Sequence[ClassTexts]) -> list[list[str]]:
    """What an owner would paste: the definition and the sentences, without the name alone."""
    return [[words.definitions[0], *words.sentences] for words in classes]


def top_k(images: Tensor, classes: Tensor, labels: Tensor, k: int) -> Share:
    """Share of images (P, D) whose class is among the `k` nearest of `classes` (N, D); normal 95 % interval."""
    best = (images @ classes.T).topk(k, dim=1).indices
    return _share((best == labels[:, None]).any(1).float())


def _share(values: Tensor) -> Share:
    mean = float(values.mean())
    return Share(100 * mean, 100 * 1.96 * float(values.std()) / len(values) ** 0.5)


def prototypes(vectors: Tensor, labels: Tensor, *, shots: int, seed: int) -> Share:
    """Accuracy of nearest-prototype classification over 600 episodes of 5 classes and 15 queries a class.

    Snell, Swersky, Zemel 2017, with unit vectors and cosine; the interval is 1.96 standard errors over episodes.
    """
    generator = torch.Generator().manual_seed(seed)
    members = [torch.nonzero(labels == label)[:, 0] for label in torch.unique(labels)]
    scores = torch.empty(EPISODES)
    for episode in range(EPISODES):
        chosen = torch.randperm(len(members), generator=generator)[:WAYS]
        picks = torch.stack([_pick(members[int(c)], shots + QUERIES, generator) for c in chosen])
        support, query = vectors[picks[:, :shots]], vectors[picks[:, shots:]]
        nearest = (query @ unit(support.mean(1)).T).argmax(-1)
        scores[episode] = (nearest == torch.arange(WAYS)[:, None]).float().mean()
    return _share(scores)


def _pick(members: Tensor, n: int, generator: torch.Generator) -> Tensor:
    return members[torch.randperm(len(members), generator=generator)[:n]]


def figures_of(
    look: Callable[[Tensor], Tensor],
    read: Callable[[Sequence[str]], Tensor],
    study: Study,
    corpus_names: Sequence[str],
    imagenet: Sequence[ClassTexts],
) -> dict[str, Share]:
    """The figures of the card. `look` gives unit vectors (P, D) of maps, `read` vectors (M, D) of texts."""
    seen, labels = look(study.imagenet_test.maps), study.imagenet_test.labels
    names = class_vectors(read, prompts_by_name(imagenet))
    insects, kinds = look(study.guide.maps), study.guide.labels
    catalog = [species_texts(species) for species in study.catalog]
    figures = {
        "imagenet_names_top1": top_k(seen, names, labels, 1),
        "imagenet_names_top5": top_k(seen, names, labels, 5),
        "species_descriptions": top_k(insects, class_vectors(read, prompts_by_description(catalog)), kinds, 1),
        "species_names": top_k(insects, class_vectors(read, prompts_by_name(catalog)), kinds, 1),
    }
    known = torch.tensor([list(corpus_names).index(name) for name in ALSO_IN_IMAGENET])
    for part in ("val", "test"):
        vectors, fine = look(study.cifar[part].maps), study.cifar[part].labels
        strange = ~torch.isin(fine, known)
        for shots in (1, 5):
            figures[f"cifar_fs_{part}_{shots}shot"] = prototypes(vectors, fine, shots=shots, seed=0)
            if part == "test":
                only = prototypes(vectors[strange], fine[strange], shots=shots, seed=0)
                figures[f"cifar_fs_test_without_imagenet_things_{shots}shot"] = only
    return figures
