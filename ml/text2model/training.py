"""Training a hypernetwork on random tasks among seen classes; unseen accuracy is guarded on validation classes.

Two ways (`TrainingConfig.mode`). `direct`: the loss of the emitted classifier on images of the task is
back-propagated through the emitted weights. `delta`: the paper's (after Shamsian et al., pFedHN, 2021): the emitted
classifier is trained for a few steps by SGD, and what it gained, emitted minus trained weights, takes the place of the
gradient at the emitted weights. With one inner step without momentum both agree up to the inner learning rate.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ml.errors import NonFiniteError
from ml.text2model.descriptions import DescriptionBank
from ml.text2model.emitted import EmittedModel
from ml.text2model.hypernetwork import Hypernetwork
from ml.text2model.projection import choose_kernel, folds_of, left_out_bank
from ml.text2model.tasks import SeenClasses, Tasks, TaskSampler


@dataclass(frozen=True)
class TrainingConfig:
    steps: int = 1200
    tasks: int = 16
    max_way: int = 20
    images: int = 4
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    noise: float = 0.3
    """Length of a random vector added to each description (of length 1) as the trunk reads it: neighbors of a text
    mean the same."""
    mode: Literal["direct", "delta"] = "direct"
    inner_steps: int = 5
    inner_rate: float = 0.01
    inner_momentum: float = 0.9
    check_every: int = 50
    patience: int = 5
    start: bool = True
    folds: int = 4
    """Parts of the training classes; tasks are among those of one, which the projection that they see has not read."""
    trunk_rate: float = 0.01
    """Share of the learning rate for what the trunk writes beside a path; it over-fits long before the gate."""


@dataclass(frozen=True)
class Trained:
    """The hypernetwork of the best check, its accuracy on validation classes, and the step it was met at."""

    network: Hypernetwork
    val_accuracy: float
    step: int
    losses: list[float]


def train(network: Hypernetwork, seen: SeenClasses, *, config: TrainingConfig, seed: int) -> Trained:
    """Train in place and return the best network by accuracy on validation classes.

    With `start`, a linear target starts as a kernel projection of the seen classes' texts.

    Raises:
        NonFiniteError: The loss left the numbers.
    """
    projected, parts = None, [seen.train]
    if config.start and network.config.target == "EV":
        projected, parts = _start(network, seen, config, seed=seed)
    samplers = [TaskSampler(seen, part, seed=seed + number) for number, part in enumerate(parts)]
    choose = torch.Generator().manual_seed(seed + 1)
    optimizer = torch.optim.AdamW(_groups(network, config), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    best, losses = Trained(copy.deepcopy(network), validate(network, seen, projected, seed=seed), 0, []), []
    for step in range(1, config.steps + 1):
        tasks = _random_tasks(samplers, config, choose)
        loss = _step_gradient(network, tasks, config, projected)
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss)
        if step % config.check_every == 0:
            found = validate(network, seen, projected, seed=seed)
            if found > best.val_accuracy:
                best = Trained(copy.deepcopy(network), found, step, [])
            if step - best.step >= config.patience * config.check_every:
                break
    return Trained(best.network.eval(), best.val_accuracy, best.step, losses)


def _start(
    network: Hypernetwork, seen: SeenClasses, config: TrainingConfig, *, seed: int
) -> tuple[DescriptionBank, list[Tensor]]:
    """Give the network its path. What is trained beside it sees classes projected as new ones are, a part at a time."""
    regression = choose_kernel(seen, folds=config.folds, seed=seed)
    network.start_from(regression.space())
    parts = folds_of(seen.train, folds=config.folds, seed=seed)
    return left_out_bank(regression, seen.bank, parts), parts


def written(network: Hypernetwork, tasks: Tasks, projected: DescriptionBank | None) -> EmittedModel:
    """The classifiers of these tasks; `projected` is their bank as the path, or what stands in for it, projects it."""
    means = None if projected is None else projected.mean(tasks.drawn)
    emitted: EmittedModel = network(tasks.descriptions, projected=means)
    return emitted


def _groups(network: Hypernetwork, config: TrainingConfig) -> list[dict[str, Any]]:
    if network.path is None:
        return [{"params": list(network.parameters())}]
    written = [*network.weight.parameters(), *network.bias.parameters()]
    rest = [p for p in network.parameters() if not any(p is w for w in written)]
    return [{"params": rest}, {"params": written, "lr": config.learning_rate * config.trunk_rate}]


def validate(
    network: Hypernetwork, seen: SeenClasses, projected: DescriptionBank | None, *, seed: int, tasks: int = 40
) -> float:
    """Mean accuracy over all kinds of description on tasks of up to five validation classes; same tasks each time."""
    sampler = TaskSampler(seen, seen.val, seed=seed + 2)
    ways, accuracies = min(5, len(seen.val)), []
    with torch.no_grad():
        for kind in seen.bank.kinds:
            drawn = sampler.draw(tasks=tasks, ways=ways, images=8, kind=kind)
            guessed = written(network, drawn, projected).logits(drawn.images).argmax(dim=-1)
            accuracies.append(float((guessed == drawn.target).float().mean()))
    return sum(accuracies) / len(accuracies)


def _random_tasks(samplers: list[TaskSampler], config: TrainingConfig, choose: torch.Generator) -> Tasks:
    sampler = samplers[int(torch.randint(len(samplers), (1,), generator=choose))]
    kinds = sampler.seen.bank.kinds
    kind = kinds[int(torch.randint(len(kinds), (1,), generator=choose))]
    highest = min(config.max_way, len(sampler.classes))
    ways = int(torch.randint(2, highest + 1, (1,), generator=choose))
    drawn = sampler.draw(tasks=config.tasks, ways=ways, images=config.images, kind=kind)
    direction = torch.randn(drawn.descriptions.shape, generator=choose) / drawn.descriptions.shape[-1] ** 0.5
    return replace(drawn, descriptions=drawn.descriptions + config.noise * direction)


def _step_gradient(
    network: Hypernetwork, tasks: Tasks, config: TrainingConfig, projected: DescriptionBank | None
) -> float:
    """Leave this step's gradient in the network's parameters; the loss of the emitted models."""
    network.zero_grad(set_to_none=True)
    emitted = written(network, tasks, projected)
    loss = task_loss(emitted, tasks)
    if not bool(torch.isfinite(loss)):
        raise NonFiniteError("the loss left the numbers; check the features and lower the learning rate")
    if config.mode == "direct":
        loss.backward()  # type: ignore[no-untyped-call]
    else:
        torch.autograd.backward(emitted.parts, inner_delta(emitted, tasks, config))
    return float(loss.detach())


def task_loss(model: EmittedModel, tasks: Tasks) -> Tensor:
    """Mean cross-entropy over all images of all tasks."""
    logits = model.logits(tasks.images)
    return nn.functional.cross_entropy(logits.flatten(0, 1), tasks.target.flatten())


def inner_delta(emitted: EmittedModel, tasks: Tasks, config: TrainingConfig) -> list[Tensor]:
    """Emitted minus trained weights after `inner_steps` of SGD with momentum on the tasks, part by part."""
    start = tuple(part.detach() for part in emitted.parts)
    parts = [part.clone().requires_grad_() for part in start]
    optimizer = torch.optim.SGD(parts, lr=config.inner_rate, momentum=config.inner_momentum)
    for _ in range(config.inner_steps):
        optimizer.zero_grad(set_to_none=True)
        # The sum over tasks, so that a task's weights move as far as if it were trained alone.
        loss = task_loss(emitted.with_parts(tuple(parts)), tasks) * len(tasks.classes)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [before - after.detach() for before, after in zip(start, parts, strict=True)]
