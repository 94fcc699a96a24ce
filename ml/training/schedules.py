"""Learning-rate schedules as factors of the first rate, by progress through the training."""

import math
from dataclasses import dataclass, field
from typing import Literal

from ml.errors import ConfigError

ScheduleName = Literal["constant", "cosine", "step", "plateau"]


@dataclass
class Schedule:
    """`factor(step, progress)` multiplies the base rate; `observe` tells the plateau schedule a validation
    score.

    cosine falls to 0 at progress 1; step multiplies by `gamma` every `every` steps (Snell et al.: 0.5 every
    2000); plateau multiplies by `gamma` after `patience` evaluations without a better score. `warmup` steps
    rise linearly.
    """

    name: ScheduleName = "constant"
    warmup: int = 0
    every: int = 2000
    gamma: float = 0.5
    patience: int = 5
    best: float | None = field(default=None, init=False)
    waited: int = field(default=0, init=False)
    reduced: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.name not in ("constant", "cosine", "step", "plateau"):
            raise ConfigError(f"no schedule {self.name!r}; there are constant, cosine, step and plateau")
        if not 0 < self.gamma <= 1 or self.every < 1 or self.warmup < 0 or self.patience < 1:
            raise ConfigError("a schedule needs 0 < gamma <= 1, every >= 1, warmup >= 0 and patience >= 1")

    def factor(self, step: int, *, progress: float) -> float:
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if self.name == "cosine":
            return rise * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        if self.name == "step":
            return rise * float(self.gamma ** (step // self.every))
        return rise * float(self.gamma**self.reduced)

    def observe(self, score: float) -> None:
        if self.name != "plateau":
            return
        better = self.best is None or score > self.best
        self.waited = 0 if better else self.waited + 1
        self.best = score if better else self.best
        if self.waited >= self.patience:
            self.reduced, self.waited = self.reduced + 1, 0

    def state(self) -> dict[str, float | None]:
        return {"best": self.best, "waited": self.waited, "reduced": self.reduced}

    def restore(self, state: dict[str, float | None]) -> None:
        self.best, self.waited, self.reduced = (
            state["best"],
            int(state["waited"] or 0),
            int(state["reduced"] or 0),
        )
