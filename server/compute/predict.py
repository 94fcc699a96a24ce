"""Heads across the seam: confirmed vectors and texts in, the best categories of a whole pool out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOP = 5
BACKGROUND = 20_000
"""Rows of the pool that the mean of all images is taken from."""


@dataclass(frozen=True)
class PoolScores:
    """`class_index` (P, k) int32 and `probability` (P, k) float32, best first; `margin` and `entropy` (P,) float32."""

    kind: str
    temperature: float
    class_index: NDArray[np.int32]
    probability: NDArray[np.float32]
    margin: NDArray[np.float32]
    entropy: NDArray[np.float32]


def pool_predict(
    vectors: NDArray[np.float16],
    *,
    support: NDArray[np.integer[Any]],
    class_index: NDArray[np.int64],
    n_classes: int,
    text: NDArray[np.float32] | None,
    text_scale: float,
    seed: int,
    kind: str = "default",
) -> PoolScores:
    """Fit a head, by default the one that suits so many examples, and score every row of `vectors` (P, D).

    Args:
        vectors: The pool, possibly a memory map; read in chunks.
        support: (S,) rows of `vectors` that people have confirmed.
        class_index: (S,) their classes in [0, N).
        n_classes: N.
        text: (N, D) unit text vectors; None where the encoder sees only images.
        text_scale: The encoder's logit scale.
        seed: Decides folds of the calibration.
        kind: Of the head; with `zero-shot` the labels set the temperature alone.

    Raises:
        MlError: A class has neither example nor text, or a vector is not finite.
    """
    from ml.heads import Examples, fit_head, predict_topk

    examples = Examples.of(
        np.asarray(vectors[support], np.float32),
        class_index,
        n_classes=n_classes,
        text=text,
        text_scale=text_scale,
        background=background_of(vectors, seed),
    )
    head = fit_head(kind, examples, seed=seed)
    top = predict_topk(head, vectors, k=TOP)
    return PoolScores(
        kind=head.kind,
        temperature=float(head.temperature),
        class_index=np.asarray(top.class_index, np.int32),
        probability=np.asarray(top.probability, np.float32),
        margin=np.asarray(top.margin, np.float32),
        entropy=np.asarray(top.entropy, np.float32),
    )


def background_of(vectors: NDArray[np.float16], seed: int) -> NDArray[np.float32]:
    """(D,) mean of the pool, or of a part of a large one."""
    rows = np.arange(len(vectors))
    if len(vectors) > BACKGROUND:
        rows = np.sort(np.random.default_rng(seed).choice(len(vectors), BACKGROUND, replace=False))
    mean: NDArray[np.float32] = np.asarray(vectors[rows], np.float32).mean(axis=0)
    return mean
