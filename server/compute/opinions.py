"""Where another opinion would help and whose, across the seam: votes as columns of ids in, people to ask out."""

import numpy as np
from numpy.typing import NDArray

from server.compute.agreement import LARGEST, UNDECIDED

Ids = NDArray[np.int64]


def opinions_wanted(
    image: Ids, annotator: Ids, category: Ids, *, most: int, people: Ids, settled: Ids, count: int
) -> dict[int, list[int]]:
    """Images that stay undecided when all confusions are weighed → who of `people` to ask, the best first.

    The least decided come first, at most `count`: those that are not `settled`, have fewer than `most` of the votes
    (V,), and of which somebody is left to ask. Good is who tells the two likeliest categories apart, however well they
    know the others; who never voted is taken for an average person. A third of those who are left are asked.
    """
    from ml.consensus import Votes, dawid_skene

    images, item = np.unique(image, return_inverse=True)
    known, who = np.unique(annotator, return_inverse=True)
    categories, said = np.unique(category, return_inverse=True)
    if len(categories) < 2 or len(known) * len(categories) ** 2 > LARGEST:
        return {}
    found = dawid_skene(Votes.of(item, who, said, classes=len(categories)))
    sure = found.posterior.max(axis=1)
    open_ones = np.flatnonzero((sure < UNDECIDED) & (np.bincount(item) < most) & ~np.isin(images, settled))
    row = {person: place for place, person in enumerate(known.tolist())}
    usual = found.confusion.mean(axis=0)
    asked: dict[int, list[int]] = {}
    for at in open_ones[np.argsort(sure[open_ones], kind="stable")].tolist():
        if len(asked) == count:
            break
        one, other = np.argsort(-found.posterior[at], kind="stable")[:2].tolist()
        left = np.setdiff1d(people, annotator[item == at]).tolist()
        skill = {
            person: _tells_apart(found.confusion[row[person]] if person in row else usual, one, other)
            for person in left
        }
        if skill:
            best = sorted(skill, key=lambda person: (-skill[person], person))
            asked[int(images[at])] = best[: max(1, len(best) // 3)]
    return asked


def _tells_apart(confusion: NDArray[np.float64], one: int, other: int) -> float:
    """How often a person says the right one of two categories, where it is one of them and they say one of them."""
    right = [confusion[a, a] / max(confusion[a, a] + confusion[a, b], 1e-12) for a, b in ((one, other), (other, one))]
    return float(sum(right) / 2)
