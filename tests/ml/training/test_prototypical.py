"""Prototypical networks against the paper's formula and easyfsl."""

import pytest
import torch
from torch import nn

from ml.training.episode import Episode, EpisodeLearner
from ml.training.methods.maml import Maml
from ml.training.methods.matching import MatchingNetwork
from ml.training.methods.prototypical import PrototypicalNetwork, squared_distance

SUPPORT = torch.tensor([[1.0, 0.0], [0.8, 0.2], [0.0, 1.0], [0.2, 0.8]])
LABELS = torch.tensor([0, 0, 1, 1])
QUERIES = torch.tensor([[1.0, 1.0], [0.9, 0.0], [0.1, 0.7]])


def episode() -> Episode:
    return Episode(SUPPORT[None], LABELS[None], QUERIES[None], torch.zeros(1, 3, dtype=torch.int64), 2)


def test_probabilities_are_those_of_the_squared_distance():
    # Prototypes (.9, .1) and (.1, .9); the second query is at squared distances .01 and 1.45.
    probabilities = PrototypicalNetwork(nn.Identity()).predict(episode())[0]
    expected = torch.tensor([[0.5, 0.5], [0.80845, 0.19155], [0.27688, 0.72312]])
    torch.testing.assert_close(probabilities, expected, rtol=0, atol=1e-5)


def test_distances_are_easyfsls_squared():
    methods = pytest.importorskip("easyfsl.methods")
    reference = methods.PrototypicalNetworks(nn.Identity())
    reference.process_support_set(SUPPORT, LABELS)
    ours = PrototypicalNetwork(nn.Identity()).logits(episode())[0]
    torch.testing.assert_close(ours, -(reference(QUERIES) ** 2), rtol=1e-6, atol=1e-6)


def test_cosine_scores_are_simpleshots_times_the_scale():
    methods = pytest.importorskip("easyfsl.methods")
    reference = methods.SimpleShot(nn.Identity())
    reference.process_support_set(SUPPORT, LABELS)
    ours = PrototypicalNetwork(nn.Identity(), metric="cosine").logits(episode())[0]
    torch.testing.assert_close(ours, 10 * reference(QUERIES), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours[1] / 10, torch.tensor([0.99388, 0.11043]), rtol=0, atol=1e-5)


def test_expanded_distances_equal_direct_ones_and_are_never_negative():
    generator = torch.Generator().manual_seed(0)
    query, prototypes = torch.randn(2, 7, 64, generator=generator), torch.randn(2, 5, 64, generator=generator)
    torch.testing.assert_close(
        squared_distance(query, prototypes), torch.cdist(query, prototypes) ** 2, rtol=1e-4, atol=1e-4
    )
    assert (squared_distance(query, query) >= 0).all()


@pytest.mark.parametrize(
    "learner",
    [
        PrototypicalNetwork(nn.Identity()),
        PrototypicalNetwork(nn.Identity(), metric="cosine"),
        MatchingNetwork(nn.Identity()),
        Maml(nn.Identity(), dimension=8, head_only=True),
    ],
    ids=["euclidean", "cosine", "matching", "anil"],
)
def test_features_that_hardly_differ_are_compared_in_full_precision(learner: EpisodeLearner):
    # Features of a network end in ReLU, so that all lie in one corner: cosines of 0.99 and more, which bfloat16 rounds
    # to a handful of values.
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([[0, 0, 1, 1, 2, 2]])
    support, query = (4 + torch.rand(1, 6, 8, generator=generator) for _ in range(2))
    episode = Episode(support, labels, query, labels, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = learner.logits(episode)
    torch.testing.assert_close(rounded, learner.logits(episode), rtol=0, atol=1e-5)
