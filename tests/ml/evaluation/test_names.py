"""What images drawn at random say of a fit on the labels beside the names of the categories."""

import numpy as np

from ml.evaluation.gate import GateRule
from ml.evaluation.names import labels_beside_names
from ml.heads.base import Examples

CLASSES, DIM = 4, 8
RULE = GateRule(needed=20)


def around(classes: np.ndarray, *, seed: int) -> np.ndarray:
    noise = 0.2 * np.random.default_rng(seed).normal(size=(len(classes), DIM))
    vectors = np.eye(DIM)[classes] + noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def taught(*, shifted_labels: int = 0, shifted_names: int = 0) -> Examples:
    """40 images around four directions; labels, or names, that are all one class off."""
    truth = np.arange(40) % CLASSES
    return Examples.of(
        around(truth, seed=1),
        (truth + shifted_labels) % CLASSES,
        n_classes=CLASSES,
        text=np.roll(np.eye(DIM, dtype=np.float32)[:CLASSES], shifted_names, axis=0),
        text_scale=10.0,
    )


def test_labels_win_where_names_mislead_and_names_where_labels_do() -> None:
    truth = np.arange(24) % CLASSES
    vectors = around(truth, seed=2)
    found = labels_beside_names(taught(shifted_names=1), blind=vectors, truth=truth, rule=RULE, seed=0)
    assert found is not None and (found.better, found.worse, found.outcome) == (24, 0, "promote")
    found = labels_beside_names(taught(shifted_labels=1), blind=vectors, truth=truth, rule=RULE, seed=0)
    assert found is not None and (found.better, found.outcome) == (0, "refuse")


def test_below_the_answers_that_the_gate_needs_nothing_is_said() -> None:
    truth = np.arange(19) % CLASSES
    assert labels_beside_names(taught(), blind=around(truth, seed=2), truth=truth, rule=RULE, seed=0) is None
