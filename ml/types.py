"""Names for the arrays that cross module borders, so that a signature says what is inside.

Letters: B batch, S support, Q query, P pool, L labelled, N classes, D embedding, A annotators.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Pool:
    """Unlabelled items: the same row of each array speaks of the same item.

    `vectors` (P, D) are unit-norm float16 or float32, possibly a memory map; `ids` (P,) name the items for
    the caller and mean nothing to `ml`; `probabilities` (P, N), where a head has spoken, sum to 1 by row.
    """

    ids: IntArray
    vectors: FloatArray
    probabilities: FloatArray | None = None


@dataclass(frozen=True)
class TopK:
    """What a head says of each of P items, without the whole P×N table.

    `class_index` (P, k) int32, best first; `probability` (P, k) float32 in [0, 1]; `margin` (P,) float32, the
    first probability minus the second; `entropy` (P,) float32 in nats, over all N classes.
    """

    class_index: IntArray
    probability: FloatArray
    margin: FloatArray
    entropy: FloatArray
