"""Simulated people across the seam: what they would do and how long it would take them."""

from typing import Protocol

import numpy as np


class Tally(Protocol):
    """What a person has spent."""

    actions: int
    seconds: float


class Person(Protocol):
    """A modelled person, as `ml.simulation.person` describes it."""

    @property
    def tally(self) -> Tally: ...

    def labels_one(self, truth: int, suggestions: list[int], *, classes: int) -> int: ...

    def opens_page(self, category: int) -> None: ...

    def leaves_standing(self, right: bool, *, precision: float, wrong_share: float) -> bool: ...

    def settles_struck(self, truth: int, suggestions: list[int]) -> bool: ...

    def commits_page(self) -> None: ...


def person(*, error_rate: float, seed: int) -> Person:
    """Somebody who errs so often when rested; the same seed gives the same errors."""
    from ml.simulation.person import Person as Modelled

    return Modelled(error_rate, np.random.default_rng(seed))
