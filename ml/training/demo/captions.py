"""All captions as one matrix of tokens, and a draw of one caption for each image of a batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.training.demo.texts import TEMPLATES, ClassTexts

Tokenize = Callable[[Sequence[str]], Tensor]
KIND_SHARES = (0.6, 0.1, 0.3)  # by name, by definition, by sentence


@dataclass(frozen=True)
class CaptionBank:
    """`tokens` (M, T) of all captions; those of class c and kind k lie at `start[c, k]` … `start[c, k] + count[c, k]`.

    `teacher` (M, E), where there is one, holds what the sentence encoder makes of each caption."""

    tokens: Tensor
    start: Tensor
    count: Tensor
    teacher: Tensor | None = None

    def draw(self, labels: Tensor, kind: int, *, generator: torch.Generator) -> Tensor:
        """Index of one random caption (B,) of that kind for each class of `labels` (B,)."""
        many = self.count[labels, kind]
        at = (torch.rand(len(labels), generator=generator) * many).long()
        return self.start[labels, kind] + at.minimum(many - 1)


def captions_in_order(
    classes: Sequence[ClassTexts], templates: tuple[str, ...] = TEMPLATES
) -> tuple[list[str], Tensor]:
    """All captions, and how many (N, 3) each class has of each kind, in the order of the bank."""
    texts: list[str] = []
    counts = torch.zeros(len(classes), len(KIND_SHARES), dtype=torch.long)
    for c, words in enumerate(classes):
        for k, captions in enumerate(words.captions(templates=templates)):
            texts += captions
            counts[c, k] = len(captions)
    return texts, counts


def caption_bank(
    classes: Sequence[ClassTexts],
    tokenize: Tokenize,
    *,
    templates: tuple[str, ...] = TEMPLATES,
    teacher: Tensor | None = None,
) -> CaptionBank:
    """Tokenize the captions of `classes`; `teacher` (M, E) must be in the order of `captions_in_order`."""
    texts, counts = captions_in_order(classes, templates)
    ends = counts.flatten().cumsum(0)
    start = (ends - counts.flatten()).reshape(counts.shape)
    return CaptionBank(tokenize(texts), start, counts, teacher)
