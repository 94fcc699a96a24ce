"""One training step captured as a CUDA graph: small networks cost more in launches than in arithmetic."""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM_UP = 3


class GraphedStep:
    """Replays `step(batch)` (loss, backward and optimiser) on a GPU without Python in between.

    Every batch must have the first one's shapes. Three steps on the first batch warm up kernels and buffers
    before the capture; they train like any other step. The optimiser must be capturable, its rate a tensor.
    """

    def __init__(self, step: Callable[[Any], Tensor], batch: Any) -> None:
        self._static = _map_tensors(batch, lambda tensor: tensor.clone())
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                step(self._static)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = step(self._static)

    def __call__(self, batch: Any) -> Tensor:
        """The loss, a scalar on the device, of a step on `batch`."""
        for kept, new in zip(_tensors(self._static), _tensors(batch), strict=True):
            kept.copy_(new)
        self._graph.replay()
        return self._loss.clone()


class LazyGraph:
    """Captures at the first batch, whose shapes are unknown before."""

    def __init__(self, step: Callable[[Any], Tensor]) -> None:
        self._step = step
        self._graphed: GraphedStep | None = None

    def __call__(self, batch: Any) -> Tensor:
        if self._graphed is None:
            self._graphed = GraphedStep(self._step, batch)
        return self._graphed(batch)


def _tensors(batch: Any) -> list[Tensor]:
    values = [getattr(batch, field.name) for field in dataclasses.fields(batch)]
    return [value for value in values if isinstance(value, Tensor)]


def _map_tensors(batch: Any, change: Callable[[Tensor], Tensor]) -> Any:
    values = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    changed = {name: change(value) for name, value in values.items() if isinstance(value, Tensor)}
    return dataclasses.replace(batch, **changed)
