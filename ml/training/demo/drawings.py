"""Drawings of species that are not in the field guide, for training; and of those that are, for measuring."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.data.fieldguide import Species, draw, other_species, species_catalog

SIDE = 128
GUIDE_SIDE = 224
GUIDE_EACH = 20
Pictures = Callable[[], Tensor]


def training_drawings(species: int, each: int, *, seed: int, workers: int) -> tuple[Pictures, Tensor, list[Species]]:
    """`each` drawings of `species` other species.

    Returns:
        A function that draws them, uint8 (P, 3, 128, 128); labels (P,); the species.
    """
    others = other_species(species, seed)
    jobs = [(one, [i * each + j for j in range(each)], SIDE) for i, one in enumerate(others)]
    labels = torch.arange(species).repeat_interleave(each)
    return lambda: _pictures(jobs, workers), labels, others


def guide_drawings() -> tuple[Pictures, Tensor, list[Species]]:
    """Twenty pictures of each of the guide's 24 species, at seeds that the guide itself does not use."""
    catalog = species_catalog()
    jobs = [(one, [10**6 + i * GUIDE_EACH + j for j in range(GUIDE_EACH)], GUIDE_SIDE) for i, one in enumerate(catalog)]
    return lambda: _pictures(jobs, 1), torch.arange(len(catalog)).repeat_interleave(GUIDE_EACH), catalog


def _pictures(jobs: list[tuple[Species, list[int], int]], workers: int) -> Tensor:
    if workers == 1:
        pixels = np.concatenate([_drawn(job) for job in jobs])
    else:
        with ProcessPoolExecutor(max_workers=workers) as pool:
            pixels = np.concatenate(list(pool.map(_drawn, jobs, chunksize=8)))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def _drawn(job: tuple[Species, list[int], int]) -> NDArray[np.uint8]:
    species, seeds, side = job
    return np.stack([np.asarray(draw(species, seed=seed, size=side)) for seed in seeds])
