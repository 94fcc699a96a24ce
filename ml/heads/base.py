"""What every head takes and gives: `Examples` in, a `Head` out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ml.errors import ConfigError, EmptyClassError, NonFiniteError, ShapeError, SpaceMismatchError

RejectRule = Literal["energy", "max-logit"]

# A cosine difference of 0.1 is worth about one nat before calibration (P>M>F starts its cosine classifier here).
COSINE_SCALE = 10.0


@dataclass(frozen=True)
class Examples:
    """The evidence a head is fitted on. Made by `Examples.of`, which checks it.

    Attributes:
        support: (S, D) float32, unit norm.
        class_index: (S,) int64 in [0, N).
        n_classes: N.
        text: (N, D) float32, unit norm: one vector a class from prompts, in the same space; None without text.
        text_scale: What the encoder multiplies a cosine of image and text by before softmax.
        background: (D,) float32, mean of unlabelled vectors of the same kind of images; heads that center use it.
        parents: (M,) int64 tree over M ≥ N nodes: nodes 0…N-1 are the classes, -1 marks a root.
    """

    support: Tensor
    class_index: Tensor
    n_classes: int
    text: Tensor | None = None
    text_scale: float = 100.0
    background: Tensor | None = None
    parents: Tensor | None = None

    @classmethod
    def of(
        cls,
        support: ArrayLike | Tensor,
        class_index: ArrayLike | Tensor,
        *,
        n_classes: int,
        text: ArrayLike | Tensor | None = None,
        text_scale: float = 100.0,
        background: ArrayLike | Tensor | None = None,
        parents: ArrayLike | Tensor | None = None,
    ) -> "Examples":
        """Examples from arrays or tensors; the device of `support` decides.

        Raises:
            ShapeError, NonFiniteError, SpaceMismatchError: By the tables above.
        """
        vectors = torch.as_tensor(support, dtype=torch.float32)
        where = vectors.device

        def floats(values: ArrayLike | Tensor | None) -> Tensor | None:
            return None if values is None else torch.as_tensor(values, dtype=torch.float32, device=where)

        examples = cls(
            support=vectors,
            class_index=torch.as_tensor(class_index, dtype=torch.int64, device=where),
            n_classes=n_classes,
            text=floats(text),
            text_scale=text_scale,
            background=floats(background),
            parents=None if parents is None else torch.as_tensor(parents, dtype=torch.int64, device=where),
        )
        _check(examples)
        return examples

    @property
    def dim(self) -> int:
        """D."""
        return int(self.support.shape[1])

    @property
    def shots(self) -> Tensor:
        """(N,) int64: support items of each class."""
        return torch.bincount(self.class_index, minlength=self.n_classes)

    def require_every_class(self) -> None:
        """Raises EmptyClassError where a class has no support item."""
        empty = torch.nonzero(self.shots == 0).flatten().tolist()
        if empty:
            raise EmptyClassError(
                f"classes {empty[:10]} have no support item, so this head has nothing to learn them from; "
                "confirm an image of each, leave them out, or give text"
            )

    def require_text(self) -> Tensor:
        """The text vectors; raises ConfigError where there are none."""
        if self.text is None:
            raise ConfigError("this head starts from text: give one vector a class, or choose a head without text")
        return self.text


@dataclass(frozen=True)
class Head(ABC):
    """Turns vectors of one space into class probabilities. Immutable; `updated` gives another head.

    Calibrated probabilities are softmax(logits / temperature). Device policy: a head lives where its support lay,
    and takes vectors of that device.
    """

    kind: str
    temperature: float
    form: ClassVar[str]

    @property
    @abstractmethod
    def n_classes(self) -> int:
        """N."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """D."""

    @abstractmethod
    def _logits(self, x: Tensor) -> Tensor:
        """(B, D) float32, checked, to (B, N)."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Everything numeric that `restore` needs."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Everything else that `restore` needs, as JSON values."""

    @classmethod
    @abstractmethod
    def restore(cls, *, kind: str, temperature: float, tensors: dict[str, Tensor], settings: dict[str, Any]) -> Self:
        """The inverse of `tensors` and `settings`."""

    def logits(self, x: ArrayLike | Tensor) -> Tensor:
        """Scores (B, N) of vectors (B, D), float16 or float32.

        Raises:
            SpaceMismatchError: The vectors have another D.
            NonFiniteError: NaN or infinity among them.
        """
        vectors = torch.as_tensor(x).float()
        if vectors.ndim != 2:
            raise ShapeError(f"expected vectors (B, {self.dim}), got {tuple(vectors.shape)}")
        if vectors.shape[1] != self.dim:
            raise SpaceMismatchError(
                f"this head reads vectors of {self.dim} dimensions and got {vectors.shape[1]}: "
                "they come from another encoder; fit a head in their space"
            )
        logits = self._logits(vectors)
        # A NaN in a vector reaches every logit of its row, so the smaller table is the one to look at.
        if not bool(torch.isfinite(logits.sum())):
            raise NonFiniteError("NaN or infinity among the vectors; embed those images again")
        return logits

    def probabilities(self, x: ArrayLike | Tensor) -> Tensor:
        """Calibrated probabilities (B, N) in [0, 1], rows sum to 1."""
        return torch.softmax(self.logits(x) / self.temperature, dim=1)

    def reject_score(self, x: ArrayLike | Tensor, *, rule: RejectRule = "energy") -> Tensor:
        """(B,): the higher, the likelier that an item belongs to none of the classes.

        Energy is -logsumexp(logits / temperature) (Liu et al. 2020), max-logit its largest term alone.
        """
        scaled = self.logits(x) / self.temperature
        return -torch.logsumexp(scaled, dim=1) if rule == "energy" else -scaled.amax(dim=1)

    def updated(self, x: ArrayLike | Tensor, class_index: int) -> "Head":
        """This head with one more example (D,) of a class; `class_index` N opens a new class.

        Raises:
            ConfigError: The head is fitted as a whole; fit it again with the example among the support.
        """
        raise ConfigError(f"a {self.kind} head is fitted as a whole: fit it again with the new example")

    def with_temperature(self, temperature: float) -> Self:
        """The same head with other confidence."""
        return replace(self, temperature=temperature)


def _check(examples: Examples) -> None:
    support, classes = examples.support, examples.class_index
    if support.ndim != 2 or classes.shape != support.shape[:1]:
        raise ShapeError(
            f"expected support (S, D) and class_index (S,), got {tuple(support.shape)} and {tuple(classes.shape)}"
        )
    if examples.n_classes < 1:
        raise ShapeError(f"a head needs at least one class, got {examples.n_classes}")
    if len(classes) and not 0 <= int(classes.min()) <= int(classes.max()) < examples.n_classes:
        raise ShapeError(
            f"class_index lies in [0, {examples.n_classes}), got {int(classes.min())}…{int(classes.max())}"
        )
    if examples.text is not None and examples.text.shape != (examples.n_classes, examples.dim):
        raise SpaceMismatchError(
            f"expected text ({examples.n_classes}, {examples.dim}), got {tuple(examples.text.shape)}: "
            "one vector a class from the encoder of the images"
        )
    if examples.background is not None and examples.background.shape != (examples.dim,):
        raise SpaceMismatchError(f"expected background ({examples.dim},), got {tuple(examples.background.shape)}")
    if examples.parents is not None:
        _check_tree(examples.parents, n_classes=examples.n_classes)
    for name in ("support", "text", "background"):
        values = getattr(examples, name)
        if values is not None and not bool(torch.isfinite(values).all()):
            raise NonFiniteError(f"{name} holds NaN or infinity; embed those items again")


def _check_tree(parents: Tensor, *, n_classes: int) -> None:
    nodes = len(parents)
    if parents.ndim != 1 or nodes < n_classes or int(parents.max()) >= nodes or int(parents.min()) < -1:
        raise ShapeError(f"parents is (M,) with M ≥ {n_classes} and values in [-1, M), got {parents.tolist()[:20]}")
    above = parents.clone()
    for _ in range(nodes):
        if not bool((above >= 0).any()):
            return
        above = torch.where(above >= 0, parents[above.clamp(min=0)], above)
    raise ShapeError("parents holds a cycle: every path upwards ends at a root, marked -1")
