"""Which confirmed images may stand on a page as known wrong: those that the model nearly takes for its category."""

from collections.abc import Mapping, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.labeling.services.pool_state import PoolState

A_PAGE = 8
LOOKED_THROUGH = 20_000
GOLD = "SELECT image_id FROM labeling_gold WHERE project_id = %s"


def traps_among(
    state: PoolState,
    runners: Mapping[int, Set[int]],
    *,
    top: NDArray[np.int32],
    category_ids: Sequence[int],
    seed: int,
) -> dict[int, list[list[int]]]:
    """By class index of `runners`, [[image, its agreed category], …]: another few each time.

    `top` (P, k) are the best classes of each row, `runners` what the images of a page are taken for instead. A tile
    that is known wrong should be as confusable as one that is not: images for which the page's class is among the best
    come before images of those other classes; gold comes before both.
    """
    rng = np.random.default_rng(seed)
    gold = [row["image_id"] for row in sql.fetch_all(GOLD, [state.project.pk])]
    gold_rows = state.rows_of(np.asarray(gold, np.int64))[0]
    confirmed = np.flatnonzero(state.category > 0)
    others = rng.permutation(np.setdiff1d(confirmed, gold_rows, assume_unique=True))[:LOOKED_THROUGH]
    rows = np.concatenate([rng.permutation(gold_rows[state.category[gold_rows] > 0]), others])
    said, best = state.category[rows], top[rows]
    vouched = np.isin(rows, gold_rows)
    found: dict[int, list[list[int]]] = {}
    for index, instead in runners.items():
        other = said != category_ids[index]
        near = other & (best == index).any(axis=1)
        akin = other & ~near & np.isin(said, [category_ids[runner] for runner in instead if runner >= 0])
        order = [vouched & (near | akin), ~vouched & near, ~vouched & akin]
        chosen = np.concatenate([np.flatnonzero(part)[:A_PAGE] for part in order])[:A_PAGE]
        found[index] = [[int(state.ids[rows[at]]), int(said[at])] for at in chosen]
    return found
