"""A whole pool in the time between two pages: the best two classes of every row, and nothing else.

Top-5 and entropy cost as much as the products themselves, and only rows that stand on a page need them. Products take
bfloat16 factors and float32 sums where the processor has instructions for that: three times faster, and a cosine moves
by about 1e-4. Each core has a
thread of its own that scores chunk after chunk alone: where other processes want the cores too, threads that wait for
each other inside every operation cost several times the work.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.errors import ShapeError
from ml.heads import Head
from ml.types import FloatArray

CHUNK = 4096
"""Rows at a time: 8 MB of float32 at 512 dimensions, which stay in a second-level cache."""


@dataclass(frozen=True)
class BestTwo:
    """`class_index` (P, 2) int32, best first; `probability` (P, 2) float32. With one class the second is -1 at 0."""

    class_index: NDArray[np.int32]
    probability: NDArray[np.float32]


def best_two(head: Head, vectors: FloatArray, *, chunk: int = CHUNK, threads: int | None = None) -> BestTwo:
    """The two likeliest classes of each row of `vectors` (P, D), float16 or float32 and possibly a memory map.

    Args:
        head: Any head on the CPU.
        vectors: Read `chunk` rows at a time.
        chunk: At least 1.
        threads: As many as this process may use cores, where nothing is said.

    Raises:
        SpaceMismatchError, NonFiniteError: As `Head.logits`.
    """
    if chunk < 1:
        raise ShapeError(f"chunk is at least 1, got {chunk}")
    found = BestTwo(np.full((len(vectors), 2), -1, np.int32), np.zeros((len(vectors), 2), np.float32))

    def score(start: int) -> None:
        rows = slice(start, start + chunk)
        with torch.inference_mode():
            block = torch.from_numpy(np.array(vectors[rows]))  # a copy: memory maps are read-only
            index, probability = _reduced(head.logits(block), temperature=head.temperature)
        found.class_index[rows, : index.shape[1]] = index.numpy()
        found.probability[rows, : index.shape[1]] = probability.numpy()

    with _single_threads(threads or len(os.sched_getaffinity(0))) as pool:
        for _ in pool.map(score, range(0, len(vectors), chunk)):
            pass
    return found


def _reduced(logits: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    """Classes and probabilities (B, 2) of one chunk's logits (B, N), which it overwrites."""
    scaled = logits.div_(temperature)
    first, at = scaled.max(dim=1)
    scaled.sub_(first[:, None])
    if scaled.shape[1] == 1:
        return at[:, None].int(), torch.ones_like(first)[:, None]
    scaled.scatter_(1, at[:, None], -torch.inf)
    gap, second = scaled.max(dim=1)
    best = 1 / scaled.exp_().sum(dim=1).add_(1)
    return torch.stack([at, second], dim=1).int(), torch.stack([best, best * gap.exp()], dim=1)


@contextmanager
def _single_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that each compute alone, with quick products; the caller's own settings are as before afterwards."""
    before, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.set_num_threads(before)
