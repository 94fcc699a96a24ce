"""The directions in which features of seen classes vary: what a hypernetwork has to write weights for."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.errors import ShapeError
from ml.text2model.emitted import EmittedModel


@dataclass(frozen=True)
class FeatureBasis:
    """x ↦ (x - mean) · matrixᵀ: `mean` (D,), `matrix` (R, D). Folded into an emitted model, it costs nothing there.

    Ours: a hypernetwork for 1,280 features has too many outputs for a few dozen classes; principal components keep
    what tells images apart.
    """

    mean: Tensor
    matrix: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return (x - self.mean) @ self.matrix.T

    def folded(self, model: EmittedModel) -> EmittedModel:
        """The same function of features themselves: w · M(x - m) + b = (Mᵀw) · x + (b - w · Mm)."""
        if model.hidden_weight is None or model.hidden_bias is None:
            weight, bias = self._fold(model.weight, model.bias)
            return EmittedModel(weight, bias, space=model.space)
        hidden = self._fold(model.hidden_weight, model.hidden_bias)
        return EmittedModel(model.weight, model.bias, *hidden, space=model.space)

    def _fold(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        through = weight @ self.matrix
        return through, bias - through @ self.mean


def principal_basis(features: Tensor, *, components: int = 256, whiten: float = 0.5) -> FeatureBasis:
    """Leading principal components of features (n, D), at a mean squared length of R.

    `whiten` in [0, 1] is the power by which the components' deviations are evened out: 0 not at all, 1 fully.
    """
    if features.ndim != 2 or len(features) < 2:
        raise ShapeError(f"expected at least two features (n, D), got shape {tuple(features.shape)}")
    mean = features.mean(dim=0)
    centered = (features - mean).double()
    variance, vectors = torch.linalg.eigh(centered.T @ centered / (len(features) - 1))
    rank = min(components, len(features) - 1, features.shape[1])
    variance, vectors = variance[-rank:].flip(0).clamp(min=1e-12), vectors[:, -rank:].flip(1)
    scale = variance.sqrt() ** -whiten
    scale *= (rank / (variance * scale.square()).sum()).sqrt()
    return FeatureBasis(mean, (vectors * scale).T.to(features.dtype))
