"""Gaussian discriminants that also listen to the images nobody has labelled.

Few labels place the class means badly; the pool says where the clusters really lie. Expectation-maximization with one
shared covariance (a mixture of Gaussians with some memberships known; Nigam et al. 2000 argue for it with few labels),
started from the head that the labels alone give, for three rounds: more rounds let the mixture wander off from the
labels. The answer is the sum of both heads' logits, so it stays one linear head and an image's answer, once the head is
fitted, depends on no other image.

The labels of audits are never read: audited images are in the pool as vectors alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ml.errors import SpaceMismatchError
from ml.heads.base import Examples
from ml.heads.calibration import fit_temperature
from ml.heads.cross_fit import cross_fitted_logits
from ml.heads.features import FeatureMap
from ml.heads.gda import fit_gda
from ml.heads.linear import LinearHead

ROUNDS = 3
# Ridge of the shared covariance in units of its mean eigenvalue, and how loud a Gaussian's own log-likelihood is:
# vectors of an encoder have far fewer free directions than dimensions, so their sum of squares overstates.
RIDGE = 3.0
LOUDNESS = 0.5
POOL_AT_MOST = 20_000


@dataclass(frozen=True)
class _Pool:
    """What rounds and folds share: vectors (P, D), as they come and mapped, and their second moment."""

    raw: Tensor
    vectors: Tensor
    features: FeatureMap
    moment: Tensor
    size: int


def fit_pool_gda(examples: Examples, pool: Tensor, *, seed: int = 0) -> LinearHead:
    """A linear head from support items and unlabelled `pool` (P, D) of the same space.

    Costs O((S + P) D²) once and O(D³) for each of three rounds in each of five calibration folds. Of a larger pool
    20,000 items drawn by `seed` are heard.

    Raises:
        EmptyClassError: A class has no support item.
        SpaceMismatchError: The pool's vectors have another D.
    """
    examples.require_every_class()
    if pool.ndim != 2 or pool.shape[1] != examples.dim:
        raise SpaceMismatchError(f"expected a pool (P, {examples.dim}), got {tuple(pool.shape)}: one encoder, please")
    heard = _some(pool.float(), seed=seed)
    if examples.background is None:
        examples = replace(examples, background=heard.mean(dim=0))
    shared = _shared(examples, heard)
    fit = _fitter(shared, seed=seed)
    logits, rows = cross_fitted_logits(fit, examples, seed=seed)
    temperature = fit_temperature(logits, examples.class_index[rows])
    return fit(examples).with_temperature(float(temperature))


def _fitter(pool: _Pool, *, seed: int) -> Callable[[Examples], LinearHead]:
    def fit(examples: Examples) -> LinearHead:
        start = fit_gda(examples, seed=seed)
        weight, bias = _rounds(start, examples, pool)
        own = start.temperature
        return LinearHead(
            kind="pool-gda",
            temperature=1.0,
            features=pool.features,
            weight=weight + start.weight / own,
            bias=bias + start.bias / own,
            text=None if start.text is None else start.text / own,
        )

    return fit


def _rounds(start: LinearHead, examples: Examples, pool: _Pool) -> tuple[Tensor, Tensor]:
    """Weights (N, D) and biases (N,) of the mixture after its last round."""
    known = pool.features(examples.support)
    one_hot = torch.nn.functional.one_hot(examples.class_index, examples.n_classes).float()
    membership = start.probabilities(pool.raw)
    weight, bias = start.weight, start.bias
    for _ in range(ROUNDS):
        counts = one_hot.sum(dim=0) + membership.sum(dim=0)
        means = (one_hot.T @ known + membership.T @ pool.vectors) / counts[:, None]
        covariance = (pool.moment - (means.T * counts) @ means) / pool.size
        ridge = RIDGE * covariance.diagonal().mean()
        covariance.diagonal().add_(ridge)
        factor = torch.linalg.cholesky(covariance)
        weight = LOUDNESS * torch.cholesky_solve(means.T, factor).T
        bias = -0.5 * (weight * means).sum(dim=1)
        membership = torch.softmax(torch.addmm(bias, pool.vectors, weight.T), dim=1)
    return weight, bias


def _shared(examples: Examples, heard: Tensor) -> _Pool:
    features = FeatureMap(mean=examples.background)
    vectors, known = features(heard), features(examples.support)
    moment = vectors.T @ vectors + known.T @ known
    return _Pool(raw=heard, vectors=vectors, features=features, moment=moment, size=len(vectors) + len(known))


def _some(pool: Tensor, *, seed: int) -> Tensor:
    if len(pool) <= POOL_AT_MOST:
        return pool
    rows = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))[:POOL_AT_MOST]
    return pool[rows.to(pool.device)]
