"""Heads measured over episodes, as the papers do: many small tasks, mean accuracy with its interval."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ml.episodes import EpisodeIndices
from ml.errors import ConfigError
from ml.evaluation.confidence import expected_calibration_error
from ml.evaluation.confusion import confusion_matrix
from ml.evaluation.intervals import Interval, mean_interval
from ml.heads import Examples, fit_head
from ml.heads.calibration import fit_temperature
from ml.heads.features import FeatureMap, class_sums
from ml.heads.prototypes import leave_one_out_logits, prototype_logits
from ml.types import FloatArray, IntArray

EPISODES_AT_ONCE = 64


@dataclass(frozen=True)
class EpisodeResults:
    """What a head answered in E episodes of N classes with Q queries each.

    `probabilities` (E, N·Q, N); queries stand class by class, so the truth of column q is q // Q. `classes` (E, N)
    names the classes of each episode.
    """

    probabilities: FloatArray
    classes: IntArray

    @property
    def target(self) -> IntArray:
        """(N·Q,) true class of each query, the same in every episode."""
        queries, n_way = self.probabilities.shape[1:]
        return np.repeat(np.arange(n_way), queries // n_way)

    @property
    def accuracies(self) -> FloatArray:
        """(E,) in [0, 1]."""
        return np.asarray((self.probabilities.argmax(axis=2) == self.target).mean(axis=1))

    @property
    def accuracy(self) -> Interval:
        """Mean ± 95 % interval over episodes."""
        return mean_interval(self.accuracies)

    @property
    def calibration_error(self) -> float:
        """ECE in [0, 1] over all queries of all episodes."""
        n_way = self.probabilities.shape[2]
        return expected_calibration_error(
            self.probabilities.reshape(-1, n_way), np.tile(self.target, len(self.probabilities))
        )

    def confusion(self, *, n_classes: int) -> IntArray:
        """(n_classes, n_classes) over the data set's own classes."""
        guess = self.probabilities.argmax(axis=2)
        truth = np.broadcast_to(self.target, guess.shape)
        return confusion_matrix(
            np.take_along_axis(self.classes, truth, axis=1).ravel(),
            np.take_along_axis(self.classes, guess, axis=1).ravel(),
            n_classes=n_classes,
        )


def evaluate_head(
    kind: str,
    vectors: Tensor,
    episodes: EpisodeIndices,
    *,
    background: Tensor | None = None,
    text: Tensor | None = None,
    text_scale: float = 100.0,
    seed: int = 0,
) -> EpisodeResults:
    """Fit `kind` on the support of every episode and ask it about the queries.

    Args:
        kind: A kind of `ml.heads.KINDS`.
        vectors: (n, D) float32, unit norm; episodes index its rows.
        episodes: Of `ml.episodes.EpisodeSampler`.
        background: (D,) mean for heads that center.
        text: (C, D), one vector for each class of the data set.
        text_scale: Of the encoder.
        seed: Given to every fit.

    Prototypes without text are computed for many episodes at once; other heads one by one.
    """
    if episodes.query.shape[2] < 1:
        raise ConfigError("evaluation needs at least one query a class")
    if kind == "prototypes" and background is not None:
        parts = list(_batched_prototypes(vectors, episodes, background=background))
        return EpisodeResults(probabilities=np.concatenate(parts), classes=episodes.classes)
    answers = []
    for row in range(len(episodes)):
        support, query = episodes.support[row].reshape(-1), episodes.query[row].reshape(-1)
        examples = Examples.of(
            vectors[torch.from_numpy(support)],
            np.repeat(np.arange(episodes.n_way), episodes.support.shape[2]),
            n_classes=episodes.n_way,
            background=background,
            text=None if text is None else text[torch.from_numpy(episodes.classes[row])],
            text_scale=text_scale,
        )
        head = fit_head(kind, examples, seed=seed)
        answers.append(head.probabilities(vectors[torch.from_numpy(query)]).cpu().numpy())
    return EpisodeResults(probabilities=np.stack(answers), classes=episodes.classes)


def _batched_prototypes(vectors: Tensor, episodes: EpisodeIndices, *, background: Tensor) -> Iterator[FloatArray]:
    """The `prototypes` head, 64 episodes at a time: the same functions with one more dimension."""
    mapped = FeatureMap(mean=background)(vectors)
    n_way, shots = episodes.support.shape[1:]
    for start in range(0, len(episodes), EPISODES_AT_ONCE):
        part = episodes[slice(start, start + EPISODES_AT_ONCE)]
        support = mapped[torch.from_numpy(part.support.reshape(len(part), -1))]
        query = mapped[torch.from_numpy(part.query.reshape(len(part), -1))]
        own = torch.arange(n_way, device=mapped.device).repeat_interleave(shots).expand(len(part), -1)
        sums, counts = class_sums(support, own, n_classes=n_way)
        temperature = torch.ones(len(part), device=mapped.device)
        if shots > 1:
            held_out = leave_one_out_logits(support, own, sums=sums, counts=counts, euclidean=False)
            temperature = fit_temperature(held_out, own)
        logits = prototype_logits(query, sums, euclidean=False)
        yield torch.softmax(logits / temperature[:, None, None], dim=2).cpu().numpy()


def accuracy_by_quartile(accuracies: FloatArray, coarsity: FloatArray) -> list[Interval]:
    """Accuracy in the four quarters of episodes from fine-grained to coarse (Bennequin et al. 2022).

    `coarsity` (E,) is any measure of how far apart an episode's classes lie. Ties keep the order of the episodes, so
    quarters differ in size by at most one.
    """
    order = np.argsort(np.asarray(coarsity), kind="stable")
    return [mean_interval(np.asarray(accuracies)[quarter]) for quarter in np.array_split(order, 4)]
