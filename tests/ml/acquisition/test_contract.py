"""What every acquisition function promises, asked of each in the registry."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.acquisition import FUNCTIONS, Candidates, acquire
from ml.errors import ConfigError, ShapeError
from ml.types import Pool, TopK

NAMES = sorted(FUNCTIONS)


def candidates(size: int, *, classes: int = 4, seed: int = 0, dim: int = 8) -> Candidates:
    rng = np.random.default_rng(seed)
    probability = np.sort(rng.dirichlet(np.ones(classes), size), axis=1)[:, ::-1].astype(np.float32)
    entropy = -(probability * np.log(probability + 1e-12)).sum(axis=1)
    margin = probability[:, 0] - probability[:, 1]
    index = np.tile(np.arange(classes, dtype=np.int32), (size, 1))
    vectors = rng.normal(size=(size, dim)).astype(np.float32)
    return Candidates(
        Pool(np.arange(size) + 100, vectors),
        TopK(index, probability, margin, entropy),
        labeled=rng.normal(size=(9, dim)).astype(np.float32),
        labeled_class=np.arange(9) % 3,
        n_classes=classes,
        votes=rng.integers(-1, classes, (size, 3)),
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("size", "budget", "expected"), [(50, 10, 10), (50, 50, 50), (3, 9, 3), (2, 1, 1), (0, 5, 0)])
def test_it_gives_the_right_number_once_each_and_inside_the_pool(
    name: str, size: int, budget: int, expected: int
) -> None:
    ranking = acquire(name, candidates(size), budget=budget, seed=1)
    assert len(ranking.index) == len(ranking.score) == expected
    assert len(set(ranking.index.tolist())) == expected
    assert all(0 <= row < size for row in ranking.index)
    assert list(ranking.score) == sorted(ranking.score, reverse=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_ranking_and_no_input_is_touched(name: str) -> None:
    one, two = candidates(40), candidates(40)
    assert one.top is not None and two.top is not None
    first = acquire(name, one, budget=10, seed=3)
    assert np.array_equal(first.index, acquire(name, one, budget=10, seed=3).index)
    assert np.array_equal(one.pool.vectors, two.pool.vectors)
    for field in ("class_index", "probability", "margin", "entropy"):
        assert np.array_equal(getattr(one.top, field), getattr(two.top, field))


@pytest.mark.parametrize("name", NAMES)
def test_among_equals_the_seed_decides(name: str) -> None:
    same = np.full((30, 2), 0.5, np.float32)
    equal = np.zeros(30, np.float32)
    pool = Pool(np.arange(30), np.ones((30, 4), np.float32))
    alike = Candidates(
        pool,
        TopK(np.zeros((30, 2), np.int32), same, equal, equal),
        labeled=np.ones((2, 4), np.float32),
        labeled_class=np.asarray([0, 1]),
        votes=np.zeros((30, 2), np.int64),
    )
    picks = {tuple(acquire(name, alike, budget=5, seed=seed).index.tolist()) for seed in range(8)}
    assert len(picks) > 1


MISSING = {"top": "predictions", "labeled": "labeled", "votes": "votes"}


@pytest.mark.parametrize("name", NAMES)
def test_what_it_needs_it_says(name: str) -> None:
    without = Candidates(candidates(5).pool)
    missing = [word for need, word in MISSING.items() if need in FUNCTIONS[name].needs]
    if missing:
        with pytest.raises(ConfigError, match=missing[0]):
            acquire(name, without, budget=2, seed=0)
    else:
        assert len(acquire(name, without, budget=2, seed=0).index) == 2


@pytest.mark.parametrize("name", [name for name in NAMES if "vectors" in FUNCTIONS[name].needs])
def test_a_large_mapped_pool_is_read_in_parts_and_never_squared(name: str, tmp_path: Path) -> None:
    size, rng = 60_000, np.random.default_rng(0)
    pool = np.lib.format.open_memmap(tmp_path / "pool.npy", mode="w+", dtype=np.float16, shape=(size, 16))
    pool[:] = rng.normal(size=(size, 16))
    small = candidates(size, dim=1)
    mapped = np.load(tmp_path / "pool.npy", mmap_mode="r")
    large = replace(small, pool=Pool(np.arange(size), mapped), labeled=np.ones((9, 16), np.float32))
    tracemalloc.start()
    try:
        ranking = acquire(name, large, budget=50, seed=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(set(ranking.index.tolist())) == 50
    assert peak < 600e6  # size² similarities would be 14 GB


def test_a_name_that_does_not_exist_and_a_negative_budget_are_refused() -> None:
    with pytest.raises(ConfigError, match="margin"):
        acquire("magic", candidates(3), budget=1, seed=0)
    with pytest.raises(ConfigError, match="budget"):
        acquire("random", candidates(3), budget=-1, seed=0)
    with pytest.raises(ShapeError):
        Candidates(Pool(np.arange(3), np.ones((2, 4), np.float32)))


def test_margin_entropy_and_least_confidence_by_hand() -> None:
    probability = np.asarray([[0.5, 0.5, 0.0], [0.6, 0.2, 0.2], [0.98, 0.01, 0.01]], np.float32)
    entropy = np.asarray([0.693, 0.950, 0.112], np.float32)
    top = TopK(np.zeros((3, 3), np.int32), probability, probability[:, 0] - probability[:, 1], entropy)
    three = Candidates(Pool(np.arange(3), np.ones((3, 2), np.float32)), top)
    names = ("margin", "entropy", "least_confidence")
    order = {name: acquire(name, three, budget=3, seed=0).index.tolist() for name in names}
    assert order == {"margin": [0, 1, 2], "entropy": [1, 0, 2], "least_confidence": [0, 1, 2]}


def test_scores_agree_with_scikit_activeml() -> None:
    skactiveml = pytest.importorskip("skactiveml.pool")
    some = candidates(200, classes=5, seed=4)
    assert some.top is not None
    for name, method in (
        ("margin", "margin_sampling"),
        ("entropy", "entropy"),
        ("least_confidence", "least_confident"),
    ):
        theirs = skactiveml.uncertainty_scores(some.top.probability, method=method)
        expected = np.argsort(-theirs)[:20]
        assert set(acquire(name, some, budget=20, seed=0).index.tolist()) == set(expected.tolist())
