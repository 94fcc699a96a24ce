"""The default: cover what is uncertain, with a radius that shrinks as labels come, and settle close calls at last.

Uncertainty-weighted coverage of Bae, Oliveira and Sutherland, "Uncertainty Herding: One Active Learning Method for All
Label Budgets" (2025), on calibrated probabilities. Where we differ: the first picks are cluster centroids; the radius
is the typical distance of the pool to its nearest label, not the smallest between labels, which one pair of
near-duplicates would set to nothing; and with many labels a class the weight turns into plain margin.
"""

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.base import Candidates, Ranking, in_order
from ml.acquisition.coverage import herded
from ml.acquisition.geometry import View, centroids, squared_distances, view_of
from ml.acquisition.uncertainty import margin

FIRST_CENTROIDS = 20
RADIUS_SHARE = 0.5
"""Radius as a share of the median distance between the pool and its nearest label."""
SMALLEST_RADIUS, LARGEST_RADIUS = 0.1, 0.7
LABELS_A_CLASS_FOR_MARGIN = 20
EVEN_WEIGHT = 0.05
"""What a certain image weighs: nothing is wholly uninteresting while it is far from every label."""


def weighted_coverage(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Centroids while nothing is known, then uncertainty-weighted herding, then margin."""
    labels = 0 if candidates.labeled is None else len(candidates.labeled)
    if labels >= LABELS_A_CLASS_FOR_MARGIN * max(candidates.n_classes, 1) and candidates.top is not None and labels:
        return margin(candidates, budget, rng)
    view = view_of(candidates, budget, rng)
    if not len(view.rows):
        return in_order(view.rows)
    if candidates.top is None:
        return in_order(view.rows[_first_look(view, budget, rng)])
    weight = 1 - candidates.top.margin[view.rows] + EVEN_WEIGHT
    picks = herded(view.points, view.labeled, budget, weight=weight, radius=_radius(view), rng=rng)
    return in_order(view.rows[picks])


def _first_look(view: View, budget: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """One image of each of some clusters, the largest first, then even coverage around them."""
    first, _ = centroids(view.points, min(budget, FIRST_CENTROIDS, len(view.points)), rng=rng)
    first = np.asarray(list(dict.fromkeys(first.tolist())), np.int64)[:budget]
    rest = np.setdiff1d(np.arange(len(view.points)), first)
    seen = np.concatenate([view.labeled, view.points[first]])
    even = np.ones(len(rest), np.float32)
    more = herded(view.points[rest], seen, budget - len(first), weight=even, radius=LARGEST_RADIUS, rng=rng)
    return np.concatenate([first, rest[more]])


def _radius(view: View) -> float:
    if not len(view.labeled):
        return LARGEST_RADIUS
    nearest = np.sqrt(squared_distances(view.points, view.labeled).min(axis=1))
    return float(np.clip(RADIUS_SHARE * np.median(nearest), SMALLEST_RADIUS, LARGEST_RADIUS))
