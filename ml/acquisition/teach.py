"""A correction teaches the whole pool at once: move the head, score every image again, say what changed.

One pass over a float16 matrix, converted and multiplied chunk by chunk with float32 accumulation and reduced to top-k,
margin and entropy inside the chunk: P×N is never held. The floor is the time that the bytes of the matrix take to come
from memory; `python -m ml.bench teach` measures both side by side.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ml.errors import ShapeError
from ml.heads import Examples, Head, fit_head, predict_topk
from ml.heads.predict import DEFAULT_CHUNK
from ml.types import FloatArray, IntArray, TopK

TAUGHT_BY_AT_MOST = 20_000
"""Labels that a head is fitted on between two pages; the nightly fit uses all of them."""


def taught_head(examples: Examples, *, seed: int, most: int = TAUGHT_BY_AT_MOST) -> Head:
    """The head that suits these examples, in time for the next page.

    Above `most` examples the support is thinned: the newest half of `most` (the last rows) stays whole, because
    corrections must teach, and of the older ones small classes keep all they have while large ones share the rest.

    Raises:
        EmptyClassError: A class has neither example nor text.
    """
    if len(examples.support) > most:
        kept = torch.from_numpy(thinned(examples.class_index.numpy(), most=most, seed=seed))
        examples = replace(examples, support=examples.support[kept], class_index=examples.class_index[kept])
    return fit_head("default", examples, seed=seed)


def thinned(class_index: IntArray, *, most: int, seed: int) -> NDArray[np.int64]:
    """Positions (≤ most,) ascending of the items that stay: the newest, and an even share of each class before them."""
    total, newest = len(class_index), most // 2
    older = np.random.default_rng(seed).permutation(total - newest)
    order = older[np.argsort(class_index[older], kind="stable")]
    sizes = np.bincount(class_index[older])
    rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = order[np.argsort(rank, kind="stable")][: most - newest]
    return np.sort(np.concatenate([first, np.arange(total - newest, total)])).astype(np.int64)


def rescore(head: Head, vectors: FloatArray, *, k: int = 5, chunk: int = DEFAULT_CHUNK) -> TopK:
    """What `head` says of every row of `vectors` (P, D), float16 or float32 and possibly a memory map.

    Raises:
        SpaceMismatchError, NonFiniteError: As `Head.logits`.
    """
    return predict_topk(head, vectors, k=k, chunk=chunk)


def changed_rows(before: IntArray, after: TopK) -> NDArray[np.int64]:
    """Rows whose best category is not what it was: `before` (P,) class indices, -1 where there was none.

    Raises:
        ShapeError: Of another pool.
    """
    if len(before) != len(after.class_index):
        raise ShapeError(f"expected the best category of {len(after.class_index)} rows, got {len(before)}")
    return np.flatnonzero(np.asarray(before) != after.class_index[:, 0]).astype(np.int64)
