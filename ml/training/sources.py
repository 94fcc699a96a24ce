"""Where a training's batches come from: seeded, resumable, already on the right device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ml.episodes.sampler import EpisodeIndices
from ml.training.augment import Augmentation
from ml.training.episode import Episode
from ml.training.store import ImageStore, Normalization

BLOCK = 64  # steps whose indices are drawn and moved to the device at once


@dataclass(frozen=True, slots=True)
class Views:
    """How stored images become inputs: gather, augment, normalise. Owns the augmentation's generator."""

    store: ImageStore
    mean: Tensor
    std: Tensor
    augmentation: Augmentation
    generator: torch.Generator

    @classmethod
    def build(
        cls, store: ImageStore, normalization: Normalization, *, augmentation: Augmentation, seed: int
    ) -> "Views":
        generator = torch.Generator(store.device).manual_seed(seed)
        mean, std = normalization.tensors(store.device)
        return cls(store, mean, std, augmentation, generator)

    def take(self, rows: Tensor) -> Tensor:
        """Images of `rows` (…) as normalised float32 (…, C, H, W)."""
        images = self.store.images[rows.flatten()].float() / 255
        images = self.augmentation.apply(images, generator=self.generator)
        images = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        return images.view(*rows.shape, *images.shape[1:]) if rows.ndim != 1 else images


def gather_episode(views: Views, indices: EpisodeIndices) -> Episode:
    """The images of E episodes: support (E, N·K, C, H, W), query (E, N·Q, C, H, W), labels by class order."""
    device = views.store.device
    rows = np.concatenate([_flat(indices.support), _flat(indices.query)], axis=1)
    images = views.take(torch.from_numpy(rows).to(device, non_blocking=True))
    count = indices.support.shape[1] * indices.support.shape[2]
    return Episode(
        support=images[:, :count],
        support_labels=class_order(indices.support.shape, device=device),
        query=images[:, count:],
        query_labels=class_order(indices.query.shape, device=device),
        n_way=indices.n_way,
    )


def _flat(positions: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return positions.reshape(len(positions), -1)


def class_order(shape: tuple[int, ...], *, device: torch.device) -> Tensor:
    """Labels (E, N · each) of items that lie class by class; `shape` is (E, N, each)."""
    n_episodes, n_way, each = shape
    return torch.arange(n_way, device=device).repeat_interleave(each).expand(n_episodes, -1)


class Sampler(Protocol):
    """`EpisodeSampler` or `SemanticSampler`: episodes in batches, with a place that can be kept."""

    def sample_batch(self, n_episodes: int) -> EpisodeIndices: ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """Episodes of `sampler` until `until`, a share of the training's progress in (0, 1]."""

    sampler: Sampler
    until: float = 1.0


class EpisodeSource:
    """Episodes for training. Several stages make a curriculum, such as from few ways to many.

    Indices are drawn for 64 steps at once; `state` holds the generator before that block and the place in it,
    so that a resumed run sees the very same episodes and augmentations.
    """

    def __init__(self, views: Views, stages: Sequence[Stage], *, episodes_per_step: int = 1) -> None:
        self.views = views
        self.stages = tuple(stages)
        self.episodes_per_step = episodes_per_step
        self._stage = -1
        self._block: EpisodeIndices | None = None
        self._before: dict[str, Any] = {}
        self._position = 0

    def next(self, progress: float) -> Episode:
        """The next step's episodes; `progress` in [0, 1] picks the stage."""
        stage = next((i for i, s in enumerate(self.stages) if progress < s.until), len(self.stages) - 1)
        if stage != self._stage or self._position >= BLOCK or self._block is None:
            self._draw(stage)
        assert self._block is not None
        start = self._position * self.episodes_per_step
        self._position += 1
        return gather_episode(self.views, self._block[start : start + self.episodes_per_step])

    def _draw(self, stage: int) -> None:
        sampler = self.stages[stage].sampler
        self._stage, self._position = stage, 0
        self._before = sampler.state()
        self._block = sampler.sample_batch(BLOCK * self.episodes_per_step)

    def state(self) -> tuple[dict[str, Any], Tensor]:
        """JSON values, and the augmentation generator's state as a uint8 tensor."""
        samplers = [s.sampler.state() for s in self.stages]
        if self._stage >= 0:
            samplers[self._stage] = self._before
        place = {"samplers": samplers, "stage": self._stage, "position": self._position}
        return place, self.views.generator.get_state()

    def restore(self, state: dict[str, Any], generator_state: Tensor) -> None:
        for stage, sampler_state in zip(self.stages, state["samplers"], strict=True):
            stage.sampler.restore(sampler_state)
        if state["stage"] >= 0:
            self._draw(state["stage"])
            self._position = state["position"]
        self.views.generator.set_state(generator_state)


@dataclass(frozen=True)
class Batch:
    """`images` (B, C, H, W) float32 normalised and `labels` (B,) int64, or what a teacher said of them, (B, …)."""

    images: Tensor
    labels: Tensor


class BatchSource:
    """Shuffled batches of single images, epoch after epoch; `views_per_image` augmented copies lie one after
    another.

    With two views, rows i and i + B are the same image seen twice (SimCLR).
    """

    def __init__(self, views: Views, *, batch_size: int, seed: int, views_per_image: int = 1) -> None:
        self.views = views
        self.batch_size = min(batch_size, len(views.store))
        self.views_per_image = views_per_image
        self._rng = np.random.default_rng(seed)
        self._labels = torch.from_numpy(views.store.labels).to(views.store.device)
        self._before = dict(self._rng.bit_generator.state)
        self._order = torch.empty(0, dtype=torch.int64)
        self._position = 0

    def next(self, progress: float) -> Batch:
        images, rows = self.next_rows()
        return Batch(images, self._labels[rows])

    def next_rows(self) -> tuple[Tensor, Tensor]:
        """The next images and their rows in the store."""
        if self._position + self.batch_size > len(self._order):
            self._shuffle()
        rows = self._order[self._position : self._position + self.batch_size]
        self._position += self.batch_size
        rows = rows.repeat(self.views_per_image)
        return self.views.take(rows), rows

    def _shuffle(self) -> None:
        self._before = dict(self._rng.bit_generator.state)
        order = self._rng.permutation(len(self.views.store))
        self._order, self._position = torch.from_numpy(order).to(self.views.store.device), 0

    def state(self) -> tuple[dict[str, Any], Tensor]:
        return {"rng": self._before, "position": self._position}, self.views.generator.get_state()

    def restore(self, state: dict[str, Any], generator_state: Tensor) -> None:
        self._rng.bit_generator.state = state["rng"]
        self._shuffle()
        self._position = state["position"]
        self.views.generator.set_state(generator_state)
