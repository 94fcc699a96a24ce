"""Three ways to label one pool with one person: an image at a time, naive pages, and composed pages.

All of them label everything. The teacher answers with the head's top-k whenever asked: from a frozen head, so that
interfaces are compared at one accuracy, or from one that learns from every label, as in the product.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.neighbors import spread
from ml.acquisition.pages import compose_pages
from ml.simulation.person import LETTERED, SUGGESTIONS, Person
from ml.types import TopK

Teacher = Callable[[NDArray[np.int64], NDArray[np.int64]], TopK]
"""(labelled rows, their categories) → top-k of the whole pool."""

NAIVE_TILES = 40
FIRST_TILES, UNPROVEN_TILES, MOST_TILES = 16, 24, 48
ENOUGH_CATEGORIES = 3
GROWS, SHRINKS = 1.5, 0.75
FEW_STRIKES, MANY_STRIKES = 0.1, 0.3
MEMORY = 0.3
"""Weight of the newest page in the reliability of its category."""
ONES_BETWEEN = 10
PAGES_AHEAD = 1


@dataclass
class Bench:
    """A pool that is being labelled: truth is what a careful person would say."""

    vectors: NDArray[np.float32]
    truth: NDArray[np.int64]
    classes: int
    teacher: Teacher
    graph: NDArray[np.int32] | None = None
    top: TopK = field(init=False)
    given: NDArray[np.int64] = field(init=False)
    order: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.given = np.full(len(self.truth), -1)
        self.teach()

    def teach(self) -> None:
        """Score the pool again with all labels given so far."""
        rows = np.asarray(self.order, np.int64)
        self.top = self.teacher(rows, self.given[rows])
        if self.graph is not None:
            self.top = spread(self.top, self.graph, labeled=rows, labeled_class=self.given[rows], classes=self.classes)

    def label(self, person: Person, rows: NDArray[np.int64], category: int) -> None:
        """Labels of one decision."""
        self.given[rows] = category
        self.order += rows.tolist()
        person.tally.count(right=int((self.truth[rows] == category).sum()), labels=len(rows))

    @property
    def open(self) -> NDArray[np.bool_]:
        """(P,) what has no label yet."""
        return self.given < 0


def one_at_a_time(bench: Bench, person: Person, *, teach_every: int = 40) -> None:
    """The best single view: ranked suggestions on keys, the next image always there."""
    for number, row in enumerate(person.rng.permutation(np.flatnonzero(bench.open)).tolist(), start=1):
        _single(bench, person, row)
        if number % teach_every == 0:
            bench.teach()


def _single(bench: Bench, person: Person, row: int, refused: set[int] | frozenset[int] = frozenset()) -> None:
    suggestions = [int(c) for c in bench.top.class_index[row] if int(c) not in refused][:SUGGESTIONS]
    given = person.labels_one(int(bench.truth[row]), suggestions, classes=bench.classes)
    bench.label(person, np.asarray([row]), given)


def naive_pages(bench: Bench, person: Person) -> None:
    """One category, its 40 surest images, what is wrong named at once; the next category in turn."""
    category = 0
    while bench.open.any():
        best = bench.top.class_index[:, 0]
        counts = np.bincount(best[bench.open], minlength=bench.classes)
        while not counts[category]:
            category = (category + 1) % bench.classes
        rows = np.flatnonzero(bench.open & (best == category))
        rows = rows[np.argsort(-bench.top.probability[rows, 0], kind="stable")][:NAIVE_TILES]
        alone = [np.asarray([row]) for row in rows.tolist()]
        _judge(bench, person, category, alone, precision=bench.top.probability[rows, 0])
        category = (category + 1) % bench.classes
        bench.teach()


def _judge(
    bench: Bench,
    person: Person,
    category: int,
    groups: Sequence[NDArray[np.int64]],
    *,
    precision: NDArray[np.float32],
    refused: dict[int, set[int]] | None = None,
) -> int:
    """One page from opening to commit; how many tiles were struck.

    Where strikes are kept, in `refused`, the page is a composed one: a tile may be struck and left to come back under
    its next-best category, and the first tiles are struck by a letter.
    """
    rows = np.asarray([group[0] for group in groups])
    right = bench.truth[rows] == category
    wrong_share = float((~right).mean())
    person.opens_page(category)
    struck = 0
    for place, (group, fits) in enumerate(zip(groups, right.tolist(), strict=True)):
        row, truth = int(group[0]), int(bench.truth[group[0]])
        lettered = refused is not None and place < LETTERED
        if person.leaves_standing(fits, precision=precision[place], wrong_share=wrong_share, lettered=lettered):
            bench.label(person, group, category)
            continue
        struck += 1
        before = {category} if refused is None else refused.setdefault(row, set()) | {category}
        suggestions = [int(c) for c in bench.top.class_index[row] if int(c) not in before]
        if refused is None:
            person.names_struck(truth, suggestions)
        elif not person.settles_struck(truth, suggestions):
            refused[row] = before
            continue
        bench.label(person, group, truth)
    person.commits_page()
    return struck


def composed_pages(
    bench: Bench,
    person: Person,
    *,
    duplicate_group: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> None:
    """Pages as the product composes them; what no page wants is labelled one at a time."""
    refused: dict[int, set[int]] = {}
    reliability = np.full(bench.classes, np.nan)
    earned = np.full(bench.classes, np.nan)
    step = 0
    while bench.open.any():
        step += 1
        size = _sizes(earned)
        plans = compose_pages(
            vectors=bench.vectors,
            top_categories=bench.top.class_index,
            top_probabilities=bench.top.probability,
            eligible=bench.open,
            struck=refused,
            reliability=reliability,
            size=size.astype(np.int64),
            count=PAGES_AHEAD,
            duplicate_group=duplicate_group,
            seed=seed + step,
            asked=person.asked if person.asked >= 0 else None,
        )
        for plan in plans:
            struck = _judge(bench, person, plan.category, plan.groups, precision=plan.precision, refused=refused)
            share = struck / len(plan.rows)
            reliability[plan.category] = _moved(reliability[plan.category], 1 - share)
            earned[plan.category] = _sized(size[plan.category], share)
        if not plans:
            hardest = np.flatnonzero(bench.open)
            for row in hardest[np.argsort(bench.top.margin[hardest])][:ONES_BETWEEN].tolist():
                _single(bench, person, row, refused.get(row, frozenset()))
        bench.teach()


def _moved(before: float, seen: float) -> float:
    return seen if np.isnan(before) else (1 - MEMORY) * before + MEMORY * seen


def _sizes(earned: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is known of each category, or what this person's other categories allow without proof."""
    known = earned[np.isfinite(earned)]
    first = min(float(np.median(known)), UNPROVEN_TILES) if len(known) >= ENOUGH_CATEGORIES else FIRST_TILES
    return np.where(np.isfinite(earned), earned, first)


def _sized(size: float, struck_share: float) -> float:
    if struck_share <= FEW_STRIKES:
        return min(size * GROWS, MOST_TILES)
    return max(size * SHRINKS, 6) if struck_share > MANY_STRIKES else size
