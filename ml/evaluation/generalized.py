"""Seen and unseen classes together: calibrated stacking, S, U, H and the area under the seen-unseen curve.

Reference: Chao, Changpinyo, Gong, Sha, "An empirical study and analysis of generalized zero-shot learning for object
recognition in the wild", ECCV 2016. gamma is taken off every seen logit; accuracies are means over classes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.errors import EmptyClassError, NonFiniteError, ShapeError

Matrix = NDArray[np.floating[Any]]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class SeenUnseenCurve:
    """S and U at every gamma where either changes; exact, because there are finitely many.

    `gammas` (K,) ascending; `seen` and `unseen` (K + 1,) are the accuracies before the first, between, and after the
    last of them: `seen` falls, `unseen` rises.
    """

    gammas: Vector
    seen: Vector
    unseen: Vector

    @property
    def ausuc(self) -> float:
        """Area under U over S by the trapezoid rule, in [0, 1]."""
        return float(np.trapezoid(self.unseen[::-1], self.seen[::-1]))

    @property
    def harmonic(self) -> Vector:
        """(K + 1,) H = 2SU / (S + U), 0 where both are."""
        total = self.seen + self.unseen
        return np.divide(2 * self.seen * self.unseen, total, out=np.zeros_like(total), where=total > 0)

    def at(self, gamma: float) -> tuple[float, float, float]:
        """(S, U, H) with this gamma taken off the seen logits; a tie goes to the unseen class."""
        index = int(np.searchsorted(self.gammas, gamma, side="right"))
        return float(self.seen[index]), float(self.unseen[index]), float(self.harmonic[index])

    def best_gamma(self) -> float:
        """The middle of the stretch with the highest H. To be asked of pseudo-unseen classes, never of a test set."""
        index = int(self.harmonic.argmax())
        edges = np.concatenate([self.gammas[:1] - 1.0, self.gammas, self.gammas[-1:] + 1.0])
        return float((edges[index] + edges[index + 1]) / 2)


def seen_unseen_curve(
    logits: Matrix, class_index: NDArray[np.integer[Any]], *, unseen: NDArray[np.bool_]
) -> SeenUnseenCurve:
    """The exact curve of (P, N) logits of seen and unseen classes; `unseen` (N,) marks the latter.

    Raises:
        ShapeError, NonFiniteError, EmptyClassError: Logits that do not fit, or one side without an item.
    """
    if logits.ndim != 2 or unseen.shape != logits.shape[1:] or class_index.shape != logits.shape[:1]:
        raise ShapeError(f"expected (P, N), (P,) and (N,), got {logits.shape}, {class_index.shape}, {unseen.shape}")
    if not np.isfinite(logits).all():
        raise NonFiniteError("NaN or infinity among the logits")
    theirs = unseen[class_index]
    if theirs.all() or not theirs.any():
        raise EmptyClassError("a generalized accuracy needs items of seen and of unseen classes")
    best_seen, best_unseen = (np.where(mask, logits, -np.inf) for mask in (~unseen, unseen))
    switch = best_seen.max(axis=1) - best_unseen.max(axis=1)  # at this gamma the item goes over to the unseen side
    weight = 1.0 / np.bincount(class_index, minlength=len(unseen))[class_index]
    right = np.where(theirs, best_unseen.argmax(axis=1), best_seen.argmax(axis=1)) == class_index
    order = np.argsort(switch, kind="stable")
    gammas, last = np.unique(switch[order], return_index=True)
    ends = np.append(last[1:], len(order)) - 1
    gain = weight * right
    lost = np.cumsum((gain * ~theirs)[order])[ends] / len(np.unique(class_index[~theirs]))
    won = np.cumsum((gain * theirs)[order])[ends] / len(np.unique(class_index[theirs]))
    top = float((gain * ~theirs).sum() / len(np.unique(class_index[~theirs])))
    return SeenUnseenCurve(
        gammas=gammas.astype(np.float64),
        seen=np.maximum(top - np.concatenate([[0.0], lost]), 0.0),
        unseen=np.concatenate([[0.0], won]),
    )
