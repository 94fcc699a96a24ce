"""The gate, on cases that a person can count."""

import numpy as np
import pytest

from ml.errors import ConfigError, ShapeError
from ml.evaluation.gate import GateRule, judge, macro_f1, paired_accuracy_interval
from ml.evaluation.report import Answers, confusion_cells, model_figures

RULE = GateRule(needed=20)


def answers(right: int, wrong: int) -> np.ndarray:
    """Predictions of images whose truth is 0: so many right ones first."""
    return np.concatenate([np.zeros(right, np.int64), np.ones(wrong, np.int64)])


def verdict(*, both: int, better: int, worse: int, neither: int, rule: GateRule = RULE) -> str:
    truth = np.zeros(both + better + worse + neither, np.int64)
    live = np.concatenate([answers(both, better), answers(worse, neither)])
    candidate = np.concatenate([answers(both + better, 0), answers(0, worse + neither)])
    return judge(truth, live, candidate, rule=rule, seed=0).outcome


def test_five_of_five_is_luck_and_six_of_six_is_a_gain() -> None:
    """A fair coin shows five heads in a row too often (p = 0.0625), six rarely enough (p = 0.03125)."""
    assert verdict(both=20, better=5, worse=0, neither=5) == "wait"
    assert verdict(both=20, better=6, worse=0, neither=5) == "promote"


def test_a_worse_model_is_refused_and_an_undecided_one_waits() -> None:
    assert verdict(both=10, better=1, worse=12, neither=7) == "refuse"
    assert verdict(both=10, better=6, worse=5, neither=9) == "wait"


def test_the_same_model_again_waits_for_ever() -> None:
    assert verdict(both=40, better=0, worse=0, neither=10) == "wait"


def test_nothing_is_promoted_on_a_handful_of_answers() -> None:
    assert verdict(both=0, better=19, worse=0, neither=0) == "wait"


def test_a_tolerance_lets_through_what_gains_in_the_chosen_metric() -> None:
    """A rare class found at the price of one common image: worth it to who asked for macro-F1 and said so."""
    truth = np.asarray([0] * 40 + [1] * 6)
    live = np.zeros(46, np.int64)
    candidate = truth.copy()
    candidate[0] = 1
    strict = judge(truth, live, candidate, rule=GateRule(metric="macro_f1"), seed=0)
    lenient = judge(truth, live, candidate, rule=GateRule(metric="macro_f1", tolerance=0.05), seed=0)
    assert (strict.outcome, lenient.outcome) == ("wait", "promote")
    assert strict.gain is not None and strict.gain.low > 0


def test_shuffled_answers_pass_no_oftener_than_the_level_says() -> None:
    """2.5 % on the side of gain; 1,000 draws of two guessers over five classes."""
    rng = np.random.default_rng(0)
    passed = 0
    for _ in range(1000):
        truth, live, candidate = rng.integers(0, 5, (3, 60))
        passed += judge(truth, live, candidate, rule=RULE, seed=0).outcome == "promote"
    assert passed <= 35


def test_the_interval_is_that_of_the_decided_images() -> None:
    """9 better, 1 worse of 100: p in [0.5550, 0.9975] (Clopper and Pearson), so 10 (2p - 1) / 100."""
    interval = paired_accuracy_interval(9, 1, images=100)
    assert interval.value == pytest.approx(0.08)
    assert (interval.low, interval.high) == (pytest.approx(0.01100, abs=1e-4), pytest.approx(0.09949, abs=1e-4))


def test_macro_f1_by_hand() -> None:
    """Class 0: 2 of 3 found, said 3 times: F1 4/6. Class 1: 1 of 2 found, said 2 times: 2/4. A 7 is said of nothing."""
    assert macro_f1(np.asarray([0, 0, 0, 1, 1]), np.asarray([0, 0, 1, 1, 0])) == pytest.approx((4 / 6 + 1 / 2) / 2)
    assert macro_f1(np.asarray([0, 1]), np.asarray([7, -1])) == 0


def test_figures_of_a_model_by_hand() -> None:
    probabilities = np.asarray([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    said = Answers.of(probabilities, np.asarray([30, 10]))
    truth = np.asarray([30, 10, 10, 10])
    assert said.predicted.tolist() == [30, 10, 30, 10]
    figures = model_figures(truth, said)
    assert figures["accuracy"]["value"] == 0.75
    assert figures["calibration_error"] == pytest.approx((0.1 + 0.2 + 0.7 + 0.4) / 4)
    assert {one["class"]: (one["count"], one["precision"]) for one in figures["classes"]} == {
        10: (3, 1.0),
        30: (1, 0.5),
    }
    assert confusion_cells(truth, said.predicted) == [[10, 10, 2], [10, 30, 1], [30, 30, 1]]


def test_rules_and_rows_that_make_no_sense_are_named() -> None:
    with pytest.raises(ConfigError):
        GateRule(needed=0)
    with pytest.raises(ShapeError):
        judge(np.zeros(3, int), np.zeros(3, int), np.zeros(2, int), rule=RULE, seed=0)
    with pytest.raises(ShapeError):
        Answers.of(np.zeros((2, 3)), np.arange(2))
