"""Which confirmed images may stand on a page as known wrong: those that the model nearly takes for its category."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.labeling.services.pool_state import PoolState

A_PAGE = 8
LOOKED_THROUGH = 20_000
GOLD = "SELECT image_id FROM labeling_gold WHERE project_id = %s"


def traps_among(
    state: PoolState,
    classes: Sequence[int],
    *,
    top: NDArray[np.int32],
    category_ids: Sequence[int],
    seed: int,
) -> dict[int, list[list[int]]]:
    """By class index, [[image, its agreed category], …]: gold first, then others, another few each time.

    `top` (P, k) are the best classes of each row. An image stands only on pages of a class that is among its best,
    so that a tile that is known wrong is as confusable as one that is not known to be.
    """
    rng = np.random.default_rng(seed)
    gold = [row["image_id"] for row in sql.fetch_all(GOLD, [state.project.pk])]
    gold_rows = state.rows_of(np.asarray(gold, np.int64))[0]
    confirmed = np.flatnonzero(state.category > 0)
    others = rng.permutation(np.setdiff1d(confirmed, gold_rows, assume_unique=True))[:LOOKED_THROUGH]
    rows = np.concatenate([rng.permutation(gold_rows[state.category[gold_rows] > 0]), others])
    found: dict[int, list[list[int]]] = {}
    for index in set(classes):
        near = rows[(top[rows] == index).any(axis=1) & (state.category[rows] != category_ids[index])][:A_PAGE]
        found[index] = [[int(state.ids[row]), int(state.category[row])] for row in near]
    return found
