"""How far people agree, across the seam: votes as columns of ids in, figures as JSON out."""

from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Counts = NDArray[np.integer[Any]]

PAIR_NEEDS = 20
"""Images that two people share before their kappa is told."""
PEOPLE, CONFUSIONS = 40, 20
UNDECIDED = 0.9
"""Below this posterior another opinion would help."""
LARGEST = 20_000_000
"""Cells of all confusions together; beyond them nobody's are estimated."""


def people_agree(image: Ids, annotator: Ids, category: Ids, *, seed: int) -> dict[str, Any]:
    """Agreement of all and of each pair, what they confuse, and what each is good at.

    Votes (V,) of images with two or more of them. Figures that cannot be told are None; without votes there are none.
    """
    from ml.consensus import Votes, alpha_interval, tally

    if not len(image):
        return {"images": 0, "votes": 0}
    images, item = np.unique(image, return_inverse=True)
    people, who = np.unique(annotator, return_inverse=True)
    categories, said = np.unique(category, return_inverse=True)
    votes = Votes.of(item, who, said, classes=len(categories))
    counts = tally(votes)
    return {
        "images": len(images),
        "votes": len(image),
        "alpha": _told(alpha_interval(counts, seed=seed)),
        "fleiss": _fleiss(counts, seed=seed),
        "pairs": _pairs(votes, people, seed=seed),
        "confused": _confused(counts, categories),
        **_reliability(votes, people, categories),
    }


def _told(interval: Any) -> dict[str, float] | None:
    values = {name: float(getattr(interval, name)) for name in ("value", "low", "high")}
    return values if all(isfinite(value) for value in values.values()) else None


def _fleiss(counts: Counts, *, seed: int) -> dict[str, Any] | None:
    """Of the images with the commonest number of votes: the statistic needs equally many of each."""
    from ml.consensus import fleiss_interval

    votes = counts.sum(axis=1)
    usual = int(np.bincount(votes).argmax())
    told = _told(fleiss_interval(counts[votes == usual], seed=seed))
    return told and {**told, "people": usual, "images": int((votes == usual).sum())}


def _pairs(votes: Any, people: Ids, *, seed: int) -> list[dict[str, Any]]:
    """Every two of the people with most votes who share an image, by how many they share."""
    from ml.consensus import cohen_interval

    busiest = np.argsort(-np.bincount(votes.annotator, minlength=len(people)), kind="stable")[:PEOPLE]
    table = np.full((len(busiest), votes.items), -1, np.int64)
    for row, person in enumerate(busiest.tolist()):
        mine = votes.annotator == person
        table[row, votes.item[mine]] = votes.category[mine]
    found = []
    for one, other in combinations(range(len(busiest)), 2):
        both = (table[one] >= 0) & (table[other] >= 0)
        shared = int(both.sum())
        if not shared:
            continue
        mine, theirs = table[one, both], table[other, both]
        enough = shared >= PAIR_NEEDS
        kappa = _told(cohen_interval(mine, theirs, classes=votes.classes, seed=seed)) if enough else None
        pair = sorted((int(people[busiest[one]]), int(people[busiest[other]])))
        agreed = int((mine == theirs).sum())
        found.append({"first": pair[0], "second": pair[1], "images": shared, "agreed": agreed, "kappa": kappa})
    return sorted(found, key=lambda pair: (-pair["images"], pair["first"], pair["second"]))


def _confused(counts: Counts, categories: Ids) -> list[dict[str, int]]:
    """Pairs of categories between which people were divided, by how many images."""
    present = (counts > 0).astype(np.int64)
    together = np.triu(present.T @ present, k=1)
    first, second = np.nonzero(together)
    order = np.argsort(-together[first, second], kind="stable")[:CONFUSIONS]
    return [
        {
            "first": int(categories[first[at]]),
            "second": int(categories[second[at]]),
            "images": int(together[first[at], second[at]]),
        }
        for at in order.tolist()
    ]


def _reliability(votes: Any, people: Ids, categories: Ids) -> dict[str, Any]:
    """What each person is good at when everybody's confusions are weighed together, and how many images stay open."""
    from ml.consensus import dawid_skene

    if len(people) * len(categories) ** 2 > LARGEST:
        return {"reliability": [], "undecided": None}
    found = dawid_skene(votes)
    seen = np.zeros((len(people), len(categories)))
    np.add.at(seen, votes.annotator, found.posterior[votes.item])
    right = found.reliability
    told = [
        {
            "annotator": int(person),
            "value": float((seen[row] * right[row]).sum() / seen[row].sum()),
            "categories": [
                {
                    "category": int(categories[at]),
                    "value": float(right[row, at]),
                    "seen": round(float(seen[row, at]), 1),
                }
                for at in np.flatnonzero(seen[row] >= 1).tolist()
            ],
        }
        for row, person in enumerate(people.tolist())
    ]
    return {"reliability": told, "undecided": int((found.posterior.max(axis=1) < UNDECIDED).sum())}
