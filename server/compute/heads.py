"""Stored heads across the seam: folders and arrays in, arrays out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.predict import TOP, PoolScores


@dataclass(frozen=True)
class Fitted:
    """What a fit chose. The head itself lies in the folder that the caller named."""

    kind: str
    temperature: float
    dim: int


def head_probabilities(
    folder: Path, vectors: NDArray[np.floating[Any]], *, space: str, columns: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """(B, N) calibrated probabilities of vectors (B, D); of `columns` alone, rescaled to 1, where they are given.

    Raises:
        MlError: The folder holds no readable head, or one of another space.
    """
    from ml.heads import load_head

    head = load_head(folder, space=space).head
    probabilities: NDArray[np.float32] = head.probabilities(np.asarray(vectors, np.float32)).numpy()
    if columns is None:
        return probabilities
    kept = probabilities[:, columns]
    scaled: NDArray[np.float32] = kept / np.maximum(kept.sum(axis=1, keepdims=True), 1e-12)
    return scaled


def head_score_pool(
    folder: Path, vectors: NDArray[np.float16], *, space: str, columns: NDArray[np.int64]
) -> PoolScores:
    """Score every row of a pool (P, D) with a stored head, choosing among `columns` of its classes.

    Raises:
        MlError: As `head_probabilities`.
    """
    from ml.heads import load_head, predict_topk

    head = load_head(folder, space=space).head
    top = predict_topk(head, vectors, k=TOP, columns=columns)
    return PoolScores(
        kind=head.kind,
        temperature=float(head.temperature),
        class_index=np.asarray(top.class_index, np.int32),
        probability=np.asarray(top.probability, np.float32),
        margin=np.asarray(top.margin, np.float32),
        entropy=np.asarray(top.entropy, np.float32),
    )
