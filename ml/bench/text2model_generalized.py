"""Seen and unseen classes in one written classifier: S, U, H and AUSUC by calibrated stacking."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ml.bench.text2model_score import Contest
from ml.evaluation.generalized import SeenUnseenCurve, seen_unseen_curve
from ml.text2model.descriptions import Drawn
from ml.text2model.tasks import SeenClasses

DRAWS = 5
"""Random descriptions of all classes that a figure is the mean of."""

Scores = Callable[[Drawn, Tensor], Tensor]


def generalized(
    contest: Contest, seen: SeenClasses, photographs: SeenClasses, test: Tensor, *, kind: str
) -> dict[str, Any]:
    """All seen and unseen classes at once, every row written from words; beside it the shared space.

    `photographs` holds images that nothing was trained on. Gamma comes from validation classes in the place of unseen
    ones, with half of the images of training classes; the other half is scored.
    """
    half = torch.rand(len(photographs.features), generator=torch.Generator().manual_seed(contest.seed)) < 0.5
    in_train = torch.isin(photographs.class_index, seen.train)
    bank, projected = seen.bank, contest.projected

    def by_network(drawn: Drawn, x: Tensor) -> Tensor:
        means = None if projected is None else projected.mean(drawn)
        logits: Tensor = contest.network(bank.read(drawn), projected=means).logits(x)
        return logits

    def by_shared_space(drawn: Drawn, x: Tensor) -> Tensor:
        return contest.shared.logits(bank.read(drawn), x)

    rivals: dict[str, Scores] = {"": by_network, "baseline_": by_shared_space}
    means: dict[str, float] = {}
    for name, scores in rivals.items():
        found = []
        for draw in range(DRAWS):
            generator = torch.Generator().manual_seed(contest.seed + draw)
            choose = _curve(scores, photographs, (seen.train, seen.val), ~in_train | half, kind, generator)
            curve = _curve(scores, photographs, (seen.train, test), ~in_train | ~half, kind, generator)
            found.append(_figures(curve, choose.best_gamma()))
        means |= {name + key: float(np.mean([one[key] for one in found])) for key in found[0]}
    return {"descriptions": kind, "classes": len(seen.train) + len(test), **means}


def _figures(curve: SeenUnseenCurve, gamma: float) -> dict[str, float]:
    s, u, h = curve.at(gamma)
    return {"seen": s, "unseen": u, "h": h, "ausuc": curve.ausuc, "gamma": gamma, "h_without_gamma": curve.at(0.0)[2]}


def _curve(
    scores: Scores,
    photographs: SeenClasses,
    parts: tuple[Tensor, Tensor],
    use: Tensor,
    kind: str,
    generator: torch.Generator,
) -> SeenUnseenCurve:
    """Of the seen and the unseen classes, on the photographs of them that `use` allows."""
    seen, unseen = parts
    classes = torch.cat([seen, unseen])
    rows = use & torch.isin(photographs.class_index, classes)
    place = torch.full((int(classes.max()) + 1,), -1)
    place[classes] = torch.arange(len(classes))
    with torch.no_grad():
        logits = scores(photographs.bank.draw(kind, classes, generator=generator), photographs.features[rows])
    target = place[photographs.class_index[rows]].numpy()
    return seen_unseen_curve(logits.numpy(), target, unseen=np.arange(len(classes)) >= len(seen))
