"""From examples to a head that reads them through an adapter trained on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ml.heads import Examples, Head, fit_head
from ml.heads.adapted import adapt
from ml.heads.features import centered
from ml.training.adapter import Adapted, AdapterOptions, train_adapter
from ml.training.callbacks import Callback


@dataclass(frozen=True)
class AdaptedFit:
    """The head, and how its adapter was trained. Where no step helped, the head is the refitted default itself."""

    head: Head
    trained: Adapted


def fit_adapted(
    examples: Examples,
    *,
    options: AdapterOptions,
    seed: int,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
) -> AdaptedFit:
    """Train an adapter, then fit Gaussian discriminants on what it makes of the examples.

    Text is left out where the adapter is used: it lies where vectors lay before they were adapted.

    Raises:
        ConfigError: Too few classes with enough examples (`train_adapter`).
        NonFiniteError: The loss became NaN or infinite.
    """
    mean = centered(examples).mean
    background = torch.zeros(examples.dim) if mean is None else mean
    trained = train_adapter(
        examples.support.numpy(),
        examples.class_index.numpy(),
        background=background.numpy(),
        options=options,
        seed=seed,
        callbacks=callbacks,
        checkpoint=checkpoint,
    )
    if not trained.helped:
        return AdaptedFit(fit_head("default", examples, seed=seed), trained)
    adapter = trained.adapter
    with torch.no_grad():
        seen = adapter(examples.support)
        inside = replace(examples, support=seen, text=None, background=seen.mean(dim=0))
    inner = fit_head("gda", inside, seed=seed)
    up = None if adapter.up is None else adapter.up.data
    return AdaptedFit(adapt(inner, mean=background, down=adapter.down.data, up=up), trained)
