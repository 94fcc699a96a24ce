"""Every acquisition function by name. A new one is a module, a row here, a page in docs/methods."""

import numpy as np

from ml.acquisition.base import Candidates, Function, Ranking, ranked
from ml.acquisition.uncertainty import entropy, least_confidence, margin
from ml.errors import ConfigError


def random(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Every item is as likely: the line that every other function has to beat."""
    return ranked(rng.random(len(candidates), np.float32), budget=budget, rng=rng)


_ALL = (
    Function(
        "random",
        "See a fair sample",
        "Every image is as likely as any other. The only choice whose accuracy figures need no care.",
        frozenset(),
        random,
    ),
    Function(
        "margin",
        "Settle close calls",
        "Images whose two best categories are nearly as likely: one answer moves a border.",
        frozenset({"top"}),
        margin,
    ),
    Function(
        "entropy",
        "Find what puzzles the model most",
        "Images whose probability is spread over many categories.",
        frozenset({"top"}),
        entropy,
    ),
    Function(
        "least_confidence",
        "Check the weakest suggestions",
        "Images whose best category has the lowest probability.",
        frozenset({"top"}),
        least_confidence,
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
    return function.rank(candidates, min(budget, len(candidates)), np.random.default_rng(seed))
