"""How well a reject score tells items of none of the classes from the rest."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from ml.errors import EmptyClassError
from ml.types import FloatArray


@dataclass(frozen=True)
class OpenSetReport:
    """`auroc`: chance that an unknown item scores above a known one, ties half.

    `false_rejects_at_95`: share of known items rejected where 95 % of the unknown are.
    """

    auroc: float
    false_rejects_at_95: float


def open_set_report(known: FloatArray, unknown: FloatArray) -> OpenSetReport:
    """From reject scores of known (K,) and unknown (U,) items; higher means unknown.

    Raises:
        EmptyClassError: One side has no item.
    """
    inside, outside = np.asarray(known, dtype=np.float64), np.asarray(unknown, dtype=np.float64)
    if not len(inside) or not len(outside):
        raise EmptyClassError(f"needs known and unknown items, got {len(inside)} and {len(outside)}")
    ranks = rankdata(np.concatenate([inside, outside]))
    wins = ranks[len(inside) :].sum() - len(outside) * (len(outside) + 1) / 2
    threshold = np.quantile(outside, 0.05, method="lower")
    return OpenSetReport(
        auroc=float(wins / (len(inside) * len(outside))),
        false_rejects_at_95=float((inside >= threshold).mean()),
    )
