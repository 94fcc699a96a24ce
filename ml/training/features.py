"""Features of whole stores and episodes on them: many episodes for the price of one pass over the images."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.episodes.sampler import EpisodeSampler
from ml.training.evaluate import EpisodeScores
from ml.training.sources import Views
from ml.types import IntArray

FeatureTransform = Literal["raw", "l2", "cl2n"]


@torch.no_grad()
def embed_store(
    network: nn.Module, views: Views, *, flips: bool = False, batch_size: int = 1024, half: bool = False
) -> Tensor:
    """Features (S, D) float32 of every stored image, in evaluation mode; `flips` averages with the mirror
    image.
    """
    training = network.training
    network.eval()
    device = views.store.device
    parts = []
    for start in range(0, len(views.store), batch_size):
        images = views.take(torch.arange(start, min(start + batch_size, len(views.store)), device=device))
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            features = network(images).flatten(1).float()
            if flips:
                features = (features + network(images.flip(3)).flatten(1).float()) / 2
        parts.append(features)
    network.train(training)
    return torch.cat(parts)


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
        indices = sampler.sample_batch(min(100, episodes - start))
        support = features[torch.from_numpy(indices.support).to(features.device)]
        query = features[torch.from_numpy(indices.query).to(features.device)]
        distance = torch.cdist(query.flatten(1, 2), support.mean(dim=2))
        truth = torch.arange(n_way, device=features.device).repeat_interleave(n_query)
        right = distance.argmin(dim=-1) == truth
        accuracies.append(right.float().mean(dim=1).cpu().numpy())
    return EpisodeScores(np.concatenate(accuracies).astype(np.float64))
