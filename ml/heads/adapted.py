"""A head that reads vectors through a trained adapter."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor
from torch.nn import functional as F

from ml.errors import ArtefactError
from ml.heads.base import Head
from ml.heads.features import unit
from ml.heads.linear import LinearHead


@dataclass(frozen=True)
class AdaptedHead(Head):
    """logits = inner(unit(z + up · relu(down · z))) with z = unit(x - mean); without `up` the bracket is z + down · z.

    The adapter's equations are those of `ml.training.adapter.Adapter`, without anything that is trained.
    """

    inner: LinearHead
    mean: Tensor
    down: Tensor
    up: Tensor | None
    form: ClassVar[str] = "adapted"

    @property
    def n_classes(self) -> int:
        return self.inner.n_classes

    @property
    def dim(self) -> int:
        return int(self.mean.shape[0])

    def adapted(self, x: Tensor) -> Tensor:
        """(B, D) float32 to (B, D) of unit norm: where the inner head compares."""
        z = unit(x - self.mean)
        bottleneck = z @ self.down.T
        return unit(z + (bottleneck if self.up is None else F.relu(bottleneck) @ self.up.T))

    def _logits(self, x: Tensor) -> Tensor:
        return self.inner.logits(self.adapted(x))

    def tensors(self) -> dict[str, Tensor]:
        own = {"adapter.mean": self.mean, "adapter.down": self.down, "adapter.up": self.up}
        inner = {f"inner.{name}": tensor for name, tensor in self.inner.tensors().items()}
        return {name: tensor for name, tensor in own.items() if tensor is not None} | inner

    def settings(self) -> dict[str, Any]:
        return {"inner": self.inner.kind}

    @classmethod
    def restore(cls, *, kind: str, temperature: float, tensors: dict[str, Tensor], settings: dict[str, Any]) -> Self:
        inner = {name.removeprefix("inner."): t for name, t in tensors.items() if name.startswith("inner.")}
        linear = LinearHead.restore(kind=settings["inner"], temperature=1.0, tensors=inner, settings={})
        return cls(
            kind, temperature, linear, tensors["adapter.mean"], tensors["adapter.down"], tensors.get("adapter.up")
        )


def adapt(inner: Head, *, mean: Tensor, down: Tensor, up: Tensor | None) -> AdaptedHead:
    """`inner`, fitted on adapted vectors, as a head of the vectors as they are stored.

    Raises:
        ArtefactError: `inner` is not linear once fitted, so it cannot be stored inside another head.
    """
    if not isinstance(inner, LinearHead):
        raise ArtefactError(f"an adapter carries a linear head such as gda or logistic, got {inner.kind}")
    parts = [part.detach().clone() for part in (mean, down)]
    return AdaptedHead(
        kind=f"adapter+{inner.kind}",
        temperature=inner.temperature,
        inner=inner,
        mean=parts[0],
        down=parts[1],
        up=None if up is None else up.detach().clone(),
    )
