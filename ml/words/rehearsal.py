"""How far words can be trusted here: seen classes are left out, written from words, and looked for.

Every figure speaks of the project's own classes, encoder and descriptions. The offset of a class is chosen on the
other classes, and the images that are scored were not used to fit the head of the round.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from ml.errors import ConfigError
from ml.evaluation.intervals import mean_interval
from ml.words.trial import OFFSETS, SHARES, SHOTS, Found, Material, Trial, best_offsets, blended, run_trial
from ml.words.writers import FEWEST, METHODS

ROUNDS = 4
HIDDEN_AT_MOST = 5


@dataclass(frozen=True)
class Reliability:
    """Means over `classes` left-out classes: of a class's images how many are found, of those taken how many are right.

    `low` and `high` bound the mean of `f1` with 95 % confidence over classes; `offset` is for classes to come.
    """

    recall: float
    precision: float
    f1: float
    low: float
    high: float
    offset: float
    classes: int


@dataclass(frozen=True)
class Takeover:
    """At `shots` confirmed images: what words still weigh, the offset, and the f1 that this gave."""

    shots: int
    share: float
    offset: float
    f1: float


@dataclass(frozen=True)
class Rehearsal:
    """`methods` by name, `best` of them, and `takeover` from words to examples, ascending in shots."""

    methods: dict[str, Reliability] = field(default_factory=dict)
    best: str = ""
    takeover: tuple[Takeover, ...] = ()

    def at(self, shots: int) -> Takeover | None:
        """What to do with so many confirmed images; beyond the largest that was tried, words fade as 1 / shots."""
        if not self.takeover or shots < 1:
            return None
        reached = [step for step in self.takeover if step.shots <= shots]
        last = reached[-1] if reached else self.takeover[0]
        after = next((step for step in self.takeover if step.shots > shots), None)
        if after is None:
            fading = min(1.0, last.shots / shots)
            return Takeover(shots, last.share * fading, last.offset, last.f1)
        along = (np.log(shots) - np.log(last.shots)) / (np.log(after.shots) - np.log(last.shots))
        share = float(last.share + along * (after.share - last.share))
        offset = float(last.offset + along * (after.offset - last.offset))
        return Takeover(shots, share, offset, float(last.f1 + along * (after.f1 - last.f1)))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> "Rehearsal":
        methods = {name: Reliability(**figures) for name, figures in values["methods"].items()}
        return cls(methods, values["best"], tuple(Takeover(**step) for step in values["takeover"]))


def rehearse(material: Material, *, seed: int, check: Callable[[], None] = lambda: None) -> Rehearsal:
    """Leave groups of classes out, in turn.

    Raises:
        ConfigError: Too few classes to leave any out.
    """
    groups = _groups(material, seed=seed)
    trials = [run_trial(material, group, seed=seed + i, check=check) for i, group in enumerate(groups)]
    found: dict[str, dict[int, Found]] = {}
    for trial in trials:
        for method in METHODS:
            if method in trial.writers.methods:
                directions = trial.by_words(method)
                mine = {c: trial.found(i, directions[i]) for i, c in enumerate(trial.hidden)}
                found.setdefault(method, {}).update(mine)
    methods = {method: _reliability(mine) for method, mine in found.items()}
    best = max(methods, key=lambda method: methods[method].f1)
    return Rehearsal(methods, best, _takeover(trials, best, seed=seed))


def _groups(material: Material, *, seed: int) -> list[list[int]]:
    n = len(material.described)
    size = min(HIDDEN_AT_MOST, max(1, n // ROUNDS), n - FEWEST)
    if size < 1:
        raise ConfigError(f"a rehearsal leaves classes out and learns from at least {FEWEST} others; there are {n}")
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tolist()
    groups = [sorted(order[start : start + size]) for start in range(0, n, size)][:ROUNDS]
    return groups


def _reliability(found: dict[int, Found]) -> Reliability:
    chosen = best_offsets(found)
    at = [(found[c], position) for c, position in chosen.items()]
    f1 = np.array([one.f1[position] for one, position in at])
    interval = mean_interval(f1)
    total = np.sum([one.f1 for one in found.values()], axis=0)
    return Reliability(
        recall=float(np.mean([one.recall[position] for one, position in at])),
        precision=float(np.mean([one.precision[position] for one, position in at])),
        f1=float(f1.mean()),
        low=max(0.0, float(interval.low)),
        high=min(1.0, float(interval.high)),
        offset=float(OFFSETS[int(np.argmax(total))]),
        classes=len(found),
    )


def _takeover(trials: list[Trial], method: str, *, seed: int) -> tuple[Takeover, ...]:
    """For each number of shots the share of words, and the offset, that serve left-out classes best.

    Words never weigh more with more examples: the share is not allowed to rise.
    """
    steps: list[Takeover] = []
    allowed = 1.0
    directions = [trial.by_words(method) for trial in trials]
    for shots in SHOTS:
        total = np.zeros((len(SHARES), len(OFFSETS)))
        count = 0
        for trial, words in zip(trials, directions, strict=True):
            for position in range(len(trial.hidden)):
                drawn = trial.examples(position, shots, seed=seed + shots)
                if drawn is None:
                    continue
                count += 1
                for i, share in enumerate(SHARES):
                    direction = blended(words[position], drawn[0], share)
                    total[i] += trial.found(position, direction, spent=drawn[1]).f1
        if not count:
            break
        total[[share > allowed for share in SHARES]] = -1.0
        best, offset = np.unravel_index(int(np.argmax(total)), total.shape)
        allowed = SHARES[best]
        steps.append(Takeover(shots, allowed, float(OFFSETS[offset]), float(total[best, offset] / count)))
    return tuple(steps)
