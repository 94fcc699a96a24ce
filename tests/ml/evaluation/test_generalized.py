"""Calibrated stacking is exact: every figure equals what brute force finds."""

import numpy as np
import pytest

from ml.errors import EmptyClassError, NonFiniteError, ShapeError
from ml.evaluation.generalized import seen_unseen_curve

UNSEEN = np.array([False, False, True, True])


def table(seed: int, items: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 4, items)
    target[:4] = range(4)
    return rng.normal(size=(items, 4)) + 0.8 * np.eye(4)[target], target


def by_hand(logits: np.ndarray, target: np.ndarray, gamma: float) -> tuple[float, float]:
    shifted = logits - gamma * ~UNSEEN
    right = shifted.argmax(axis=1) == target
    per_class = [right[target == c].mean() for c in range(4)]
    return float(np.mean(per_class[:2])), float(np.mean(per_class[2:]))


@pytest.mark.parametrize("gamma", [-3.0, -0.4, 0.0, 0.3, 1.7, 5.0])
def test_the_curve_equals_classifying_again_with_gamma_taken_off(gamma: float) -> None:
    logits, target = table(1)
    seen, unseen, harmonic = seen_unseen_curve(logits, target, unseen=UNSEEN).at(gamma)
    expected = by_hand(logits, target, gamma)
    assert (seen, unseen) == pytest.approx(expected)
    assert harmonic == pytest.approx(2 * seen * unseen / (seen + unseen) if seen + unseen else 0)


def test_infinite_gammas_leave_one_side_only() -> None:
    logits, target = table(2)
    curve = seen_unseen_curve(logits, target, unseen=UNSEEN)
    assert curve.at(-np.inf)[1] == 0
    assert curve.at(np.inf)[0] == pytest.approx(0)
    assert curve.at(np.inf)[1] == pytest.approx(by_hand(logits, target, 1e9)[1])


def test_the_area_is_the_trapezoid_over_every_breakpoint() -> None:
    logits, target = table(3)
    curve = seen_unseen_curve(logits, target, unseen=UNSEEN)
    edges = np.concatenate([curve.gammas[:1] - 1, (curve.gammas[:-1] + curve.gammas[1:]) / 2, curve.gammas[-1:] + 1])
    points = np.array([by_hand(logits, target, gamma) for gamma in edges])
    area = sum(
        (points[i, 0] - points[i + 1, 0]) * (points[i, 1] + points[i + 1, 1]) / 2 for i in range(len(points) - 1)
    )
    assert curve.ausuc == pytest.approx(area)


def test_the_chosen_gamma_reaches_the_best_harmonic_mean() -> None:
    logits, target = table(4)
    curve = seen_unseen_curve(logits, target, unseen=UNSEEN)
    best = max(
        2 * s * u / (s + u) if s + u else 0 for s, u in (by_hand(logits, target, g) for g in np.linspace(-6, 6, 4001))
    )
    assert curve.at(curve.best_gamma())[2] == pytest.approx(best)


def test_bad_tables_are_refused() -> None:
    logits, target = table(5)
    with pytest.raises(NonFiniteError):
        seen_unseen_curve(np.where(logits > 2, np.nan, logits), target, unseen=UNSEEN)
    with pytest.raises(EmptyClassError, match="seen and of unseen"):
        seen_unseen_curve(logits, np.zeros_like(target), unseen=UNSEEN)
    with pytest.raises(ShapeError):
        seen_unseen_curve(logits, target, unseen=UNSEEN[:3])
