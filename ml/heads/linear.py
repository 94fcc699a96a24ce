"""The form most heads share once fitted: one row of weights a class."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor

from ml.heads.base import Head
from ml.heads.features import FeatureMap


@dataclass(frozen=True)
class LinearHead(Head):
    """logits = features(x) · weightᵀ + bias + x · textᵀ.

    `weight` (N, D) reads centered features, `text` (N, D), where present, the vectors as they come, because text and
    image vectors of one space have different means.
    """

    features: FeatureMap
    weight: Tensor
    bias: Tensor
    text: Tensor | None = None
    form: ClassVar[str] = "linear"

    @property
    def n_classes(self) -> int:
        return int(self.weight.shape[0])

    @property
    def dim(self) -> int:
        return int(self.weight.shape[1])

    def _logits(self, x: Tensor) -> Tensor:
        logits = self.features.linear(x, self.weight, self.bias)
        return logits if self.text is None else logits.addmm_(x, self.text.T)

    def tensors(self) -> dict[str, Tensor]:
        parts = {"weight": self.weight, "bias": self.bias, "mean": self.features.mean, "text": self.text}
        return {name: part for name, part in parts.items() if part is not None}

    def settings(self) -> dict[str, Any]:
        return {}

    @classmethod
    def restore(cls, *, kind: str, temperature: float, tensors: dict[str, Tensor], settings: dict[str, Any]) -> Self:
        return cls(
            kind=kind,
            temperature=temperature,
            features=FeatureMap(mean=tensors.get("mean")),
            weight=tensors["weight"],
            bias=tensors["bias"],
            text=tensors.get("text"),
        )
