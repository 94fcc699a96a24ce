"""Text2Model, its shared-space baselines and an oracle on the same unseen tasks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.bench.text2model_shared import SharedSpace, choose_shared_space
from ml.evaluation.intervals import mean_interval, paired_difference, student_interval
from ml.text2model.descriptions import DescriptionBank
from ml.text2model.hypernetwork import Hypernetwork
from ml.text2model.tasks import SeenClasses, Tasks, TaskSampler
from ml.text2model.training import written

IMAGES = 8


@dataclass(frozen=True)
class Contest:
    """The rivals, a sampler of unseen tasks, and class means of images that no task uses (N, R).

    `projected` holds every text as the network's path projects it.
    """

    network: Hypernetwork
    projected: DescriptionBank | None
    shared: SharedSpace
    own_kind: dict[str, SharedSpace]
    unseen: TaskSampler
    class_means: Tensor
    seed: int

    @classmethod
    def of(cls, network: Hypernetwork, seen: SeenClasses, test: Tensor, *, plain: Tensor, seed: int) -> "Contest":
        """`shared` learns from every kind of description, as the hypernetwork does; `own_kind` from one each.

        Both compare features as the network has them or, by `plain` (R, R), as the encoder gives them, whichever
        serves the validation classes better.
        """
        metrics = (torch.eye(len(plain)), plain)
        rng = torch.Generator().manual_seed(seed + 50)
        half = torch.rand(len(seen.features), generator=rng) < 0.5
        scored = SeenClasses(seen.features[half], seen.class_index[half], seen.bank, seen.train, seen.val)
        rest = SeenClasses(seen.features[~half], seen.class_index[~half], seen.bank, seen.train, seen.val)
        return cls(
            network=network,
            projected=network.project(seen.bank),
            shared=choose_shared_space(seen, seen.bank.kinds, metrics=metrics, seed=seed),
            own_kind={kind: choose_shared_space(seen, (kind,), metrics=metrics, seed=seed) for kind in seen.bank.kinds},
            unseen=TaskSampler(scored, test, seed=seed + 100),
            class_means=rest.class_means(),
            seed=seed,
        )


def compare(contest: Contest, *, kind: str, ways: int, tasks: int) -> dict[str, Any]:
    """Mean accuracy of each on the same tasks; the lead is paired, over the better of the two baselines.

    Its interval speaks of other tasks of these classes, and `lead_classes_ci95`, over each class's own lead, of others.
    """
    contest.unseen.generator.manual_seed(contest.seed + 1000 * ways + len(kind))
    drawn = contest.unseen.draw(tasks=tasks, ways=ways, images=IMAGES, kind=kind)
    with torch.no_grad():
        ours = _hits(written(contest.network, drawn, contest.projected).logits(drawn.images), drawn)
        shared = _hits(contest.shared.logits(drawn.descriptions, drawn.images), drawn)
        own = _hits(contest.own_kind[kind].logits(drawn.descriptions, drawn.images), drawn)
        oracle = _hits(-torch.cdist(drawn.images, contest.class_means[drawn.classes]), drawn)
    found = mean_interval(_by_task(ours))
    best = max(shared, own, key=lambda hits: float(hits.mean()))
    lead, over_shared = (
        paired_difference(_by_task(ours), _by_task(other), seed=contest.seed).interval for other in (best, shared)
    )
    over_classes = student_interval(_by_class(ours - best, drawn))
    return {
        "descriptions": kind,
        "n_way": ways,
        "unseen_accuracy": found.value,
        "ci95": found.half_width,
        "baseline_accuracy": float(shared.mean()),
        "baseline_own_kind": float(own.mean()),
        "oracle": float(oracle.mean()),
        "lead": lead.value,
        "lead_ci95": [lead.low, lead.high],
        "lead_classes_ci95": [over_classes.low, over_classes.high],
        "lead_over_shared": over_shared.value,
        "lead_over_shared_ci95": [over_shared.low, over_shared.high],
        "tasks": tasks,
    }


def _hits(logits: Tensor, drawn: Tasks) -> Tensor:
    """(T, B) 1 where an image goes to its class, 0 elsewhere."""
    return (logits.argmax(dim=-1) == drawn.target).double()


def _by_task(hits: Tensor) -> NDArray[np.float64]:
    return hits.mean(dim=1).numpy()


def _by_class(values: Tensor, drawn: Tasks) -> NDArray[np.float64]:
    """(C,) mean over the images of each class, in whatever task."""
    _, own = torch.unique(drawn.classes.gather(1, drawn.target), return_inverse=True)
    sums = values.new_zeros(int(own.max()) + 1).index_add_(0, own.flatten(), values.flatten())
    return (sums / torch.bincount(own.flatten())).numpy()
