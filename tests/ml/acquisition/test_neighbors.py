"""Look-alikes speak for each other."""

import numpy as np
import pytest

from ml.acquisition.neighbors import neighbor_graph, spread
from ml.errors import ShapeError
from ml.types import TopK


def told(index: list[list[int]], probability: list[list[float]]) -> TopK:
    shares = np.asarray(probability, np.float32)
    return TopK(np.asarray(index, np.int32), shares, shares[:, 0] - shares[:, 1], np.zeros(len(shares), np.float32))


def test_the_graph_holds_the_nearest_others() -> None:
    rng = np.random.default_rng(0)
    vectors = np.repeat(np.eye(4, 6), 5, axis=0) + 0.01 * rng.standard_normal((20, 6))
    graph = neighbor_graph(vectors.astype(np.float16), count=4)
    assert all(
        set(near.tolist()) == set(range(row // 5 * 5, row // 5 * 5 + 5)) - {row} for row, near in enumerate(graph)
    )
    assert neighbor_graph(vectors[:1]).shape == (1, 0)


def test_one_that_doubts_among_three_that_agree_joins_them() -> None:
    top = told([[1, 0], [0, 1], [0, 1], [0, 1]], [[0.55, 0.45], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    graph = np.asarray([[1, 2, 3], [2, 3, 0], [1, 3, 0], [1, 2, 0]])
    after = spread(top, graph, classes=2)
    assert after.class_index[:, 0].tolist() == [0, 0, 0, 0]
    assert after.probability[0, 0] < after.probability[1, 0]
    assert after.probability[:, 0].mean() == pytest.approx(top.probability[:, 0].mean(), abs=1e-3)
    assert np.allclose(after.margin, after.probability[:, 0] - after.probability[:, 1], atol=1e-6)


def test_a_label_speaks_louder_than_a_guess_and_inputs_stay() -> None:
    top = told([[0, 1], [0, 1]], [[0.6, 0.4], [0.6, 0.4]])
    before = top.probability.copy()
    after = spread(top, np.asarray([[1], [0]]), labeled=np.asarray([1]), labeled_class=np.asarray([1]), classes=2)
    assert after.class_index[0, 0] == 1
    assert np.array_equal(top.probability, before)


def test_a_graph_of_another_pool_is_refused() -> None:
    with pytest.raises(ShapeError):
        spread(told([[0, 1]], [[0.6, 0.4]]), np.zeros((2, 1), np.int32), classes=2)
