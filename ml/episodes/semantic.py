"""Episodes of chosen difficulty: classes that lie near each other, or far apart, in a taxonomy.

Semantic task sampling (Bennequin et al. 2022). Distance is Jiang and Conrath's on the tree of classes; a task draws
its classes one after another, each with probability falling with its distance to those already in the task.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.episodes.sampler import EpisodeIndices, EpisodeSampler
from ml.errors import ConfigError, ShapeError

ALPHA = 0.3830  # the paper's setting for tieredImageNet
BETA = 100.0
Distances = NDArray[np.float64]


def ancestor_paths(leaves: Sequence[str], parents: Mapping[str, str]) -> list[tuple[str, ...]]:
    """For each leaf the nodes from itself up to its root. Raises ConfigError for a cycle."""
    paths = []
    for leaf in leaves:
        path = [leaf]
        while path[-1] in parents:
            path.append(parents[path[-1]])
            if len(path) > len(parents) + 1:
                raise ConfigError(f"the taxonomy has a cycle above {leaf!r}: a node cannot be its own ancestor")
        paths.append(tuple(path))
    return paths


def jiang_conrath(leaves: Sequence[str], parents: Mapping[str, str], counts: Sequence[int]) -> Distances:
    """d(A, B) = 2 log |LCA(A, B)| - log |A| - log |B|, with |·| the items under a node; (N, N), symmetric.

    leaves: N class names; parents: child to parent, over all inner nodes; counts: items of each leaf, at least 1.
    Classes without a common ancestor meet in a root above everything.
    """
    if len(counts) != len(leaves) or min(counts, default=0) < 1:
        raise ShapeError(f"every one of {len(leaves)} classes needs a count of at least 1 item, got {list(counts)[:5]}")
    paths = ancestor_paths(leaves, parents)
    under: dict[str, int] = {}
    for path, count in zip(paths, counts, strict=True):
        for node in path:
            under[node] = under.get(node, 0) + count
    total = sum(counts)
    distances = np.zeros((len(leaves), len(leaves)))
    for i, first in enumerate(paths):
        for j in range(i + 1, len(paths)):
            above = set(paths[j])
            meeting = next((under[node] for node in first if node in above), total)
            distances[i, j] = 2 * np.log(meeting) - np.log(counts[i]) - np.log(counts[j])
    return distances + distances.T


def coarsity(distances: Distances, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean squared distance between the classes of each task; (N, N) and (E, n_way) to (E,). Small is fine-grained."""
    n_way = rows.shape[1]
    if n_way < 2:
        raise ShapeError("coarsity is a property of pairs: a task needs at least 2 classes")
    squared = distances[rows[:, :, None], rows[:, None, :]] ** 2
    return np.asarray(squared.sum(axis=(1, 2)) / (n_way * (n_way - 1)))


def draw_tasks(
    distances: Distances,
    *,
    n_way: int,
    tasks: int,
    alpha: float,
    rng: np.random.Generator,
    beta: float = BETA,
) -> NDArray[np.int64]:
    """Classes of `tasks` tasks, (tasks, n_way) rows of `distances`.

    alpha: 0 ignores the taxonomy, larger draws classes that are closer together (harder tasks), below 0 farther
    apart. beta balances: a class drawn n_c times counts exp(-beta · n_c / max n). Twice as many tasks as asked are
    drawn, duplicates dropped and the first kept, as in the paper; where a taxonomy has too few different tasks,
    repeats fill up.
    """
    n_classes = len(distances)
    if not 1 <= n_way <= n_classes:
        raise ConfigError(f"{n_way}-way tasks need {n_way} classes; the taxonomy has {n_classes}")
    drawn = np.zeros(n_classes)
    unique: dict[tuple[int, ...], NDArray[np.int64]] = {}
    spare: list[NDArray[np.int64]] = []
    for _ in range(2 * tasks):
        task = _draw_task(distances, drawn, n_way=n_way, alpha=alpha, beta=beta, rng=rng)
        drawn[task] += 1
        key = tuple(sorted(task.tolist()))
        if key in unique:
            spare.append(task)
        unique.setdefault(key, task)
    kept = [*unique.values(), *spare][:tasks]
    return np.stack(kept)


def _draw_task(
    distances: Distances,
    drawn: NDArray[np.float64],
    *,
    n_way: int,
    alpha: float,
    beta: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    balance = -beta * drawn / max(drawn.max(), 1.0)
    potential = balance.copy()
    task = np.empty(n_way, dtype=np.int64)
    for place in range(n_way):
        # Gumbel-max draws from exp(potential) without ever computing that exponential.
        task[place] = int(np.argmax(potential + rng.gumbel(size=len(potential))))
        potential = potential - alpha * distances[task[place]]
        potential[task[: place + 1]] = -np.inf
    return task


def parents_of_paths(class_names: Sequence[str]) -> dict[str, str]:
    """The tree in names such as "animal/cat": child to parent, for `jiang_conrath`."""
    return {name[:cut]: name[: name.rindex("/", 0, cut)] for name in class_names for cut in _inner_ends(name)}


def _inner_ends(name: str) -> list[int]:
    """Where the paths that have a parent end: of "a/b/c" those of "a/b" and "a/b/c"."""
    ends = [i for i, letter in enumerate(name) if letter == "/"] + [len(name)]
    return ends[1:]


class SemanticSampler:
    """N-way K-shot episodes of a chosen difficulty; `distances` (N, N) follow the sampler's `class_labels`."""

    def __init__(self, sampler: EpisodeSampler, distances: Distances, *, alpha: float, seed: int) -> None:
        if distances.shape != (len(sampler.class_labels),) * 2:
            raise ShapeError(
                f"distances are (N, N) over the sampler's {len(sampler.class_labels)} classes, got {distances.shape}"
            )
        self._sampler = sampler
        self._distances = distances
        self._alpha = alpha
        self._rng = np.random.default_rng(seed)

    def sample_batch(self, n_episodes: int) -> EpisodeIndices:
        """`n_episodes` episodes whose classes `draw_tasks` chose."""
        n_way = self._sampler.n_way
        rows = draw_tasks(self._distances, n_way=n_way, tasks=n_episodes, alpha=self._alpha, rng=self._rng)
        return self._sampler.fill(rows)

    def coarsity(self, indices: EpisodeIndices) -> NDArray[np.float64]:
        """Coarsity of each episode, (E,)."""
        return coarsity(self._distances, np.searchsorted(self._sampler.class_labels, indices.classes))

    def state(self) -> dict[str, Any]:
        """Both generators' states as plain JSON values."""
        return {"classes": dict(self._rng.bit_generator.state), "items": self._sampler.state()}

    def restore(self, state: dict[str, Any]) -> None:
        self._rng.bit_generator.state = state["classes"]
        self._sampler.restore(state["items"])
