"""Label errors on the reviewed test set of CIFAR-10."""

from pathlib import Path

import numpy as np
import pytest

from ml.errors import ShapeError
from ml.evaluation.label_errors import confident_joint, likely_label_errors

REAL = Path("../shared/data/cifar10-label-errors.npz")


@pytest.mark.data
@pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not here")
def test_the_queue_finds_what_five_people_confirmed() -> None:
    data = np.load(REAL)
    found = likely_label_errors(data["given"], data["pred_probs"])
    assert found.issue.sum() == 244
    joint = confident_joint(data["given"], data["pred_probs"])
    assert joint.sum() - np.trace(joint) == 244
    confirmed = set(data["confirmed"].tolist())
    hits = [len(confirmed & set(found.queue[:length].tolist())) for length in (50, 100, 200)]
    assert hits == [15, 24, 38]


def test_a_planted_error_comes_first() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    probabilities = 0.05 + 0.85 * np.eye(3)[truth]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    given = truth.copy()
    given[7] = (truth[7] + 1) % 3
    found = likely_label_errors(given, probabilities)
    assert (found.queue[0], found.instead[7]) == (7, truth[7])
    assert found.issue[7] and found.issue.sum() == 1


def test_labels_without_a_column_are_refused() -> None:
    with pytest.raises(ShapeError):
        likely_label_errors(np.array([0, 2]), np.full((2, 2), 0.5))
