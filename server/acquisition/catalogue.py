"""The acquisition functions that a person chooses from, as the web process knows them: without loading any."""

from dataclasses import dataclass

DEFAULT = "weighted_coverage"
FALLBACK = "random"
FIRST_REASON = "typical of a group of similar images"
"""Shown where a function that looks at vectors picked before there was a prediction to doubt."""


@dataclass(frozen=True)
class Choice:
    """A function by its goal; `reason` is what a person reads beside an image that it picked."""

    name: str
    goal: str
    description: str
    reason: str


CHOICES = (
    Choice(
        "weighted_coverage",
        "Learn fastest",
        "Typical images first, then what the model doubts and nothing labelled is near, then close calls.",
        "the model doubts, and nothing labeled looks like it",
    ),
    Choice(
        "random",
        "See a fair sample",
        "Every image is as likely as any other. The only choice whose accuracy figures need no care.",
        "picked at random",
    ),
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
        "rare",
        "Find the rare ones",
        "Images that may belong to categories with few labels.",
        "may belong to a category with few labels",
    ),
    Choice(
        "balanced",
        "Give every category its turn",
        "Predicted categories in turn, those with fewest labels first, close calls first within each.",
        "closest call of its predicted category",
    ),
    Choice(
        "max_herding",
        "Cover everything",
        "Images that each stand for as many unlabelled ones as possible.",
        "stands for many unlabeled images",
    ),
    Choice(
        "typiclust",
        "Start with typical images",
        "The most typical image of each cluster that has no label yet.",
        "typical of a group that has no label yet",
    ),
    Choice(
        "prob_cover",
        "Cover dense regions",
        "Images whose close surroundings hold most unlabelled ones.",
        "many unlabeled images look just like it",
    ),
    Choice(
        "k_center",
        "Reach the farthest corners",
        "The image farthest from everything labelled, again and again: outliers first.",
        "farthest from everything labeled",
    ),
    Choice(
        "badge",
        "Doubtful and different",
        "Images that would change the model most, spread over different kinds of change.",
        "would change the model much, and otherwise than its neighbors in the queue",
    ),
    Choice(
        "drop_query",
        "Find shaky answers",
        "Images whose answer changes when parts of what the model sees are hidden.",
        "the answer changes when parts are hidden",
    ),
    Choice(
        "bald",
        "Where knowledge is missing",
        "Images on which likely models contradict each other, rather than images that are unclear to all.",
        "likely models contradict each other here",
    ),
    Choice(
        "gaussian_process",
        "Close calls far from labels",
        "Close calls weighed by how little is known around them.",
        "close call where little is known",
    ),
    Choice(
        "head_disagreement",
        "Where models contradict each other",
        "Images that three kinds of models call by different names.",
        "three kinds of models give it different names",
    ),
)
BY_NAME = {choice.name: choice for choice in CHOICES}
