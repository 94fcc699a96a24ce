"""Matching networks (Vinyals et al. 2016): an answer is an attention-weighted vote of the support items."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.training.episode import Episode, EpisodeLearner, embed_both, full_precision, one_hot
from ml.training.methods.prototypical import cosine_similarity

EPSILON = 1e-6


class MatchingNetwork(EpisodeLearner):
    """p(y | x) = Σ_i a(x, x_i) y_i with a = softmax_i cos(f(x), g(x_i)) (equation 1); loss -log(p + 1e-6).

    `sharpness` multiplies the cosine: the paper's softmax of bare cosines cannot exceed e² times its smallest
    weight, so training saturates; libraries leave queries un-normalised for the same reason. 1 gives the
    paper's form. With `contexts`, support features pass a bidirectional LSTM (they then depend on the order
    of the support items, as in the paper) and queries an attention LSTM with as many steps as there are
    support items.
    """

    name: ClassVar[str] = "matching"

    def __init__(self, network: nn.Module, *, sharpness: float = 10.0, contexts: nn.Module | None = None) -> None:
        super().__init__()
        self.network = network
        self.sharpness = sharpness
        self.contexts = contexts

    def logits(self, episode: Episode) -> Tensor:
        support, query = embed_both(self.network, episode)
        support, query = support.flatten(2), query.flatten(2)
        if self.contexts is not None:
            support, query = self.contexts(support, query)
        with full_precision(query):
            cosine = cosine_similarity(query.float(), support.float())
            attention = (self.sharpness * cosine).softmax(dim=-1)
            votes = attention @ one_hot(episode.support_labels, episode.n_way)
            return (votes + EPSILON).log()

    def loss(self, episode: Episode) -> Tensor:
        return F.nll_loss(self.logits(episode).flatten(0, 1), episode.query_labels.flatten())


class FullContexts(nn.Module):
    """Full context embeddings (the paper's appendix A.1 and A.2).

    g(x_i) = g'(x_i) + h_forward + h_backward of a bi-LSTM over the support set; f(x) is the state of an LSTM
    that reads the support set by attention for S steps. (E, S, D), (E, Q, D) to the same shapes.
    """

    def __init__(self, dimension: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.support_lstm = nn.LSTM(dimension, dimension, batch_first=True, bidirectional=True)
        self.query_cell = nn.LSTMCell(2 * dimension, dimension)
        for parameter in self.parameters():
            bound = dimension**-0.5
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def forward(self, support: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        states = self.support_lstm(support)[0]
        forward, backward = states.chunk(2, dim=-1)
        support = support + forward + backward
        n_episodes, n_query, dimension = query.shape
        flat = query.reshape(-1, dimension)
        hidden, cell = flat, torch.zeros_like(flat)
        for _ in range(support.shape[1]):
            attended = (hidden.view(n_episodes, n_query, -1) @ support.transpose(1, 2)).softmax(-1) @ support
            inputs = torch.cat([flat, attended.reshape(-1, dimension)], dim=1)
            hidden, cell = self.query_cell(inputs, (hidden, cell))
            hidden = hidden + flat
        return support, hidden.view(n_episodes, n_query, dimension)
