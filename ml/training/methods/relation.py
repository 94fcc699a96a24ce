"""Relation networks (Sung et al. 2018): the metric itself is learnt."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from ml.training.episode import Episode, EpisodeLearner, embed_both, one_hot
from ml.training.networks.relation import RelationModule

LOGIT_SCALE = 10.0


class RelationNetwork(EpisodeLearner):
    """r_k = g([Σ maps of class k's support, maps of the query]) in (0, 1); loss = mean squared error to 1 and
    0.

    The class map is the sum of the support maps, as in the paper, divided by nothing; an unbalanced support
    set therefore favors nobody by design, and we divide by the class's share of K to keep its scale.
    Inductive: BatchNorm uses its stored statistics. The authors' script scores with batch statistics, which
    lets queries see each other.
    """

    name: ClassVar[str] = "relation"

    def __init__(self, network: nn.Module, relation: RelationModule) -> None:
        super().__init__()
        self.network = network
        self.relation = relation

    def scores(self, episode: Episode) -> Tensor:
        """Relation scores (E, Q, N) in (0, 1)."""
        support, query = embed_both(self.network, episode)
        classes = _class_maps(support, episode.support_labels, n_way=episode.n_way)
        return self.relation.every_pair(classes, query).float()

    def logits(self, episode: Episode) -> Tensor:
        """Scores times a constant: the order of classes is the scores', probabilities await calibration."""
        return LOGIT_SCALE * self.scores(episode)

    def loss(self, episode: Episode) -> Tensor:
        return F.mse_loss(self.scores(episode), one_hot(episode.query_labels, episode.n_way))


def _class_maps(support: Tensor, labels: Tensor, *, n_way: int) -> Tensor:
    """(E, S, C, h, w) to (E, N, C, h, w): the sum over a class, scaled to the average number of shots."""
    membership = one_hot(labels, n_way)
    counts = membership.sum(dim=1)
    flat = support.flatten(2)
    sums = membership.transpose(1, 2) @ flat
    shots = support.shape[1] / n_way
    scaled = sums * (shots / counts).unsqueeze(-1)
    return scaled.view(len(support), n_way, *support.shape[2:])
