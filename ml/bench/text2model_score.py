"""Text2Model, its shared-space baselines and an oracle on the same unseen tasks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.evaluation.intervals import mean_interval, paired_difference
from ml.text2model.hypernetwork import Hypernetwork
from ml.text2model.projection import SharedSpace, choose_shared_space
from ml.text2model.tasks import SeenClasses, Tasks, TaskSampler

IMAGES = 8


@dataclass(frozen=True)
class Contest:
    """The rivals, a sampler of unseen tasks, and class means of images that no task uses (N, R)."""

    network: Hypernetwork
    shared: SharedSpace
    own_kind: dict[str, SharedSpace]
    unseen: TaskSampler
    class_means: Tensor
    seed: int

    @classmethod
    def of(cls, network: Hypernetwork, seen: SeenClasses, test: Tensor, *, seed: int) -> "Contest":
        """`shared` learns from every kind of description, as the hypernetwork does; `own_kind` from one each."""
        rng = torch.Generator().manual_seed(seed + 50)
        half = torch.rand(len(seen.features), generator=rng) < 0.5
        scored = SeenClasses(seen.features[half], seen.class_index[half], seen.bank, seen.train, seen.val)
        rest = SeenClasses(seen.features[~half], seen.class_index[~half], seen.bank, seen.train, seen.val)
        return cls(
            network=network,
            shared=choose_shared_space(seen, seen.bank.kinds, seed=seed),
            own_kind={kind: choose_shared_space(seen, (kind,), seed=seed) for kind in seen.bank.kinds},
            unseen=TaskSampler(scored, test, seed=seed + 100),
            class_means=rest.class_means(),
            seed=seed,
        )


def compare(contest: Contest, *, kind: str, ways: int, tasks: int) -> dict[str, Any]:
    """Mean accuracy of each on the same tasks; the lead is paired, over the better of the two baselines."""
    contest.unseen.generator.manual_seed(contest.seed + 1000 * ways + len(kind))
    drawn = contest.unseen.draw(tasks=tasks, ways=ways, images=IMAGES, kind=kind)
    with torch.no_grad():
        ours = _accuracies(contest.network(drawn.descriptions).logits(drawn.images), drawn)
        shared = _accuracies(contest.shared.logits(drawn.descriptions, drawn.images), drawn)
        own = _accuracies(contest.own_kind[kind].logits(drawn.descriptions, drawn.images), drawn)
        means = contest.class_means[drawn.classes]
        oracle = _accuracies(-torch.cdist(drawn.images, means), drawn)
    found = mean_interval(ours)
    best = max(shared, own, key=lambda values: float(values.mean()))
    lead, over_shared = (paired_difference(ours, other, seed=contest.seed) for other in (best, shared))
    return {
        "descriptions": kind,
        "n_way": ways,
        "unseen_accuracy": found.value,
        "ci95": found.half_width,
        "baseline_accuracy": float(shared.mean()),
        "baseline_own_kind": float(own.mean()),
        "oracle": float(oracle.mean()),
        "lead": lead.interval.value,
        "lead_ci95": [lead.interval.low, lead.interval.high],
        "lead_over_shared": over_shared.interval.value,
        "lead_over_shared_ci95": [over_shared.interval.low, over_shared.interval.high],
        "tasks": tasks,
    }


def _accuracies(logits: Tensor, drawn: Tasks) -> NDArray[np.float64]:
    return (logits.argmax(dim=-1) == drawn.target).double().mean(dim=1).numpy()
