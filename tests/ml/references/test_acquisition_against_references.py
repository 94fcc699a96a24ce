"""Our acquisition functions against scikit-activeml where it has them, else against their definitions."""

import numpy as np
import pytest

from ml.acquisition import Candidates, acquire
from ml.acquisition.bayesian import GaussianProcess, mutual_information
from ml.acquisition.coverage import HERDING_RADIUS
from ml.acquisition.disagreement import vote_entropy
from ml.acquisition.gradient import factorized_inner
from ml.types import Pool, TopK

activeml = pytest.importorskip("skactiveml.pool")


def symmetric_sphere(seed: int, *, half: int = 60, dim: int = 6) -> np.ndarray:
    """Unit vectors whose mean is zero, so that centering and normalizing change nothing."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((half, dim))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return np.concatenate([points, -points]).astype(np.float32)


def with_labels(points: np.ndarray, labeled: np.ndarray) -> tuple[Candidates, np.ndarray, np.ndarray]:
    """Ours, and theirs: all points in one matrix with NaN for what has no label."""
    classes = np.arange(len(labeled)) % 2
    ours = Candidates(Pool(np.arange(len(points)), points), labeled=labeled, labeled_class=classes, n_classes=2)
    return ours, np.concatenate([points, labeled]), np.concatenate([np.full(len(points), np.nan), classes])


def test_k_center_takes_what_core_set_takes() -> None:
    points = symmetric_sphere(0)
    ours, x, y = with_labels(points, points[:3] * 0.999)
    theirs = activeml.CoreSet(random_state=0).query(x, y, batch_size=12)
    assert acquire("k_center", ours, budget=12, seed=0).index.tolist() == theirs.tolist()


def test_max_herding_takes_what_their_max_herding_takes() -> None:
    points = symmetric_sphere(1)
    ours, x, y = with_labels(points, points[:2] * 0.999)
    kernel = {"gamma": 1 / (2 * HERDING_RADIUS**2)}
    theirs = activeml.MaxHerding(metric_dict=kernel, random_state=0).query(x, y, batch_size=10)
    assert acquire("max_herding", ours, budget=10, seed=0).index.tolist() == theirs.tolist()


def test_mutual_information_is_their_average_divergence() -> None:
    rng = np.random.default_rng(2)
    samples = rng.dirichlet(np.ones(4), (7, 30)).astype(np.float32)
    theirs = activeml.average_kl_divergence(samples.transpose(0, 1, 2))
    assert np.allclose(mutual_information(samples), theirs, atol=1e-5)


def test_mutual_information_is_zero_where_all_samples_agree_and_never_below() -> None:
    rng = np.random.default_rng(3)
    one = rng.dirichlet(np.ones(4), 30).astype(np.float32)
    assert np.allclose(mutual_information(np.repeat(one[None], 5, axis=0)), 0, atol=1e-6)
    assert (mutual_information(rng.dirichlet(np.ones(4), (5, 30))) >= 0).all()


def test_vote_entropy_is_theirs() -> None:
    votes = np.random.default_rng(4).integers(0, 3, (50, 5))
    assert np.allclose(vote_entropy(votes), activeml.vote_entropy(votes, np.arange(3)), atol=1e-6)
    assert np.allclose(vote_entropy(np.asarray([[0, 1, -1], [2, 2, -1], [-1, -1, -1]])), [np.log(2), 0, 0])


def test_badge_needs_no_gradient_to_multiply_two_of_them() -> None:
    rng = np.random.default_rng(5)
    classes, x = 6, rng.standard_normal((20, 5)).astype(np.float32)
    index = np.stack([rng.permutation(classes)[:3] for _ in range(20)])
    value = rng.standard_normal((20, 3)).astype(np.float32)
    dense = np.zeros((20, classes), np.float32)
    np.put_along_axis(dense, index, value, axis=1)
    gradients = (dense[:, :, None] * x[:, None, :]).reshape(20, -1)
    ours = factorized_inner(index, value, index[7], value[7]) * (x @ x[7])
    assert np.allclose(ours, gradients @ gradients[7], atol=1e-5)


def test_badge_prefers_doubt_and_does_not_repeat_itself() -> None:
    sure, torn = [0.99, 0.01], [0.5, 0.5]
    vectors = np.concatenate([np.tile(np.eye(4, dtype=np.float32)[i], (10, 1)) for i in range(4)])
    probability = np.asarray([torn] * 20 + [sure] * 20, np.float32)
    top = TopK(np.tile([0, 1], (40, 1)), probability, probability[:, 0] - probability[:, 1], np.zeros(40, np.float32))
    picks = acquire("badge", Candidates(Pool(np.arange(40), vectors), top), budget=2, seed=0).index
    assert sorted((picks // 10).tolist()) == [0, 1]


def test_a_gaussian_process_knows_less_the_farther_from_labels() -> None:
    labeled = np.asarray([[1, 0], [0.9, 0.1]], np.float32)
    process = GaussianProcess(labeled, np.asarray([0, 1]))
    line = np.asarray([[1 + step, 0] for step in (0.0, 0.02, 0.05, 0.1, 1.0)], np.float32)
    _, variance = process.predict(line)
    assert (np.diff(variance) > 0).all()
    assert variance[-1] == pytest.approx(1, abs=1e-3)


def test_typical_images_come_from_the_dense_clusters_without_a_label() -> None:
    rng = np.random.default_rng(6)
    sizes, centers = (60, 40, 20), np.eye(3, 8, dtype=np.float32)
    vectors = np.concatenate(
        [centers[i] + 0.02 * rng.standard_normal((size, 8)).astype(np.float32) for i, size in enumerate(sizes)]
    )
    pool = Pool(np.arange(120), vectors)
    first = acquire("typiclust", Candidates(pool), budget=3, seed=0).index
    assert [int(np.searchsorted([60, 100], row, side="right")) for row in first] == [0, 1, 2]
    beside = Candidates(pool, labeled=centers[:1], labeled_class=np.asarray([0]))
    second = acquire("typiclust", beside, budget=2, seed=0).index
    assert sorted(int(np.searchsorted([60, 100], row, side="right")) for row in second) == [1, 2]
