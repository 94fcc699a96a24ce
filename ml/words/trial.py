"""Some seen classes are hidden, written from their words, and looked for among all images: one round of a rehearsal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.heads.base import Examples
from ml.heads.fit import fit_head
from ml.heads.linear import LinearHead
from ml.words.columns import Ground
from ml.words.describe import Described
from ml.words.writers import METHODS, Writers, fit_writers

OFFSETS = np.arange(-4.0, 3.01, 0.25)
SHOTS = (1, 2, 4, 8)
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""What words may weigh beside examples."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Of one hidden class at every offset: `recall` and `precision` (O,) in [0, 1]."""

    recall: Vector
    precision: Vector

    @property
    def f1(self) -> Vector:
        total = self.recall + self.precision
        return np.divide(2 * self.recall * self.precision, total, out=np.zeros_like(total), where=total > 0)


@dataclass(frozen=True)
class Trial:
    """A head of the kept classes, what was learned from them, and images that neither has seen.

    `images` (E, D) with `class_index` (E,) are half of the kept classes' and all of the hidden ones'; `tower` (H, D)
    and `described` are the hidden classes', in the order of `hidden`.
    """

    ground: Ground
    writers: Writers
    hidden: list[int]
    described: Described
    class_index: Tensor
    best_seen: Tensor
    center: Tensor

    def by_words(self, method: str) -> Tensor:
        """(H, D) directions."""
        return self.writers.directions(method, self.ground.head, self.described)

    def found(self, position: int, direction: Tensor, *, spent: Tensor | None = None) -> Found:
        """How well the hidden class at `position` is found with this direction (D,), alone beside the kept ones.

        `spent` are rows of images that the direction was made from; they are not scored.
        """
        tower = self.described.tower
        own_tower = None if tower is None else tower[[position]]
        columns = self.ground.columns(direction[None], tower=own_tower)
        logit = self.ground.features @ columns.weight[0] + columns.bias[0]
        if columns.text is not None:
            logit = logit + self.ground.vectors @ columns.text[0]
        lead = ((logit - self.best_seen) / columns.spread).double().numpy()
        own = (self.class_index == self.hidden[position]).numpy()
        others = self.class_index[:, None] == torch.tensor(self.hidden)
        mine = own | ~others.any(dim=1).numpy()  # images of the other hidden classes belong nowhere
        if spent is not None:
            mine[spent.numpy()] = False
        return _found(lead[mine], own[mine])

    def examples(self, position: int, shots: int, *, seed: int) -> tuple[Tensor, Tensor] | None:
        """(D,) direction from `shots` random images of the hidden class, and their rows; None where it has too few."""
        rows = torch.nonzero(self.class_index == self.hidden[position]).flatten()
        if len(rows) < 2 * shots:
            return None
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
        spent = rows[order[:shots]]
        drawn = self.ground.features[spent].mean(dim=0)
        return self.writers.from_examples(drawn[None], self.center)[0], spent


def _found(lead: Vector, own: NDArray[np.bool_]) -> Found:
    taken = lead[:, None] + OFFSETS > 0
    right = (taken & own[:, None]).sum(axis=0)
    all_taken = taken.sum(axis=0)
    precision = np.divide(right, all_taken, out=np.zeros(len(OFFSETS)), where=all_taken > 0)
    return Found(right / max(int(own.sum()), 1), precision)


def blended(words: Tensor, examples: Tensor, share: float) -> Tensor:
    """`share` of the words' direction and the rest of the examples', both at length one."""
    normalize = torch.nn.functional.normalize
    return share * normalize(words, dim=-1) + (1 - share) * normalize(examples, dim=-1)


@dataclass(frozen=True)
class Material:
    """Confirmed vectors (S, D) of N classes with their words; `kind` is the head's."""

    vectors: Tensor
    class_index: Tensor
    described: Described
    background: Tensor
    kind: str = "gda"
    text_scale: float = 100.0
    with_text: bool = False

    def head(self, rows: Tensor, classes: Sequence[int], *, seed: int) -> LinearHead:
        """Fitted on these rows of these classes alone."""
        place = torch.full((len(self.described),), -1)
        place[list(classes)] = torch.arange(len(classes))
        tower = self.described.tower
        examples = Examples.of(
            self.vectors[rows],
            place[self.class_index[rows]],
            n_classes=len(classes),
            text=tower[list(classes)] if self.with_text and tower is not None else None,
            text_scale=self.text_scale,
            background=self.background,
        )
        head = fit_head(self.kind, examples, seed=seed)
        assert isinstance(head, LinearHead)
        return head


def run_trial(
    material: Material,
    hidden: list[int],
    *,
    seed: int,
    methods: Sequence[str] = METHODS,
    check: Callable[[], None] = lambda: None,
) -> Trial:
    """Fit a head and writers without the hidden classes, on half of the images of each kept one."""
    kept = [c for c in range(len(material.described)) if c not in hidden]
    half = halves(material.class_index, seed=seed)
    in_kept = torch.isin(material.class_index, torch.tensor(kept))
    learn = torch.nonzero(in_kept & half).flatten()
    kept = [c for c in kept if bool((material.class_index[learn] == c).any())]
    head = material.head(learn, kept, seed=seed)
    check()
    place = {c: i for i, c in enumerate(kept)}
    own = torch.tensor([place[int(c)] for c in material.class_index[learn]])
    features = head.features(material.vectors[learn])
    writers = fit_writers(
        head, material.described.chosen(kept), features=features, class_index=own, seed=seed, methods=methods
    )
    check()
    rest = torch.nonzero(~(in_kept & half)).flatten()
    ground = Ground(head, material.vectors[rest])
    center = torch.stack([features[own == i].mean(dim=0) for i in range(len(kept))]).mean(dim=0)
    best = head.logits(ground.vectors).amax(dim=1)
    described = material.described.chosen(hidden)
    return Trial(ground, writers, hidden, described, material.class_index[rest], best, center)


def halves(class_index: Tensor, *, seed: int) -> Tensor:
    """(S,) bool: a random half of each class, the larger one where it is odd."""
    order = torch.rand(len(class_index), generator=torch.Generator().manual_seed(seed))
    half = torch.zeros(len(class_index), dtype=torch.bool)
    for c in set(class_index.tolist()):
        rows = torch.nonzero(class_index == c).flatten()
        half[rows[order[rows].argsort()[: (len(rows) + 1) // 2]]] = True
    return half


def best_offsets(found: Mapping[int, Found]) -> dict[int, int]:
    """For each class the offset that serves the *other* classes best, so that none chooses for itself."""
    table = {c: one.f1 for c, one in found.items()}
    total = np.sum(list(table.values()), axis=0)
    if len(table) == 1:
        return {c: int(np.argmax(total)) for c in table}
    return {c: int(np.argmax(total - own)) for c, own in table.items()}
