"""Tasks among classes: which classes, how they are described, and images of each."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ml.errors import ConfigError, NonFiniteError, ShapeError
from ml.text2model.descriptions import DescriptionBank, Drawn


@dataclass(frozen=True)
class SeenClasses:
    """Features (n, R) with class_index (n,), descriptions of all N classes, and which classes train and validate."""

    features: Tensor
    class_index: Tensor
    bank: DescriptionBank
    train: Tensor
    val: Tensor

    def __post_init__(self) -> None:
        if len(self.features) != len(self.class_index):
            raise ShapeError(f"{len(self.features)} features for {len(self.class_index)} class indices")
        if not bool(torch.isfinite(self.features).all()):
            raise NonFiniteError("NaN or infinity among the features; embed the images again")
        if min(len(self.train), len(self.val)) < 2:
            raise ConfigError("training and validation need at least two classes each")
        if set(self.train.tolist()) & set(self.val.tolist()):
            raise ConfigError("a class trains or validates, not both")

    def class_means(self) -> Tensor:
        """(N, R) mean feature of each class; zeros for one without images."""
        n = int(self.class_index.max()) + 1
        sums = torch.zeros(n, self.features.shape[1]).index_add_(0, self.class_index, self.features)
        return sums / torch.bincount(self.class_index, minlength=n).clamp(min=1)[:, None]


@dataclass(frozen=True)
class Tasks:
    """T tasks of k classes: the texts `drawn` for classes (T, k), their vectors `descriptions` (T, k, D), images
    (T, B, R) and their target (T, B)."""

    drawn: Drawn
    descriptions: Tensor
    images: Tensor
    target: Tensor

    @property
    def classes(self) -> Tensor:
        return self.drawn.classes


class TaskSampler:
    """Random tasks among some classes."""

    def __init__(self, seen: SeenClasses, classes: Tensor, *, seed: int) -> None:
        self.seen, self.classes = seen, classes
        self.generator = torch.Generator().manual_seed(seed)
        self.members = [(seen.class_index == c).nonzero()[:, 0] for c in classes.tolist()]
        if min(len(found) for found in self.members) < 1:
            raise ConfigError("every class of a task needs an image")

    def draw(self, *, tasks: int, ways: int, images: int, kind: str) -> Tasks:
        """`images` of each class, with replacement."""
        order = torch.rand(tasks, len(self.classes), generator=self.generator).argsort(dim=1)[:, :ways]
        sizes = torch.tensor([len(found) for found in self.members])
        table = nn.utils.rnn.pad_sequence(self.members, batch_first=True)
        place = torch.rand(*order.shape, images, generator=self.generator) * sizes[order][..., None]
        rows = table[order[..., None].expand_as(place), place.long()]
        target = torch.arange(order.shape[1])[None, :, None].expand_as(place)
        drawn = self.seen.bank.draw(kind, self.classes[order], generator=self.generator)
        return Tasks(
            drawn=drawn,
            descriptions=self.seen.bank.read(drawn),
            images=self.seen.features[rows.flatten(1)],
            target=target.flatten(1),
        )
