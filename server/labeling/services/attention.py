"""Known-wrong tiles: confirmed images of another category, planted among a page's own. They never become labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SHOWN = 5
"""Suggestions beside a tile."""


@dataclass(frozen=True)
class Trap:
    """An image whose category is known, to stand on a page of another one."""

    image_id: int
    category_id: int


def planted_into(
    tiles: Sequence[dict[str, Any]], *, traps: Sequence[Trap], category_id: int, share: float, seed: int
) -> list[dict[str, Any]]:
    """The page with about `share` of its tiles known wrong, at random places.

    The expected number is exact: a fraction of a tile is a chance of one. A planted tile carries `known` for the
    server's eyes, and suggestions that start with the page's category as those of its neighbors do.
    """
    rng = np.random.default_rng(seed)
    wanted = share * len(tiles)
    count = min(len(traps), int(wanted) + int(rng.random() < wanted % 1))
    page = list(tiles)
    for at in rng.permutation(len(traps))[:count]:
        trap = traps[int(at)]
        place = int(rng.integers(0, len(page) + 1))
        beside = page[min(place, len(page) - 1)]
        page.insert(place, _tile(trap, beside=beside, category_id=category_id, jitter=float(rng.uniform(0.95, 1))))
    return page


def _tile(trap: Trap, *, beside: dict[str, Any], category_id: int, jitter: float) -> dict[str, Any]:
    """A tile whose suggestions are about its neighbor's, with its own category among them."""
    told = [[category, round(probability * jitter, 4)] for category, probability in beside["suggestions"]]
    if len(told) > 1 and trap.category_id not in [category for category, _ in told]:
        told[1][0] = trap.category_id
    return {
        "image": trap.image_id,
        "folded": [],
        "suggestions": told or [[category_id, 0.5], [trap.category_id, 0.25]],
        "known": trap.category_id,
    }
