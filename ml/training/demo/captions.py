"""All captions as one matrix of tokens, and a draw of one caption for each image of a batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.training.demo.texts import TEMPLATES, ClassTexts

Tokenize = Callable[[Sequence[str]], Tensor]
KIND_SHARES = (0.5, 0.2, 0.3)  # by name, by definition, by sentence


@dataclass(frozen=True)
class CaptionBank:
    """`tokens` (M, T) of all captions; those of class c and kind k lie at `start[c, k]` … `start[c, k] + count[c, k]`.

    `teacher` (M, E), where there is one, holds what the sentence encoder makes of each caption."""

    tokens: Tensor
    start: Tensor
    count: Tensor
    teacher: Tensor | None = None

    def draw(self, labels: Tensor, *, generator: torch.Generator) -> Tensor:
        """Index of one random caption (B,) for each class of `labels` (B,)."""
        b, device = len(labels), labels.device
        shares = torch.tensor(KIND_SHARES, device=device).expand(b, -1)
        kind = torch.multinomial(shares, 1, generator=generator)[:, 0]
        many = self.count[labels, kind]
        at = (torch.rand(b, device=device, generator=generator) * many).long()
        return self.start[labels, kind] + at.minimum(many - 1)

    def to(self, device: torch.device) -> "CaptionBank":
        """The same bank on another device."""
        teacher = None if self.teacher is None else self.teacher.to(device)
        return CaptionBank(self.tokens.to(device), self.start.to(device), self.count.to(device), teacher)


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


def name_tokens(classes: Sequence[ClassTexts], tokenize: Tokenize, templates: Sequence[str]) -> Tensor:
    """Tokens (N, V, T) of the first name of each class in each of V templates."""
    texts = [template.format(words.names[0]) for words in classes for template in templates]
    return tokenize(texts).reshape(len(classes), len(templates), -1)
