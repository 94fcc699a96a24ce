"""Semantic task sampling: distance by hand, difficulty by alpha, balance by beta."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from ml.episodes.sampler import EpisodeSampler
from ml.episodes.semantic import SemanticSampler, coarsity, draw_tasks, jiang_conrath, parents_of_paths
from ml.errors import ConfigError, ShapeError

PARENTS = {"cat": "pet", "dog": "pet", "oak": "tree", "elm": "tree", "pet": "thing", "tree": "thing"}
LEAVES = ["cat", "dog", "oak", "elm"]
CIFAR = Path("../shared/data/cifar100.parquet")


def test_distances_are_jiang_and_conraths():
    distances = jiang_conrath(LEAVES, PARENTS, [10, 30, 20, 40])
    # cat and dog meet in 40 items, cat and oak in all 100.
    assert distances[0, 1] == pytest.approx(2 * np.log(40) - np.log(10) - np.log(30))
    assert distances[0, 2] == pytest.approx(2 * np.log(100) - np.log(10) - np.log(20))
    np.testing.assert_array_equal(distances, distances.T)
    assert (np.diag(distances) == 0).all()


def test_classes_without_a_common_ancestor_meet_above_everything():
    distances = jiang_conrath(["a", "b"], {}, [1, 1])
    assert distances[0, 1] == pytest.approx(2 * np.log(2))


def test_coarsity_is_the_mean_squared_distance_of_pairs():
    distances = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])
    np.testing.assert_allclose(coarsity(distances, np.array([[0, 1, 2], [1, 0, 2]])), [14 / 3, 14 / 3])


def cifar_distances() -> np.ndarray:
    """The two levels of CIFAR-100."""
    if not CIFAR.exists():
        pytest.skip("needs ../shared/data/cifar100.parquet")
    parquet = pytest.importorskip("pyarrow.parquet")
    pairs = parquet.read_table(CIFAR, columns=["fine_label", "coarse_label"]).to_pylist()
    parents = {f"fine {row['fine_label']}": f"coarse {row['coarse_label']}" for row in pairs}
    return jiang_conrath(sorted(parents), parents, [600] * len(parents))


@pytest.mark.data
def test_larger_alpha_draws_finer_tasks_on_cifar_100():
    distances = cifar_distances()
    means = []
    for alpha in (-0.4, 0.0, 0.2, 0.4, 0.8, 1.6):
        tasks = draw_tasks(distances, n_way=5, tasks=400, alpha=alpha, rng=np.random.default_rng(0))
        means.append(coarsity(distances, tasks).mean())
    assert all(harder < easier for easier, harder in itertools.pairwise(means[1:]))
    assert means[0] >= means[1] > 2 * means[-1]


def test_alpha_zero_is_the_uniform_law():
    distances = jiang_conrath(LEAVES, PARENTS, [10, 30, 20, 40])
    rng = np.random.default_rng(0)
    tasks = np.concatenate([draw_tasks(distances, n_way=2, tasks=1, alpha=0.0, rng=rng) for _ in range(6000)])
    pairs = {(i, j): 0 for i in range(4) for j in range(4) if i != j}
    for first, second in tasks.tolist():
        pairs[first, second] += 1
    observed, expected = np.array(list(pairs.values())), 500
    chi_square = ((observed - expected) ** 2 / expected).sum()
    assert chi_square < 24.7  # the 99th percentile at 11 degrees of freedom


def test_classes_are_drawn_about_equally_often_however_hard_the_tasks():
    distances = jiang_conrath(LEAVES, PARENTS, [10, 30, 20, 40])
    tasks = draw_tasks(distances, n_way=2, tasks=300, alpha=1.0, rng=np.random.default_rng(0))
    counts = np.bincount(tasks.ravel(), minlength=4)
    assert counts.max() <= 1.2 * counts.min()


def test_a_task_has_distinct_classes_and_tasks_repeat_by_seed():
    distances = np.ones((12, 12)) - np.eye(12)
    first, again = (draw_tasks(distances, n_way=5, tasks=50, alpha=0.4, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert all(len(set(task)) == 5 for task in first.tolist())
    assert len({tuple(sorted(task)) for task in first.tolist()}) == 50


def test_semantic_episodes_hold_items_of_their_classes():
    labels = np.repeat(np.arange(4), 6)
    sampler = EpisodeSampler(labels, n_way=2, k_shot=1, n_query=3, seed=0)
    semantic = SemanticSampler(sampler, jiang_conrath(LEAVES, PARENTS, [6] * 4), alpha=5.0, seed=0)
    state = semantic.state()
    episodes = semantic.sample_batch(20)
    np.testing.assert_array_equal(labels[episodes.query], np.broadcast_to(episodes.classes[..., None], (20, 2, 3)))
    # With so large an alpha both classes are pets or both are trees, which are two items out of four apart.
    assert (episodes.classes // 2 == episodes.classes[:, :1] // 2).mean() > 0.9
    assert np.median(semantic.coarsity(episodes)) == pytest.approx((2 * np.log(2)) ** 2)
    semantic.restore(state)
    np.testing.assert_array_equal(semantic.sample_batch(20).query, episodes.query)


def test_a_tree_is_read_from_joined_names():
    assert parents_of_paths(["animal/cat", "animal/dog", "plant/tree/oak", "stone"]) == {
        "animal/cat": "animal",
        "animal/dog": "animal",
        "plant/tree": "plant",
        "plant/tree/oak": "plant/tree",
    }


def test_cycles_missing_counts_and_too_many_ways_are_refused():
    with pytest.raises(ConfigError, match="cycle"):
        jiang_conrath(["a"], {"a": "b", "b": "a"}, [1])
    with pytest.raises(ShapeError):
        jiang_conrath(["a", "b"], {}, [1, 0])
    with pytest.raises(ConfigError):
        draw_tasks(np.zeros((3, 3)), n_way=4, tasks=1, alpha=0.0, rng=np.random.default_rng(0))
    sampler = EpisodeSampler([0, 0, 1, 1], n_way=2, k_shot=1, n_query=1, seed=0)
    with pytest.raises(ShapeError):
        SemanticSampler(sampler, np.zeros((3, 3)), alpha=0.0, seed=0)
