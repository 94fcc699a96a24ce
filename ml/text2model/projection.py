"""Descriptions projected into the image space, each read alone: the baseline to beat, and where training starts.

`SharedSpace` is the baseline, a ridge regression from description vectors to the mean features of their classes, as a
shared image-text space would have it. `KernelSpace` regresses on a Gaussian kernel; a hypernetwork starts there.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.heads.features import unit
from ml.text2model.tasks import SeenClasses, Tasks, TaskSampler

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
KERNELS = tuple((gamma, penalty) for gamma in (1.0, 2.0, 4.0) for penalty in (1.0, 4.0, 16.0))


@dataclass(frozen=True)
class SharedSpace:
    """`weight` (T, R) and the means that are taken off first: (T,) of descriptions, (R,) of class features."""

    text_mean: Tensor
    feature_mean: Tensor
    weight: Tensor

    def logits(self, descriptions: Tensor, x: Tensor) -> Tensor:
        """Cosines (…, B, k) between features (…, B, R) and projected descriptions (…, k, T)."""
        projected = unit((descriptions - self.text_mean) @ self.weight)
        return unit(x - self.feature_mean) @ projected.mT


def fit_shared_space(descriptions: Tensor, features: Tensor, *, penalty: float) -> SharedSpace:
    """Ridge from descriptions (n, T) to features (n, R) of their classes; `penalty` is a share of n."""
    text_mean, feature_mean = descriptions.mean(dim=0), features.mean(dim=0)
    a = (descriptions - text_mean).double()
    gram = a.T @ a + penalty * len(a) / a.shape[1] * torch.eye(a.shape[1], dtype=torch.float64)
    weight = torch.linalg.solve(gram, a.T @ (features - feature_mean).double())
    return SharedSpace(text_mean, feature_mean, weight.to(features.dtype))


@dataclass(frozen=True)
class KernelSpace:
    """exp(-2 gamma (1 - cosine)) to each of `landmarks` (M, T), times `weight` (M, R)."""

    landmarks: Tensor
    weight: Tensor
    feature_mean: Tensor
    gamma: float

    def logits(self, descriptions: Tensor, x: Tensor) -> Tensor:
        """Cosines (…, B, k), as `SharedSpace.logits`."""
        projected = unit(gaussian(descriptions, self.landmarks, self.gamma) @ self.weight)
        return unit(x - self.feature_mean) @ projected.mT


def gaussian(descriptions: Tensor, landmarks: Tensor, gamma: float) -> Tensor:
    """(…, k, T) and (M, T), of length about 1, to (…, k, M)."""
    return torch.exp(-2.0 * gamma * (1.0 - descriptions @ landmarks.T))


def fit_kernel_space(descriptions: Tensor, features: Tensor, *, gamma: float, penalty: float) -> KernelSpace:
    """Kernel ridge from descriptions (n, T) to features (n, R); `penalty` adds to the kernel's diagonal."""
    mean = features.mean(dim=0)
    kernel = gaussian(descriptions, descriptions, gamma).double()
    kernel += penalty * torch.eye(len(kernel), dtype=torch.float64)
    weight = torch.cholesky_solve((features - mean).double(), torch.linalg.cholesky(kernel))
    return KernelSpace(descriptions, weight.to(features.dtype), mean, gamma)


def choose_shared_space(seen: SeenClasses, kinds: tuple[str, ...], *, seed: int) -> SharedSpace:
    """Learned from random descriptions of the training classes; the penalty is the best on validation classes."""
    texts, means = _learned(seen, kinds, tasks=60, seed=seed)
    fits = [fit_shared_space(texts, means, penalty=penalty) for penalty in PENALTIES]
    checks = _checks(seen, kinds, seed=seed)
    return max(fits, key=lambda fit: _accuracy(fit, checks))


def choose_kernel_space(seen: SeenClasses, kinds: tuple[str, ...], *, seed: int) -> KernelSpace:
    """The same with a kernel, whose width is chosen along with the penalty."""
    texts, means = _learned(seen, kinds, tasks=max(1, 160 // len(kinds)), seed=seed)
    fits = [fit_kernel_space(texts, means, gamma=gamma, penalty=penalty) for gamma, penalty in KERNELS]
    checks = _checks(seen, kinds, seed=seed)
    return max(fits, key=lambda fit: _accuracy(fit, checks))


def _learned(seen: SeenClasses, kinds: tuple[str, ...], *, tasks: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random descriptions of training classes, with the mean features of these."""
    sampler = TaskSampler(seen, seen.train, seed=seed + 7)
    drawn = [sampler.draw(tasks=tasks, ways=10, images=1, kind=kind) for kind in kinds]
    texts = torch.cat([found.descriptions.flatten(0, 1) for found in drawn])
    return texts, seen.class_means()[torch.cat([found.classes.flatten() for found in drawn])]


def _checks(seen: SeenClasses, kinds: tuple[str, ...], *, seed: int) -> list[Tasks]:
    sampler = TaskSampler(seen, seen.val, seed=seed + 8)
    return [sampler.draw(tasks=60, ways=min(5, len(seen.val)), images=8, kind=kind) for kind in kinds]


def _accuracy(fit: SharedSpace | KernelSpace, checks: list[Tasks]) -> float:
    guessed = [fit.logits(tasks.descriptions, tasks.images).argmax(dim=-1) for tasks in checks]
    return sum(float((g == tasks.target).float().mean()) for g, tasks in zip(guessed, checks, strict=True))
