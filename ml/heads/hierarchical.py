"""Coarse to fine over a tree of categories, with answers that may stop at a parent.

The combination p(class) · p(parent)^γ is that of Novack et al., "CHiLS" (2023), with γ chosen by cross-fitting among
0, ½ and 1, so that parents that do not help are not heard. A node's probability is the sum of its classes', hence
never smaller than a child's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ml.errors import ConfigError
from ml.heads.base import Examples, Head
from ml.heads.calibration import fit_temperature, mean_nll
from ml.heads.cross_fit import cross_fitted_logits
from ml.heads.linear import LinearHead

PARENT_WEIGHTS = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class HierarchicalHead(Head):
    """A linear head over classes, one over their parents, and the tree above both.

    `group` (N,) is the parent's place among the coarse head's classes, `ancestry` (M, N) holds 1 where a node is a
    class or stands above it, `depth` (M,) counts steps from the root.
    """

    fine: LinearHead
    coarse: LinearHead
    group: Tensor
    parents: Tensor
    parent_weight: float
    form: ClassVar[str] = "hierarchical"

    @property
    def n_classes(self) -> int:
        return self.fine.n_classes

    @property
    def dim(self) -> int:
        return self.fine.dim

    def _logits(self, x: Tensor) -> Tensor:
        coarse = torch.log_softmax(self.coarse.logits(x) / self.coarse.temperature, dim=1)
        fine = torch.log_softmax(self.fine.logits(x) / self.fine.temperature, dim=1)
        return fine + self.parent_weight * coarse[:, self.group]

    def node_probabilities(self, x: ArrayLike | Tensor) -> Tensor:
        """(B, M) in [0, 1]: a class's own probability, an inner node's sum over the classes below it."""
        return self.probabilities(x) @ _ancestry(self.parents, n_classes=self.n_classes).T

    def answers(self, x: ArrayLike | Tensor, *, confidence: float = 0.8) -> tuple[Tensor, Tensor]:
        """Deepest node (B,) whose probability reaches `confidence`, and that probability (B,).

        Where not even a root reaches it the likeliest root answers.
        """
        nodes = self.node_probabilities(x)
        depth = node_depths(self.parents)
        sure = nodes >= confidence
        # Probability breaks ties of depth; both lie in [0, 1] after scaling, so depth always wins.
        rank = torch.where(sure, depth + nodes, nodes - (depth + 2))
        best = rank.argmax(dim=1)
        return best, nodes.gather(1, best[:, None])[:, 0]

    def tensors(self) -> dict[str, Tensor]:
        parts = {"group": self.group, "parents": self.parents}
        for name, head in (("fine", self.fine), ("coarse", self.coarse)):
            parts |= {f"{name}.{key}": tensor for key, tensor in head.tensors().items()}
        return parts

    def settings(self) -> dict[str, Any]:
        return {
            "parent_weight": self.parent_weight,
            "fine_temperature": self.fine.temperature,
            "coarse_temperature": self.coarse.temperature,
        }

    @classmethod
    def restore(cls, *, kind: str, temperature: float, tensors: dict[str, Tensor], settings: dict[str, Any]) -> Self:
        def part(name: str) -> LinearHead:
            own = {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}
            return LinearHead.restore(kind=name, temperature=settings[f"{name}_temperature"], tensors=own, settings={})

        return cls(
            kind=kind,
            temperature=temperature,
            fine=part("fine"),
            coarse=part("coarse"),
            group=tensors["group"],
            parents=tensors["parents"],
            parent_weight=settings["parent_weight"],
        )


def fit_hierarchical(examples: Examples, *, seed: int = 0, fit: Callable[[Examples], LinearHead]) -> HierarchicalHead:
    """Fit `fit` on the classes and on their parents, then weigh the two.

    Raises:
        ConfigError: `examples.parents` is missing.
    """
    if examples.parents is None:
        raise ConfigError("a hierarchical head needs the tree: give `parents`")
    own = examples.parents[: examples.n_classes]
    # A class without a parent is a group of its own.
    group = torch.where(own >= 0, own, torch.arange(examples.n_classes, device=own.device))
    names, group = torch.unique(group, return_inverse=True)
    above = replace(examples, class_index=group[examples.class_index], n_classes=len(names), text=None, parents=None)
    head = HierarchicalHead(
        kind="hierarchical",
        temperature=1.0,
        fine=fit(examples),
        coarse=fit(above),
        group=group,
        parents=examples.parents,
        parent_weight=0.0,
    )
    return _weighed(head, examples, above, fit=fit, seed=seed)


def _weighed(
    head: HierarchicalHead, examples: Examples, above: Examples, *, fit: Callable[[Examples], LinearHead], seed: int
) -> HierarchicalHead:
    fine, rows = cross_fitted_logits(fit, examples, seed=seed)

    def coarse_of(part: Examples) -> LinearHead:
        return fit(replace(part, class_index=head.group[part.class_index], n_classes=above.n_classes, text=None))

    folds = replace(examples, parents=None)
    coarse, _ = cross_fitted_logits(coarse_of, folds, seed=seed, width=above.n_classes)
    target = examples.class_index[rows]
    fine = torch.log_softmax(fine / head.fine.temperature, dim=1)
    coarse = torch.log_softmax(coarse / head.coarse.temperature, dim=1)[:, head.group]
    fits = []
    for weight in PARENT_WEIGHTS:
        logits = fine + weight * coarse
        temperature = fit_temperature(logits, target)
        fits.append((float(mean_nll(logits, target, temperature=temperature)), weight, float(temperature)))
    _, weight, temperature_of_best = min(fits)
    return replace(head, parent_weight=weight, temperature=temperature_of_best)


def node_depths(parents: Tensor) -> Tensor:
    """(M,) steps from the root of each node of a tree of parent indices, -1 above a root."""
    depth, above = torch.zeros_like(parents), parents
    while bool((above >= 0).any()):
        depth = depth + (above >= 0)
        above = torch.where(above >= 0, parents[above.clamp(min=0)], above)
    return depth


def _ancestry(parents: Tensor, *, n_classes: int) -> Tensor:
    """(M, N) float32: 1 where the node is the class or stands above it."""
    table = torch.zeros(len(parents), n_classes, device=parents.device)
    columns = torch.arange(n_classes, device=parents.device)
    node = columns.clone()
    while len(columns):
        table[node, columns] = 1.0
        alive = parents[node] >= 0
        node, columns = parents[node][alive], columns[alive]
    return table
