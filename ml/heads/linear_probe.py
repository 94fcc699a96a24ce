"""Trained linear heads: logistic regression, and the LP++ probe that starts from class means and text.

Logistic regression is the usual one with an L2 penalty, on centered unit vectors, by L-BFGS. LP++ is Huang et al.,
"LP++: A Surprisingly Strong Linear Probe for Few-Shot CLIP" (2024): logits f·w_k + α_k x·t_k, started at class means,
trained by block-wise gradient steps whose sizes are inverse Lipschitz constants, so that no learning rate is
searched. Both calibrate by cross-fitting.
"""

import torch
from torch import Tensor
from torch.nn import functional

from ml.heads.base import COSINE_SCALE, Examples
from ml.heads.cross_fit import calibrated
from ml.heads.features import centered, class_means
from ml.heads.linear import LinearHead
from ml.heads.span import span

INVERSE_PENALTY = 10.0
LBFGS_STEPS = 100
PROBE_STEPS = 300


def fit_logistic(examples: Examples, *, seed: int = 0) -> LinearHead:
    """min Σ cross-entropy · C + ½‖W‖², C = 10, unpenalized intercept, as scikit-learn's `LogisticRegression`."""
    examples.require_every_class()
    return calibrated(_logistic, examples, seed=seed)


def fit_lp_plus_plus(examples: Examples, *, seed: int = 0) -> LinearHead:
    """LP++; without text the multipliers fall away."""
    examples.require_every_class()
    return calibrated(_lp_plus_plus, examples, seed=seed)


def logistic_weights(z: Tensor, class_index: Tensor, *, n_classes: int) -> tuple[Tensor, Tensor]:
    """Weights (N, D) and intercepts (N,) from mapped features (S, D).

    The optimum lies in the span of the examples, so the search runs there when they are fewer than D.
    """
    coordinates, basis = span(z)
    weight = coordinates.new_zeros(n_classes, coordinates.shape[1]).requires_grad_(True)
    bias = coordinates.new_zeros(n_classes).requires_grad_(True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=LBFGS_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = torch.addmm(bias, coordinates, weight.T)
        loss = INVERSE_PENALTY * functional.cross_entropy(logits, class_index, reduction="sum")
        # Scaling the objective, not its optimum: L-BFGS stops on absolute tolerances.
        loss = (loss + 0.5 * (weight * weight).sum()) / (INVERSE_PENALTY * len(z))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    fitted = weight.detach()
    return (fitted if basis is None else fitted @ basis.T), bias.detach()


def _logistic(examples: Examples) -> LinearHead:
    features = centered(examples)
    mapped = features(examples.support)
    weight, bias = logistic_weights(mapped, examples.class_index, n_classes=examples.n_classes)
    return LinearHead(kind="logistic", temperature=1.0, features=features, weight=weight, bias=bias)


def _lp_plus_plus(examples: Examples) -> LinearHead:
    features = centered(examples)
    mapped = features(examples.support)
    means, _ = class_means(mapped, examples.class_index, n_classes=examples.n_classes)
    weight = COSINE_SCALE * means
    text = examples.text
    cosines = mapped.new_zeros(len(mapped), examples.n_classes) if text is None else examples.support @ text.T
    multiplier = torch.full((examples.n_classes,), examples.text_scale, device=mapped.device)
    # Cross-entropy's Hessian in the logits is at most ½; the rest is the largest stretch of each block.
    weight_step = 2 * len(mapped) / torch.linalg.matrix_norm(mapped, ord=2) ** 2
    multiplier_step = 2 / (cosines**2).mean(dim=0).amax().clamp(min=1e-6)
    target = functional.one_hot(examples.class_index, examples.n_classes).float()
    for _ in range(PROBE_STEPS):
        residual = _residual(mapped @ weight.T + cosines * multiplier, target)
        weight = weight - weight_step * residual.T @ mapped
        if text is not None:
            residual = _residual(mapped @ weight.T + cosines * multiplier, target)
            multiplier = multiplier - multiplier_step * (residual * cosines).sum(dim=0)
    return LinearHead(
        kind="lp++",
        temperature=1.0,
        features=features,
        weight=weight,
        bias=weight.new_zeros(examples.n_classes),
        text=None if text is None else multiplier[:, None] * text,
    )


def _residual(logits: Tensor, target: Tensor) -> Tensor:
    """Gradient (S, N) of the mean cross-entropy in the logits."""
    return (torch.softmax(logits, dim=1) - target) / len(logits)
