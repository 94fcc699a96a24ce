"""From a name to a fitted head, and which name to take when nobody chose one."""

from collections.abc import Callable

import torch

from ml.errors import ConfigError
from ml.heads.base import Examples, Head
from ml.heads.gda import fit_gda
from ml.heads.hierarchical import fit_hierarchical
from ml.heads.linear_probe import fit_logistic, fit_lp_plus_plus
from ml.heads.memory import fit_knn, fit_tip_adapter, fit_tip_adapter_f
from ml.heads.prototypes import fit_euclidean_prototypes, fit_prototypes
from ml.heads.text import fit_text_blend, fit_text_prototypes, fit_zero_shot

_FITS: dict[str, Callable[[Examples, int], Head]] = {
    "zero-shot": lambda examples, seed: fit_zero_shot(examples),
    "prototypes": lambda examples, seed: fit_prototypes(examples),
    "prototypes-euclidean": lambda examples, seed: fit_euclidean_prototypes(examples),
    "text-prototypes": lambda examples, seed: fit_text_prototypes(examples),
    "text-blend": lambda examples, seed: fit_text_blend(examples),
    "gda": lambda examples, seed: fit_gda(examples, seed=seed),
    "tip-adapter": lambda examples, seed: fit_tip_adapter(examples),
    "tip-adapter-f": lambda examples, seed: fit_tip_adapter_f(examples, seed=seed),
    "logistic": lambda examples, seed: fit_logistic(examples, seed=seed),
    "lp++": lambda examples, seed: fit_lp_plus_plus(examples, seed=seed),
    "knn": lambda examples, seed: fit_knn(examples),
    "hierarchical": lambda examples, seed: fit_hierarchical(
        examples, seed=seed, fit=lambda part: fit_gda(part, seed=seed)
    ),
    "default": lambda examples, seed: _FITS[default_kind(examples)](examples, seed),
}
KINDS = tuple(_FITS)


def fit_head(kind: str, examples: Examples, *, seed: int = 0) -> Head:
    """Fit a head by name; the same examples and seed give the same head.

    Args:
        kind: One of `KINDS`. `default` picks by what there is; the head's own `kind` says what was picked.
        examples: Made by `Examples.of`.
        seed: Decides folds and subsets, never an initial weight.

    Raises:
        ConfigError: No such kind, or the kind needs text or a tree that is not there.
        EmptyClassError: A class without example or text.
    """
    fit = _FITS.get(kind)
    if fit is None:
        raise ConfigError(f"no head is called {kind!r}; choose one of {', '.join(KINDS)}")
    with torch.no_grad():
        return fit(examples, seed)


def default_kind(examples: Examples) -> str:
    """The kind that does best with so many examples, without a validation set (`docs/methods/heads.md`).

    Nothing but text: zero-shot. One example a class, or classes without any: prototypes, or where there is text the
    blend that leans on it for as long as it predicts better. From two a class on: Gaussian discriminants, which at
    one would be the same prototypes but could not be updated in place.
    """
    if not len(examples.support) and examples.text is not None:
        return "zero-shot"
    shots = examples.shots
    few = int(shots.max()) < 2 or int(shots.min()) == 0
    if few:
        return "prototypes" if examples.text is None else "text-blend"
    return "gda"
