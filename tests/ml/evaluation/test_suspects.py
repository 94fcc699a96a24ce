"""Planted wrong labels, strangers and twins are found; what the judge saw is never the label itself."""

import numpy as np

from ml.evaluation.suspects import ambiguous_pairs, nearest_labeled, outlying
from ml.heads import Examples
from ml.heads.out_of_sample import out_of_sample


def blobs(*, per_class: int = 40, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centers = np.eye(8)[:classes] * 3
    labels = np.repeat(np.arange(classes), per_class)
    vectors = centers[labels] + rng.normal(scale=0.5, size=(len(labels), 8))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels


def judged(vectors: np.ndarray, given: np.ndarray, group: np.ndarray, kind: str = "gda") -> np.ndarray:
    examples = Examples.of(vectors, given, n_classes=int(given.max()) + 1, background=vectors.mean(axis=0))
    return out_of_sample(kind, examples, group=group, seed=0)


def test_planted_wrong_labels_are_what_the_judge_doubts_most() -> None:
    vectors, truth = blobs()
    given = truth.copy()
    wrong = np.array([3, 50, 90])
    given[wrong] = (given[wrong] + 1) % 3
    said = judged(vectors, given, np.arange(len(given)))
    assert np.allclose(said.sum(axis=1), 1)
    assert set(np.argsort(said[np.arange(len(given)), given])[:3]) == set(wrong)


def test_twins_do_not_vouch_for_each_other() -> None:
    """One wrong label on ten copies of an image: only without its copies is it judged by what it shows."""
    vectors, truth = blobs()
    given, group = truth.copy(), np.arange(len(truth))
    vectors[1:10], given[:10], group[:10] = vectors[0], 1, 0
    apart = judged(vectors, given, np.arange(len(truth)), kind="knn")
    together = judged(vectors, given, group, kind="knn")
    assert together[0, 1] < 0.2 < apart[0, 1]


def test_what_is_alone_in_its_class_teaches_and_is_not_judged() -> None:
    vectors, truth = blobs(classes=2)
    given = np.append(truth, 2)
    said = judged(np.vstack([vectors, vectors[:1]]), given, np.arange(len(given)), kind="prototypes")
    assert np.isnan(said[-1]).all()
    assert np.isfinite(said[:-1]).all()


def test_a_stranger_lies_far_from_everything() -> None:
    vectors, truth = blobs()
    vectors[7] = np.eye(8)[7]
    rows, z = outlying(nearest_labeled(vectors, np.arange(len(truth))))
    assert rows[0] == 7
    assert (np.diff(z) <= 0).all()


def test_neighbors_are_sought_outside_the_own_group() -> None:
    vectors, _ = blobs(per_class=2, classes=2)
    near = nearest_labeled(vectors, np.array([0, 0, 1, 1]), k=3)
    assert set(near.row[0].tolist()) == {2, 3, -1}


def test_pairs_are_counted_both_ways() -> None:
    given = np.array([0] * 10 + [1] * 10 + [2] * 10)
    table = np.full((30, 3), 0.05)
    table[np.arange(30), given] = 0.9
    table[[0, 1, 10], [0, 0, 1]], table[[0, 1, 10], [1, 1, 0]] = 0.05, 0.9
    assert ambiguous_pairs(given, table) == [(0, 1, 2, 1)]
