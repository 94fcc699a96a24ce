"""A modelled person: actions, seconds and errors. Every constant of the model stands here, with its source.

Motor and mental times are the keystroke-level model's (Card, Moran and Newell, "The Keystroke-Level Model for User
Performance Time with Interactive Systems", CACM 23, 1980), for an average typist who is no secretary. Looking times
are fixations (Rayner, "Eye Movements and Attention in Reading, Scene Perception, and Visual Search", QJEP 62, 2009:
180-275 ms in visual search, 260-330 ms in scenes, saccades of 20-50 ms between them); the slow end is taken, one
fixation a tile however small, and a second wherever the model itself is in doubt. As a check from outside: one image
with one key takes 1.63 s here, and took 1.7 s where Krishna et al., "Embracing Error to Enable Rapid Crowdsourcing"
(CHI 2016), measured careful yes-or-no answers one image at a time.

An action is one press: a key or a click. Moving the pointer is none, but it takes its time.
"""

from dataclasses import dataclass, field

import numpy as np

KEY_S = 0.28
POINT_S = 1.10
CLICK_S = 0.20
HOME_S = 0.40
THINK_S = 1.35
LETTER_S = 0.50
"""A key that the hand has to find: the model's random letters."""
LETTERED = 20
"""Tiles that carry a letter of their own, the most doubtful ones."""
FIXATION_S = 0.33

DOUBTFUL = 0.7
"""A tile whose proposal is less likely than this is looked at twice."""
EXEMPLARS_SEEN = 3
LETTERS = 3
"""Letters typed before type-ahead leaves one category, and Enter after them."""
SUGGESTIONS = 5

FALSE_STRIKES = 0.25
"""Right tiles struck, as a share of the error rate: leaving a tile alone takes no act, striking it takes one. In
Wolfe, Horowitz and Kenner, "Rare items often missed in visual searches" (Nature 435, 2005), false alarms were far
fewer than misses at every prevalence."""
PREVALENCE = (0.01, 0.10, 0.50)
MISSES = (4.3, 2.3, 1.0)
"""How many times likelier a miss is where wrong tiles are so rare: 30, 16 and 7 % missed there, at 1, 10 and 50 %."""
FATIGUE_PER_HOUR = 0.25
"""Errors grow by a quarter an hour; vigilance tasks lose 10-15 % in their first half hour (Mackworth 1948)."""


@dataclass
class Tally:
    """What a session cost and gave."""

    actions: int = 0
    seconds: float = 0.0
    labels: int = 0
    right: int = 0

    def spend(self, *, actions: int = 0, seconds: float = 0.0) -> None:
        """Presses and the time that they and the looking before them took."""
        self.actions += actions
        self.seconds += seconds

    def count(self, *, right: int, labels: int) -> None:
        """Labels that came of it."""
        self.labels += labels
        self.right += right


@dataclass
class Person:
    """Judges as a careful person would, at an `error_rate` a judgement that tiredness raises."""

    error_rate: float
    rng: np.random.Generator
    tally: Tally = field(default_factory=Tally)
    last: int = -1
    """The category last given by hand: `=` gives it again."""
    asked: int = -1
    """The category of the last page."""

    def errs(self, factor: float = 1.0) -> bool:
        """Whether this judgement comes out wrong."""
        tired = 1 + FATIGUE_PER_HOUR * self.tally.seconds / 3600
        return bool(self.rng.random() < self.error_rate * factor * tired)

    # -- one image at a time, with ranked suggestions

    def labels_one(self, truth: int, suggestions: list[int], *, classes: int) -> int:
        """The category given to one image: Enter or a digit where it is suggested, else typed. Returns it."""
        given = truth
        if self.errs():
            others = [c for c in suggestions if c != truth] or [(truth + 1) % classes]
            given = int(self.rng.choice(others))
        self.tally.spend(seconds=THINK_S)
        self._name(given, suggestions)
        return given

    def _name(self, category: int, suggestions: list[int]) -> None:
        listed = suggestions[:SUGGESTIONS]
        if category in listed:
            read = listed.index(category)  # the first is read while the image is taken in
            self.tally.spend(actions=1, seconds=read * FIXATION_S + KEY_S)
        elif category == self.last:
            self.tally.spend(actions=1, seconds=len(listed) * FIXATION_S + KEY_S)
        else:
            presses = LETTERS + 1
            self.tally.spend(actions=presses, seconds=len(listed) * FIXATION_S + THINK_S + presses * KEY_S)
        self.last = category

    # -- a page of one proposed category

    def opens_page(self, category: int) -> None:
        """Reads what is asked and looks at the exemplars; where the question is the last page's, sees that it is."""
        if category == self.asked:
            self.tally.spend(seconds=FIXATION_S)
        else:
            self.tally.spend(seconds=THINK_S + EXEMPLARS_SEEN * FIXATION_S)
        self.asked = category

    def leaves_standing(self, right: bool, *, precision: float, wrong_share: float, lettered: bool = False) -> bool:
        """Looks at a tile and strikes it or not. `precision` is what the head thinks of this tile, `wrong_share` how
        rare wrong ones are on this page; a `lettered` tile is struck by its letter, others with the mouse."""
        self.tally.spend(seconds=FIXATION_S * (2 if precision < DOUBTFUL else 1))
        if right:
            struck = self.errs(FALSE_STRIKES)
        else:
            share = np.log(np.clip(wrong_share, PREVALENCE[0], PREVALENCE[-1]))
            struck = not self.errs(float(np.interp(share, np.log(PREVALENCE), MISSES)))
        if struck:
            self.tally.spend(actions=1, seconds=FIXATION_S + (LETTER_S if lettered else POINT_S + CLICK_S))
        return not struck

    def settles_struck(self, truth: int, suggestions: list[int]) -> bool:
        """Looks at what a struck tile is taken for next. Where that is right it is left to come back under it, which
        costs nothing now; else it is named: a digit while the pointer is on it, or typed. Whether it was named."""
        self.tally.spend(seconds=FIXATION_S)
        if suggestions[:1] == [truth]:
            return False
        self._name(truth, suggestions)
        return True

    def names_struck(self, truth: int, suggestions: list[int]) -> None:
        """Gives a struck tile its category at once, as one does where nothing comes back."""
        self.tally.spend(seconds=FIXATION_S)
        self._name(truth, suggestions)

    def commits_page(self) -> None:
        """Decides that all is said, and presses one key."""
        self.tally.spend(actions=1, seconds=THINK_S + KEY_S)
