"""Rows of new classes into a head that serves: the rows it has are copied, not touched."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from ml.errors import ConfigError, ShapeError
from ml.heads.linear import LinearHead
from ml.icis.autoencoders import IcisConfig, IntVector, icis_rows
from ml.icis.baselines import blend_rows, kernel_rows
from ml.icis.descriptors import Descriptors, Matrix

Method = Literal["blend", "icis", "kernel"]


@dataclass(frozen=True)
class InjectedHead:
    """`head` with N + U classes, the new ones last, and the method and epochs that wrote them."""

    head: LinearHead
    method: Method
    epochs: int


def inject(
    head: LinearHead,
    descriptors: Descriptors,
    *,
    method: Method = "blend",
    config: IcisConfig | None = None,
    seed: int = 0,
) -> InjectedHead:
    """A head that also knows the classes behind the first N descriptors.

    Args:
        head: A linear head of N classes.
        descriptors: Of its N classes in its order, then of the U new ones.
        method: `icis`, `kernel` regression, or the mean of both.

    The first N rows of the result equal those of `head` bit for bit, so does its temperature.

    Raises:
        ShapeError: No descriptor beyond the head's own classes.
        ConfigError: Fewer than four classes to learn from: their rows say too little about new ones.
    """
    n = head.n_classes
    if len(descriptors) <= n:
        raise ShapeError(f"expected descriptors of the head's {n} classes and then of new ones, got {len(descriptors)}")
    if n < 4:
        raise ConfigError(
            f"a head of {n} classes teaches nothing about new ones; use text prompts until there are four"
        )
    seen, unseen = np.arange(n), np.arange(n, len(descriptors))
    rows_seen = _rows(head)
    written, epochs = written_rows(
        descriptors, rows_seen, seen=seen, unseen=unseen, method=method, config=config or IcisConfig(), seed=seed
    )
    new = torch.as_tensor(written, dtype=head.weight.dtype, device=head.weight.device)
    dim = head.dim
    text = None if head.text is None else torch.cat([head.text, new[:, dim:-1]])
    grown = LinearHead(
        kind=head.kind,
        temperature=head.temperature,
        features=head.features,
        weight=torch.cat([head.weight, new[:, :dim]]),
        bias=torch.cat([head.bias, new[:, -1]]),
        text=text,
    )
    return InjectedHead(grown, method, epochs)


def written_rows(
    descriptors: Descriptors,
    rows_seen: Matrix,
    *,
    seen: IntVector,
    unseen: IntVector,
    method: Method,
    config: IcisConfig,
    seed: int,
) -> tuple[Matrix, int]:
    """(U, Dw) rows by one of the methods, and the epochs that ICIS chose (0 where it was not asked)."""
    kernel = kernel_rows(descriptors, rows_seen, seen=seen, unseen=unseen, seed=seed) if method != "icis" else None
    if kernel is not None and method == "kernel":
        return kernel, 0
    fit = icis_rows(descriptors.matrix(seen), rows_seen, seen=seen, unseen=unseen, config=config, seed=seed)
    return (fit.rows if kernel is None else blend_rows(fit.rows, kernel, rows_seen)), fit.epochs


def _rows(head: LinearHead) -> Matrix:
    """(N, D [+ D] + 1): weight, text part where there is one, bias."""
    parts = [head.weight, *([] if head.text is None else [head.text]), head.bias[:, None]]
    out: Matrix = torch.cat([part.double().cpu() for part in parts], dim=1).numpy()
    return out
