"""Relation networks: which maps meet which, and what the loss is."""

import pytest
import torch
from torch import nn

from ml.training.episode import Episode
from ml.training.methods.relation import RelationNetwork
from ml.training.networks.relation import RelationModule


class MeanDifference(nn.Module):
    """A relation that can be computed by hand: the sigmoid of minus the difference of mean class and query maps."""

    def every_pair(self, classes: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
        return (-(classes.unsqueeze(1) - queries.unsqueeze(2)).mean(dim=(3, 4, 5)).abs()).sigmoid()


def test_every_query_meets_the_summed_maps_of_every_class():
    support = torch.tensor([1.0, 3.0, 10.0, 30.0]).view(1, 4, 1, 1, 1)
    query = torch.tensor([4.0, 41.0]).view(1, 2, 1, 1, 1)
    labels = torch.tensor([[0, 0, 1, 1]])
    episode = Episode(support, labels, query, torch.tensor([[0, 1]]), 2)
    scores = RelationNetwork(nn.Identity(), MeanDifference()).scores(episode)[0]
    # Class sums are 4 and 40, so the differences are 0, 36 and 37, 1.
    expected = torch.tensor([[0.0, -36.0], [-37.0, -1.0]]).sigmoid()
    torch.testing.assert_close(scores, expected)


def test_the_loss_is_the_squared_error_to_one_and_zero():
    support = torch.tensor([4.0, 40.0]).view(1, 2, 1, 1, 1)
    episode = Episode(support, torch.tensor([[0, 1]]), support, torch.tensor([[0, 1]]), 2)
    loss = RelationNetwork(nn.Identity(), MeanDifference()).loss(episode)
    # Right pairs score sigmoid(0) = 1/2, wrong ones sigmoid(-36), which is 0.
    torch.testing.assert_close(loss, torch.tensor((0.25 + 0.25) / 4))


def test_one_shot_scores_equal_easyfsls_with_the_same_relation_module():
    methods = pytest.importorskip("easyfsl.methods")
    generator = torch.Generator().manual_seed(0)
    module = RelationModule(width=4, map_size=5, generator=generator).eval()
    support, query = (
        torch.randn((1, 3, 4, 5, 5), generator=generator),
        torch.randn((1, 2, 4, 5, 5), generator=generator),
    )
    episode = Episode(support, torch.tensor([[0, 1, 2]]), query, torch.tensor([[0, 1]]), 3)
    reference = methods.RelationNetworks(nn.Identity(), feature_dimension=4, relation_module=module)
    reference.process_support_set(support[0], episode.support_labels[0])
    ours = RelationNetwork(nn.Identity(), module).eval().scores(episode)[0]
    torch.testing.assert_close(ours, reference(query[0]))
