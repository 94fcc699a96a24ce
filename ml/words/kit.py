"""All that is made ahead of time, so that a new class is written in a moment: writers, and how far to trust them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.errors import SpaceMismatchError
from ml.heads.linear import LinearHead
from ml.icis.autoencoders import IcisConfig
from ml.words.columns import Columns, Ground, grown
from ml.words.describe import Described
from ml.words.rehearsal import Rehearsal, rehearse
from ml.words.trial import Material, blended
from ml.words.writers import FEWEST, METHODS, Writers, fit_writers

QUICK_EPOCHS = 6


@dataclass(frozen=True)
class WordsKit:
    """For one head: `writers`, the `rehearsal` (empty where it was not held), and `center` (D,) of its class means."""

    writers: Writers
    center: Tensor
    rehearsal: Rehearsal

    @property
    def best(self) -> str:
        """The method that the project's own classes speak for; before that is known, the one that reads most."""
        return self.rehearsal.best or ("prompt" if "prompt" in self.writers.methods else "icis")

    def offset(self, method: str) -> float:
        known = self.rehearsal.methods.get(method)
        return 0.0 if known is None else known.offset

    def share(self, shots: int) -> float:
        """What words weigh beside so many confirmed images, in [0, 1]."""
        if shots < 1:
            return 1.0
        step = self.rehearsal.at(shots)
        return 1.0 / (1 + shots) if step is None else step.share

    def columns(
        self, ground: Ground, new: Described, *, method: str, examples: Mapping[int, Tensor] | None = None
    ) -> Columns:
        """New columns for `ground.head`: from words, and for classes in `examples` (K, D) from those as well.

        Raises:
            SpaceMismatchError: The head is not the one that this kit was made for, or words of other encoders.
        """
        if ground.head.n_classes != len(self.writers.described):
            raise SpaceMismatchError(
                f"this kit was made for a head of {len(self.writers.described)} classes, got {ground.head.n_classes}"
            )
        directions = self.writers.directions(method, ground.head, new)
        parts = [self._one(ground, new, i, directions[i], method, (examples or {}).get(i)) for i in range(len(new))]
        text = [part.text for part in parts if part.text is not None]
        return Columns(
            torch.cat([part.weight for part in parts]),
            torch.cat(text) if text else None,
            torch.cat([part.bias for part in parts]),
            ground.spread,
        )

    def _one(
        self, ground: Ground, new: Described, i: int, words: Tensor, method: str, vectors: Tensor | None
    ) -> Columns:
        offset = self.offset(method)
        if vectors is not None and len(vectors):
            mean = ground.head.features(vectors).mean(dim=0)
            taught = self.writers.from_examples(mean[None], self.center)[0]
            step = self.rehearsal.at(len(vectors))
            offset = offset if step is None else step.offset
            words = blended(words, taught, self.share(len(vectors)))
        tower = None if new.tower is None else new.tower[[i]]
        return ground.columns(words[None], tower=tower, offset=offset)


def with_words(
    kit: WordsKit, ground: Ground, new: Described, *, method: str, examples: Mapping[int, Tensor] | None = None
) -> LinearHead:
    """`ground.head` with the new classes last; the rows it has are untouched."""
    return grown(ground.head, kit.columns(ground, new, method=method, examples=examples))


def fit_kit(
    head: LinearHead,
    material: Material,
    *,
    seed: int,
    rehearsed: bool = True,
    check: Callable[[], None] = lambda: None,
) -> WordsKit:
    """Writers for a head, learned from the images that it was fitted on, and a rehearsal on its classes.

    Not `rehearsed` is what a request can wait for: no Text2Model, no figures.
    """
    features = head.features(material.vectors)
    methods = METHODS if rehearsed else ("icis", "prompt")
    icis = IcisConfig() if rehearsed else IcisConfig(max_epochs=QUICK_EPOCHS, restarts=1)
    writers = fit_writers(
        head,
        material.described,
        features=features,
        class_index=material.class_index,
        seed=seed,
        methods=methods,
        icis=icis,
    )
    check()
    means = [features[material.class_index == c] for c in range(head.n_classes)]
    center = torch.stack([own.mean(dim=0) for own in means if len(own)]).mean(dim=0)
    held = rehearsed and head.n_classes > FEWEST
    return WordsKit(writers, center, rehearse(material, seed=seed, check=check) if held else Rehearsal())
