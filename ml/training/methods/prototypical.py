"""Prototypical networks (Snell, Swersky, Zemel 2017): a class is the mean of its support features."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.training.episode import Episode, EpisodeLearner, class_means, embed_both, full_precision

Metric = Literal["squared_euclidean", "cosine"]
INITIAL_SCALE = 10.0  # the cosine classifier of P>M>F (Hu et al. 2022)


class PrototypicalNetwork(EpisodeLearner):
    """p(y = k | x) = softmax over k of -‖f(x) - c_k‖² (equation 2), or of scale · cos(f(x), c_k) + bias.

    The distance is squared, as in the paper; libraries that drop the square agree on the class and not on the
    probabilities. The cosine form learns its scale from 10 and its bias from 0 (P>M>F), and its prototypes
    are means of features, normalised afterwards.
    """

    name: ClassVar[str] = "protonet"

    def __init__(self, network: nn.Module, *, metric: Metric = "squared_euclidean") -> None:
        super().__init__()
        self.network = network
        self.metric = metric
        if metric == "cosine":
            self.scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
            self.bias = nn.Parameter(torch.tensor(0.0))

    def logits(self, episode: Episode) -> Tensor:
        support, query = embed_both(self.network, episode)
        with full_precision(query):
            prototypes = class_means(support.flatten(2), episode.support_labels, n_way=episode.n_way)
            if self.metric == "cosine":
                return self.scale * cosine_similarity(query.flatten(2), prototypes) + self.bias
            return -squared_distance(query.flatten(2), prototypes)


def squared_distance(query: Tensor, prototypes: Tensor) -> Tensor:
    """‖q - c‖² for (E, Q, D) and (E, N, D): (E, Q, N), by expansion, never negative."""
    square = query.pow(2).sum(-1, keepdim=True) + prototypes.pow(2).sum(-1).unsqueeze(1)
    return (square - 2 * query @ prototypes.transpose(1, 2)).clamp_min(0)


def cosine_similarity(query: Tensor, prototypes: Tensor) -> Tensor:
    """cos(q, c) for (E, Q, D) and (E, N, D): (E, Q, N) in [-1, 1]."""
    return F.normalize(query, dim=-1) @ F.normalize(prototypes, dim=-1).transpose(1, 2)
