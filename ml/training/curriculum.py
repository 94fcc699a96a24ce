"""From easy episodes to hard ones: few ways to many, or classes far apart to classes side by side."""

from dataclasses import dataclass

import numpy as np

from ml.episodes.sampler import EpisodeSampler
from ml.episodes.semantic import ALPHA, SemanticSampler, jiang_conrath, parents_of_paths
from ml.errors import ConfigError
from ml.training.sources import Stage
from ml.training.store import ImageStore

WAY_SHARES = (1 / 3, 2 / 3, 1.0)
ALPHAS = (0.0, ALPHA / 2, ALPHA)


@dataclass(frozen=True, slots=True)
class EpisodeShape:
    """Ways, shots and queries of training episodes, and their seed."""

    n_way: int
    k_shot: int
    n_query: int
    seed: int

    def sampler(self, store: ImageStore, *, n_way: int | None = None, stage: int = 0) -> EpisodeSampler:
        return EpisodeSampler(
            store.labels,
            n_way=n_way or self.n_way,
            k_shot=self.k_shot,
            n_query=self.n_query,
            seed=self.seed + stage,
        )


def ways_curriculum(store: ImageStore, episodes: EpisodeShape) -> list[Stage]:
    """Three stages of equal length with a third, two thirds and all of the ways, never fewer than two."""
    return [
        Stage(
            episodes.sampler(store, n_way=max(2, round(episodes.n_way * share)), stage=i),
            until=(i + 1) / len(WAY_SHARES),
        )
        for i, share in enumerate(WAY_SHARES)
    ]


def semantic_curriculum(store: ImageStore, episodes: EpisodeShape) -> list[Stage]:
    """Three stages of equal length: random tasks, then finer ones, up to the alpha of the paper.

    The taxonomy is read from class names such as "animal/cat" (join label columns to get them). Raises ConfigError
    for names without one.
    """
    if not any("/" in name for name in store.class_names):
        raise ConfigError('a semantic curriculum needs class names such as "animal/cat": join several label columns')
    counts = np.bincount(store.labels, minlength=len(store.class_names)).tolist()
    distances = jiang_conrath(store.class_names, parents_of_paths(store.class_names), counts)
    return [
        Stage(
            SemanticSampler(
                episodes.sampler(store, stage=i), distances, alpha=alpha, seed=episodes.seed + len(ALPHAS) + i
            ),
            until=(i + 1) / len(ALPHAS),
        )
        for i, alpha in enumerate(ALPHAS)
    ]
