"""Where heads compare vectors: as they come, or centered and back on the unit sphere (CL2N)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.heads.base import Examples

# Below this length a centered vector has no direction of its own left.
SMALLEST_NORM = 1e-6


@dataclass(frozen=True)
class FeatureMap:
    """x ↦ (x - mean) / ‖x - mean‖, or the identity where `mean` is None.

    Centering and L2 normalization of Wang et al., "SimpleShot" (2019). There the mean is that of the base classes;
    here it is whatever the caller calls background, the project's own unlabelled pool in the product.
    """

    mean: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        """(…, D) to (…, D)."""
        return x if self.mean is None else unit(x - self.mean)

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """`self(x) @ weight.T + bias` for (B, D) without a centered copy of x: (x - m)·w = x·w - m·w."""
        if self.mean is None:
            return torch.addmm(bias, x, weight.T)
        products = x @ torch.cat([weight, self.mean[None]]).T
        squared: Tensor = torch.linalg.vecdot(x, x) - 2 * products[:, -1] + self.mean @ self.mean
        scale = squared.clamp(min=SMALLEST_NORM**2).rsqrt()
        logits: Tensor = (products[:, :-1] - weight @ self.mean).mul_(scale[:, None]).add_(bias)
        return logits


def unit(x: Tensor) -> Tensor:
    """Rows of length 1; a row of zeros stays zero."""
    lengths: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / lengths.clamp(min=SMALLEST_NORM)


def centered(examples: Examples) -> FeatureMap:
    """The map of the background mean, or without one of the mean over classes of the support's own means.

    With a single class and no background nothing is subtracted: its own mean would erase it.
    """
    if examples.background is not None:
        return FeatureMap(mean=examples.background)
    present = examples.shots > 0
    if int(present.sum()) < 2:
        return FeatureMap(mean=torch.zeros(examples.dim, device=examples.support.device))
    means, _ = class_means(examples.support, examples.class_index, n_classes=examples.n_classes)
    return FeatureMap(mean=means[present].mean(dim=0))


def class_means(features: Tensor, class_index: Tensor, *, n_classes: int) -> tuple[Tensor, Tensor]:
    """Mean (…, N, D) and count (…, N) of each class from features (…, S, D) and class_index (…, S).

    Classes without items get zeros.
    """
    sums, counts = class_sums(features, class_index, n_classes=n_classes)
    return sums / counts.clamp(min=1)[..., None], counts


def class_sums(features: Tensor, class_index: Tensor, *, n_classes: int) -> tuple[Tensor, Tensor]:
    """Sum (…, N, D) and count (…, N) float32 of each class; leading dimensions are separate episodes."""
    batch, dim = features.shape[:-2], features.shape[-1]
    episodes = int(torch.tensor(batch).prod()) if batch else 1
    offset = torch.arange(episodes, device=features.device)[:, None] * n_classes
    flat = (class_index.reshape(episodes, -1) + offset).flatten()
    sums = features.new_zeros(episodes * n_classes, dim).index_add_(0, flat, features.reshape(-1, dim))
    counts = torch.bincount(flat, minlength=episodes * n_classes).to(features.dtype)
    return sums.view(*batch, n_classes, dim), counts.view(*batch, n_classes)
