"""A small residual adapter on stored vectors, trained with episodes of the project's own classes.

The idea is that of CLIP-Adapter (Gao et al. 2021), a residual bottleneck on frozen features, trained as Prototypical
Networks are (Snell et al. 2017) with the cosine classifier of P>M>F (Hu et al. 2022). Ours starts as the identity and
is judged on classes that it was not trained on, so it can end as the identity: then nothing was there to gain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ml.episodes.sampler import EpisodeSampler
from ml.episodes.splits import ClassSplit
from ml.errors import ConfigError
from ml.heads.base import COSINE_SCALE
from ml.heads.features import unit
from ml.training.callbacks import Callback
from ml.training.loop import TrainOptions, TrainReport, train
from ml.training.schedules import Schedule
from ml.types import FloatArray, IntArray

LEAST_CLASSES = 6
JUDGED_EPISODES = 200


@dataclass(frozen=True)
class AdapterOptions:
    """width: of the bottleneck, 0 for a full linear map; episodes: in all, `at_once` of them a step; held_out: share of
    classes that judge; noise: Gaussian, on coordinates times √D, the augmentation that vectors allow."""

    width: int = 64
    n_way: int = 5
    k_shot: int = 5
    n_query: int = 5
    episodes: int = 1000
    at_once: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    held_out: float = 0.25
    noise: float = 0.1
    evaluations: int = 5

    def __post_init__(self) -> None:
        if min(self.n_way - 1, self.k_shot, self.n_query, self.episodes, self.at_once, self.evaluations) < 1:
            raise ConfigError("an adapter needs n_way >= 2 and shots, queries, episodes, evaluations >= 1")
        if self.width < 0 or self.learning_rate <= 0 or not 0 < self.held_out < 1 or self.noise < 0:
            raise ConfigError("an adapter needs width, noise >= 0, a learning rate above 0 and 0 < held_out < 1")


class Adapter(nn.Module):
    """x ↦ unit(z + g(z)) with z = unit(x - mean); g is zero at first. (…, D) to (…, D)."""

    def __init__(self, mean: Tensor, *, width: int, seed: int) -> None:
        super().__init__()
        dim = len(mean)
        self.register_buffer("mean", mean.float())
        down = torch.randn((width or dim, dim), generator=torch.Generator().manual_seed(seed)) / dim**0.5
        self.down = nn.Parameter(down if width else torch.zeros(dim, dim))
        self.up = nn.Parameter(torch.zeros(dim, width)) if width else None
        self.log_scale = nn.Parameter(torch.tensor(COSINE_SCALE).log())

    def forward(self, x: Tensor) -> Tensor:
        z = unit(x - self.get_buffer("mean"))
        inner = z @ self.down.T
        return unit(z + (inner if self.up is None else F.relu(inner) @ self.up.T))

    def loss(self, batch: "VectorEpisodes") -> Tensor:
        """Cross-entropy of the queries against cosine prototypes, over all episodes of the batch."""
        support, query = self.forward(batch.support), self.forward(batch.query)
        prototypes = unit(support.mean(dim=2))
        logits = self.log_scale.exp() * torch.einsum("enqd,ecd->enqc", query, prototypes)
        target = torch.arange(logits.shape[1]).repeat_interleave(logits.shape[2]).repeat(len(logits))
        return F.cross_entropy(logits.flatten(0, 2), target)


@dataclass(frozen=True)
class VectorEpisodes:
    """support (E, N, K, D) and query (E, N, Q, D)."""

    support: Tensor
    query: Tensor


class VectorSource:
    """Episodes over stored vectors, noised; its place in the sequence can be kept and restored."""

    def __init__(self, vectors: Tensor, sampler: EpisodeSampler, *, at_once: int, noise: float, seed: int) -> None:
        self._vectors, self._sampler, self._at_once, self._noise = vectors, sampler, at_once, noise
        self._generator = torch.Generator().manual_seed(seed)

    def next(self, progress: float) -> VectorEpisodes:
        episodes = self._sampler.sample_batch(self._at_once)
        parts = (self._vectors[torch.from_numpy(rows)] for rows in (episodes.support, episodes.query))
        return VectorEpisodes(*(self._noised(part) for part in parts))

    def _noised(self, x: Tensor) -> Tensor:
        if not self._noise:
            return x
        noise: Tensor = torch.randn(x.shape, generator=self._generator) * (self._noise / x.shape[-1] ** 0.5)
        return x + noise

    def state(self) -> tuple[dict[str, Any], Tensor]:
        return self._sampler.state(), self._generator.get_state()

    def restore(self, state: dict[str, Any], generator_state: Tensor) -> None:
        self._sampler.restore(state)
        self._generator.set_state(generator_state)


@dataclass(frozen=True)
class Adapted:
    """The adapter of the best evaluation (step 0 is the identity), how training went, and the classes that judged."""

    adapter: Adapter
    report: TrainReport
    held_out: tuple[int, ...]

    @property
    def helped(self) -> bool:
        """Whether any step was better on the held-out classes than no adapter."""
        return self.report.best_step > 0


def train_adapter(
    vectors: FloatArray,
    class_index: IntArray,
    *,
    background: FloatArray,
    options: AdapterOptions,
    seed: int,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
) -> Adapted:
    """Train on episodes of most classes, keep the weights that do best on episodes of the others.

    Args:
        vectors: (S, D) unit vectors; classes with fewer than K + Q of them take no part.
        class_index: (S,) their classes.
        background: (D,) mean of the pool.
        options: Fewer ways are drawn where there are fewer classes.
        seed: Decides the split, the episodes, the noise and the first weights.
        callbacks: Told of every step; may stop the run.
        checkpoint: Resumed exactly where it exists.

    Raises:
        ConfigError: Fewer than six classes with K + Q examples: none can be spared to judge with.
        NonFiniteError: The loss became NaN or infinite.
    """
    labels = np.asarray(class_index, np.int64)
    rows = _usable(labels, needed=options.k_shot + options.n_query)
    split = ClassSplit.random(labels[rows], val=options.held_out, test=0.0, seed=seed)
    held_out = split.val if len(split.val) >= 2 else split.train[-2:]
    taught = tuple(name for name in split.train if name not in held_out)
    matrix = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32))
    adapter = Adapter(torch.as_tensor(background), width=options.width, seed=seed)
    source = VectorSource(
        matrix,
        _sampler(labels, taught, options=options, seed=seed),
        at_once=options.at_once,
        noise=options.noise,
        seed=seed + 1,
    )
    judges = _sampler(labels, held_out, options=options, seed=seed + 2).sample_batch(JUDGED_EPISODES)
    fixed = VectorEpisodes(matrix[torch.from_numpy(judges.support)], matrix[torch.from_numpy(judges.query)])
    steps = max(1, options.episodes // options.at_once)
    report = train(
        adapter,
        source=source,
        options=TrainOptions(
            steps=steps,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
            schedule=Schedule("cosine"),
            evaluate_every=max(1, steps // options.evaluations),
            log_every=max(1, steps // 25),
            evaluate_first=True,
            clip_norm=1.0,
        ),
        evaluate=lambda model: {"score": episode_accuracy(adapter, fixed)},
        callbacks=callbacks,
        checkpoint=checkpoint,
    )
    return Adapted(adapter, report, tuple(held_out))


@torch.no_grad()
def episode_accuracy(adapter: Adapter, episodes: VectorEpisodes) -> float:
    """Share of queries whose nearest prototype, by cosine, is their own class's."""
    support, query = adapter(episodes.support), adapter(episodes.query)
    guess = torch.einsum("enqd,ecd->enqc", query, unit(support.mean(dim=2))).argmax(dim=3)
    return float((guess == torch.arange(guess.shape[1])[None, :, None]).float().mean())


def _usable(labels: IntArray, *, needed: int) -> IntArray:
    names, counts = np.unique(labels, return_counts=True)
    usable = names[counts >= needed]
    if len(usable) < LEAST_CLASSES:
        raise ConfigError(
            f"an adapter needs {LEAST_CLASSES} categories with {needed} examples each, some to learn from and some to "
            f"judge with; {len(usable)} have so many: label more, or refit the head"
        )
    return np.flatnonzero(np.isin(labels, usable))


def _sampler(labels: IntArray, classes: Sequence[int], *, options: AdapterOptions, seed: int) -> EpisodeSampler:
    return EpisodeSampler(
        labels,
        n_way=min(options.n_way, len(classes)),
        k_shot=options.k_shot,
        n_query=options.n_query,
        seed=seed,
        classes=list(classes),
    )
