"""The sweep says what `predict_topk` says, of every row, whatever the chunk and the threads."""

import numpy as np
import pytest
import torch

from ml.acquisition.sweep import best_two
from ml.errors import NonFiniteError, ShapeError
from ml.heads import Examples, Head, fit_head, predict_topk

ROWS, DIM, CLASSES = 500, 16, 7


def head_and_pool(*, classes: int = CLASSES, seed: int = 0) -> tuple[Head, np.ndarray]:
    rng = np.random.default_rng(seed)
    pool = rng.standard_normal((ROWS, DIM), dtype=np.float32)
    pool /= np.linalg.norm(pool, axis=1, keepdims=True)
    examples = Examples.of(pool[: 10 * classes], np.arange(10 * classes) % classes, n_classes=classes)
    return fit_head("prototypes", examples, seed=seed), pool.astype(np.float16)


@pytest.mark.parametrize(("chunk", "threads"), [(7, 3), (ROWS, 1), (4096, 2)])
def test_the_sweep_agrees_with_the_full_prediction(chunk: int, threads: int) -> None:
    head, pool = head_and_pool()
    full = predict_topk(head, pool, k=2)
    swept = best_two(head, pool, chunk=chunk, threads=threads)
    assert np.array_equal(swept.class_index, full.class_index)
    assert np.allclose(swept.probability, full.probability, atol=1e-6)


def test_quick_products_change_no_class_but_where_two_are_nearly_as_likely() -> None:
    """512 dimensions and a hundred classes, where processors that have bfloat16 use it."""
    rng = np.random.default_rng(0)
    heap = rng.integers(0, 100, 6000)
    pool = rng.normal(size=(100, 512))[heap] + rng.normal(0, 2.2, (6000, 512))
    pool = (pool / np.linalg.norm(pool, axis=1, keepdims=True)).astype(np.float16)
    examples = Examples.of(np.asarray(pool[:2000], np.float32), heap[:2000], n_classes=100)
    head = fit_head("default", examples, seed=0)
    full, swept = predict_topk(head, pool, k=2), best_two(head, pool)
    clear = full.probability[:, 0] - full.probability[:, 1] > 0.02
    assert clear.mean() > 0.9
    assert np.array_equal(swept.class_index[clear, 0], full.class_index[clear, 0])
    assert np.abs(swept.probability - full.probability).max() < 0.02
    assert torch.get_float32_matmul_precision() == "highest"


def test_probabilities_of_a_two_class_head_sum_to_one_and_one_class_is_certain() -> None:
    two, pool = head_and_pool(classes=2)
    assert np.allclose(best_two(two, pool).probability.sum(axis=1), 1, atol=1e-6)
    one, _ = head_and_pool(classes=1)
    swept = best_two(one, pool)
    assert (swept.class_index == [0, -1]).all() and (swept.probability == [1, 0]).all()


def test_the_callers_threads_are_as_before_and_an_empty_pool_is_no_fault() -> None:
    head, pool = head_and_pool()
    before = torch.get_num_threads()
    assert best_two(head, pool[:0]).class_index.shape == (0, 2)
    best_two(head, pool, threads=3)
    assert torch.get_num_threads() == before


def test_a_vector_that_is_not_finite_stops_the_sweep() -> None:
    head, pool = head_and_pool()
    pool[300, 4] = np.nan
    with pytest.raises(NonFiniteError):
        best_two(head, pool)
    with pytest.raises(ShapeError):
        best_two(head, pool, chunk=0)
