"""The classifier that a hypernetwork writes: small, complete, and independent of who wrote it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.errors import ShapeError, SpaceMismatchError


@dataclass(frozen=True)
class EmittedModel:
    """logits = h(x) · weightᵀ + bias, where h(x) is x or ReLU(x · hidden_weightᵀ + hidden_bias).

    `weight` (…, k, E), `bias` (…, k), `hidden_weight` (…, E, D), `hidden_bias` (…, E); leading dimensions are tasks.
    `space` is the fingerprint of the encoder whose vectors it reads.
    """

    weight: Tensor
    bias: Tensor
    hidden_weight: Tensor | None = None
    hidden_bias: Tensor | None = None
    space: str = ""

    @property
    def n_classes(self) -> int:
        return int(self.weight.shape[-2])

    @property
    def dim(self) -> int:
        """Length of the vectors that it reads."""
        first = self.weight if self.hidden_weight is None else self.hidden_weight
        return int(first.shape[-1])

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """All its weights, hidden layer first."""
        if self.hidden_weight is None or self.hidden_bias is None:
            return self.weight, self.bias
        return self.hidden_weight, self.hidden_bias, self.weight, self.bias

    def logits(self, x: Tensor, *, space: str | None = None) -> Tensor:
        """(…, B, D) vectors to (…, B, k).

        Raises:
            SpaceMismatchError: The vectors are of another encoder, by `space` or by their length.
        """
        if (space is not None and space != self.space) or x.shape[-1] != self.dim:
            raise SpaceMismatchError(
                f"this model reads vectors of length {self.dim} of space {self.space or 'unnamed'}, got length "
                f"{x.shape[-1]} of {space or 'an unnamed space'}; write the model again for the other encoder"
            )
        if self.hidden_weight is not None and self.hidden_bias is not None:
            x = torch.relu(x @ self.hidden_weight.mT + self.hidden_bias[..., None, :])
        return x @ self.weight.mT + self.bias[..., None, :]

    def with_parts(self, parts: tuple[Tensor, ...]) -> "EmittedModel":
        """The same form with other weights, in the order of `parts`."""
        if len(parts) == 4:
            return EmittedModel(parts[2], parts[3], parts[0], parts[1], self.space)
        if len(parts) == 2:
            return EmittedModel(parts[0], parts[1], space=self.space)
        raise ShapeError(f"a model has 2 or 4 parts, got {len(parts)}")
