"""Pages of one proposed category each: what a person confirms with one key and strikes where it is wrong.

A page asks one question about images that look alike. Which question comes first is decided by what an answer gives
for the time it takes: labels, and other images of the pool that would be understood better.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.proposals import Proposals, folded, proposals
from ml.errors import ConfigError
from ml.types import FloatArray, IntArray

LOWEST_PRECISION = 0.6
"""A less likely proposal costs more on a page (two looks, perhaps a strike and another page) than the image alone with
its ranked suggestions: the two break even near here."""
STRIKES_A_PAGE = 8.0
"""A page is as large as it may be without more strikes to be expected than this."""
SMALLEST_PAGE = 6
FEWEST_TILES = 3
"""Fewer images than this are quicker one at a time than as a page that has to be read first."""
LOOKED_THROUGH = 4096
"""Candidates of a category among which a coherent page is sought; more change nothing that a person sees."""
SUREST_PAGES = 3
"""A page is a neighborhood among its category's surest images, as many as fill so many pages: while the head is young
the others soon get a better proposal, and would be struck now."""
TILE_S, STRIKE_S = 0.4, 3.0
PAGE_S, AGAIN_S = 4.0, 2.0
"""Rough seconds of a tile, of a strike with what follows it, of a page that asks something new, and of one that asks
the same again: only their ratios matter here."""
TEACHING = 1.0
"""How much an image that is in doubt is worth beyond its own label."""


@dataclass(frozen=True)
class PagePlan:
    """A page to show. `rows` (T,) int64 of the pool, most doubtful first; `groups[t]` are all rows that tile t stands
    for, itself first; `precision` (T,) how likely each is right; `expected_precision` in [0, 1] is their mean, the
    share of tiles that a person will leave standing."""

    category: int
    rows: NDArray[np.int64]
    groups: tuple[NDArray[np.int64], ...]
    precision: NDArray[np.float32]
    expected_precision: float
    reason: str


def compose_pages(
    *,
    vectors: FloatArray,
    top_categories: IntArray,
    top_probabilities: FloatArray,
    eligible: NDArray[np.bool_],
    struck: Mapping[int, Set[int]],
    reliability: FloatArray,
    size: IntArray,
    count: int,
    duplicate_group: IntArray | None = None,
    seed: int,
    category: int | None = None,
    asked: int | None = None,
) -> list[PagePlan]:
    """At most `count` pages, the most useful first. No image is on two of them.

    Pages of one category follow each other, so that a question is taken in once.

    Args:
        vectors: (P, D) unit float16 or float32, possibly a memory map; some thousand rows are read.
        top_categories: (P, K) category indices in [0, N), best first; negative where nothing is predicted.
        top_probabilities: (P, K) float32, calibrated.
        eligible: (P,) images that may be shown now: unlabelled, unleased, not of the blind share.
        struck: Row → categories that a person refused for it.
        reliability: (N,) share of proposals of each category that people left standing; NaN where unknown.
        size: (N,) most tiles for this person on each category.
        count: Pages wanted.
        duplicate_group: (P,) near-duplicate group of each image, -1 for none.
        seed: Decides among equals and what is looked through.
        category: Only pages of this one.
        asked: The category of the page that is seen before these: to go on with it costs less than a new question.

    Returns:
        Fewer pages than asked, perhaps none, where what is left is too doubtful for a page: such images are quicker
        one at a time.

    Raises:
        ShapeError, ConfigError: Arrays that do not fit each other, or a negative count.
    """
    if count < 0 or len(reliability) != len(size):
        raise ConfigError(f"expected count ≥ 0 and one reliability and size a category, got {count}")
    rng = np.random.default_rng(seed)
    found = proposals(
        top_categories, top_probabilities, eligible=eligible, struck=struck, reliability=np.asarray(reliability)
    )
    tiles, members = folded(found, duplicate_group, eligible=eligible)
    tiles = tiles[found.precision[tiles] >= LOWEST_PRECISION]
    if category is not None:
        tiles = tiles[found.category[tiles] == category]
    by_category = {c: rows for c, rows in _by_category(found, tiles).items() if len(rows) >= FEWEST_TILES}
    worth = {c: _worth(found, rows, int(size[c])) for c, rows in by_category.items()}
    plans: list[PagePlan] = []
    while len(plans) < count and worth:
        chosen = max(worth, key=worth.__getitem__)
        if asked in worth and _worth(found, by_category[asked], int(size[asked]), page_s=AGAIN_S) >= worth[chosen]:
            chosen = asked
        asked = chosen
        rows = _page(vectors, found, by_category[chosen], most=int(size[chosen]), rng=rng)
        plans.append(_plan(chosen, rows, found, members))
        left = np.setdiff1d(by_category[chosen], rows, assume_unique=True)
        if len(left) >= FEWEST_TILES:
            by_category[chosen] = left
            worth[chosen] = _worth(found, left, int(size[chosen]))
        else:
            del worth[chosen]
    order = {plan.category: place for place, plan in reversed(list(enumerate(plans)))}
    return sorted(plans, key=lambda plan: order[plan.category])


def _by_category(found: Proposals, tiles: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    order = tiles[np.argsort(found.category[tiles], kind="stable")]
    starts = np.flatnonzero(np.diff(found.category[order], prepend=-1))
    return {int(found.category[part[0]]): part for part in np.split(order, starts[1:])} if len(order) else {}


def _worth(found: Proposals, rows: NDArray[np.int64], most: int, *, page_s: float = PAGE_S) -> float:
    """What a second on a page of this category gives: labels, and what uncertain ones teach about the others."""
    precision = found.precision[rows]
    mean = float(precision.mean())
    tiles = min(len(rows), page_size(mean, most))
    taught = float(found.doubt[rows].mean()) * np.log1p(len(rows)) / np.log1p(most)
    seconds = page_s + tiles * (TILE_S + STRIKE_S * (1 - mean))
    return float(tiles * (mean + TEACHING * taught) / seconds)


def page_size(precision: float, most: int) -> int:
    """Tiles of a page whose proposals are right with this probability: at most `most`."""
    return max(1, min(most, max(SMALLEST_PAGE, int(STRIKES_A_PAGE / max(1 - precision, 1e-6)))))


def _page(
    vectors: FloatArray, found: Proposals, rows: NDArray[np.int64], *, most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of one page: the neighborhood of a typical row, as many as its precision allows, most doubtful first."""
    if len(rows) > LOOKED_THROUGH:
        rows = np.sort(rng.choice(rows, LOOKED_THROUGH, replace=False))
    if len(rows) > page_size(1.0, most):
        rows = rows[np.argsort(-found.precision[rows], kind="stable")][: SUREST_PAGES * most]
        near = np.asarray(vectors[rows], np.float32)
        weight = found.doubt[rows] + 0.05
        start = int(np.argmax(near @ (weight @ near)))
        rows = rows[np.argsort(-(near @ near[start]), kind="stable")]
        mean = np.cumsum(found.precision[rows]) / np.arange(1, len(rows) + 1)
        tiles = page_size(float(mean[min(most, len(rows)) - 1]), most)
        rows = rows[:tiles]
    else:
        rows = rows[: page_size(float(found.precision[rows].mean()), most)]
    return rows[np.lexsort((rng.random(len(rows)), found.precision[rows]))]


def _plan(
    category: int, rows: NDArray[np.int64], found: Proposals, members: Mapping[int, NDArray[np.int64]]
) -> PagePlan:
    groups = tuple(members.get(row, np.asarray([row], np.int64)) for row in rows.tolist())
    precision = found.precision[rows]
    mean = float(precision.mean())
    return PagePlan(category, rows, groups, precision, mean, _reason(found, rows, mean))


def _reason(found: Proposals, rows: NDArray[np.int64], precision: float) -> str:
    if found.struck[rows].mean() > 0.5:
        return "Struck elsewhere before: this is the next best guess."
    if precision < 0.8:
        return "They look alike and the model doubts: a few answers settle many others."
    return "They look alike and the model is nearly sure."
