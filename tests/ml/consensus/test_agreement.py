"""Published worked examples, and an implementation by other hands."""

import numpy as np
import pytest
from statsmodels.stats import inter_rater

from ml.consensus import cohen_kappa, fleiss_kappa, krippendorff_alpha
from ml.consensus.agreement import alpha_interval, cohen_interval, fleiss_interval
from ml.errors import ShapeError

# Fleiss (1971) as in every textbook: ten items, fourteen raters, five categories.
FLEISS = np.vstack(
    (
        [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]],
        [[7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]],
    )
)
# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: four observers, twelve units, gaps as 0.
OBSERVERS = np.vstack(
    (
        [[1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3]],
        [[0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0]],
    )
)
UNITS = np.stack([(value == OBSERVERS).sum(axis=0) for value in range(1, 6)], axis=1)


def test_fleiss_is_the_textbooks() -> None:
    assert fleiss_kappa(FLEISS) == pytest.approx(0.20993, abs=1e-5)
    assert fleiss_kappa(FLEISS) == pytest.approx(inter_rater.fleiss_kappa(FLEISS), abs=1e-9)


def test_alpha_is_krippendorffs_own() -> None:
    assert krippendorff_alpha(UNITS) == pytest.approx(0.743421, abs=1e-6)


def test_alpha_of_two_observers_is_krippendorffs_own() -> None:
    """Example A of the same text: ten units, two observers, binary."""
    first, second = np.array([0, 1, 0, 0, 0, 0, 0, 0, 1, 0]), np.array([1, 1, 1, 0, 0, 1, 0, 0, 0, 0])
    counts = np.stack([2 - first - second, first + second], axis=1)
    assert krippendorff_alpha(counts) == pytest.approx(0.095238, abs=1e-6)


def test_cohen_agrees_with_others_on_random_tables() -> None:
    rng = np.random.default_rng(0)
    for classes in (2, 5):
        first = rng.integers(0, classes, 200)
        second = np.where(rng.random(200) < 0.6, first, rng.integers(0, classes, 200))
        table = np.zeros((classes, classes))
        np.add.at(table, (first, second), 1)
        expected = inter_rater.cohens_kappa(table).kappa
        assert cohen_kappa(first, second, classes=classes) == pytest.approx(expected, abs=1e-9)


def test_everybody_always_saying_the_same_measures_nothing() -> None:
    assert np.isnan(cohen_kappa([1, 1], [1, 1], classes=3))
    assert np.isnan(krippendorff_alpha([[2, 0], [3, 0]]))
    assert np.isnan(krippendorff_alpha([[1, 0], [0, 1]]))


def test_fleiss_refuses_uneven_votes() -> None:
    with pytest.raises(ShapeError, match="Krippendorff"):
        fleiss_kappa([[2, 0], [1, 0]])


def test_the_interval_holds_the_value_and_narrows_with_items() -> None:
    wide, narrow = alpha_interval(UNITS, seed=0), alpha_interval(np.tile(UNITS, (10, 1)), seed=0)
    assert wide.low < wide.value < wide.high
    assert narrow.high - narrow.low < wide.high - wide.low


def test_intervals_are_those_of_drawing_items_one_by_one() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 3, 120)
    second = np.where(rng.random(120) < 0.7, first, rng.integers(0, 3, 120))
    rows = [rng.integers(0, 120, 120) for _ in range(2000)]
    kappas = [cohen_kappa(first[row], second[row], classes=3) for row in rows]
    found = cohen_interval(first, second, classes=3, seed=0)
    assert found.value == cohen_kappa(first, second, classes=3)
    assert (found.low, found.high) == pytest.approx(np.quantile(kappas, [0.025, 0.975]), abs=0.02)
    counts = np.eye(3)[first] + np.eye(3)[second]
    alphas = [krippendorff_alpha(counts[row]) for row in rows[:500]]
    drawn = alpha_interval(counts, seed=0)
    assert (drawn.low, drawn.high) == pytest.approx(np.quantile(alphas, [0.025, 0.975]), abs=0.03)


def test_fleiss_and_its_interval_agree() -> None:
    found = fleiss_interval(FLEISS, seed=0)
    assert found.value == fleiss_kappa(FLEISS)
    assert found.low < found.value < found.high
