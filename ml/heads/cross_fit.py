"""Held-out logits for heads without a closed leave-one-out: fit on the other folds, score this one."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor

from ml.heads.base import Examples, Head
from ml.heads.calibration import fit_temperature

H = TypeVar("H", bound=Head)
FOLDS = 5
JUDGED_AT_MOST = 2048


def calibrated(fit: Callable[[Examples], H], examples: Examples, *, seed: int) -> H:
    """`fit(examples)` with the temperature of its cross-fitted logits."""
    logits, rows = cross_fitted_logits(fit, examples, seed=seed)
    temperature = fit_temperature(logits, examples.class_index[rows])
    return fit(examples).with_temperature(float(temperature))


def cross_fitted_logits(
    fit: Callable[[Examples], Head], examples: Examples, *, seed: int, width: int | None = None
) -> tuple[Tensor, Tensor]:
    """Logits (L, N) of support items by fits that did not see them, and their positions (L,).

    Folds are stratified: at most five, never more than the largest class has items. Items alone in their class train
    in every fold and are never judged, so the class is never empty. L may be 0. `width` is the number of logits where
    `fit` answers in other classes than those of the examples.
    """
    folds = _folds(examples, seed=seed)
    logits, rows = [examples.support.new_zeros(0, width or examples.n_classes)], [folds.new_zeros(0)]
    for fold in range(int(folds.max()) + 1 if len(folds) else 0):
        judged = torch.nonzero(folds == fold).flatten()
        share = max(1, JUDGED_AT_MOST // FOLDS)
        head = fit(_subset(examples, folds != fold))
        logits.append(head.logits(examples.support[judged[:share]]))
        rows.append(judged[:share])
    return torch.cat(logits), torch.cat(rows)


def _folds(examples: Examples, *, seed: int) -> Tensor:
    """(S,) fold of each item; -1 for items that are never judged."""
    classes = examples.class_index
    shuffled = torch.randperm(len(classes), generator=torch.Generator().manual_seed(seed)).to(classes.device)
    order = shuffled[torch.argsort(classes[shuffled], stable=True)]
    shots = examples.shots
    first = torch.cumsum(shots, dim=0) - shots
    rank = torch.empty_like(classes)
    rank[order] = torch.arange(len(classes), device=classes.device) - first[classes[order]]
    count = min(FOLDS, int(shots.max()) if len(shots) else 0)
    return torch.where(shots[classes] > 1, rank % max(count, 1), torch.full_like(rank, -1))


def _subset(examples: Examples, kept: Tensor) -> Examples:
    return replace(examples, support=examples.support[kept], class_index=examples.class_index[kept])
