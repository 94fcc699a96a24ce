"""Drawings of species that are not in the field guide, rendered by all cores into one array."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.data.fieldguide import Species, draw, other_species, species_catalog

SIDE = 128


def training_drawings(
    species: int, each: int, *, seed: int, workers: int, cache: Path | None = None
) -> tuple[Tensor, Tensor, list[Species]]:
    """`each` drawings of `species` other species: pixels (P, 3, 128, 128) uint8, labels (P,), the species.

    With `cache` the pixels are read from that .npy file where it exists, and written there where it does not.
    """
    others = other_species(species, seed)
    labels = torch.arange(species).repeat_interleave(each)
    if cache is not None and cache.exists():
        pixels = np.load(cache, allow_pickle=False)
    else:
        jobs = [(others[i], [seed * 7919 + i * each + j for j in range(each)]) for i in range(species)]
        with ProcessPoolExecutor(max_workers=workers) as pool:
            pixels = np.concatenate(list(pool.map(_drawn, jobs, chunksize=16)))
        if cache is not None:
            np.save(cache, pixels, allow_pickle=False)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), labels, others


def guide_drawings(each: int = 20, *, side: int = 224) -> tuple[Tensor, Tensor, list[Species]]:
    """`each` pictures of each of the guide's 24 species, for measuring only: pixels, labels, species."""
    catalog = species_catalog()
    pictures = [
        np.asarray(draw(s, seed=10**6 + i * each + j, size=side)) for i, s in enumerate(catalog) for j in range(each)
    ]
    labels = torch.arange(len(catalog)).repeat_interleave(each)
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2), labels, catalog


def _drawn(job: tuple[Species, list[int]]) -> NDArray[np.uint8]:
    species, seeds = job
    return np.stack([np.asarray(draw(species, seed=seed, size=SIDE)) for seed in seeds])
