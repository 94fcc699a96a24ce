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
BISECTIONS = 32


def fit_temperature(logits: Tensor, class_index: Tensor) -> Tensor:
    """Temperature (…) that minimizes the negative log-likelihood of held-out logits (…, S, N).

    Leading dimensions are separate episodes, fitted at once by bisection on the derivative in log 1/T. The likelihood
    of the given items is never worse than at T = 1, because the prior is smallest there. S = 0 gives 1.
    """
    low = torch.full(logits.shape[:-2], -LOG_RANGE, device=logits.device)
    high = -low
    target = torch.take_along_dim(logits, class_index[..., None], dim=-1)[..., 0]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        sharpness = middle.exp()[..., None]
        expected = (torch.softmax(logits * sharpness[..., None], dim=-1) * logits).sum(dim=-1)
        slope = ((expected - target) * sharpness).sum(dim=-1) + PRIOR_STRENGTH * middle
        low, high = torch.where(slope > 0, low, middle), torch.where(slope > 0, middle, high)
    fitted = torch.exp(-(low + high) / 2)
    one = torch.ones_like(fitted)
    worse = mean_nll(logits, class_index, temperature=fitted) > mean_nll(logits, class_index, temperature=one)
    return torch.where(worse, one, fitted)


def mean_nll(logits: Tensor, class_index: Tensor, *, temperature: Tensor) -> Tensor:
    """Mean negative log-likelihood (…) of logits (…, S, N) at a temperature (…); 0 for S = 0."""
    scaled = logits / temperature[..., None, None]
    target = torch.take_along_dim(scaled, class_index[..., None], dim=-1)[..., 0]
    losses = torch.logsumexp(scaled, dim=-1) - target
    return losses.sum(dim=-1) / max(losses.shape[-1], 1)
