"""Heads over episodes: many at once equal one by one, and chance is chance."""

import numpy as np
import pytest
import torch

from ml.episodes import EpisodeSampler
from ml.evaluation.episodes import EpisodeResults, evaluate_head
from ml.heads import Examples, fit_head
from ml.heads.features import unit


def pool(*, noise: float, seed: int = 0) -> tuple[torch.Tensor, np.ndarray]:
    generator = torch.Generator().manual_seed(seed)
    labels = np.repeat(np.arange(10), 25)
    corners = torch.eye(32)[torch.from_numpy(labels)] + 0.2
    return unit(corners + noise * torch.randn(250, 32, generator=generator)), labels


@pytest.mark.parametrize("shots", [1, 4])
def test_many_episodes_at_once_answer_as_the_head_itself(shots: int) -> None:
    vectors, labels = pool(noise=0.3)
    background = vectors.mean(dim=0)
    episodes = EpisodeSampler(labels, n_way=5, k_shot=shots, n_query=6, seed=0).sample_batch(70)
    together = evaluate_head("prototypes", vectors, episodes, background=background)
    for row in (0, 69):
        support = torch.from_numpy(episodes.support[row].reshape(-1))
        examples = Examples.of(vectors[support], np.repeat(np.arange(5), shots), n_classes=5, background=background)
        head = fit_head("prototypes", examples)
        alone = head.probabilities(vectors[torch.from_numpy(episodes.query[row].reshape(-1))])
        np.testing.assert_allclose(together.probabilities[row], alone.numpy(), atol=1e-4)


def test_noise_without_classes_is_at_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = unit(torch.randn(250, 32, generator=generator))
    episodes = EpisodeSampler(np.repeat(np.arange(10), 25), n_way=5, k_shot=5, n_query=10, seed=0).sample_batch(100)
    accuracy = evaluate_head("prototypes", vectors, episodes, background=vectors.mean(dim=0)).accuracy
    assert accuracy.value == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("kind", ["prototypes", "default"])
def test_more_shots_help_and_more_ways_hurt(kind: str) -> None:
    vectors, labels = pool(noise=0.5)

    def accuracy(*, ways: int, shots: int) -> float:
        episodes = EpisodeSampler(labels, n_way=ways, k_shot=shots, n_query=8, seed=0).sample_batch(60)
        return evaluate_head(kind, vectors, episodes, background=vectors.mean(dim=0)).accuracy.value

    assert accuracy(ways=5, shots=1) < accuracy(ways=5, shots=4) < accuracy(ways=5, shots=12)
    assert accuracy(ways=3, shots=2) > accuracy(ways=6, shots=2) > accuracy(ways=10, shots=2)


def test_the_confusion_matrix_speaks_of_the_data_sets_classes() -> None:
    # One episode of classes 7 and 3, two queries each; one query of class 3 is taken for 7.
    probabilities = np.array([[[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.1, 0.9]]], dtype=np.float32)
    results = EpisodeResults(probabilities=probabilities, classes=np.array([[7, 3]]))
    confusion = results.confusion(n_classes=10)
    assert (confusion[7, 7], confusion[3, 7], confusion[3, 3]) == (2, 1, 1)
    assert results.accuracies.tolist() == [0.75]
