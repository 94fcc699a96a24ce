"""What a posterior over models says: BALD from a last-layer Laplace approximation, and a Gaussian process.

BALD: Houlsby et al., "Bayesian Active Learning for Classification and Preference Learning" (2011): the entropy of the
mean prediction less the mean entropy of predictions. Gaussian process: Kapoor et al., "Active Learning with Gaussian
Processes for Object Categorization" (2007): the distance to the border in units of what the process does not know.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from ml.acquisition.base import Candidates, Ranking, labels_of, ranked
from ml.acquisition.geometry import squared_distances
from ml.heads import Examples, Head, fit_head
from ml.types import FloatArray, IntArray

SAMPLES = 20
CHUNK = 2048
LABELS_AT_MOST = 1000
PRIOR_PRECISION = 1.0
NOISE = 0.1


def bald(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Mutual information between an image's class and the last layer's weights, from 20 posterior samples."""
    labeled, classes = labels_of(candidates)
    kept = newest(len(labeled))
    labeled, classes = labeled[kept], np.unique(classes[kept], return_inverse=True)[1]
    head = fit_head("prototypes", Examples.of(labeled, classes, n_classes=int(classes.max()) + 1))
    spread = LaplaceVariance(head, labeled)
    score = np.empty(len(candidates), np.float32)
    for start in range(0, len(candidates), CHUNK):
        rows = slice(start, start + CHUNK)
        x = np.asarray(candidates.pool.vectors[rows], np.float32)
        logits = head.logits(x).numpy() / head.temperature
        noise = rng.standard_normal((SAMPLES, *logits.shape), dtype=np.float32)
        drawn = logits + noise * np.sqrt(spread.of(x))[None, :, None]
        score[rows] = mutual_information(_softmax(drawn))
    return ranked(score, budget=budget, rng=rng)


def mutual_information(probabilities: FloatArray) -> NDArray[np.float32]:
    """H(E p) - E H(p) (B,) in nats of samples (samples, B, N): at least 0, and 0 where all samples agree."""
    return np.asarray(np.maximum(_entropy(probabilities.mean(axis=0)) - _entropy(probabilities).mean(axis=0), 0))


class LaplaceVariance:
    """Variance of a logit under the Gaussian around the fitted last layer, by Woodbury's identity in L×L.

    The curvature of the softmax is taken at its mean over labels, p(1 - p), the same for all classes: a scalar
    variance an image, x' (λ + Σ p(1-p) x x')⁻¹ x, large where no label is near.
    """

    def __init__(self, head: Head, labeled: NDArray[np.float32]) -> None:
        p = head.probabilities(labeled).numpy()
        weight = np.sqrt(np.maximum((p * (1 - p)).mean(axis=1), 1e-4))
        self._x = labeled * weight[:, None]
        gram = self._x @ self._x.T
        self._inverse = np.linalg.inv(PRIOR_PRECISION * np.eye(len(gram), dtype=np.float32) + gram)

    def of(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B,) variances of vectors (B, D)."""
        inner = x @ self._x.T
        explained = ((inner @ self._inverse) * inner).sum(axis=1)
        return np.asarray(np.maximum((x * x).sum(axis=1) - explained, 0) / PRIOR_PRECISION, np.float32)


def gaussian_process(candidates: Candidates, budget: int, rng: np.random.Generator) -> Ranking:
    """Close calls where the process knows least: -(m₁ - m₂) / √(variance + noise) of one-against-all regression."""
    labeled, classes = labels_of(candidates)
    kept = newest(len(labeled))
    mean, variance = GaussianProcess(labeled[kept], classes[kept]).predict(candidates.pool.vectors)
    best = np.sort(mean, axis=1)[:, ::-1]
    second = best[:, 1] if best.shape[1] > 1 else np.zeros(len(best), np.float32)
    return ranked(-(best[:, 0] - second) / np.sqrt(variance + NOISE), budget=budget, rng=rng)


class GaussianProcess:
    """Regression on one-hot classes with an RBF kernel whose length is the labels' median distance."""

    def __init__(self, labeled: NDArray[np.float32], classes: IntArray) -> None:
        distance = squared_distances(labeled, labeled)
        apart = distance[distance > 0]
        self._scale = float(np.median(apart)) if len(apart) else 1.0
        self._labeled = labeled
        kernel = np.exp(-distance / self._scale) + NOISE * np.eye(len(labeled))
        self._inverse = np.linalg.inv(kernel).astype(np.float32)
        target = np.eye(int(classes.max()) + 1, dtype=np.float32)[classes]
        self._weight = self._inverse @ (target - target.mean(axis=0))
        self._base = target.mean(axis=0)

    def predict(self, vectors: FloatArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean (P, M) and variance (P,) in [0, 1]; the variance grows with the distance from labels."""
        means, variances = [], []
        for start in range(0, len(vectors), CHUNK):
            x = np.asarray(vectors[start : start + CHUNK], np.float32)
            near = np.exp(-squared_distances(x, self._labeled) / self._scale)
            means.append(near @ self._weight + self._base)
            variances.append(np.clip(1 - ((near @ self._inverse) * near).sum(axis=1), 0, 1))
        if not means:
            return np.empty((0, len(self._base)), np.float32), np.empty(0, np.float32)
        return np.concatenate(means), np.concatenate(variances)


def newest(count: int) -> slice:
    """The last labels, as many as a matrix of all their pairs may have rows."""
    return slice(max(count - LABELS_AT_MOST, 0), count)


def _softmax(logits: FloatArray) -> NDArray[np.float32]:
    return torch.softmax(torch.from_numpy(np.asarray(logits, np.float32)), dim=-1).numpy()


def _entropy(probabilities: FloatArray) -> NDArray[np.float32]:
    return np.asarray(-(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=-1), np.float32)
