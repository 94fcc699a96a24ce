"""Active learning in memory: how accurate a head is after so many labels, picked one way or another."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ml.acquisition import FUNCTIONS, Candidates, acquire
from ml.bench._pools import LabelledVectors
from ml.heads import Examples, Head, fit_head, predict_topk
from ml.types import Pool, TopK


@dataclass(frozen=True)
class Learner:
    """A head over the classes seen so far: `seen[i]` is the class that its index i stands for."""

    head: Head
    seen: NDArray[np.int64]

    def topk(self, vectors: NDArray[np.float32], *, k: int = 5) -> TopK:
        """As `predict_topk`, with classes of the whole set."""
        top = predict_topk(self.head, vectors, k=k)
        return TopK(self.seen[top.class_index].astype(np.int32), top.probability, top.margin, top.entropy)

    def accuracy(self, held_out: LabelledVectors) -> float:
        """Share of held-out items whose best class is theirs; classes never seen are always wrong."""
        return float((self.topk(held_out.vectors, k=1).class_index[:, 0] == held_out.labels).mean())


def learner_of(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], *, background: NDArray[np.float32], seed: int = 0
) -> Learner:
    """The product's default head on what is labelled, with the mean of the pool as background."""
    seen, index = np.unique(labels, return_inverse=True)
    examples = Examples.of(vectors, index, n_classes=len(seen), background=background)
    return Learner(fit_head("default", examples, seed=seed), seen)


def learning_curve(
    strategy: str,
    pool: LabelledVectors,
    held_out: LabelledVectors,
    *,
    batch: int,
    budget: int,
    seed: int,
) -> NDArray[np.float64]:
    """Held-out accuracy after batch, 2·batch, … budget labels of the pool, each truthfully answered.

    Functions that need predictions or labels begin with one random batch, the same for all of them.
    """
    background = pool.vectors.mean(axis=0)
    rest = np.arange(len(pool.labels))
    chosen: list[int] = []
    learner: Learner | None = None
    curve = []
    for step in range(budget // batch):
        name = strategy if learner or not FUNCTIONS[strategy].needs & {"top", "labeled"} else "random"
        candidates = _candidates(pool, rest, chosen, learner)
        picks = rest[acquire(name, candidates, budget=batch, seed=1000 * seed + step).index]
        chosen += picks.tolist()
        rest = np.setdiff1d(rest, picks, assume_unique=True)
        learner = learner_of(pool.vectors[chosen], pool.labels[chosen], background=background)
        curve.append(learner.accuracy(held_out))
    return np.asarray(curve)


def _candidates(
    pool: LabelledVectors, rest: NDArray[np.int64], chosen: list[int], learner: Learner | None
) -> Candidates:
    vectors = pool.vectors[rest]
    return Candidates(
        Pool(rest, vectors),
        learner.topk(vectors) if learner else None,
        labeled=pool.vectors[chosen] if chosen else None,
        labeled_class=pool.labels[chosen] if chosen else None,
        n_classes=pool.classes,
    )


def labels_to_reach(curve: NDArray[np.float64], *, target: float, batch: int) -> float:
    """Labels at which a mean curve first reaches `target`, linear between its points; NaN if it never does."""
    reached = np.flatnonzero(curve >= target)
    if not len(reached):
        return float("nan")
    at = int(reached[0])
    if at == 0:
        return float(batch)
    before, after = curve[at - 1], curve[at]
    return float(batch * (at + (target - before) / (after - before)))


def use_one_thread() -> None:
    """Small matrices: threads only wait for each other."""
    torch.set_num_threads(1)
