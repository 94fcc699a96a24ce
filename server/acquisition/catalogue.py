"""The acquisition functions that a person chooses from, as the web process knows them: without loading any."""

from dataclasses import dataclass

DEFAULT = "margin"
FALLBACK = "random"


@dataclass(frozen=True)
class Choice:
    """A function by its goal; `reason` is what a person reads beside an image that it picked."""

    name: str
    goal: str
    description: str
    reason: str


CHOICES = (
    Choice(
        "margin",
        "Settle close calls",
        "Images whose two best categories are nearly as likely: one answer moves a border.",
        "close call between two categories",
    ),
    Choice(
        "entropy",
        "Find what puzzles the model most",
        "Images whose probability is spread over many categories.",
        "many categories are possible",
    ),
    Choice(
        "least_confidence",
        "Check the weakest suggestions",
        "Images whose best category has the lowest probability.",
        "the model is least sure here",
    ),
    Choice(
        "random",
        "See a fair sample",
        "Every image is as likely as any other. The only choice whose accuracy figures need no care.",
        "picked at random",
    ),
)
BY_NAME = {choice.name: choice for choice in CHOICES}
