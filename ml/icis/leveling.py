"""Written rows made as loud as seen ones, on photographs that nobody has labeled.

A row that is written has a direction; how large its logits are over images in general, and how much they vary, is
an accident of the method. Over photographs of whatever else there is, a seen class's logit about the mean of all seen
logits has mean zero and some spread; a written one gets the same. No label is read and no image of a new class.
"""

import numpy as np
from numpy.typing import NDArray

from ml.errors import ShapeError
from ml.icis.descriptors import Matrix


def leveled(rows: Matrix, rows_seen: Matrix, ground: NDArray[np.floating]) -> Matrix:
    """Rows (U, D + 1) whose last entry is a bias, leveled on features `ground` (G, D + 1) whose last column is 1.

    Raises:
        ShapeError: Fewer than two photographs, or rows of another length.
    """
    if ground.ndim != 2 or len(ground) < 2 or ground.shape[1] != rows.shape[1] or not np.all(ground[:, -1] == 1):
        raise ShapeError(
            f"expected at least two features (G, {rows.shape[1]}) with a last column of ones, got {ground.shape}"
        )
    mean = rows_seen.mean(axis=0)
    spread = float(np.sqrt((ground @ (rows_seen - mean).T).var(axis=0).mean()))
    about = rows - mean
    logits = ground @ about.T
    scale = spread / np.maximum(logits.std(axis=0), 1e-12)
    out: Matrix = about * scale[:, None]
    out[:, -1] -= logits.mean(axis=0) * scale
    out += mean
    return out
