"""Where heads contradict each other, and where people do.

Seung, Opper and Sompolinsky, "Query by Committee" (1992), with the vote entropy of Dagan and Engelson (1995).
"""

import numpy as np
from numpy.typing import NDArray

from ml.acquisition.base import Candidates, Ranking, labels_of, ranked
from ml.errors import ConfigError
from ml.heads import Examples, fit_head
from ml.types import IntArray

COMMITTEE = ("prototypes", "knn", "logistic")
CHUNK = 8192


def heads(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Vote entropy of heads of three kinds; their mean lack of confidence decides among equals."""
    labeled, classes = labels_of(candidates)
    examples = Examples.of(labeled, classes, n_classes=int(classes.max()) + 1)
    committee = [fit_head(kind, examples) for kind in COMMITTEE]
    votes = np.empty((len(candidates), len(committee)), np.int64)
    doubt = np.zeros(len(candidates), np.float32)
    for start in range(0, len(candidates), CHUNK):
        rows = slice(start, start + CHUNK)
        x = np.asarray(candidates.pool.vectors[rows], np.float32)
        for member, head in enumerate(committee):
            probability, votes[rows, member] = (part.numpy() for part in head.probabilities(x).max(dim=1))
            doubt[rows] += (1 - probability) / len(committee)
    return ranked(vote_entropy(votes) + 1e-3 * doubt, budget=budget, rng=rng)


def annotators(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Images on which people disagree most; those with a single opinion or none come last, in random order."""
    if candidates.votes is None:
        raise ConfigError("this acquisition function reads what several people said and got no votes")
    return ranked(vote_entropy(candidates.votes), budget=budget, rng=rng)


def vote_entropy(votes: IntArray) -> NDArray[np.float32]:
    """Entropy (P,) in nats of each row's votes (P, A); -1 is no vote, and a row without votes has none."""
    cast = np.asarray(votes) >= 0
    total = np.maximum(cast.sum(axis=1), 1)
    same = (votes[:, :, None] == votes[:, None, :]) & cast[:, None, :]
    share = same.sum(axis=2) / total[:, None]
    # Each voter adds log(share of those who agree) / voters: summed over voters that is Σ share log share.
    terms = np.where(cast, np.log(np.where(cast, np.maximum(share, 1e-12), 1.0)), 0.0)
    return np.asarray(-terms.sum(axis=1) / total, np.float32)
