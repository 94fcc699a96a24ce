"""Features of whole stores and episodes on them: many episodes for the price of one pass over the images."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.episodes.sampler import EpisodeIndices, EpisodeSampler
from ml.training.episode import Episode
from ml.training.scores import EpisodeScores
from ml.training.sources import Views, class_order
from ml.types import IntArray

FeatureTransform = Literal["raw", "l2", "cl2n"]


def images_at_once(device: torch.device) -> int:
    """How many images pass a network together: what a processor's cache holds, or what fills a GPU."""
    return 256 if device.type == "cpu" else 8192


@torch.no_grad()
def embed_store(
    network: nn.Module, views: Views, *, flips: bool = False, batch_size: int | None = None, half: bool = False
) -> Tensor:
    """Features (S, D) float32 of every stored image, in evaluation mode; `flips` averages with the mirror
    image.
    """
    training = network.training
    network.eval()
    device = views.store.device
    batch_size = batch_size or images_at_once(device)
    parts = []
    for start in range(0, len(views.store), batch_size):
        images = views.take(torch.arange(start, min(start + batch_size, len(views.store)), device=device))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            features = network(images).float()
            if flips:
                features = (features + network(images.flip(3)).float()) / 2
        parts.append(features)
    network.train(training)
    return torch.cat(parts)


def episode_of(features: Tensor, indices: EpisodeIndices) -> Episode:
    """Episodes whose inputs are rows of `features` (S, …)."""
    support, query = (torch.from_numpy(part).to(features.device) for part in (indices.support, indices.query))
    return Episode(
        support=features[support.flatten(1)],
        support_labels=class_order(indices.support.shape, device=features.device),
        query=features[query.flatten(1)],
        query_labels=class_order(indices.query.shape, device=features.device),
        n_way=indices.n_way,
    )


def score_feature_episodes(
    features: Tensor,
    labels: IntArray,
    *,
    n_way: int,
    k_shot: int,
    n_query: int,
    episodes: int,
    seed: int,
    transform: FeatureTransform = "cl2n",
    center: Tensor | None = None,
) -> EpisodeScores:
    """Nearest prototype by squared distance after `transform`, over episodes of `features` (S, D).

    "l2" scales features to unit length; "cl2n" subtracts `center` (D,), the mean feature of *training*
    classes, first (SimpleShot, Wang et al. 2019). Prototypes are means of transformed features.
    """
    if transform == "cl2n" and center is not None:
        features = features - center
    if transform != "raw":
        features = F.normalize(features, dim=1)
    sampler = EpisodeSampler(labels, n_way=n_way, k_shot=k_shot, n_query=n_query, seed=seed)
    accuracies = []
    for start in range(0, episodes, 100):
        episode = episode_of(features, sampler.sample_batch(min(100, episodes - start)))
        prototypes = episode.support.view(len(episode), n_way, k_shot, -1).mean(dim=2)
        # The query's own length is the same for every class, so it need not be computed.
        closeness = episode.query @ prototypes.transpose(1, 2) - prototypes.pow(2).sum(-1).unsqueeze(1) / 2
        right = closeness.argmax(dim=-1) == episode.query_labels
        accuracies.append(right.float().mean(dim=1).cpu().numpy())
    return EpisodeScores(np.concatenate(accuracies).astype(np.float64))


def knn_accuracy(features: Tensor, labels: IntArray, *, neighbours: int, seed: int) -> tuple[float, float]:
    """Accuracy of a cosine vote of `neighbours` and its 95 % half-width, (S, D) features and (S,) labels.

    A random half of the items answers for the other half.
    """
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(labels))).to(features.device)
    reference, judged = order[: len(order) // 2], order[len(order) // 2 :]
    truth = torch.from_numpy(np.asarray(labels)).to(features.device)
    unit = F.normalize(features.flatten(1), dim=1)
    right = 0
    for rows in torch.tensor_split(judged, max(1, len(judged) // 1024)):
        nearest = (unit[rows] @ unit[reference].T).topk(neighbours, dim=1)
        votes = F.one_hot(truth[reference][nearest.indices], int(truth.max()) + 1) * nearest.values.unsqueeze(-1).exp()
        right += int((votes.sum(dim=1).argmax(dim=1) == truth[rows]).sum())
    accuracy = right / len(judged)
    return accuracy, float(1.96 * (accuracy * (1 - accuracy) / len(judged)) ** 0.5)
