"""The directions in which features of seen classes vary: what a hypernetwork has to write weights for."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.errors import ShapeError
from ml.text2model.emitted import EmittedModel

SHRINKAGE = 0.7


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

    @property
    def plain(self) -> Tensor:
        """(R, R) that takes features to where cosines are the encoder's own, about the mean and within the R."""
        back = torch.linalg.pinv(self.matrix.double())
        out: Tensor = torch.linalg.cholesky(back.T @ back).to(self.matrix.dtype)
        return out

    def _fold(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        through = weight @ self.matrix
        return through, bias - through @ self.mean


def discriminant_basis(
    features: Tensor, class_index: Tensor, *, components: int = 256, shrinkage: float = SHRINKAGE
) -> FeatureBasis:
    """Leading principal components of features (n, D), turned so that a class varies about as much in every direction.

    What is undone is the covariance within classes (n,), shrunk by `shrinkage` towards a sphere: cosines there are
    those of linear discriminants. At `shrinkage` 1, or without two images of any class, they are the features' own.
    Mean squared length R.

    Raises:
        ShapeError: Fewer than two features, or another number of classes than features.
    """
    if features.ndim != 2 or len(features) < 2 or len(features) != len(class_index):
        raise ShapeError(
            f"expected at least two features (n, D) with a class each, got {tuple(features.shape)} and "
            f"{len(class_index)} classes"
        )
    mean = features.mean(dim=0)
    centered = (features - mean).double()
    _, vectors = torch.linalg.eigh(centered.T @ centered)
    rank = min(components, len(features) - 1, features.shape[1])
    vectors = vectors[:, -rank:].flip(1)
    turned = centered @ vectors
    vectors = vectors @ _evened(turned, class_index, shrinkage)
    vectors *= (rank / (centered @ vectors).square().sum(dim=1).mean()).sqrt()
    return FeatureBasis(mean, vectors.T.to(features.dtype))


def _evened(features: Tensor, class_index: Tensor, shrinkage: float) -> Tensor:
    """(R, R) inverse root of the shrunk covariance within classes."""
    _, own = torch.unique(class_index, return_inverse=True)
    counts = torch.bincount(own)
    means = features.new_zeros(len(counts), features.shape[1]).index_add_(0, own, features) / counts[:, None]
    within = (features - means[own]).T @ (features - means[own]) / len(features)
    sphere = torch.eye(len(within), dtype=within.dtype)
    level = within.diagonal().mean()
    if level <= 1e-9 * features.square().mean():
        return sphere
    values, vectors = torch.linalg.eigh((1 - shrinkage) * within + shrinkage * level * sphere)
    out: Tensor = vectors / values.sqrt() @ vectors.T
    return out
