"""Descriptions of classes as vectors: several texts of each kind, of which a task draws some at random."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.errors import ConfigError, NonFiniteError, ShapeError
from ml.heads.features import unit

NEGATED = "negated"
EVERY = 0
"""As a number of draws: all texts that a class has."""


@dataclass(frozen=True)
class Drawn:
    """Which texts describe classes (…, k): `places` (…, k, S) among a class's own texts of `kind`.

    A place at or past the number of texts that a class has stands for nothing.
    """

    kind: str
    classes: Tensor
    places: Tensor


@dataclass(frozen=True)
class DescriptionBank:
    """Vectors of every text of N classes, by kind: unit vectors as embedded, or what a projection made of them.

    `vectors[kind]` (N, M, T), padded with zeros, of which class n has `counts[kind][n]` ≥ 1. `draws[kind]` of them
    together are one description. Kind `negated` is relative: a class is told by what the *other* classes of a task
    have and it has not, so its texts are negations of the attributes of the class they are stored under.
    """

    vectors: dict[str, Tensor]
    counts: dict[str, Tensor]
    draws: dict[str, int]

    @classmethod
    def of(cls, kinds: Mapping[str, Sequence[Tensor]], *, draws: Mapping[str, int] | None = None) -> "DescriptionBank":
        """From lists of (M_n, T) vectors, one list entry a class.

        Raises:
            ConfigError: A class without a description of some kind. NonFiniteError: NaN or infinity in one.
        """
        if not kinds:
            raise ConfigError("expected at least one kind of description, got none")
        vectors, counts = {}, {}
        for kind, classes in kinds.items():
            counts[kind] = torch.tensor([len(own) for own in classes])
            if int(counts[kind].min()) < 1:
                raise ConfigError(f"class {int(counts[kind].argmin())} has no description of kind {kind!r}")
            vectors[kind] = torch.nn.utils.rnn.pad_sequence(list(classes), batch_first=True).float()
            if not bool(torch.isfinite(vectors[kind]).all()):
                raise NonFiniteError(f"NaN or infinity among the vectors of kind {kind!r}; embed the texts again")
        if len({len(found) for found in counts.values()}) > 1:
            raise ShapeError("every kind describes the same classes; the lists differ in length")
        return cls(vectors, counts, {kind: int((draws or {}).get(kind, 1)) for kind in kinds})

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self.vectors)

    @property
    def text_dim(self) -> int:
        return int(next(iter(self.vectors.values())).shape[-1])

    def draw(self, kind: str, classes: Tensor, *, generator: torch.Generator) -> Drawn:
        """Random texts of `kind`, enough for one description of each of (…, k) classes."""
        times = self.draws[kind]
        if times == EVERY:
            every = torch.arange(self.vectors[kind].shape[1])
            return Drawn(kind, classes, every.expand(*classes.shape, len(every)))
        wanted = classes[..., None].expand(*classes.shape, times)
        places = torch.rand(wanted.shape, generator=generator) * self.counts[kind][wanted]
        return Drawn(kind, classes, places.long())

    def mean(self, drawn: Drawn) -> Tensor:
        """(…, k, T): for each class the mean of its drawn texts; negated, the sum of the others' means."""
        classes = drawn.classes[..., None]
        there = (drawn.places < self.counts[drawn.kind][classes])[..., None]
        found = (self.vectors[drawn.kind][classes, drawn.places] * there).sum(dim=-2) / there.sum(dim=-2)
        if drawn.kind == NEGATED:
            found = found.sum(dim=-2, keepdim=True) - found
        return found

    def read(self, drawn: Drawn) -> Tensor:
        """`mean`, at length one."""
        return unit(self.mean(drawn))
