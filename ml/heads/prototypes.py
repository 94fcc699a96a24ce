"""Prototypical heads: a class is the mean of its examples.

Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning" (2017), equations 1 and 2. `prototypes` is
the form that works on frozen encoders: centered, normalized, cosine (CL2N of "SimpleShot", 2019).
`prototypes-euclidean` is the paper's squared distance on vectors as they come.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ml.errors import EmptyClassError, NonFiniteError, ShapeError, SpaceMismatchError
from ml.heads.base import COSINE_SCALE, Examples, Head
from ml.heads.calibration import fit_temperature
from ml.heads.features import FeatureMap, centered, class_sums, unit


def prototype_logits(features: Tensor, prototypes: Tensor, *, euclidean: bool) -> Tensor:
    """Logits (…, B, N) of features (…, B, D) against class means (…, N, D).

    Cosine: 10 cos(x, p). Euclidean: the paper's -‖x - p‖², in full, because its size carries confidence.
    """
    if not euclidean:
        return COSINE_SCALE * features @ unit(prototypes).mT
    squared = (features * features).sum(-1)[..., None] + (prototypes * prototypes).sum(-1)[..., None, :]
    return 2 * features @ prototypes.mT - squared


def leave_one_out_logits(
    features: Tensor, class_index: Tensor, *, sums: Tensor, counts: Tensor, euclidean: bool
) -> Tensor:
    """Logits (…, S, N) of support items against means that each item was taken out of.

    Only a class's own column changes, so this costs no more than one prediction. Items that are alone in their class
    have no such mean; callers leave them out.
    """
    logits = prototype_logits(features, sums / counts.clamp(min=1)[..., None], euclidean=euclidean)
    own_sum = torch.take_along_dim(sums, class_index[..., None], dim=-2)
    own_count = torch.take_along_dim(counts, class_index, dim=-1)
    rest = (own_sum - features) / (own_count - 1).clamp(min=1)[..., None]
    own = -((features - rest) ** 2).sum(-1) if euclidean else COSINE_SCALE * (features * unit(rest)).sum(-1)
    return logits.scatter(-1, class_index[..., None], own[..., None])


@dataclass(frozen=True)
class PrototypeHead(Head):
    """Class sums and counts, so that one more or one less example is one vector's work."""

    features: FeatureMap
    sums: Tensor
    counts: Tensor
    euclidean: bool
    form: ClassVar[str] = "prototypes"

    @property
    def n_classes(self) -> int:
        return int(self.sums.shape[0])

    @property
    def dim(self) -> int:
        return int(self.sums.shape[1])

    @property
    def prototypes(self) -> Tensor:
        """(N, D), unit norm where the head is cosine."""
        means = self.sums / self.counts[:, None]
        return means if self.euclidean else unit(means)

    def _logits(self, x: Tensor) -> Tensor:
        if self.euclidean:
            return prototype_logits(self.features(x), self.prototypes, euclidean=True)
        weight = COSINE_SCALE * self.prototypes
        return self.features.linear(x, weight, weight.new_zeros(self.n_classes))

    def updated(self, x: ArrayLike | Tensor, class_index: int) -> "PrototypeHead":
        """One more example: O(D) arithmetic on one row (and a copy of the table, since heads are immutable)."""
        if class_index == self.n_classes:
            return self._opened(self._feature(x))
        return self._moved(self._feature(x), class_index, by=1)

    def without(self, x: ArrayLike | Tensor, class_index: int) -> "PrototypeHead":
        """One example less, in O(D); the inverse of `updated`.

        Raises:
            EmptyClassError: It was the last example of its class.
        """
        if 0 <= class_index < self.n_classes and float(self.counts[class_index]) <= 1:
            raise EmptyClassError(f"class {class_index} would have no example left; remove the class instead")
        return self._moved(self._feature(x), class_index, by=-1)

    def _feature(self, x: ArrayLike | Tensor) -> Tensor:
        vector = torch.as_tensor(x, device=self.sums.device).float()
        if vector.shape != (self.dim,):
            raise SpaceMismatchError(f"expected one vector ({self.dim},), got {tuple(vector.shape)}")
        if not bool(torch.isfinite(vector).all()):
            raise NonFiniteError("the example holds NaN or infinity; embed its image again")
        return self.features(vector)

    def _moved(self, feature: Tensor, class_index: int, *, by: int) -> "PrototypeHead":
        if not 0 <= class_index < self.n_classes:
            raise ShapeError(f"class_index lies in [0, {self.n_classes}], got {class_index}")
        sums, counts = self.sums.clone(), self.counts.clone()
        sums[class_index] += by * feature
        counts[class_index] += by
        return replace(self, sums=sums, counts=counts)

    def _opened(self, feature: Tensor) -> "PrototypeHead":
        return replace(
            self,
            sums=torch.cat([self.sums, feature[None]]),
            counts=torch.cat([self.counts, self.counts.new_ones(1)]),
        )

    def tensors(self) -> dict[str, Tensor]:
        mean = {} if self.features.mean is None else {"mean": self.features.mean}
        return {"sums": self.sums, "counts": self.counts, **mean}

    def settings(self) -> dict[str, Any]:
        return {"euclidean": self.euclidean}

    @classmethod
    def restore(cls, *, kind: str, temperature: float, tensors: dict[str, Tensor], settings: dict[str, Any]) -> Self:
        return cls(
            kind=kind,
            temperature=temperature,
            features=FeatureMap(mean=tensors.get("mean")),
            sums=tensors["sums"],
            counts=tensors["counts"],
            euclidean=bool(settings["euclidean"]),
        )


def fit_prototypes(examples: Examples) -> PrototypeHead:
    """Centered, normalized, cosine prototypes; temperature by leave-one-out."""
    return _fit(examples, kind="prototypes", features=centered(examples), euclidean=False)


def fit_euclidean_prototypes(examples: Examples) -> PrototypeHead:
    """The paper's prototypes: plain means and squared Euclidean distance."""
    return _fit(examples, kind="prototypes-euclidean", features=FeatureMap(mean=None), euclidean=True)


def _fit(examples: Examples, *, kind: str, features: FeatureMap, euclidean: bool) -> PrototypeHead:
    examples.require_every_class()
    mapped = features(examples.support)
    sums, counts = class_sums(mapped, examples.class_index, n_classes=examples.n_classes)
    held_out = leave_one_out_logits(mapped, examples.class_index, sums=sums, counts=counts, euclidean=euclidean)
    usable = counts[examples.class_index] > 1
    temperature = fit_temperature(held_out[usable], examples.class_index[usable])
    return PrototypeHead(
        kind=kind, temperature=float(temperature), features=features, sums=sums, counts=counts, euclidean=euclidean
    )
