"""Self-training on embeddings: confident answers for the pool become pseudo-labels, unless that does harm.

Noisy Student (Xie et al. 2020) with what a labelling product needs on top: a cap for every class, a trail
that names every pseudo-label with its confidence and teacher, and a return to the old head if a human-labelled
hold-out says that it got worse. Pseudo-labels are never evaluated on and never leave this module as labels.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ml.errors import ConfigError, ShapeError
from ml.evaluation.intervals import Interval, wilson_interval
from ml.heads import Examples, Head, fit_head
from ml.types import IntArray


@dataclass(frozen=True)
class SelfTrainingOptions:
    """threshold: least confidence; per_class: at most so many of each class a round; noise: deviation of Gaussian
    noise
    on a pseudo-labelled vector's coordinates times √D, before it is scaled back to unit length; tolerance: how far
    hold-out accuracy may fall before the round is undone."""

    kind: str = "default"
    rounds: int = 2
    threshold: float = 0.8
    per_class: int = 20
    noise: float = 0.1
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.per_class < 1 or not 0 < self.threshold <= 1 or self.noise < 0 or self.tolerance < 0:
            raise ConfigError(
                "self-training needs rounds and per_class >= 1, 0 < threshold <= 1, noise, tolerance >= 0"
            )


@dataclass(frozen=True)
class PseudoLabel:
    """One line of the audit trail: `item` is the caller's id, `teacher` the digest of the head that said so."""

    item: int
    class_index: int
    confidence: float
    round: int
    teacher: str


@dataclass(frozen=True)
class Labelled:
    """Vectors (S, D) of unit norm, classes (S,) and the caller's ids (S,): human-labelled items held out."""

    vectors: Tensor
    class_index: Tensor
    ids: IntArray


@dataclass(frozen=True)
class SelfTrained:
    """The best head seen, the pseudo-labels that it was fitted on, and every round's hold-out accuracy (first:
    before).

    `rolled_back` is True where the last round was undone.
    """

    head: Head
    pseudo_labels: tuple[PseudoLabel, ...]
    holdout_accuracy: tuple[float, ...]
    rolled_back: bool
    rejected: tuple[PseudoLabel, ...] = field(default=())


def self_train(
    examples: Examples,
    pool: Tensor,
    *,
    pool_ids: IntArray,
    holdout: Labelled,
    options: SelfTrainingOptions,
    seed: int,
) -> SelfTrained:
    """Fit on labels, then on labels and pseudo-labels of `pool` (P, D), for as long as the hold-out allows.

    Raises ConfigError where an item of the hold-out is in the pool, ShapeError where ids and vectors do not match.
    """
    _check(pool, pool_ids=pool_ids, holdout=holdout)
    generator = torch.Generator().manual_seed(seed)
    head = fit_head(options.kind, examples, seed=seed)
    kept: tuple[PseudoLabel, ...] = ()
    accuracies = [holdout_accuracy(head, holdout)]
    for round_ in range(options.rounds):
        chosen, rows = _choose(head, pool, pool_ids=pool_ids, round_=round_, options=options)
        if not chosen:
            break
        noised = _noised(pool[rows], noise=options.noise, generator=generator)
        student = fit_head(options.kind, _union(examples, noised, chosen), seed=seed)
        accuracies.append(holdout_accuracy(student, holdout))
        if accuracies[-1] < accuracies[-2] - options.tolerance:
            return SelfTrained(head, kept, tuple(accuracies), rolled_back=True, rejected=tuple(chosen))
        head, kept = student, tuple(chosen)
    return SelfTrained(head, kept, tuple(accuracies), rolled_back=False)


def holdout_accuracy(head: Head, holdout: Labelled) -> float:
    """Share of hold-out items whose most probable class is theirs."""
    return float((head.probabilities(holdout.vectors).argmax(dim=1) == holdout.class_index).float().mean())


def pseudo_label_precision(
    pseudo_labels: tuple[PseudoLabel, ...], *, checked: Mapping[int, int]
) -> dict[int, Interval]:
    """Share of right pseudo-labels of each class among those a person checked, with Wilson's interval.

    checked: class by item id, of a random sample of the pseudo-labels; classes without a checked item are left out.
    """
    right: dict[int, list[bool]] = {}
    for label in pseudo_labels:
        if label.item in checked:
            right.setdefault(label.class_index, []).append(checked[label.item] == label.class_index)
    return {c: wilson_interval(sum(answers), trials=len(answers)) for c, answers in sorted(right.items())}


def teacher_digest(head: Head) -> str:
    """Twelve hex digits that change with any weight of the head."""
    mark = hashlib.sha256(head.kind.encode())
    for name, tensor in sorted(head.tensors().items()):
        mark.update(name.encode())
        mark.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return mark.hexdigest()[:12]


def _choose(
    head: Head, pool: Tensor, *, pool_ids: IntArray, round_: int, options: SelfTrainingOptions
) -> tuple[list[PseudoLabel], Tensor]:
    """The most confident items of each class; no class gets more than the median of those that have any."""
    confidence, category = head.probabilities(pool).max(dim=1)
    rows: list[Tensor] = []
    for index in range(head.n_classes):
        mine = ((category == index) & (confidence >= options.threshold)).nonzero().flatten()
        best = confidence[mine].argsort(descending=True, stable=True)
        rows.append(mine[best])
    counts = [len(r) for r in rows if len(r)]
    if not counts:
        return [], torch.empty(0, dtype=torch.int64)
    share = min(options.per_class, int(np.median(counts)))
    chosen = torch.cat([r[:share] for r in rows])
    teacher = teacher_digest(head)
    labels = [
        PseudoLabel(int(pool_ids[row]), int(category[row]), float(confidence[row]), round_, teacher)
        for row in chosen.tolist()
    ]
    return labels, chosen


def _noised(vectors: Tensor, *, noise: float, generator: torch.Generator) -> Tensor:
    if not noise:
        return vectors
    draw = torch.randn(vectors.shape, generator=generator).to(vectors) / vectors.shape[1] ** 0.5
    return F.normalize(vectors + noise * draw, dim=1)


def _union(examples: Examples, vectors: Tensor, labels: list[PseudoLabel]) -> Examples:
    added = torch.tensor([label.class_index for label in labels], device=vectors.device)
    return replace(
        examples,
        support=torch.cat([examples.support, vectors]),
        class_index=torch.cat([examples.class_index, added]),
    )


def _check(pool: Tensor, *, pool_ids: IntArray, holdout: Labelled) -> None:
    if len(pool) != len(pool_ids) or len(holdout.vectors) != len(holdout.ids) or not len(holdout.ids):
        raise ShapeError("self-training needs one id a pool vector, and a hold-out that is not empty")
    shared = np.intersect1d(pool_ids, holdout.ids)
    if len(shared):
        raise ConfigError(
            f"{len(shared)} hold-out items, such as {shared[0]}, are in the pool: they would be trained on and "
            "evaluated; take them out of the pool"
        )
