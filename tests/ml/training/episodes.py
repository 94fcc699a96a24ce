"""Small episodes for tests: drawings that a class shares, plus noise."""

import torch

from ml.training.episode import Episode

SIZE = 28


def make_episode(
    *, n_way: int = 3, k_shot: int = 2, n_query: int = 2, n_episodes: int = 1, seed: int = 0, channels: int = 1
) -> Episode:
    """Images (E, N·K, C, 28, 28): one random pattern a class with noise of a third of its strength."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn((n_episodes, n_way, 1, channels, SIZE, SIZE), generator=generator)

    def draw(each: int) -> torch.Tensor:
        noise = torch.randn((n_episodes, n_way, each, channels, SIZE, SIZE), generator=generator)
        return (patterns + noise / 3).flatten(1, 2)

    def labels(each: int) -> torch.Tensor:
        return torch.arange(n_way).repeat_interleave(each).expand(n_episodes, -1)

    return Episode(draw(k_shot), labels(k_shot), draw(n_query), labels(n_query), n_way)
