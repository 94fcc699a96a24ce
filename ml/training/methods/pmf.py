"""P>M>F's third stage (Hu et al. 2022): fine-tune a copy of the network on one task's support set, or refuse
to.

The rate is chosen on the support set itself: half of each class's items learn, the other half judge, and 0 is
one of the candidates. A task without a second item a class keeps rate 0, and rate 0 is the unchanged learner,
bit for bit.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Adam

from ml.errors import ConfigError, ShapeError
from ml.training.augment import Augmentation
from ml.training.episode import Episode, EpisodeLearner
from ml.training.store import Normalization

RATES = (0.0, 1e-4, 1e-3, 1e-2)


@dataclass(frozen=True)
class FineTuning:
    """How a task is fine-tuned: Adam for `steps`, each on augmented copies of the support set.

    The loss is the cross-entropy of augmented support images against prototypes of the clean ones, so that no
    query is touched. BatchNorm keeps its stored statistics. `augmentation` works in [0, 1], hence
    `normalization`.
    """

    normalization: Normalization
    augmentation: Augmentation
    steps: int = 40
    rates: tuple[float, ...] = RATES

    def __post_init__(self) -> None:
        if self.steps < 1 or 0.0 not in self.rates or min(self.rates) < 0:
            raise ConfigError("fine-tuning needs at least one step and rates >= 0, one of them 0")


@dataclass(frozen=True)
class RateChoice:
    """`rate` and, for each candidate, accuracy on the held-out half of the support set (empty if there is
    none).
    """

    rate: float
    held_out: dict[float, float]


def predict_finetuned(
    learner: EpisodeLearner, episode: Episode, *, options: FineTuning, generator: torch.Generator
) -> tuple[Tensor, RateChoice]:
    """Probabilities (1, Q, N) after fine-tuning on the support set of one episode; `learner` is left as it
    was.
    """
    if len(episode) != 1:
        raise ShapeError(f"fine-tuning takes one episode at a time, got {len(episode)}")
    choice = choose_rate(learner, episode, options=options, generator=generator)
    tuned = tune(learner, episode, rate=choice.rate, options=options, generator=generator)
    return tuned.predict(episode), choice


def choose_rate(
    learner: EpisodeLearner, episode: Episode, *, options: FineTuning, generator: torch.Generator
) -> RateChoice:
    """The rate with the best held-out accuracy, then the lowest held-out loss, then the smallest rate."""
    episode.validate()
    inner = split_support(episode)
    if inner is None:
        return RateChoice(0.0, {})
    held_out: dict[float, float] = {}
    ranks: list[tuple[float, float, float]] = []
    for rate in sorted(set(options.rates)):
        probabilities = tune(learner, inner, rate=rate, options=options, generator=generator).predict(inner)
        right = (probabilities.argmax(-1) == inner.query_labels).float().mean()
        log = probabilities.clamp_min(1e-12).log()
        loss = F.nll_loss(log.flatten(0, 1), inner.query_labels.flatten())
        held_out[rate] = float(right)
        ranks.append((-float(right), float(loss), rate))
    return RateChoice(min(ranks)[2], held_out)


def split_support(episode: Episode) -> Episode | None:
    """Every second item of a class becomes a query; None where a class has a single item."""
    labels = episode.support_labels[0]
    kept: list[int] = []
    judged: list[int] = []
    for category in range(episode.n_way):
        items = (labels == category).nonzero().flatten().tolist()
        if len(items) < 2:
            return None
        kept += items[::2]
        judged += items[1::2]
    return Episode(
        support=episode.support[:, kept],
        support_labels=episode.support_labels[:, kept],
        query=episode.support[:, judged],
        query_labels=episode.support_labels[:, judged],
        n_way=episode.n_way,
    )


def tune(
    learner: EpisodeLearner,
    episode: Episode,
    *,
    rate: float,
    options: FineTuning,
    generator: torch.Generator,
) -> EpisodeLearner:
    """A fine-tuned copy; with rate 0 the learner itself."""
    if rate == 0.0:
        return learner
    tuned = copy.deepcopy(learner).eval()
    parameters = [p for p in tuned.parameters() if p.requires_grad]
    optimizer = Adam(parameters, lr=rate)
    mean, std = options.normalization.tensors(episode.support.device)
    plain = episode.support[0] * std + mean
    for _ in range(options.steps):
        seen = (options.augmentation.apply(plain, generator=generator) - mean) / std
        inner = Episode(
            episode.support, episode.support_labels, seen.unsqueeze(0), episode.support_labels, episode.n_way
        )
        loss = tuned.loss(inner)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return tuned


def finetune_gain(plain: Sequence[float], tuned: Sequence[float]) -> tuple[float, float]:
    """Mean paired difference of episode accuracies and its 95 % half-width."""
    difference = torch.tensor(tuned, dtype=torch.float64) - torch.tensor(plain, dtype=torch.float64)
    return float(difference.mean()), float(1.96 * difference.std() / len(difference) ** 0.5)
