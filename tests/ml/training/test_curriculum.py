"""Curricula go from easy to hard."""

import numpy as np
import pytest
import torch

from ml.errors import ConfigError
from ml.training.curriculum import EpisodeShape, semantic_curriculum, ways_curriculum
from ml.training.store import ImageStore

NAMES = tuple(f"group {i // 4}/class {i}" for i in range(16))


def store(names: tuple[str, ...] = NAMES) -> ImageStore:
    labels = np.repeat(np.arange(len(names)), 6)
    return ImageStore(torch.zeros((len(labels), 1, 8, 8), dtype=torch.uint8), labels, names)


SHAPE = EpisodeShape(n_way=6, k_shot=1, n_query=2, seed=0)


def test_ways_grow_to_the_number_that_was_asked_for():
    stages = ways_curriculum(store(), SHAPE)
    assert [stage.sampler.sample_batch(1).n_way for stage in stages] == [2, 4, 6]
    assert [stage.until for stage in stages] == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_semantic_tasks_become_finer():
    means = []
    for stage in semantic_curriculum(store(), SHAPE):
        episodes = stage.sampler.sample_batch(200)
        means.append(stage.sampler.coarsity(episodes).mean())
    assert means[0] > means[1] > means[2]


def test_names_without_a_tree_are_refused():
    with pytest.raises(ConfigError, match="join several label columns"):
        semantic_curriculum(store(tuple("abcdefgh")), SHAPE)
