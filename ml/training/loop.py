"""The one training loop: episodes, batches and pretext tasks alike. Read it from top to bottom."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from ml.errors import ConfigError, NonFiniteError
from ml.training.callbacks import Callback
from ml.training.checkpoint import RunState, Source, read_run, write_run
from ml.training.graph import LazyGraph
from ml.training.schedules import Schedule

Evaluate = Callable[[nn.Module], dict[str, float]]


@dataclass
class TrainOptions:
    """How long and how to train.

    minutes ends the run early and lets the schedule count time as well as steps; such a run repeats only
    roughly.
    patience: evaluations without a better validation score before stopping (0 = never). precision "bfloat16"
    runs the network in autocast; losses stay float32. learning rates below 0 or an unknown optimiser raise
    ConfigError.
    graph replays the step as a CUDA graph, which needs a GPU, Adam and batches of one shape.
    """

    steps: int
    learning_rate: float = 1e-3
    optimizer: Literal["adam", "sgd"] = "adam"
    weight_decay: float = 0.0
    schedule: Schedule = field(default_factory=Schedule)
    evaluate_every: int = 500
    patience: int = 0
    clip_norm: float = 0.0
    minutes: float = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    log_every: int = 50
    evaluate_first: bool = False
    graph: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1 or self.learning_rate <= 0 or self.evaluate_every < 1 or self.log_every < 1:
            raise ConfigError("training needs steps, learning rate, evaluate_every and log_every above 0")
        if self.optimizer not in ("adam", "sgd"):
            raise ConfigError(f'the optimiser is "adam" or "sgd", got {self.optimizer!r}')
        if self.graph and (self.optimizer != "adam" or not torch.cuda.is_available()):
            raise ConfigError("a CUDA graph needs a GPU and Adam")


@dataclass
class TrainReport:
    """What happened. `history` has one entry an evaluation; `stopped` says why the run ended."""

    step: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_step: int = 0
    waited: int = 0
    stopped: Literal["steps", "minutes", "patience", "cancelled"] = "steps"
    history: list[dict[str, float]] = field(default_factory=list)


def train(
    model: nn.Module,
    *,
    source: Source,
    options: TrainOptions,
    evaluate: Evaluate | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
) -> TrainReport:
    """Train `model.loss(batch)`; with `evaluate`, end with the weights of the best validation "score".

    An existing `checkpoint` is resumed exactly: weights, optimiser, schedule, sampler, augmentation and history.
    Raises NonFiniteError within `log_every` steps of a loss that is NaN or infinite, and before any checkpoint.
    """
    optimizer = build_optimizer(model, options)
    report, best = TrainReport(), dict[str, Tensor]()
    run = RunState(model=model, optimizer=optimizer, source=source, schedule=options.schedule)
    if checkpoint is not None and checkpoint.exists():
        values, best = read_run(checkpoint, run=run)
        report = TrainReport(**{**values, "stopped": "steps"})
    started = time.monotonic() - report.seconds
    if evaluate is not None and options.evaluate_first and report.step == 0:
        best = _evaluate(model, evaluate, report=report, options=options, best=best, callbacks=callbacks)
    model.train()
    step = _build_step(model, optimizer=optimizer, options=options)
    losses: list[Tensor] = []
    while report.step < options.steps:
        report.seconds = time.monotonic() - started
        progress = _progress(report, options)
        if options.minutes and report.seconds > options.minutes * 60:
            report.stopped = "minutes"
            break

        rate = options.learning_rate * options.schedule.factor(report.step, progress=progress)
        _set_rate(optimizer, rate)
        losses.append(step(source.next(progress)))
        report.step += 1

        last = report.step == options.steps
        due = evaluate is not None and (last or report.step % options.evaluate_every == 0)
        if last or due or report.step % options.log_every == 0:
            _log(losses, report=report, options=options, rate=rate, callbacks=callbacks)
            losses = []
        if any(callback.should_cancel() for callback in callbacks):
            report.stopped = "cancelled"
            break

        if due and evaluate is not None:
            best = _evaluate(model, evaluate, report=report, options=options, best=best, callbacks=callbacks)
            if checkpoint is not None:
                write_run(checkpoint, run=run, report=asdict(report), best=best)
            if options.patience and report.waited >= options.patience:
                report.stopped = "patience"
                break
    if evaluate is not None and report.stopped == "minutes" and not _evaluated(report):
        best = _evaluate(model, evaluate, report=report, options=options, best=best, callbacks=callbacks)
    report.seconds = time.monotonic() - started
    if checkpoint is not None:
        write_run(checkpoint, run=run, report=asdict(report), best=best)
    if best:
        model.load_state_dict(best)
    model.eval()
    return report


def build_optimizer(model: nn.Module, options: TrainOptions) -> Optimizer:
    """Only parameters that require gradients; vectors and scalars (biases, norms) are not decayed."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise ConfigError("no parameter of this model may be trained: unfreeze a part or choose another network")
    groups: list[dict[str, object]] = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if options.optimizer == "sgd":
        return SGD(groups, lr=options.learning_rate, momentum=0.9, nesterov=True)
    if options.graph:
        # A captured step reads its rate from the device at every replay.
        rate = torch.tensor(options.learning_rate, device=trainable[0].device)
        return AdamW(groups, lr=rate, capturable=True)
    return AdamW(groups, lr=options.learning_rate)


def _build_step(model: nn.Module, *, optimizer: Optimizer, options: TrainOptions) -> Callable[[object], Tensor]:
    device = next(model.parameters()).device.type

    def step(batch: object) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        bfloat16 = options.precision == "bfloat16"
        with torch.autocast(device, dtype=torch.bfloat16, enabled=bfloat16, cache_enabled=not options.graph):
            loss: Tensor = model.loss(batch)  # type: ignore[operator]
        loss.backward()  # type: ignore[no-untyped-call]
        if options.clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), options.clip_norm)
        optimizer.step()
        return loss.detach()

    return LazyGraph(step) if options.graph else step


def _set_rate(optimizer: Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _progress(report: TrainReport, options: TrainOptions) -> float:
    by_time = report.seconds / (options.minutes * 60) if options.minutes else 0.0
    return min(1.0, max(report.step / options.steps, by_time))


def _log(
    losses: list[Tensor],
    *,
    report: TrainReport,
    options: TrainOptions,
    rate: float,
    callbacks: Sequence[Callback],
) -> None:
    """The only place that waits for the device between evaluations."""
    mean = float(torch.stack(losses).mean())
    if not torch.isfinite(torch.tensor(mean)):
        raise NonFiniteError(
            f"the loss became {mean} before step {report.step}: lower the learning rate ({rate:g}) or clip gradients"
        )
    for callback in callbacks:
        callback.on_step(step=report.step, steps=options.steps, loss=mean, learning_rate=rate)


def _evaluated(report: TrainReport) -> bool:
    return bool(report.history) and report.history[-1]["step"] == report.step


def _evaluate(
    model: nn.Module,
    evaluate: Evaluate,
    *,
    report: TrainReport,
    options: TrainOptions,
    best: dict[str, Tensor],
    callbacks: Sequence[Callback],
) -> dict[str, Tensor]:
    """Score on validation classes; returns the weights of the best score so far."""
    model.eval()
    metrics = evaluate(model)
    model.train()
    score = metrics["score"]
    options.schedule.observe(score)
    better = report.best_score is None or score > report.best_score
    report.history.append({"step": report.step, **metrics})
    if better:
        report.best_score, report.best_step, report.waited = score, report.step, 0
        best = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    else:
        report.waited += 1
    for callback in callbacks:
        callback.on_evaluation(step=report.step, metrics=metrics, best=better)
    return best
