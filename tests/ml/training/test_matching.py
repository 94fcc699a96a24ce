"""Matching networks: without contexts a soft nearest neighbour, with them a reader of the support set."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ml.training.episode import Episode
from ml.training.methods.matching import FullContexts, MatchingNetwork


def vectors(seed: int = 0) -> Episode:
    generator = torch.Generator().manual_seed(seed)
    support = torch.randn(1, 6, 8, generator=generator)
    query = torch.randn(1, 4, 8, generator=generator)
    return Episode(support, torch.tensor([[0, 0, 1, 1, 2, 2]]), query, torch.tensor([[0, 1, 2, 0]]), 3)


def test_without_contexts_it_is_a_cosine_weighted_vote():
    episode = vectors()
    weights = (F.normalize(episode.query[0], dim=1) @ F.normalize(episode.support[0], dim=1).T).softmax(dim=1)
    votes = torch.stack([weights[:, :2].sum(1), weights[:, 2:4].sum(1), weights[:, 4:].sum(1)], dim=1)
    answer = MatchingNetwork(nn.Identity(), sharpness=1.0).predict(episode)[0]
    torch.testing.assert_close(answer, votes, rtol=1e-4, atol=1e-5)


def test_it_equals_easyfsl_where_that_leaves_queries_unnormalised():
    methods = pytest.importorskip("easyfsl.methods.utils")
    assert methods is not None
    episode = vectors()
    # easyfsl's attention is softmax(q · ŝ): a cosine whose sharpness is the query's length.
    reference = (episode.query[0] @ F.normalize(episode.support[0], dim=1).T).softmax(dim=1)
    expected = (reference @ F.one_hot(episode.support_labels[0], 3).float() + 1e-6).log()
    for row in range(4):
        length = float(episode.query[0, row].norm())
        ours = MatchingNetwork(nn.Identity(), sharpness=length).logits(episode)[0, row]
        torch.testing.assert_close(ours, expected[row], rtol=1e-5, atol=1e-5)


def test_contexts_change_both_sides_and_keep_their_shapes():
    episode = vectors()
    contexts = FullContexts(8, generator=torch.Generator().manual_seed(0))
    support, query = contexts(episode.support, episode.query)
    assert support.shape == episode.support.shape and query.shape == episode.query.shape
    assert (support - episode.support).abs().max() > 1e-3
    assert (query - episode.query).abs().max() > 1e-3


def test_contexts_equal_easyfsls_with_the_same_lstms():
    methods = pytest.importorskip("easyfsl.methods")
    episode = vectors(3)
    contexts = FullContexts(8, generator=torch.Generator().manual_seed(0))
    reference = methods.MatchingNetworks(
        nn.Identity(),
        feature_dimension=8,
        support_encoder=contexts.support_lstm,
        query_encoder=contexts.query_cell,
    )
    reference.process_support_set(episode.support[0], episode.support_labels[0])
    support, query = contexts(episode.support, episode.query)
    torch.testing.assert_close(support[0], reference.contextualized_support_features)
    torch.testing.assert_close(query[0], reference.encode_query_features(episode.query[0]))
