"""Confusion, distances, rejection, trees and quartiles on numbers that a hand can check."""

import numpy as np
import pytest

from ml.errors import EmptyClassError, ShapeError
from ml.evaluation.confidence import expected_calibration_error, reliability
from ml.evaluation.confusion import class_distances, confusion_matrix, mean_recall
from ml.evaluation.episodes import accuracy_by_quartile
from ml.evaluation.hierarchy import hierarchy_report
from ml.evaluation.open_set import open_set_report

# 0 oak, 1 birch, 2 trout, 3 pike; 4 tree, 5 fish, 6 life
PARENTS = np.array([4, 4, 5, 5, 6, 6, -1])


def test_rows_of_the_confusion_matrix_are_the_truth() -> None:
    confusion = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), n_classes=3)
    assert confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert mean_recall(confusion) == pytest.approx((0.5 + 1 + 0) / 3)


def test_classes_that_never_occur_do_not_lower_mean_recall() -> None:
    assert mean_recall(confusion_matrix(np.array([0, 0]), np.array([0, 0]), n_classes=5)) == 1.0
    with pytest.raises(EmptyClassError):
        mean_recall(np.zeros((3, 3), dtype=int))


def test_labels_outside_the_classes_are_refused() -> None:
    with pytest.raises(ShapeError, match="predicted lies in"):
        confusion_matrix(np.array([0]), np.array([7]), n_classes=3)


def test_distances_within_and_between_two_classes() -> None:
    vectors = np.array([[0, 0], [0, 2], [10, 0], [10, 2]], dtype=np.float32)
    distances = class_distances(vectors, np.array([0, 0, 1, 1]))
    assert (distances.intra, distances.inter, distances.ratio) == pytest.approx((1.0, 10.0, 0.1))
    with pytest.raises(EmptyClassError):
        class_distances(vectors, np.zeros(4, dtype=int))


def test_confidence_of_one_lands_in_the_last_bin() -> None:
    table = reliability(np.array([[1.0, 0.0], [0.6, 0.4]]), np.array([0, 1]))
    assert table.count[14] == 1
    assert table.accuracy[14] == 1.0
    assert table.expected_error == pytest.approx(0.5 * 0 + 0.5 * 0.6)


def test_the_anchor_of_five_predictions() -> None:
    p = np.array([0.9, 0.8, 0.7, 0.6, 0.55])
    error = expected_calibration_error(np.stack([p, 1 - p], axis=1), np.array([0, 0, 1, 0, 1]))
    assert error == pytest.approx(0.39, abs=1e-6)


def test_auroc_counts_ties_as_half() -> None:
    report = open_set_report(known=np.array([0.1, 0.5]), unknown=np.array([0.5, 0.9]))
    assert report.auroc == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert report.false_rejects_at_95 == 0.5
    with pytest.raises(EmptyClassError):
        open_set_report(known=np.array([]), unknown=np.array([1.0]))


def test_a_sibling_is_a_smaller_mistake_than_a_stranger() -> None:
    sibling = hierarchy_report(np.array([0]), np.array([1]), parents=PARENTS)
    stranger = hierarchy_report(np.array([0]), np.array([2]), parents=PARENTS)
    assert (sibling.mistake_height, stranger.mistake_height) == (1.0, 2.0)
    assert sibling.f1 == pytest.approx(2 / 3)
    assert stranger.f1 == pytest.approx(1 / 3)


def test_stopping_at_the_right_parent_costs_recall_but_is_no_mistake() -> None:
    report = hierarchy_report(np.array([0]), np.array([4]), parents=PARENTS)
    assert (report.precision, report.recall) == (1.0, pytest.approx(2 / 3))
    assert (report.mistake_height, report.exact) == (0.0, 0.0)


def test_a_tree_with_a_cycle_is_refused() -> None:
    with pytest.raises(ShapeError, match="cycle"):
        hierarchy_report(np.array([0]), np.array([0]), parents=np.array([1, 0]))


def test_quartiles_run_from_fine_to_coarse() -> None:
    coarsity = np.array([3.0, 1.0, 4.0, 2.0, 3.5, 1.5, 4.5, 2.5])
    accuracies = coarsity / 10
    assert [q.value for q in accuracy_by_quartile(accuracies, coarsity)] == pytest.approx([0.125, 0.225, 0.325, 0.425])
