"""Accuracy of a learner over many episodes of classes that it has never seen."""

import copy

import numpy as np
from torch import Tensor, nn

from ml.episodes.sampler import EpisodeSampler
from ml.training.episode import EpisodeLearner
from ml.training.features import embed_store, episode_of, images_at_once
from ml.training.scores import EpisodeScores
from ml.training.sources import Views, gather_episode


def score_episodes(
    learner: EpisodeLearner, *, views: Views, sampler: EpisodeSampler, episodes: int, drawn_at_once: int = 8192
) -> EpisodeScores:
    """Accuracy of each of `episodes` episodes; several are drawn and computed together as memory allows.

    Where an image's features do not depend on its episode and the episodes would see more images than the store
    has, every image is embedded once.
    """
    each = sampler.n_way * (sampler.k_shot + sampler.n_query)
    together = max(1, drawn_at_once // each)
    fit = max(1, images_at_once(views.store.device) // each)
    features: Tensor | None = None
    if learner.per_item and episodes * each > len(views.store):
        features = embed_store(learner.network, views)
        learner = on_features(learner)
    accuracies = []
    for start in range(0, episodes, together):
        drawn = sampler.sample_batch(min(together, episodes - start))
        for first in range(0, len(drawn), fit if features is None else len(drawn)):
            indices = drawn[first : first + fit] if features is None else drawn
            episode = gather_episode(views, indices) if features is None else episode_of(features, indices)
            right = learner.predict(episode).argmax(dim=-1) == episode.query_labels
            accuracies.append(right.float().mean(dim=1).cpu().numpy())
    return EpisodeScores(np.concatenate(accuracies).astype(np.float64))


def on_features(learner: EpisodeLearner) -> EpisodeLearner:
    """The same learner for inputs that are features already; shares every weight with `learner`."""
    shared = copy.copy(learner)
    shared._modules = {**learner._modules, "network": nn.Identity()}
    return shared
