"""A correction reaches the whole pool."""

import numpy as np
import pytest

from ml.acquisition.teach import changed_rows, rescore, taught_head, thinned
from ml.errors import ShapeError
from ml.heads import Examples


def test_three_corrections_change_what_their_neighbors_are_taken_for(tmp_path: object) -> None:
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((3, 16)).astype(np.float32)
    truth = np.arange(300) % 3
    vectors = centers[truth] + 0.3 * rng.standard_normal((300, 16)).astype(np.float32)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    wrong = taught_head(Examples.of(vectors[:2].astype(np.float32), [0, 1], n_classes=2), seed=0)
    before = rescore(wrong, vectors)
    rows = [0, 1, 2, 5, 8]
    taught = taught_head(Examples.of(vectors[rows].astype(np.float32), truth[rows], n_classes=3), seed=0)
    after = rescore(taught, vectors, chunk=64)
    changed = changed_rows(before.class_index[:, 0], after)
    assert (after.class_index[:, 0] == truth).mean() > 0.95
    assert set(np.flatnonzero(truth == 2)) <= set(changed.tolist())
    assert np.array_equal(after.class_index, rescore(taught, vectors, chunk=300).class_index)


def test_a_thinned_support_keeps_the_newest_and_every_small_class() -> None:
    class_index = np.asarray([0] * 1000 + [1] * 3 + [0] * 100)
    kept = thinned(class_index, most=120, seed=0)
    assert len(kept) == 120
    assert set(range(1043, 1103)) <= set(kept.tolist())
    assert {1000, 1001, 1002} <= set(kept.tolist())


def test_rankings_of_different_pools_are_not_compared() -> None:
    head = taught_head(Examples.of(np.eye(2, dtype=np.float32), [0, 1], n_classes=2), seed=0)
    with pytest.raises(ShapeError, match="3 rows"):
        changed_rows(np.zeros(2, np.int64), rescore(head, np.eye(2, dtype=np.float32)[[0, 1, 0]]))
