"""The baseline to beat: descriptions projected into the image space, each alone, as a shared image-text space does."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.heads.features import unit
from ml.text2model.descriptions import NEGATED
from ml.text2model.projection import every_text
from ml.text2model.tasks import SeenClasses, Tasks, TaskSampler

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


@dataclass(frozen=True)
class SharedSpace:
    """Ridge regression from description vectors to the mean features of their classes; the nearest cosine wins.

    `metric` (R, R) maps features to where they are compared, `weight` (T, R) goes from descriptions there; (T,) and
    (R,) means are taken off first.
    """

    text_mean: Tensor
    feature_mean: Tensor
    weight: Tensor
    metric: Tensor

    def logits(self, descriptions: Tensor, x: Tensor) -> Tensor:
        """Cosines (…, B, k) between features (…, B, R) and projected descriptions (…, k, T)."""
        projected = unit((descriptions - self.text_mean) @ self.weight)
        return unit((x - self.feature_mean) @ self.metric) @ projected.mT


def fit_shared_space(descriptions: Tensor, features: Tensor, *, metric: Tensor, penalty: float) -> SharedSpace:
    """From descriptions (n, T) to features (n, R) of their classes; `penalty` is a share of n."""
    text_mean, feature_mean = descriptions.mean(dim=0), features.mean(dim=0)
    a = (descriptions - text_mean).double()
    gram = a.T @ a + penalty * len(a) / a.shape[1] * torch.eye(a.shape[1], dtype=torch.float64)
    weight = torch.linalg.solve(gram, a.T @ ((features - feature_mean) @ metric).double())
    return SharedSpace(text_mean, feature_mean, weight.to(features.dtype), metric)


def choose_shared_space(
    seen: SeenClasses, kinds: tuple[str, ...], *, metrics: tuple[Tensor, ...], seed: int
) -> SharedSpace:
    """Learned from descriptions of the training classes; the best on validation classes.

    Chosen are the metric, the penalty and what is read: descriptions as tasks draw them, as many of each kind, or every
    text once, as the hypernetwork's own regression does.
    """
    sampler = TaskSampler(seen, seen.val, seed=seed + 8)
    checks = [sampler.draw(tasks=60, ways=min(5, len(seen.val)), images=8, kind=kind) for kind in kinds]
    readings = [_as_drawn(seen, kinds, seed=seed)]
    if kinds != (NEGATED,):
        texts, classes, _ = every_text(seen, kinds, seed=seed)
        readings.append((texts, seen.class_means()[classes]))
    fits = [
        fit_shared_space(x, y, metric=metric, penalty=penalty)
        for x, y in readings
        for metric in metrics
        for penalty in PENALTIES
    ]
    return max(fits, key=lambda fit: _accuracy(fit, checks))


def _as_drawn(seen: SeenClasses, kinds: tuple[str, ...], *, seed: int) -> tuple[Tensor, Tensor]:
    """Random descriptions of training classes, as many of each kind, with the mean features of the classes."""
    sampler = TaskSampler(seen, seen.train, seed=seed + 7)
    drawn = [sampler.draw(tasks=60, ways=10, images=1, kind=kind) for kind in kinds]
    texts = torch.cat([found.descriptions.flatten(0, 1) for found in drawn])
    return texts, seen.class_means()[torch.cat([found.classes.flatten() for found in drawn])]


def _accuracy(fit: SharedSpace, checks: list[Tasks]) -> float:
    guessed = [fit.logits(tasks.descriptions, tasks.images).argmax(dim=-1) for tasks in checks]
    return sum(float((g == tasks.target).float().mean()) for g, tasks in zip(guessed, checks, strict=True))
