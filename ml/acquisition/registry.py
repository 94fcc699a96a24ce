"""Every acquisition function by name. A new one is a module, a row here, a page in docs/methods."""

import numpy as np

from ml.acquisition import balance, bayesian, coverage, disagreement, gradient
from ml.acquisition.base import Candidates, Function, Need, Rank, Ranking, in_order, ranked
from ml.acquisition.uncertainty import entropy, least_confidence, margin
from ml.acquisition.weighted import weighted_coverage
from ml.errors import ConfigError


def random(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Every item is as likely: the line that every other function has to beat."""
    return ranked(rng.random(len(candidates), np.float32), budget=budget, rng=rng)


def _function(name: str, goal: str, description: str, rank: Rank, *needs: Need) -> Function:
    return Function(name, goal, description, frozenset(needs), rank)


_ALL = (
    _function(
        "weighted_coverage",
        "Learn fastest",
        "Typical images first, then what the model doubts and nothing labelled is near, then close calls.",
        weighted_coverage,
        "vectors",
    ),
    _function(
        "random",
        "See a fair sample",
        "Every image is as likely as any other. The only choice whose accuracy figures need no care.",
        random,
    ),
    _function(
        "margin",
        "Settle close calls",
        "Images whose two best categories are nearly as likely: one answer moves a border.",
        margin,
        "top",
    ),
    _function(
        "entropy",
        "Find what puzzles the model most",
        "Images whose probability is spread over many categories.",
        entropy,
        "top",
    ),
    _function(
        "least_confidence",
        "Check the weakest suggestions",
        "Images whose best category has the lowest probability.",
        least_confidence,
        "top",
    ),
    _function(
        "rare",
        "Find the rare ones",
        "Images that may belong to categories with few labels.",
        balance.rare,
        "top",
        "classes",
    ),
    _function(
        "balanced",
        "Give every category its turn",
        "Predicted categories in turn, those with fewest labels first, close calls first within each.",
        balance.balanced,
        "top",
        "classes",
    ),
    _function(
        "max_herding",
        "Cover everything",
        "Images that each stand for as many unlabelled ones as possible.",
        coverage.max_herding,
        "vectors",
    ),
    _function(
        "typiclust",
        "Start with typical images",
        "The most typical image of each cluster that has no label yet.",
        coverage.typiclust,
        "vectors",
    ),
    _function(
        "prob_cover",
        "Cover dense regions",
        "Images whose close surroundings hold most unlabelled ones.",
        coverage.prob_cover,
        "vectors",
    ),
    _function(
        "k_center",
        "Reach the farthest corners",
        "The image farthest from everything labelled, again and again: outliers first.",
        coverage.k_center,
        "vectors",
    ),
    _function(
        "badge",
        "Doubtful and different",
        "Images that would change the model most, spread over different kinds of change.",
        gradient.badge,
        "top",
        "classes",
        "vectors",
    ),
    _function(
        "drop_query",
        "Find shaky answers",
        "Images whose answer changes when parts of what the model sees are hidden.",
        gradient.drop_query,
        "vectors",
    ),
    _function(
        "bald",
        "Where knowledge is missing",
        "Images on which likely models contradict each other, rather than images that are unclear to all.",
        bayesian.bald,
        "vectors",
        "labeled",
    ),
    _function(
        "gaussian_process",
        "Close calls far from labels",
        "Close calls weighed by how little is known around them.",
        bayesian.gaussian_process,
        "vectors",
        "labeled",
    ),
    _function(
        "head_disagreement",
        "Where models contradict each other",
        "Images that three kinds of models call by different names.",
        disagreement.heads,
        "vectors",
        "labeled",
    ),
    _function(
        "annotator_disagreement",
        "Where people disagree",
        "Images that people have called by different names.",
        disagreement.annotators,
        "votes",
    ),
)
FUNCTIONS: dict[str, Function] = {function.name: function for function in _ALL}


def acquire(name: str, candidates: Candidates, *, budget: int, seed: int) -> Ranking:
    """Rank the `budget` items most worth a look.

    Args:
        name: One of `FUNCTIONS`.
        candidates: Unlabelled items only; whoever calls leaves labelled and blind ones out.
        budget: At least 0; more than P means all of P.
        seed: The same seed and candidates give the same ranking.

    Raises:
        ConfigError: No such function, a negative budget, or predictions that it needs are missing.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise ConfigError(f"no acquisition function is called {name!r}; choose one of {', '.join(FUNCTIONS)}")
    if budget < 0:
        raise ConfigError(f"a budget is at least 0, got {budget}")
    if not budget or not len(candidates):
        return in_order(np.empty(0, np.int64))
    return function.rank(candidates, min(budget, len(candidates)), np.random.default_rng(seed))
