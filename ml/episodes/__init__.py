"""Episodes: which classes and which items a few-shot task is made of. Index arithmetic only, no images."""

from ml.episodes.sampler import EpisodeIndices, EpisodeSampler

__all__ = ["EpisodeIndices", "EpisodeSampler"]
