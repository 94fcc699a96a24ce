"""Accuracy of a learner over many episodes of classes that it has never seen."""

import math
from dataclasses import dataclass

import numpy as np

from ml.episodes.sampler import EpisodeSampler
from ml.training.episode import EpisodeLearner
from ml.training.sources import Views, gather_episode
from ml.types import FloatArray

Z95 = 1.96


@dataclass(frozen=True, slots=True)
class EpisodeScores:
    """`accuracies` (episodes,) in [0, 1]; the interval is 1.96 standard errors of their mean."""

    accuracies: FloatArray

    @property
    def accuracy(self) -> float:
        return float(self.accuracies.mean())

    @property
    def ci95(self) -> float:
        count = len(self.accuracies)
        return float(Z95 * self.accuracies.std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan


def score_episodes(
    learner: EpisodeLearner,
    *,
    views: Views,
    sampler: EpisodeSampler,
    episodes: int,
    images_at_once: int = 8192,
) -> EpisodeScores:
    """Accuracy of each of `episodes` episodes; several are computed together as memory allows."""
    each = sampler.n_way * (sampler.k_shot + sampler.n_query)
    together = max(1, images_at_once // each)
    accuracies = []
    for start in range(0, episodes, together):
        indices = sampler.sample_batch(min(together, episodes - start))
        episode = gather_episode(views, indices)
        right = learner.predict(episode).argmax(dim=-1) == episode.query_labels
        accuracies.append(right.float().mean(dim=1).cpu().numpy())
    return EpisodeScores(np.concatenate(accuracies).astype(np.float64))
