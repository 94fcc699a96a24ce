"""Texts projected into the image space, each read alone: where the training of a hypernetwork starts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ml.heads.features import unit
from ml.text2model.descriptions import EVERY, NEGATED, DescriptionBank
from ml.text2model.tasks import SeenClasses, TaskSampler

LANDMARKS = 2_500
KERNELS = tuple((gamma, penalty) for gamma in (0.5, 1.0, 2.0, 3.0) for penalty in (0.25, 1.0, 4.0))
CHECKS = 50


@dataclass(frozen=True)
class KernelSpace:
    """The likeness to each of `landmarks` (M, T), times `weight` (M, R)."""

    landmarks: Tensor
    weight: Tensor
    gamma: float

    def project(self, texts: Tensor) -> Tensor:
        """(…, T) to (…, R), about the mean of the classes that were learned from."""
        return likeness(texts, self.landmarks, self.gamma) @ self.weight

    def of_bank(self, bank: DescriptionBank) -> DescriptionBank:
        """Every text of every class projected."""
        return replace(bank, vectors={kind: self.project(own) for kind, own in bank.vectors.items()})


def likeness(texts: Tensor, landmarks: Tensor, gamma: float) -> Tensor:
    """(…, k, T) and (M, T), of length about 1, to (…, k, M): exp(-gamma · squared distance), as of unit vectors."""
    out: Tensor = torch.exp(-2.0 * gamma * (1.0 - texts @ landmarks.T))
    return out


@dataclass(frozen=True)
class KernelRegression:
    """Kernel ridge from texts (M, T) of `classes` (M,) to `class_means` (N, R).

    `repeats` (M,) is the number of texts of the same kind and class: each gets `penalty` times that on the diagonal, so
    that ten sentences weigh as much as one definition.
    """

    texts: Tensor
    classes: Tensor
    repeats: Tensor
    class_means: Tensor
    gamma: float
    penalty: float

    def space(self, *, without: Tensor | None = None) -> KernelSpace:
        """The fit, or that to the texts of all classes but `without`: their landmarks then weigh nothing."""
        kept = torch.ones(len(self.classes), dtype=torch.bool)
        if without is not None:
            kept = ~torch.isin(self.classes, without)
        texts, features = self.texts[kept], self.class_means[self.classes[kept]]
        kernel = likeness(texts, texts, self.gamma) + torch.diag(self.penalty * self.repeats[kept])
        weight = torch.zeros(len(self.classes), features.shape[1])
        weight[kept] = torch.cholesky_solve(features - features.mean(dim=0), torch.linalg.cholesky(kernel))
        return KernelSpace(self.texts, weight, self.gamma)


def folds_of(classes: Tensor, *, folds: int, seed: int) -> list[Tensor]:
    """Random parts of `classes`, of at least two each where there are as many."""
    order = classes[torch.randperm(len(classes), generator=torch.Generator().manual_seed(seed))]
    count = max(1, min(folds, len(classes) // 2))
    return [order[start::count] for start in range(count)]


def left_out_bank(regression: KernelRegression, bank: DescriptionBank, parts: Sequence[Tensor]) -> DescriptionBank:
    """Every text projected as a new class's is: each part's by a regression that has read none of its classes.

    Only classes of the same part may be compared: a regression puts what it was not shown opposite to the rest. Texts
    of classes in no part go through the regression on all.
    """
    out = regression.space().of_bank(bank)
    _leave_out(regression, bank, parts, out=out)
    return out


def _leave_out(
    regression: KernelRegression, bank: DescriptionBank, parts: Sequence[Tensor], *, out: DescriptionBank
) -> None:
    """Write the texts of each part's classes into `out`, projected without that part."""
    for part in parts:
        space = regression.space(without=part)
        for kind, projected in out.vectors.items():
            projected[part] = space.project(bank.vectors[kind][part])


def choose_kernel(seen: SeenClasses, *, folds: int, seed: int) -> KernelRegression:
    """The kernel and the penalty that serve training classes best, a part of which is left out at a time.

    It learns from every text once, whatever number of them makes a description.
    """
    kinds = [kind for kind in seen.bank.kinds if kind != NEGATED] or seen.bank.kinds
    texts, classes, repeats = every_text(seen, kinds, seed=seed)
    fits = [KernelRegression(texts, classes, repeats, seen.class_means(), *kernel) for kernel in KERNELS]
    parts = folds_of(seen.train, folds=folds, seed=seed)
    return max(fits, key=lambda fit: _left_out_accuracy(fit, seen, parts, kinds, seed=seed))


def _left_out_accuracy(
    fit: KernelRegression, seen: SeenClasses, parts: Sequence[Tensor], kinds: Sequence[str], *, seed: int
) -> float:
    """On tasks among the classes of each part, told as in `kinds`."""
    dim, right = fit.class_means.shape[1], 0.0
    bank = replace(seen.bank, vectors={kind: torch.zeros(*seen.bank.vectors[kind].shape[:2], dim) for kind in kinds})
    _leave_out(fit, seen.bank, parts, out=bank)
    center = fit.class_means[seen.train].mean(dim=0)
    for number, part in enumerate(parts):
        sampler = TaskSampler(seen, part, seed=seed + 9 + number)
        for kind in kinds:
            tasks = sampler.draw(tasks=CHECKS, ways=min(10, len(part)), images=8, kind=kind)
            logits = (tasks.images - center) @ unit(bank.mean(tasks.drawn)).mT
            right += float((logits.argmax(dim=-1) == tasks.target).float().mean())
    return right


def every_text(seen: SeenClasses, kinds: Sequence[str], *, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """(M, T) texts of training classes, each once, and of each its class and the number of its kind that this has (M,).

    At most `LANDMARKS`, as many of each class. Left out of `kinds` are negated texts, which are true of other classes,
    and those that give all texts of another kind at once, unless there is nothing else.
    """
    bank, generator = seen.bank, torch.Generator().manual_seed(seed + 7)
    kinds = [kind for kind in kinds if kind != NEGATED and bank.draws[kind] != EVERY] or kinds
    limit = max(1, LANDMARKS // len(seen.train))
    texts, classes, repeats = [], [], []
    for c in seen.train.tolist():
        counts = [int(bank.counts[kind][c]) for kind in kinds]
        own = torch.cat([bank.vectors[kind][c, :count] for kind, count in zip(kinds, counts, strict=True)])
        kept = torch.randperm(len(own), generator=generator)[:limit]
        texts.append(own[kept])
        classes.append(torch.full((len(kept),), c))
        repeats.append(torch.tensor(counts).repeat_interleave(torch.tensor(counts))[kept])
    return unit(torch.cat(texts)), torch.cat(classes), torch.cat(repeats).float()
