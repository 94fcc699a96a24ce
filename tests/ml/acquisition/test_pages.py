"""Pages as a person meets them: one question, look-alikes, the doubtful first, nothing twice."""

from collections.abc import Mapping, Set
from typing import Any

import numpy as np
import pytest

from ml.acquisition.pages import LOWEST_PRECISION, PagePlan, compose_pages, page_size
from ml.errors import ConfigError, ShapeError


def pool(size: int = 120, *, classes: int = 3, seed: int = 0) -> dict[str, Any]:
    """Images around one direction a class; the nearer, the surer."""
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % classes
    vectors = np.eye(8, dtype=np.float32)[labels] + 0.2 * rng.standard_normal((size, 8)).astype(np.float32)
    first = rng.uniform(0.5, 0.99, size).astype(np.float32)
    return {
        "vectors": vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        "top_categories": np.stack([labels, (labels + 1) % classes], axis=1),
        "top_probabilities": np.stack([first, (1 - first) * 0.9], axis=1),
        "eligible": np.ones(size, bool),
        "struck": {},
        "reliability": np.full(classes, np.nan),
        "size": np.full(classes, 20),
        "count": 3,
        "seed": 0,
    }


def compose(**changed: Any) -> list[PagePlan]:
    return compose_pages(**{**pool(), **changed})


def test_a_page_asks_one_question_and_no_image_is_on_two_pages() -> None:
    top = pool()["top_categories"]
    plans = compose(count=6)
    rows = np.concatenate([plan.rows for plan in plans])
    assert len(set(rows.tolist())) == len(rows)
    for plan in plans:
        assert set(top[plan.rows, 0].tolist()) == {plan.category}
        assert 0 < len(plan.rows) <= 20
        assert plan.reason.endswith(".")


def test_the_most_doubtful_tile_comes_first() -> None:
    probabilities = pool()["top_probabilities"]
    for plan in compose():
        shown = probabilities[plan.rows, 0]
        assert list(shown) == sorted(shown)


def test_what_is_not_eligible_is_never_shown_and_inputs_stay_as_they_were() -> None:
    given = pool()
    given["eligible"] = np.arange(120) % 2 == 0
    before = {name: np.copy(value) for name, value in given.items() if isinstance(value, np.ndarray)}
    plans = compose_pages(**{**given, "count": 50})
    shown = np.concatenate([plan.rows for plan in plans])
    assert (shown % 2 == 0).all() and len(shown) == (given["top_probabilities"][::2, 0] >= LOWEST_PRECISION).sum()
    assert all(np.array_equal(given[name], value, equal_nan=value.dtype.kind == "f") for name, value in before.items())


def test_a_struck_tile_comes_back_under_its_next_best_category_and_never_under_a_struck_one() -> None:
    struck: Mapping[int, Set[int]] = {0: {0}, 3: {0, 1}}
    sure = np.tile(np.asarray([0.9, 0.09], np.float32), (120, 1))
    plans = compose(struck=struck, count=50, size=np.full(3, 45), top_probabilities=sure)
    where = {row: plan.category for plan in plans for row in plan.rows.tolist()}
    assert where[0] == 1
    assert 3 not in where


def test_near_duplicates_share_one_tile() -> None:
    groups = np.full(120, -1)
    groups[[0, 3, 6]] = 7
    probabilities = pool()["top_probabilities"]
    plans = compose(duplicate_group=groups, count=50)
    tiles = [(row, group) for plan in plans for row, group in zip(plan.rows.tolist(), plan.groups, strict=True)]
    folded = [(row, sorted(group.tolist())) for row, group in tiles if len(group) > 1]
    surest = max([0, 3, 6], key=lambda row: probabilities[row, 0])
    assert folded == [(surest, [0, 3, 6])]
    assert all(group[0] == row for row, group in tiles)


def test_a_category_whose_proposals_were_often_struck_gets_smaller_pages() -> None:
    most = np.full(3, 40)
    trusted = compose(category=0, count=1, size=most, reliability=np.asarray([0.98, 0.9, 0.9]))[0]
    doubted = compose(category=0, count=1, size=most, reliability=np.asarray([0.6, 0.9, 0.9]))[0]
    assert trusted.expected_precision > 0.9 > doubted.expected_precision
    assert len(doubted.rows) < len(trusted.rows)


def test_a_page_never_exceeds_what_its_person_can_take() -> None:
    assert all(len(plan.rows) <= 5 for plan in compose(size=np.full(3, 5), count=50))
    assert page_size(0.99, 48) == 48
    assert page_size(0.75, 48) == 32


def test_what_is_likelier_wrong_than_right_is_left_to_the_single_view() -> None:
    doubtful = np.tile(np.asarray([0.3, 0.2], np.float32), (120, 1))
    assert compose(top_probabilities=doubtful) == []
    assert compose(eligible=np.zeros(120, bool)) == []
    assert compose(top_categories=np.full((120, 2), -1)) == []


def test_images_on_a_page_look_more_alike_than_the_category_does() -> None:
    rng = np.random.default_rng(3)
    vectors = np.concatenate([np.eye(8)[i] + 0.05 * rng.standard_normal((60, 8)) for i in (0, 1)]).astype(np.float32)
    given = pool(classes=1) | {"vectors": vectors, "size": np.asarray([20]), "reliability": np.asarray([np.nan])}
    given["top_categories"] = np.zeros((120, 1), np.int64)
    given["top_probabilities"] = np.full((120, 1), 0.9, np.float32)
    for plan in compose_pages(**{**given, "count": 2}):
        assert len(set((plan.rows // 60).tolist())) == 1


def test_a_question_that_was_just_asked_is_asked_again_where_another_is_hardly_better() -> None:
    sure = np.tile(np.asarray([0.9, 0.09], np.float32), (120, 1))
    for asked in range(3):
        assert [plan.category for plan in compose(top_probabilities=sure, asked=asked, count=2)] == [asked] * 2
    doubtful = sure.copy()
    doubtful[pool()["top_categories"][:, 0] == 1] = 0.6, 0.3
    assert compose(top_probabilities=doubtful, asked=1, count=1)[0].category != 1


def test_two_images_are_no_page() -> None:
    sure = np.tile(np.asarray([0.9, 0.09], np.float32), (120, 1))
    assert compose(top_probabilities=sure, eligible=np.arange(120) < 6) == []
    assert len(compose(top_probabilities=sure, eligible=np.arange(120) < 9)) == 3


def test_the_same_seed_gives_the_same_pages() -> None:
    one, two = compose(seed=5), compose(seed=5)
    assert [plan.rows.tolist() for plan in one] == [plan.rows.tolist() for plan in two]


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError):
        compose(top_categories=np.zeros((3, 2), np.int64))
    with pytest.raises(ConfigError):
        compose(size=np.full(9, 20))
