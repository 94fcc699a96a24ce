"""Uncertainty sampling: what the head is least sure of.

Settles, "Active Learning Literature Survey" (2009), section 3.1: least confident, margin, entropy. They agree for two
classes. Here probabilities are calibrated ones of the head that serves, never of one trained for the purpose.
"""

import numpy as np

from ml.acquisition.base import Candidates, Ranking, ranked, top_of


def least_confidence(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """1 − p₁: the lower the best category's probability, the sooner."""
    return ranked(1 - top_of(candidates).probability[:, 0], budget=budget, rng=rng)


def margin(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """1 − (p₁ − p₂): the closer the two best categories, the sooner."""
    return ranked(1 - top_of(candidates).margin, budget=budget, rng=rng)


def entropy(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """−Σ p log p over all categories, in nats."""
    return ranked(top_of(candidates).entropy, budget=budget, rng=rng)
