"""Which images of a pool a new class would take: the surest, and those on the border."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ml.errors import ShapeError
from ml.heads.linear import LinearHead
from ml.types import FloatArray
from ml.words.columns import Columns

CHUNK = 8192


@dataclass(frozen=True)
class Pull:
    """`taken` images go to the new class. `top` and `border` are rows with the `probability` of the class there:
    the likeliest ones, and those whose decision is closest either way, closest first."""

    taken: int
    top: NDArray[np.int64]
    top_probability: NDArray[np.float32]
    border: NDArray[np.int64]
    border_probability: NDArray[np.float32]


def pulls(
    head: LinearHead,
    columns: Columns,
    vectors: FloatArray,
    *,
    show: int,
    unseen: NDArray[np.bool_] | None = None,
) -> list[Pull]:
    """One pull for each column, each as if it were the only new class. One pass over (P, D) vectors in chunks.

    Rows where `unseen` (P,) is true are neither counted nor shown.
    """
    if show < 1:
        raise ShapeError(f"at least one image is shown, got {show}")
    total, many = len(vectors), len(columns.weight)
    lead, chance = np.empty((many, total), np.float32), np.empty((many, total), np.float32)
    with torch.inference_mode():
        for start in range(0, total, CHUNK):
            rows = slice(start, min(start + CHUNK, total))
            x = torch.from_numpy(np.array(vectors[rows])).float()
            seen = head.logits(x) / head.temperature
            new = head.features.linear(x, columns.weight, columns.bias)
            if columns.text is not None:
                new = new + x @ columns.text.T
            new = new / head.temperature
            lead[:, rows] = (new - seen.amax(dim=1, keepdim=True)).T.numpy()
            chance[:, rows] = torch.sigmoid(new - seen.logsumexp(dim=1, keepdim=True)).T.numpy()
    rows_shown = np.arange(total) if unseen is None else np.flatnonzero(~unseen)
    return [_pull(lead[i], chance[i], rows_shown, show) for i in range(many)]


def _pull(lead: NDArray[np.float32], chance: NDArray[np.float32], rows: NDArray[np.int64], show: int) -> Pull:
    top = rows[_smallest(-lead[rows], show)]
    border = rows[_smallest(np.abs(lead[rows]), show)]
    return Pull(int((lead[rows] > 0).sum()), top, chance[top], border, chance[border])


def _smallest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    count = min(count, len(values))
    if count < 1:
        return np.empty(0, np.int64)
    found = np.argpartition(values, count - 1)[:count]
    ordered: NDArray[np.int64] = found[np.argsort(values[found], kind="stable")].astype(np.int64)
    return ordered
