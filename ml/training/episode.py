"""What a learner sees of episodes, and the protocol that every episodic learner follows."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.errors import EmptyClassError, NonFiniteError, ShapeError


@dataclass(frozen=True)
class Episode:
    """E episodes of N classes at once.

    `support` (E, S, …) and `query` (E, Q, …) are float inputs (images or vectors); `support_labels` (E, S)
    and `query_labels` (E, Q) are int64 in [0, n_way). Support items may be in any order and number per class.
    """

    support: Tensor
    support_labels: Tensor
    query: Tensor
    query_labels: Tensor
    n_way: int

    def __len__(self) -> int:
        return len(self.support)

    def validate(self) -> None:
        """Raises ShapeError, NonFiniteError or EmptyClassError; costs one synchronisation on a GPU."""
        leading = (self.support.shape[:2], self.query.shape[:2])
        labels = (self.support_labels.shape, self.query_labels.shape)
        if leading != labels or len(self.support) != len(self.query):
            raise ShapeError(
                "support and query are (E, S, …) and (E, Q, …) beside labels (E, S) and (E, Q); got "
                f"{tuple(self.support.shape)} and {tuple(self.query.shape)} beside {labels}"
            )
        if not (torch.isfinite(self.support).all() and torch.isfinite(self.query).all()):
            raise NonFiniteError("an episode holds NaN or infinity: check the images or vectors behind it")
        counts = one_hot(self.support_labels, self.n_way).sum(dim=1)
        if not bool((counts > 0).all()):
            episode, category = (counts == 0).nonzero()[0].tolist()
            raise EmptyClassError(f"class {category} of episode {episode} has no support item: give it one or drop it")


class EpisodeLearner(nn.Module, ABC):
    """A network with a way of learning from a support set.

    `per_item` says whether `network` sees each image on its own in evaluation mode, so that features can be computed
    once for many episodes. `transductive` says whether the answer for one query depends on the other queries, which a
    user's single new image does not have. Every learner answers it.
    """

    name: ClassVar[str]
    network: nn.Module
    per_item: ClassVar[bool] = True
    transductive: bool = False

    @abstractmethod
    def logits(self, episode: Episode) -> Tensor:
        """Log-probabilities up to a constant, (E, Q, N) float32, differentiable in training mode."""

    def loss(self, episode: Episode) -> Tensor:
        """Mean cross-entropy of the queries; a scalar."""
        logits = self.logits(episode)
        return F.cross_entropy(logits.flatten(0, 1), episode.query_labels.flatten())

    def predict(self, episode: Episode) -> Tensor:
        """Class probabilities (E, Q, N) in evaluation mode; leaves weights, mode and buffers as they were."""
        episode.validate()
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                return self.logits(episode).float().softmax(dim=-1)
        finally:
            self.train(training)


def one_hot(labels: Tensor, n_way: int) -> Tensor:
    """(…, S) int64 to (…, S, N) float32."""
    return F.one_hot(labels, n_way).float()


def class_means(features: Tensor, labels: Tensor, *, n_way: int) -> Tensor:
    """Mean feature of each class: (E, S, D) and (E, S) to (E, N, D); an empty class gives NaN (see
    `validate`).
    """
    membership = one_hot(labels, n_way)
    return membership.transpose(1, 2) @ features / membership.sum(dim=1).unsqueeze(-1)


def full_precision(features: Tensor) -> torch.autocast:
    """A context without autocast: the features of a network may differ in their third digit, the last of bfloat16."""
    return torch.autocast(features.device.type, enabled=False)


def embed_both(network: nn.Module, episode: Episode) -> tuple[Tensor, Tensor]:
    """Features of support (E, S, …) and query (E, Q, …), computed in one pass so that BatchNorm sees both."""
    n_episodes, n_support = episode.support.shape[:2]
    items = torch.cat([episode.support, episode.query], dim=1)
    features = network(items.flatten(0, 1)).float()
    features = features.view(n_episodes, items.shape[1], *features.shape[1:])
    return features[:, :n_support], features[:, n_support:]
