"""A written direction becomes one more column of a head, as loud as the columns that are there.

What a method writes has a direction and no scale. Over images of the pool, a seen class's logit, taken from the mean
of all seen logits, has mean zero and some spread; a new column gets the same mean and the same spread, and then an
`offset` in units of that spread, which is chosen on seen classes that are left out (gamma of calibrated stacking,
Chao et al. 2016, with the sign of the new class). Rows of the head are copied bit for bit.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ml.errors import ConfigError, ShapeError, SpaceMismatchError
from ml.heads.base import COSINE_SCALE, Head
from ml.heads.features import unit
from ml.heads.linear import LinearHead
from ml.heads.prototypes import PrototypeHead

SMALLEST_SPREAD = 1e-6


@dataclass(frozen=True)
class Columns:
    """U new columns: `weight` (U, D), `text` (U, D) or None, `bias` (U,); `spread` is that of the seen ones."""

    weight: Tensor
    text: Tensor | None
    bias: Tensor
    spread: float


@dataclass(frozen=True)
class Ground:
    """A head with images to level new columns on: `vectors` (B, D) of its space."""

    head: LinearHead
    vectors: Tensor

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) < 2:
            raise ShapeError(f"expected at least two vectors (B, D) to level on, got {tuple(self.vectors.shape)}")

    @cached_property
    def features(self) -> Tensor:
        """(B, D) as the head compares them."""
        return self.head.features(self.vectors)

    @cached_property
    def spread(self) -> float:
        """Root mean variance, over classes, of a seen logit about the mean of all seen logits."""
        logits = self.head.logits(self.vectors)
        relative = logits - logits.mean(dim=1, keepdim=True)
        return max(float(relative.var(dim=0).mean().sqrt()), SMALLEST_SPREAD)

    def columns(self, directions: Tensor, *, tower: Tensor | None = None, offset: float = 0.0) -> Columns:
        """Level `directions` (U, D) of feature space, with prompt vectors (U, D) where the head reads text."""
        head = self.head
        if directions.shape[1] != head.dim or (tower is not None and tower.shape[1] != head.dim):
            raise SpaceMismatchError(
                f"this head reads vectors of {head.dim} dimensions, the new rows have {directions.shape[1]}; "
                "write them for the head's own encoder"
            )
        mean, length = head.weight.mean(dim=0), row_length(head)
        turned = length * unit(directions.to(head.weight.dtype))
        said = self._said(tower, len(turned))
        raw = self.features @ turned.T
        if said is not None:
            raw = raw + self.vectors @ said.T
        scale = self.spread / raw.std(dim=0).clamp(min=SMALLEST_SPREAD)
        bias = head.bias.mean() - scale * raw.mean(dim=0) + offset * self.spread
        text = None
        if head.text is not None:
            text = head.text.mean(dim=0) + (torch.zeros_like(turned) if said is None else scale[:, None] * said)
        return Columns(mean + scale[:, None] * turned, text, bias, self.spread)

    def _said(self, tower: Tensor | None, count: int) -> Tensor | None:
        """What the head adds for text, about its mean over the seen classes."""
        if self.head.text is None or tower is None or len(tower) != count:
            return None
        loudness = self.head.text.norm(dim=1).mean()
        said: Tensor = loudness * unit(tower) - self.head.text.mean(dim=0)
        return said


def as_linear(head: Head) -> LinearHead:
    """A head as one row of weights a class, with the same probabilities.

    Raises:
        ConfigError: A head of another form (memory, tree): it has no rows.
    """
    if isinstance(head, LinearHead):
        return head
    if not isinstance(head, PrototypeHead):
        raise ConfigError(f"a {head.kind} head has no row of weights a class; train one of another kind")
    rows = head.prototypes
    # The squared length of the image is the same for every class, so it is left out.
    weight, bias = (
        (2 * rows, -(rows * rows).sum(1)) if head.euclidean else (COSINE_SCALE * rows, rows.new_zeros(len(rows)))
    )
    return LinearHead(kind=head.kind, temperature=head.temperature, features=head.features, weight=weight, bias=bias)


def row_length(head: LinearHead) -> Tensor:
    """Mean length of a head's rows about their mean."""
    length: Tensor = (head.weight - head.weight.mean(dim=0)).norm(dim=1).mean()
    return length


def grown(head: LinearHead, columns: Columns) -> LinearHead:
    """`head` with the new classes last. Its own rows, bias, text, temperature and kind stay bit for bit."""
    text = head.text
    if text is not None:
        if columns.text is None:
            raise ShapeError("the head reads text and the new columns do not; level them on this head")
        text = torch.cat([text, columns.text])
    return replace(
        head,
        weight=torch.cat([head.weight, columns.weight]),
        bias=torch.cat([head.bias, columns.bias]),
        text=text,
    )


def narrowed(head: LinearHead, classes: list[int]) -> LinearHead:
    """Some of a head's classes, in this order, their rows bit for bit."""
    if not classes:
        raise ShapeError("a head keeps at least one class")
    rows = torch.as_tensor(classes)
    text = None if head.text is None else head.text[rows]
    return replace(head, weight=head.weight[rows], bias=head.bias[rows], text=text)
