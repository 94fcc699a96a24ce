"""What a training tells the outside, and how the outside stops it."""

import json
import sys
import time
from typing import Protocol


class Callback(Protocol):
    """Hooks of the loop. Subclass `QuietCallback` to write only those that matter."""

    def on_step(self, *, step: int, steps: int, loss: float, learning_rate: float) -> None:
        """Every `log_every` steps; `loss` is the mean since the last call."""

    def on_evaluation(self, *, step: int, metrics: dict[str, float], best: bool) -> None:
        """After each evaluation on the held-out validation classes."""

    def should_cancel(self) -> bool:
        """Asked after every step; True ends the training after a checkpoint."""
        ...


class QuietCallback:
    """Does nothing; the base of callbacks."""

    def on_step(self, *, step: int, steps: int, loss: float, learning_rate: float) -> None: ...

    def on_evaluation(self, *, step: int, metrics: dict[str, float], best: bool) -> None: ...

    def should_cancel(self) -> bool:
        return False


class PrintProgress(QuietCallback):
    """One JSON object a line on standard error."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = time.monotonic()

    def on_step(self, *, step: int, steps: int, loss: float, learning_rate: float) -> None:
        self._say(step=step, steps=steps, loss=round(loss, 4), learning_rate=learning_rate)

    def on_evaluation(self, *, step: int, metrics: dict[str, float], best: bool) -> None:
        self._say(step=step, best=best, **{name: round(value, 4) for name, value in metrics.items()})

    def _say(self, **values: object) -> None:
        line = {"run": self.name, "seconds": round(time.monotonic() - self.started, 1), **values}
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()
