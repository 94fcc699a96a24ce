"""Scoring episodes: what a mean of accuracies says, and that shortcuts change nothing."""

import numpy as np
import pytest
import torch

from ml.episodes.sampler import EpisodeSampler
from ml.training.augment import AUGMENTATIONS
from ml.training.evaluate import score_episodes
from ml.training.features import embed_store, score_feature_episodes
from ml.training.methods.registry import LearnerSpec, build_learner
from ml.training.scores import EpisodeScores
from ml.training.sources import Views
from ml.training.store import ImageStore


def views() -> Views:
    generator = torch.Generator().manual_seed(0)
    patterns = torch.randint(0, 200, (6, 1, 1, 28, 28), generator=generator)
    noise = torch.randint(0, 55, (6, 10, 1, 28, 28), generator=generator)
    store = ImageStore((patterns + noise).to(torch.uint8).flatten(0, 1), np.repeat(np.arange(6), 10), tuple("abcdef"))
    return Views.build(store, store.statistics(), augmentation=AUGMENTATIONS["none"], seed=0)


def test_the_interval_is_196_standard_errors():
    scores = EpisodeScores(np.array([0.2, 0.4, 0.6, 0.8]))
    assert scores.accuracy == pytest.approx(0.5)
    assert scores.ci95 == pytest.approx(1.96 * 0.2581989 / 2, abs=1e-6)


@pytest.mark.parametrize("method", ["protonet", "protonet-cosine", "matching", "matching-fce", "relation"])
def test_embedding_every_image_once_gives_the_same_accuracies(method):
    network = "conv4-maps" if method == "relation" else "conv4-32"
    learner = build_learner(LearnerSpec(method, network, channels=1, size=28, seed=0))
    seen = views()

    def draw(episodes: int) -> np.ndarray:
        sampler = EpisodeSampler(seen.store.labels, n_way=3, k_shot=2, n_query=3, seed=0)
        return score_episodes(learner, views=seen, sampler=sampler, episodes=episodes, drawn_at_once=15).accuracies

    # Three episodes see fewer images than the store has, thirty see more.
    np.testing.assert_allclose(draw(30)[:3], draw(3), atol=1e-6)


def test_feature_episodes_equal_the_prototypical_learner():
    seen = views()
    learner = build_learner(LearnerSpec("protonet", "conv4-32", channels=1, size=28, seed=0))
    features = embed_store(learner.network, seen)
    options = {"n_way": 4, "k_shot": 2, "n_query": 3, "seed": 5}
    fast = score_feature_episodes(features, seen.store.labels, episodes=40, transform="raw", **options)
    sampler = EpisodeSampler(seen.store.labels, **options)
    slow = score_episodes(learner, views=seen, sampler=sampler, episodes=40)
    np.testing.assert_allclose(fast.accuracies, slow.accuracies, atol=1e-6)


def test_shuffled_labels_score_at_chance():
    seen = views()
    features = embed_store(build_learner(LearnerSpec("protonet", "conv4-32", 1, 28, 0)).network, seen)
    labels = np.random.default_rng(0).permutation(seen.store.labels)
    scores = score_feature_episodes(
        features, labels, n_way=5, k_shot=1, n_query=5, episodes=600, seed=0, transform="raw"
    )
    assert abs(scores.accuracy - 0.2) < 0.03


def test_centering_is_what_cl2n_adds_to_l2():
    features = torch.tensor([[10.0, 1.0], [10.0, 0.9], [10.0, -1.0], [10.0, -0.9]])
    labels, options = np.array([0, 0, 1, 1]), {"n_way": 2, "k_shot": 1, "n_query": 1, "episodes": 10, "seed": 0}
    centered = score_feature_episodes(features, labels, transform="cl2n", center=features.mean(0), **options)
    assert centered.accuracy == 1.0
