"""N-way K-shot episodes over any labelled items, drawn whole batches at a time.

An episode (Vinyals et al. 2016) has N classes with K support and Q query items each, all distinct. Drawing is
exact and its cost does not grow with the size of the pool: classes come from Gumbel keys (Efraimidis and
Spirakis 2006, so a class prior is honoured without replacement) and items from Floyd's algorithm (Bentley
1987), which draws K + Q distinct positions in K + Q rounds, each round for all episodes at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.errors import ConfigError, EmptyClassError, ShapeError

ClassPrior = Literal["uniform", "frequency"]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EpisodeIndices:
    """Positions of items in the labelled set; axis 1 is the episode's own class order 0…N-1.

    `classes` (E, N) holds values of the labels that the sampler was given, `support` (E, N, K) and `query`
    (E, N, Q) hold item positions. One episode is a batch with E = 1.
    """

    classes: Indices
    support: Indices
    query: Indices

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, part: slice) -> "EpisodeIndices":
        return EpisodeIndices(self.classes[part], self.support[part], self.query[part])

    @property
    def n_way(self) -> int:
        return int(self.classes.shape[1])


class EpisodeSampler:
    """Draws episodes from `labels`; the same seed and calls give the same episodes.

    labels: (S,) integers, any values. n_way N, k_shot K and n_query Q are counts of classes, of support and
    of query items a class. class_prior: "uniform", "frequency" (classes in proportion to their items) or a
    mapping from label to weight > 0; it decides which classes an episode holds, every class that was chosen
    still gets K + Q items.
    classes: restricts drawing to these labels, which is how train, validation and test classes are kept
    apart.

    Raises ConfigError for counts that cannot be met, EmptyClassError for a class with fewer than K + Q items.
    """

    def __init__(
        self,
        labels: ArrayLike,
        *,
        n_way: int,
        k_shot: int,
        n_query: int,
        seed: int,
        class_prior: ClassPrior | dict[int, float] = "uniform",
        classes: ArrayLike | None = None,
    ) -> None:
        if min(n_way, k_shot) < 1 or n_query < 0:
            raise ConfigError(f"ways and shots are at least 1, queries at least 0; got {n_way}, {k_shot}, {n_query}")
        self.n_way, self.k_shot, self.n_query = n_way, k_shot, n_query
        self._items = _ItemTable.build(np.asarray(labels), wanted=classes)
        self._items.require(k_shot + n_query)
        if n_way > len(self._items):
            raise ConfigError(
                f"{n_way}-way episodes need {n_way} classes; there are {len(self._items)}: lower the ways"
            )
        self._log_weights = _log_weights(self._items, class_prior)
        self._rng = np.random.default_rng(seed)

    def sample(self) -> EpisodeIndices:
        """One episode, as a batch of one."""
        return self.sample_batch(1)

    def sample_batch(self, n_episodes: int) -> EpisodeIndices:
        """`n_episodes` independent episodes: classes (E, N), support (E, N, K), query (E, N, Q)."""
        rows = _draw_classes(self._rng, self._log_weights, shape=(n_episodes, self.n_way))
        return self.fill(rows)

    def fill(self, rows: Indices) -> EpisodeIndices:
        """Items for classes already chosen; `rows` (E, N) are positions in `class_labels`."""
        picked = _draw_items(self._rng, self._items, rows, count=self.k_shot + self.n_query)
        support, query = np.split(picked, [self.k_shot], axis=2)
        return EpisodeIndices(self._items.values[rows], support, query)

    def __iter__(self) -> Iterator[EpisodeIndices]:
        while True:
            yield self.sample()

    @property
    def class_labels(self) -> Indices:
        """The labels episodes are drawn from, ascending."""
        return self._items.values

    def state(self) -> dict[str, Any]:
        """The generator's state as plain JSON values, so that a run resumes with the next episode."""
        return dict(self._rng.bit_generator.state)

    def restore(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state


@dataclass(frozen=True, slots=True)
class _ItemTable:
    """Items grouped by class: `order[starts[c] : starts[c] + counts[c]]` are the positions of class
    `values[c]`.
    """

    values: Indices
    counts: Indices
    starts: Indices
    order: Indices

    @classmethod
    def build(cls, labels: NDArray[Any], *, wanted: ArrayLike | None) -> "_ItemTable":
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise ShapeError(f"labels are one integer an item, shape (S,); got {labels.dtype} {labels.shape}")
        order = np.argsort(labels, kind="stable").astype(np.int64)
        values, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
        if wanted is not None:
            chosen = np.unique(np.asarray(wanted))
            missing = np.setdiff1d(chosen, values)
            if len(missing):
                raise EmptyClassError(f"classes {missing[:5].tolist()} have no item: leave them out or label some")
            keep = np.isin(values, chosen)
            values, starts, counts = values[keep], starts[keep], counts[keep]
        return cls(values.astype(np.int64), counts.astype(np.int64), starts.astype(np.int64), order)

    def __len__(self) -> int:
        return len(self.values)

    def require(self, items: int) -> None:
        short = self.values[self.counts < items]
        if len(short):
            raise EmptyClassError(
                f"every class needs {items} items (shots + queries); {len(short)} have fewer, "
                f"such as label {short[0]}: lower shots or queries, or leave the class out"
            )


def _log_weights(items: _ItemTable, prior: ClassPrior | dict[int, float]) -> NDArray[np.float64]:
    if prior == "uniform":
        return np.zeros(len(items))
    if prior == "frequency":
        return np.log(items.counts)
    if not isinstance(prior, dict):
        raise ConfigError(f'class_prior is "uniform", "frequency" or weights by label; got {prior!r}')
    weights = np.array([prior.get(int(value), 0.0) for value in items.values], dtype=np.float64)
    if not np.all(np.isfinite(weights)) or weights.min() <= 0:
        raise ConfigError("class_prior needs a finite weight above 0 for every class")
    return np.log(weights)


def _draw_classes(rng: np.random.Generator, log_weights: NDArray[np.float64], *, shape: tuple[int, int]) -> Indices:
    """(E, N) distinct rows, each episode a weighted draw without replacement in random order."""
    n_episodes, n_way = shape
    keys = log_weights + rng.gumbel(size=(n_episodes, len(log_weights)))
    best = np.argpartition(-keys, n_way - 1, axis=1)[:, :n_way]
    # The partition's order depends on class position; sorting by key makes it the order of the draw.
    order = np.argsort(-np.take_along_axis(keys, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1).astype(np.int64)


def _draw_items(rng: np.random.Generator, items: _ItemTable, rows: Indices, *, count: int) -> Indices:
    """(E, N, count) distinct positions of each row's class, uniform over subsets and orders."""
    sizes = items.counts[rows]
    chosen = np.full((*rows.shape, count), -1, dtype=np.int64)
    for round_ in range(count):
        last = sizes - count + round_
        drawn = rng.integers(0, last + 1)
        taken = (chosen[..., :round_] == drawn[..., None]).any(axis=-1)
        chosen[..., round_] = np.where(taken, last, drawn)
    # Floyd's algorithm gives a uniform subset but not a uniform order, and order decides support against
    # query.
    shuffle = np.argsort(rng.random(chosen.shape), axis=-1)
    chosen = np.take_along_axis(chosen, shuffle, axis=-1)
    return np.asarray(items.order[items.starts[rows][..., None] + chosen])
