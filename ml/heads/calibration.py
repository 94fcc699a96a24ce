"""One temperature from the few labels themselves.

Guo et al. (2017) fit T on a validation set that a user with ten labels does not have. Here the logits are those of a
head that did not see the item (leave-one-out or K-fold), T below 1 is allowed because regularized heads are
under-confident, and a prior keeps T finite where every held-out item happens to be right.
"""

import torch
from torch import Tensor

# Log-normal prior on T around 1 with a standard deviation of about 3 in log T: as heavy as a fraction of one item.
PRIOR_STRENGTH = 0.1
LOG_RANGE = 8.0
STEPS = 32
CLOSE = 1e-4
"""Of log T between two steps: the next one would move it by the square of that."""


def fit_temperature(logits: Tensor, class_index: Tensor) -> Tensor:
    """Temperature (…) that minimizes the negative log-likelihood of held-out logits (…, S, N).

    Leading dimensions are separate episodes, fitted at once by Newton's steps on the derivative in log 1/T, each kept
    within the interval where the sign changes and halving it where it would leave. The likelihood of the given items
    is never worse than at T = 1, because the prior is smallest there. S = 0 gives 1.
    """
    low = torch.full(logits.shape[:-2], -LOG_RANGE, device=logits.device)
    high = -low
    middle = torch.zeros_like(low)
    target = torch.take_along_dim(logits, class_index[..., None], dim=-1)
    above = logits - target
    for _ in range(STEPS):
        slope, curvature = _slope(above, middle)
        low, high = torch.where(slope > 0, low, middle), torch.where(slope > 0, middle, high)
        step = middle - slope / curvature
        inside = (curvature > 0) & (step >= low) & (step <= high)
        before, middle = middle, torch.where(inside, step, (low + high) / 2)
        if not middle.numel() or float((middle - before).abs().max()) < CLOSE:
            break
    fitted = torch.exp(-middle)
    one = torch.ones_like(fitted)
    worse = mean_nll(logits, class_index, temperature=fitted) > mean_nll(logits, class_index, temperature=one)
    return torch.where(worse, one, fitted)


def _slope(above: Tensor, log_sharpness: Tensor) -> tuple[Tensor, Tensor]:
    """First and second derivative (…) of the penalized loss in log 1/T; `above` (…, S, N) are logits beside the
    target's."""
    sharpness = log_sharpness.exp()[..., None]
    weighted = torch.softmax(above * sharpness[..., None], dim=-1) * above
    mean = weighted.sum(dim=-1)
    spread = (weighted * above).sum(dim=-1) - mean**2
    slope = (mean * sharpness).sum(dim=-1) + PRIOR_STRENGTH * log_sharpness
    curvature = (mean * sharpness + spread * sharpness**2).sum(dim=-1) + PRIOR_STRENGTH
    return slope, curvature


def mean_nll(logits: Tensor, class_index: Tensor, *, temperature: Tensor) -> Tensor:
    """Mean negative log-likelihood (…) of logits (…, S, N) at a temperature (…); 0 for S = 0."""
    scaled = logits / temperature[..., None, None]
    target = torch.take_along_dim(scaled, class_index[..., None], dim=-1)[..., 0]
    losses = torch.logsumexp(scaled, dim=-1) - target
    return losses.sum(dim=-1) / max(losses.shape[-1], 1)
