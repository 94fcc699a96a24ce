"""Who confuses what with what, and what the images are, from nothing but votes.

Dawid and Skene (1979) by expectation-maximization. Their maximum likelihood over-fits people with few votes, and on
real votes it can end below a plain majority. Here each row of a person's confusions is drawn to that row of the whole
population by `strength` imaginary votes: many where people differ no more than chance makes them, few where they truly
do, as the spread of their agreement with the others says (empirical Bayes by moments). The population's rows are drawn
to "right as often as the group agrees". A person with thousands of votes is described by those; a newcomer by what
people usually do.
"""

from dataclasses import dataclass, replace

import numpy as np

from ml.consensus.votes import Votes, majority, tally
from ml.errors import ConfigError, ShapeError
from ml.types import FloatArray, IntArray

WEAKEST, STRONGEST = 5.0, 1000.0
ITERATIONS = 100
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Consensus:
    """`posterior` (items, N), rows sum to 1; `confusion` (A, N, N): [a, true, said]; `prior` (N,) of the categories."""

    posterior: FloatArray
    confusion: FloatArray
    prior: FloatArray

    @property
    def category(self) -> IntArray:
        """(items,) the likeliest."""
        likeliest: IntArray = self.posterior.argmax(axis=1)
        return likeliest

    @property
    def reliability(self) -> FloatArray:
        """(A, N): how often a person says a category where it is the truth."""
        return np.diagonal(self.confusion, axis1=1, axis2=2)


def dawid_skene(
    votes: Votes,
    *,
    strength: float | None = None,
    iterations: int = ITERATIONS,
    evidence: FloatArray | None = None,
) -> Consensus:
    """Posterior, confusions and category shares.

    Args:
        votes: At least one.
        strength: Imaginary votes a row, by default estimated; 0 is Dawid and Skene's own estimate (but for a trace).
        iterations: At most; fewer where the posterior stands still.
        evidence: (items, N) probabilities of a head that has not seen these votes; one more voice of each item.

    Raises:
        ShapeError: No votes, or evidence of another shape.
        ConfigError: A negative strength.
    """
    if not len(votes.item):
        raise ShapeError("a consensus needs at least one vote")
    if strength is not None and strength < 0:
        raise ConfigError(f"strength is a number of imaginary votes, got {strength}")
    if evidence is not None and np.shape(evidence) != (votes.items, votes.classes):
        raise ShapeError(f"expected evidence ({votes.items}, {votes.classes}), got {np.shape(evidence)}")
    counts = tally(votes).astype(np.float64)
    posterior = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    posterior[counts.sum(axis=1) == 0] = 1 / votes.classes
    strength = _strength(votes) if strength is None else strength
    voice = 0.0 if evidence is None else np.log(np.clip(evidence, 1e-6, 1))
    for _ in range(max(iterations, 1)):
        prior, confusion = _fitted(votes, posterior, strength=strength)
        updated = _posterior(votes, prior, confusion, voice)
        moved = float(np.abs(updated - posterior).max())
        posterior = updated
        if moved < TOLERANCE:
            break
    return Consensus(posterior=posterior, confusion=confusion, prior=prior)


def settled_majority(votes: Votes) -> IntArray:
    """(items,) the commonest category; a tie goes to the one that the whole group's confusions make likeliest.

    Needs nothing of who voted, so it serves anonymous votes too. -1 where nobody voted.
    """
    winner, _, tied = majority(votes)
    pooled = replace(votes, annotator=np.zeros_like(votes.annotator), annotators=1)
    counts = tally(votes)
    candidates = counts == counts.max(axis=1, keepdims=True)
    likeliest = np.where(candidates, dawid_skene(pooled).posterior, -1).argmax(axis=1)
    settled: IntArray = np.where(tied, likeliest, winner)
    return settled


def _strength(votes: Votes) -> float:
    """From how much people's agreement with the others differs beyond what so few votes make it differ.

    The others' votes alone, because a vote always agrees with a posterior that it helped to make.
    """
    counts = tally(votes)
    others = counts.sum(axis=1)[votes.item] - 1
    kept = others > 0
    same = (counts[votes.item, votes.category] - 1)[kept] / others[kept]
    who = votes.annotator[kept]
    number = np.bincount(who, minlength=votes.annotators)
    many = number >= 2
    if many.sum() < 2:
        return STRONGEST
    mean = np.bincount(who, weights=same, minlength=votes.annotators)[many] / number[many]
    square = np.bincount(who, weights=same**2, minlength=votes.annotators)[many] / number[many]
    overall = float(np.average(mean, weights=number[many]))
    noise = float(((square - mean**2) / (number[many] - 1)).mean())
    excess = max(float(((mean - overall) ** 2).mean()) - noise, 1e-9)
    return float(np.clip(overall * (1 - overall) / excess - 1, WEAKEST, STRONGEST))


def _fitted(votes: Votes, posterior: FloatArray, *, strength: float) -> tuple[FloatArray, FloatArray]:
    n, weights = votes.classes, posterior[votes.item]
    cells = np.stack(
        [
            np.bincount(votes.annotator * n + votes.category, weights=weights[:, true], minlength=votes.annotators * n)
            for true in range(n)
        ]
    )
    said = cells.reshape(n, votes.annotators, n).transpose(1, 0, 2)
    everyone = said.sum(axis=0)
    agreed = float(np.trace(everyone) / max(everyone.sum(), 1e-12))
    usual = np.full((n, n), (1 - agreed) / max(n - 1, 1))
    np.fill_diagonal(usual, agreed)
    population = everyone + max(strength, 1e-6) * usual
    population /= population.sum(axis=1, keepdims=True)
    confusion = said + max(strength, 1e-6) * population
    confusion /= confusion.sum(axis=2, keepdims=True)
    prior = posterior.mean(axis=0) + 1e-9
    return prior / prior.sum(), confusion


def _posterior(votes: Votes, prior: FloatArray, confusion: FloatArray, voice: FloatArray | float) -> FloatArray:
    spoken = np.log(np.maximum(confusion, 1e-12))[votes.annotator, :, votes.category]
    sums = [np.bincount(votes.item, weights=spoken[:, true], minlength=votes.items) for true in range(votes.classes)]
    scores = np.stack(sums, axis=1) + np.log(prior) + voice
    scores -= scores.max(axis=1, keepdims=True)
    posterior: FloatArray = np.exp(scores)
    posterior /= posterior.sum(axis=1, keepdims=True)
    return posterior
