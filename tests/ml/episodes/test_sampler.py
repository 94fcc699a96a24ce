"""Episodes hold what they promise, leak nothing and repeat by seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.episodes.sampler import EpisodeSampler
from ml.episodes.splits import ClassSplit
from ml.errors import ConfigError, EmptyClassError, ShapeError


def labels_of(counts: list[int]) -> np.ndarray:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(6, 30), min_size=5, max_size=9),
    n_way=st.integers(1, 5),
    k_shot=st.integers(1, 3),
    n_query=st.integers(0, 3),
    seed=st.integers(0, 2**31),
)
def test_an_episode_has_n_classes_of_k_and_q_distinct_items(counts, n_way, k_shot, n_query, seed):
    labels = labels_of(counts)
    sampler = EpisodeSampler(labels, n_way=n_way, k_shot=k_shot, n_query=n_query, seed=seed)
    batch = sampler.sample_batch(7)
    assert batch.support.shape == (7, n_way, k_shot)
    assert batch.query.shape == (7, n_way, n_query)
    for classes, support, query in zip(batch.classes, batch.support, batch.query, strict=True):
        assert len(set(classes)) == n_way
        items = np.concatenate([support, query], axis=1)
        assert len(np.unique(items)) == items.size
        assert (labels[items] == classes[:, None]).all()


def test_the_same_seed_draws_the_same_episodes_and_another_seed_does_not():
    labels = labels_of([20] * 10)
    draw = lambda seed: EpisodeSampler(labels, n_way=5, k_shot=1, n_query=3, seed=seed).sample_batch(20)  # noqa: E731
    np.testing.assert_array_equal(draw(3).query, draw(3).query)
    assert (draw(3).query != draw(4).query).any()


def test_a_restored_sampler_goes_on_with_the_next_episode():
    labels = labels_of([20] * 10)
    sampler = EpisodeSampler(labels, n_way=5, k_shot=1, n_query=3, seed=0)
    sampler.sample_batch(5)
    state = sampler.state()
    expected = sampler.sample_batch(5)
    other = EpisodeSampler(labels, n_way=5, k_shot=1, n_query=3, seed=99)
    other.restore(state)
    np.testing.assert_array_equal(other.sample_batch(5).support, expected.support)


def test_every_item_of_a_class_is_equally_likely_as_support_and_as_query():
    sampler = EpisodeSampler(np.zeros(6, dtype=int), n_way=1, k_shot=2, n_query=2, seed=1)
    batch = sampler.sample_batch(30_000)
    for part in (batch.support, batch.query):
        shares = np.bincount(part.ravel(), minlength=6) / part.size
        # Standard error of a share is about 0.0015, so four of them are 0.006.
        np.testing.assert_allclose(shares, 1 / 6, atol=0.006)


def test_classes_follow_the_prior_that_was_asked_for():
    labels = labels_of([10, 30, 60])
    shares = {}
    for prior in ("uniform", "frequency", {0: 8.0, 1: 1.0, 2: 1.0}):
        sampler = EpisodeSampler(labels, n_way=1, k_shot=1, n_query=0, seed=0, class_prior=prior)
        drawn = sampler.sample_batch(20_000).classes
        shares[str(prior)] = np.bincount(drawn.ravel(), minlength=3) / drawn.size
    np.testing.assert_allclose(shares["uniform"], [1 / 3] * 3, atol=0.015)
    np.testing.assert_allclose(shares["frequency"], [0.1, 0.3, 0.6], atol=0.015)
    np.testing.assert_allclose(shares[str({0: 8.0, 1: 1.0, 2: 1.0})], [0.8, 0.1, 0.1], atol=0.015)


def test_only_the_classes_of_the_split_are_drawn():
    labels = labels_of([12] * 20)
    split = ClassSplit.random(labels, val=0.2, test=0.3, seed=5)
    assert (len(split.train), len(split.val), len(split.test)) == (10, 4, 6)
    sampler = EpisodeSampler(labels, n_way=3, k_shot=1, n_query=2, seed=0, classes=split.val)
    assert set(sampler.sample_batch(200).classes.ravel()) == set(split.val)


def test_a_class_in_two_parts_of_a_split_is_refused():
    with pytest.raises(ConfigError, match="share 1 classes, such as 1"):
        ClassSplit.from_column([0, 1, 1, 2], ["train", "train", "test", "val"])


def test_impossible_episodes_are_refused_before_the_first_is_drawn():
    labels = labels_of([5, 5, 2])
    with pytest.raises(EmptyClassError, match="every class needs 4 items"):
        EpisodeSampler(labels, n_way=2, k_shot=1, n_query=3, seed=0)
    with pytest.raises(ConfigError, match="there are 3"):
        EpisodeSampler(labels, n_way=4, k_shot=1, n_query=0, seed=0)
    with pytest.raises(EmptyClassError, match=r"\[7\] have no item"):
        EpisodeSampler(labels, n_way=1, k_shot=1, n_query=0, seed=0, classes=[0, 7])
    with pytest.raises(ShapeError):
        EpisodeSampler([[0, 1]], n_way=1, k_shot=1, n_query=0, seed=0)
    with pytest.raises(ConfigError):
        EpisodeSampler(labels, n_way=0, k_shot=1, n_query=0, seed=0)


def test_labels_need_not_start_at_zero_nor_be_contiguous():
    labels = np.repeat([-4, 17, 1000], 3)
    batch = EpisodeSampler(labels, n_way=3, k_shot=2, n_query=1, seed=0).sample_batch(4)
    np.testing.assert_array_equal(labels[batch.support], np.broadcast_to(batch.classes[..., None], (4, 3, 2)))
