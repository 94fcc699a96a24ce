"""Descriptions of classes as vectors: several of each kind, of which a task draws one at random."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ml.errors import ConfigError, NonFiniteError, ShapeError
from ml.heads.features import unit

LONGEST = 2_000
NEGATED = "negated"


@dataclass(frozen=True)
class CheckedTexts:
    """Texts that can be embedded, and what an owner should know about them, by class."""

    texts: list[str]
    notes: dict[int, str] = field(default_factory=dict)


def checked_texts(texts: Sequence[str], *, seen: Sequence[str] = ()) -> CheckedTexts:
    """Descriptions of new classes, one each, made fit for the sentence encoder.

    A text longer than 2,000 characters is cut there: the encoder reads some 256 words and no more. A text equal to a
    seen class's or to another new one's is kept and noted, because the two classes cannot be told apart by it.

    Raises:
        ConfigError: A class without a word.
    """
    cleaned = [" ".join(text.split()) for text in texts]
    empty = [index for index, text in enumerate(cleaned) if not any(character.isalnum() for character in text)]
    if empty:
        raise ConfigError(f"classes {empty[:5]} have no text: write a name or a sentence for each")
    known = {" ".join(text.split()).casefold(): index for index, text in enumerate(seen)}
    first: dict[str, int] = {}
    notes: dict[int, str] = {}
    for index, text in enumerate(cleaned):
        key = text.casefold()
        if key in known:
            notes[index] = f"is described exactly as seen class {known[key]}; say what sets it apart"
        elif key in first:
            notes[index] = f"is described exactly as new class {first[key]}; say what sets them apart"
        elif len(text) > LONGEST:
            notes[index] = f"has a text of {len(text):,} characters, of which the first {LONGEST:,} are read"
        elif len(text.split()) == 1:
            notes[index] = "has a single word; a sentence on what it looks like helps"
        first.setdefault(key, index)
    return CheckedTexts([text[:LONGEST] for text in cleaned], notes)


@dataclass(frozen=True)
class DescriptionBank:
    """Unit vectors of every description of N classes, by kind.

    `vectors[kind]` (N, M, T), padded with zeros, of which class n has `counts[kind][n]` ≥ 1. `draws[kind]` of them
    are averaged for one description. Kind `negated` is relative: a class is told by what the *other* classes of a task
    have and it has not, so its vectors are negations of the attributes of the class they are stored under.
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

    def draw(self, kind: str, classes: Tensor, *, generator: torch.Generator) -> Tensor:
        """One random description of `kind` for each of (…, k) classes: unit vectors (…, k, T)."""
        times = self.draws[kind]
        wanted = classes[..., None].expand(*classes.shape, times)
        position = torch.rand(wanted.shape, generator=generator) * self.counts[kind][wanted]
        found = self.vectors[kind][wanted, position.long()].mean(dim=-2)
        if kind == NEGATED:
            found = found.sum(dim=-2, keepdim=True) - found
        return unit(found)
