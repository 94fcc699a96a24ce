"""Acquisition across the seam: arrays in, ranked rows out."""

import numpy as np
from numpy.typing import NDArray


def pool_rank(
    name: str,
    *,
    probability: NDArray[np.float32] | None,
    margin: NDArray[np.float32] | None,
    entropy: NDArray[np.float32] | None,
    size: int,
    budget: int,
    seed: int,
) -> NDArray[np.int64]:
    """Rows of a pool of `size` items, most worth a look first; (P,) arrays are what the live run says of each.

    Raises:
        MlError: No such function, or it needs predictions and there are none.
    """
    from ml.acquisition import Candidates, acquire
    from ml.types import Pool, TopK

    top = None
    if probability is not None and margin is not None and entropy is not None:
        nothing = np.zeros((size, 1), np.int32)
        top = TopK(class_index=nothing, probability=probability[:, None], margin=margin, entropy=entropy)
    pool = Pool(ids=np.arange(size), vectors=np.empty((size, 0), np.float32))
    return np.asarray(acquire(name, Candidates(pool, top), budget=budget, seed=seed).index, np.int64)


def functions_known() -> dict[str, tuple[str, str, bool]]:
    """Name → (goal, description, needs predictions) of every function that there is."""
    from ml.acquisition import FUNCTIONS

    return {name: (one.goal, one.description, "top" in one.needs) for name, one in FUNCTIONS.items()}
