"""A training's whole state in one safetensors file, so that a run goes on exactly where it stopped."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from ml.errors import ArtefactError
from ml.training.schedules import Schedule

FORMAT = "winnow.training/1"
Tensors = dict[str, Tensor]


def write_checkpoint(path: Path, *, tensors: Tensors, state: dict[str, Any]) -> None:
    """Replace `path` in one step: a crash leaves the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.part")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(plain, scratch, metadata={"format": FORMAT, "state": json.dumps(state)})
    os.replace(scratch, path)


def read_checkpoint(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors by name and the JSON state. Raises ArtefactError for a file that is something else."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ArtefactError(f"{path} is not a checkpoint of format {FORMAT}; give the file that training wrote")
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(metadata["state"])  # noqa: SIM118
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise ArtefactError(f"{path} cannot be read as a checkpoint: {error}") from error


def model_tensors(model: nn.Module, *, prefix: str = "model.") -> Tensors:
    return {prefix + name: tensor for name, tensor in model.state_dict().items()}


def restore_model(model: nn.Module, tensors: Tensors, *, prefix: str = "model.") -> None:
    """Raises ArtefactError where names or shapes differ from the model's."""
    weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ArtefactError(f"the checkpoint is of another network: {error}") from error


def optimizer_tensors(optimizer: Optimizer) -> tuple[Tensors, list[dict[str, Any]]]:
    """The optimiser's tensors as `optimizer.<parameter>.<name>`, and its groups as plain values."""
    state = optimizer.state_dict()
    tensors = {
        f"optimizer.{parameter}.{name}": torch.as_tensor(value)
        for parameter, values in state["state"].items()
        for name, value in values.items()
        if value is not None
    }
    groups = [
        {name: float(v) if isinstance(v, Tensor) else v for name, v in group.items()} for group in state["param_groups"]
    ]
    return tensors, groups


def restore_optimizer(optimizer: Optimizer, tensors: Tensors, groups: list[dict[str, Any]]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    rates = [group["lr"] for group in optimizer.param_groups]
    for full_name, tensor in tensors.items():
        if full_name.startswith("optimizer."):
            _, parameter, name = full_name.split(".", 2)
            state.setdefault(int(parameter), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        # A rate that lives on the device (see `graph`) must stay the same tensor.
        group["lr"] = rate


class Source(Protocol):
    """Batches on demand whose place can be kept: JSON values and a generator's state (uint8)."""

    def next(self, progress: float) -> Any: ...

    def state(self) -> tuple[dict[str, Any], Tensor]: ...

    def restore(self, state: dict[str, Any], generator_state: Tensor) -> None: ...


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything that decides how a training goes on."""

    model: nn.Module
    optimizer: Optimizer
    source: Source
    schedule: Schedule


def write_run(path: Path, *, run: RunState, report: dict[str, Any], best: Tensors) -> None:
    place, generator_state = run.source.state()
    optimizer, groups = optimizer_tensors(run.optimizer)
    tensors = {**model_tensors(run.model), **optimizer, "generator": generator_state}
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    state = {"report": report, "source": place, "groups": groups, "schedule": run.schedule.state()}
    write_checkpoint(path, tensors=tensors, state=state)


def read_run(path: Path, *, run: RunState) -> tuple[dict[str, Any], Tensors]:
    """Restores `run` in place; returns the report's values and the best weights so far."""
    tensors, state = read_checkpoint(path)
    restore_model(run.model, tensors)
    restore_optimizer(run.optimizer, tensors, state["groups"])
    run.source.restore(state["source"], tensors["generator"])
    run.schedule.restore(state["schedule"])
    best = {name.removeprefix("best."): t for name, t in tensors.items() if name.startswith("best.")}
    return state["report"], best
