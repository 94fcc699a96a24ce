"""Gaussian discriminant analysis with one shared covariance, fitted in closed form and judged by leave-one-out.

Wang et al., "A Hard-to-Beat Baseline for Training-free CLIP-based Adaptation" (2024), whose covariance is shrunk by
Kubokawa and Srivastava's estimator: (scatter + trace / (S - N) · identity), up to a factor. Where we differ:

- The amount of shrinkage is a grid around theirs, averaged by how well each amount predicts items it has not seen.
  Leave-one-out is exact: removing an item changes the scatter by one rank (Sherman and Morrison).
- With one example a class the scatter is zero, and the same formula gives nearest class means, not the collapse of a
  pseudo-inverse.
- The length of a mean of few unit vectors says how few they are more than where they lie, so lengths are drawn
  halfway (in log) to their common value; at one shot all are equal.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.heads.base import COSINE_SCALE, Examples
from ml.heads.calibration import fit_temperature, mean_nll
from ml.heads.features import centered, class_means
from ml.heads.linear import LinearHead
from ml.heads.span import span

SHRINKAGES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
LENGTH_SHRINKAGE = 0.5
# How loud text may be beside the examples, in units of the encoder's own scale.
TEXT_WEIGHTS = (0.0, 0.1, 0.3, 1.0)
# Held-out items that judge shrinkage and temperature; more of them change neither.
JUDGED_AT_MOST = 2048
EIGENVALUE_FLOOR = 1e-7


@dataclass(frozen=True)
class GaussianFit:
    """Linear scores of each shrinkage: `weight` (G, N, D) and `bias` (G, N) on mapped features, uncalibrated.

    `held_out` (G, L, N) are scores of support items `judged` (L,) by fits that did not see them.
    """

    weight: Tensor
    bias: Tensor
    held_out: Tensor
    judged: Tensor


def fit_gda(examples: Examples, *, seed: int = 0) -> LinearHead:
    """A linear head: scores of all shrinkages, and of text where there is text, averaged in logit space.

    Needs O(S D²) once (O(S² D) where S < D). `seed` picks the judged items where S exceeds 2,048.
    """
    examples.require_every_class()
    features = centered(examples)
    fit = gaussian_fits(features(examples.support), examples.class_index, n_classes=examples.n_classes, seed=seed)
    held_out = fit.held_out[:, None]
    weights = held_out.new_tensor(TEXT_WEIGHTS if examples.text is not None else (0.0,)) * examples.text_scale
    if examples.text is not None:
        cosines = examples.support[fit.judged] @ examples.text.T
        held_out = held_out + weights[None, :, None, None] * cosines
    share, temperature = _shares(held_out, examples.class_index[fit.judged])
    return LinearHead(
        kind="gda",
        temperature=temperature,
        features=features,
        weight=torch.einsum("ga,gnd->nd", share, fit.weight),
        bias=torch.einsum("ga,gn->n", share, fit.bias),
        text=None if examples.text is None else (share.sum(dim=0) @ weights) * examples.text,
    )


def _shares(held_out: Tensor, target: Tensor) -> tuple[Tensor, float]:
    """What each of G×A candidates contributes to the averaged logits, and the temperature of the average.

    From held-out logits (G, A, L, N): each candidate is calibrated, weighed by its likelihood, and divided by its
    temperature, so that a sum of logits is a product of what the candidates believe.
    """
    targets = target.expand(held_out.shape[:-1])
    temperatures = fit_temperature(held_out, targets)
    evidence = -mean_nll(held_out, targets, temperature=temperatures) * len(target)
    share = torch.softmax(evidence.flatten(), dim=0).view_as(evidence) / temperatures
    averaged = torch.einsum("ga,galn->ln", share, held_out)
    return share, float(fit_temperature(averaged, target))


def gaussian_fits(z: Tensor, class_index: Tensor, *, n_classes: int, seed: int = 0) -> GaussianFit:
    """Fits for every shrinkage from mapped support features `z` (S, D)."""
    coordinates, basis = span(z)
    means, counts = class_means(coordinates, class_index, n_classes=n_classes)
    deviations = coordinates - means[class_index]
    eigenvalues, axes = torch.linalg.eigh(deviations.T @ deviations)
    eigenvalues = eigenvalues.clamp(min=0)
    spare = max(len(z) - n_classes, 1)
    unit_shrinkage = (eigenvalues.sum() / spare).clamp(min=EIGENVALUE_FLOOR)
    judged = _judged(class_index, counts, seed=seed)
    means, lengths = means @ axes, means.norm(dim=1).clamp(min=EIGENVALUE_FLOOR)
    stretch = (lengths.log().mean().exp() / lengths) ** LENGTH_SHRINKAGE
    back = axes.T if basis is None else axes.T @ basis.T
    held, own = deviations[judged] @ axes, class_index[judged]
    weights, biases, held_out = [], [], []
    for shrinkage in SHRINKAGES:
        # Inverse covariance on the eigenvectors, times the shrinkage: 1 where there is no scatter.
        ridge = shrinkage * unit_shrinkage
        precision = ridge / (eigenvalues + ridge)
        quadratic = ((means * precision) * means).sum(1)
        bias = -0.5 * quadratic * stretch**2
        weights.append(((means * precision) * stretch[:, None]) @ back)
        biases.append(bias)
        inner = _held_out_products(held, own, means=means, counts=counts, precision=precision, ridge=ridge)
        held_out.append(inner * stretch + bias)
    scale = COSINE_SCALE
    return GaussianFit(
        weight=scale * torch.stack(weights),
        bias=scale * torch.stack(biases),
        held_out=scale * torch.stack(held_out),
        judged=judged,
    )


def _held_out_products(
    held: Tensor, own: Tensor, *, means: Tensor, counts: Tensor, precision: Tensor, ridge: Tensor
) -> Tensor:
    """xᵀ A₋ᵢ⁻¹ μⱼ (L, N) for item x of class c, with x taken out of the scatter A and of its own mean.

    With d = x - μ_c and n items in c, taking x out turns A into A - n/(n-1) d dᵀ and μ_c into μ_c - d/(n-1).
    The offset of each class stays that of the whole fit: recomputing it would punish a class for being one item
    short of the others, which no new image ever is.
    """
    n = counts[own]
    d = held * precision
    x = means[own] + held
    x_means, d_means = (x * precision) @ means.T, d @ means.T
    d_d, d_x = (d * held).sum(1), (d * x).sum(1)
    rank_one = n / (n - 1) / ridge
    gain = rank_one / (1 - rank_one * d_d).clamp(min=1e-4)
    products = x_means + (gain * d_x)[:, None] * d_means
    column = own[:, None]
    shorter = d_means.gather(1, column)[:, 0] - d_d / (n - 1)
    alone = x_means.gather(1, column)[:, 0] - d_x / (n - 1) + gain * d_x * shorter
    return products.scatter(1, column, alone[:, None])


def _judged(class_index: Tensor, counts: Tensor, *, seed: int) -> Tensor:
    """Positions of items that leave their class something when taken out, at most `JUDGED_AT_MOST`."""
    usable = torch.nonzero(counts[class_index] > 1).flatten()
    if len(usable) <= JUDGED_AT_MOST:
        return usable
    order = torch.randperm(len(usable), generator=torch.Generator().manual_seed(seed))
    return usable[order[:JUDGED_AT_MOST].to(usable.device)]
