"""Heads that keep their examples: Tip-Adapter's cache and nearest neighbors.

Zhang et al., "Tip-Adapter: Training-free Adaption of CLIP for Few-shot Classification" (2022). Where we differ: the
two hyper-parameters come from leave-one-out on the support, not from a search on other labels; Tip-Adapter-F trains
its keys so that each example is recognized by the others (its own key is hidden from it), for a fixed number of
steps, where the released code keeps the epoch that is best on the test set. Nearest neighbors vote with weights
exp(cos / 0.07), as in Wu et al. (2018).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from ml.errors import NonFiniteError, ShapeError, SpaceMismatchError
from ml.heads.base import COSINE_SCALE, Examples, Head
from ml.heads.calibration import fit_temperature, mean_nll
from ml.heads.cross_fit import calibrated
from ml.heads.features import FeatureMap, centered, unit

SHARPNESSES = (1.0, 2.0, 5.5, 10.0, 20.0)
CACHE_WEIGHTS = (0.3, 1.0, 3.0, 10.0)
NEIGHBORS = 20
NEIGHBOR_SHARPNESS = 1 / 0.07
VOTE_FLOOR = 1e-4
KEY_STEPS = 50
KEY_LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class MemoryHead(Head):
    """logits = x · textᵀ + weight · Σᵢ exp(-sharpness (1 - cos(x, keyᵢ))) [class of i], over the nearest keys.

    `neighbors` 0 means all keys; with `log_votes` the sum is a vote and its logarithm the logit.
    """

    features: FeatureMap
    keys: Tensor
    class_index: Tensor
    classes: int
    sharpness: float
    weight: float
    neighbors: int = 0
    log_votes: bool = False
    text: Tensor | None = None
    form: ClassVar[str] = "memory"

    @property
    def n_classes(self) -> int:
        return self.classes

    @property
    def dim(self) -> int:
        return int(self.keys.shape[1])

    def _logits(self, x: Tensor) -> Tensor:
        votes = self._votes(self.features(x) @ self.keys.T)
        return votes if self.text is None else votes + x @ self.text.T

    def _votes(self, cosines: Tensor) -> Tensor:
        """(B, S) cosines, -inf where a key is hidden, to (B, N)."""
        index = self.class_index.expand(cosines.shape)
        if 0 < self.neighbors < cosines.shape[1]:
            cosines, nearest = cosines.topk(self.neighbors, dim=1)
            index = index.gather(1, nearest)
        affinity = torch.exp(self.sharpness * (cosines - 1))
        votes = cosines.new_zeros(len(cosines), self.classes).scatter_add(1, index, affinity)
        if not self.log_votes:
            return self.weight * votes
        share = votes / votes.sum(dim=1, keepdim=True).clamp(min=torch.finfo(votes.dtype).tiny)
        return torch.log(share + VOTE_FLOOR)

    def leave_one_out(self, x: Tensor) -> Tensor:
        """Logits (S, N) of the support itself (S, D), each item's own key hidden from it."""
        cosines = self.features(x) @ self.keys.T
        own = torch.eye(len(x), dtype=torch.bool, device=x.device)
        votes = self._votes(cosines.masked_fill(own, -torch.inf))
        return votes if self.text is None else votes + x @ self.text.T

    def updated(self, x: ArrayLike | Tensor, class_index: int) -> "MemoryHead":
        """One more key. Opening a class is possible where there is no text."""
        vector = torch.as_tensor(x, device=self.keys.device).float()
        if vector.shape != (self.dim,):
            raise SpaceMismatchError(f"expected one vector ({self.dim},), got {tuple(vector.shape)}")
        if not bool(torch.isfinite(vector).all()):
            raise NonFiniteError("the example holds NaN or infinity; embed its image again")
        highest = self.classes - 1 if self.text is not None else self.classes
        if not 0 <= class_index <= highest:
            raise ShapeError(f"class_index lies in [0, {highest}], got {class_index}")
        return replace(
            self,
            keys=torch.cat([self.keys, self.features(vector)[None]]),
            class_index=torch.cat([self.class_index, self.class_index.new_tensor([class_index])]),
            classes=max(self.classes, class_index + 1),
        )

    def tensors(self) -> dict[str, Tensor]:
        parts = {"keys": self.keys, "class_index": self.class_index, "mean": self.features.mean, "text": self.text}
        return {name: part for name, part in parts.items() if part is not None}

    def settings(self) -> dict[str, Any]:
        names = ("classes", "sharpness", "weight", "neighbors", "log_votes")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def restore(cls, *, kind: str, temperature: float, tensors: dict[str, Tensor], settings: dict[str, Any]) -> Self:
        return cls(
            kind=kind,
            temperature=temperature,
            features=FeatureMap(mean=tensors.get("mean")),
            keys=tensors["keys"],
            class_index=tensors["class_index"],
            text=tensors.get("text"),
            **settings,
        )


def fit_knn(examples: Examples) -> MemoryHead:
    """Weighted vote of the 20 nearest examples (all of them where there are fewer)."""
    examples.require_every_class()
    head = replace(
        _cache(examples, kind="knn", text=None),
        sharpness=NEIGHBOR_SHARPNESS,
        neighbors=NEIGHBORS,
        log_votes=True,
    )
    return _with_held_out_temperature(head, examples)[0]


def fit_tip_adapter(examples: Examples) -> MemoryHead:
    """Text plus cache; weight and sharpness by leave-one-out likelihood, the paper's 1 and 5.5 at one shot."""
    examples.require_every_class()
    text = None if examples.text is None else examples.text_scale * examples.text
    cache = _cache(examples, kind="tip-adapter", text=text)
    if not bool((examples.shots > 1).any()):
        return cache
    judged = [_with_held_out_temperature(head, examples) for head in _variants(cache)]
    return min(judged, key=lambda pair: pair[1])[0]


def fit_tip_adapter_f(examples: Examples, *, seed: int = 0) -> MemoryHead:
    """Tip-Adapter with trained keys; temperature by cross-fitting, since training used every example."""
    return calibrated(_trained_keys, examples, seed=seed)


def _trained_keys(examples: Examples) -> MemoryHead:
    start = replace(fit_tip_adapter(examples), kind="tip-adapter-f")
    usable = examples.shots[examples.class_index] > 1
    if not bool(usable.any()):
        return start
    keys = start.keys.clone().requires_grad_(True)
    optimizer = torch.optim.AdamW([keys], lr=KEY_LEARNING_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, KEY_STEPS)
    with torch.enable_grad():
        for _ in range(KEY_STEPS):
            logits = replace(start, keys=unit(keys)).leave_one_out(examples.support) / start.temperature
            loss = functional.cross_entropy(logits[usable], examples.class_index[usable])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return replace(start, keys=unit(keys.detach()))


def _cache(examples: Examples, *, kind: str, text: Tensor | None) -> MemoryHead:
    features = centered(examples)
    mean_shots = len(examples.support) / examples.n_classes
    return MemoryHead(
        kind=kind,
        temperature=1.0,
        features=features,
        keys=features(examples.support),
        class_index=examples.class_index,
        classes=examples.n_classes,
        sharpness=5.5,
        weight=COSINE_SCALE / mean_shots,
        text=text,
    )


def _variants(cache: MemoryHead) -> Iterator[MemoryHead]:
    # Without text the weight and the temperature are one number.
    factors = CACHE_WEIGHTS if cache.text is not None else (1.0,)
    for sharpness in SHARPNESSES:
        for factor in factors:
            yield replace(cache, sharpness=sharpness, weight=cache.weight * factor)


def _with_held_out_temperature(head: MemoryHead, examples: Examples) -> tuple[MemoryHead, float]:
    usable = examples.shots[examples.class_index] > 1
    target = examples.class_index[usable]
    held_out = head.leave_one_out(examples.support)[usable]
    temperature = fit_temperature(held_out, target)
    loss = mean_nll(held_out, target, temperature=temperature)
    return head.with_temperature(float(temperature)), float(loss)
