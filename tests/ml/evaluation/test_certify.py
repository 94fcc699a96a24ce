"""A certificate is a proof: checked by counting every possible audit, not by trust."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from ml.errors import ConfigError, ShapeError
from ml.evaluation.bounds import (
    AuditorError,
    betting_p_values,
    exact_p_values,
    exact_upper,
    remainder_p_values,
)
from ml.evaluation.category_certificates import CategoryAudit, certify_categories, holm
from ml.evaluation.certify import Goal, audits_for_lot, certify_lot, plan_lots, remainder_upper
from ml.evaluation.confidence import log_odds

GOAL = Goal(0.05)


def remainder_p(errors: int, *, audited: int, size: int, target: float, auditors: AuditorError | None = None) -> float:
    found = remainder_p_values(
        np.array([errors]),
        audited=np.array([audited]),
        size=np.array([size]),
        target=target,
        auditors=auditors or AuditorError(),
    )
    return float(found[0])


@pytest.mark.parametrize(
    ("errors", "audited", "target"),
    [(0, 59, 0.05), (1, 93, 0.05), (0, 149, 0.02), (1, 236, 0.02), (0, 299, 0.01), (1, 473, 0.01), (2, 628, 0.01)],
)
def test_sample_sizes_are_those_of_the_exact_binomial(errors: int, audited: int, target: float) -> None:
    assert exact_upper(errors, audited=audited) <= target < exact_upper(errors, audited=audited - 1)


def test_nothing_audited_proves_nothing() -> None:
    assert exact_upper(0, audited=0) == 1
    assert exact_p_values(np.array([0]), audited=np.array([0]), target=0.5)[0] == 1
    assert remainder_p(0, audited=0, size=100, target=0.5) == 1
    assert remainder_upper(0, audited=0, size=100) == 1


def test_the_tail_is_that_of_drawing_without_replacement() -> None:
    # 400 labels, 100 audited, 2 wrong: more than 5 % of the other 300 means 16 of those, 18 in all.
    expected = stats.hypergeom.cdf(2, 400, 18, 100)
    assert remainder_p(2, audited=100, size=400, target=0.05) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("size", [20, 35, 60])
@pytest.mark.parametrize("target", [0.05, 0.1, 0.3])
def test_whatever_the_truth_a_false_proof_is_rarer_than_promised(size: int, target: float) -> None:
    for audited, wrong in product((5, size // 2, size - 4), range(size + 1)):
        false = 0.0
        for errors in range(min(audited, wrong) + 1):
            broken = (wrong - errors) / (size - audited) > target
            if broken and remainder_p(errors, audited=audited, size=size, target=target) <= 0.05:
                false += stats.hypergeom.pmf(errors, size, wrong, audited)
        assert false <= 0.05 + 1e-9


def test_auditors_who_err_and_are_known_to_prove_what_trusted_ones_could_not() -> None:
    known = AuditorError(false_alarm=0.02, miss=0.02)
    assert remainder_p(6, audited=300, size=5000, target=0.02) > 0.05
    assert remainder_p(4, audited=300, size=5000, target=0.02, auditors=known) <= 0.05


def test_noise_of_auditors_is_counted_exactly() -> None:
    # One wrong label among three, two audited, alarms in half of the right ones, no misses:
    # P(none called wrong) = P(the wrong one is not drawn) · ½² = ⅓ · ¼.
    found = remainder_p(0, audited=2, size=3, target=0.0, auditors=AuditorError(false_alarm=0.5))
    assert found == pytest.approx(1 / 12)


def test_auditors_who_know_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="gold"):
        AuditorError(false_alarm=0.6, miss=0.5)


def test_a_bet_without_losses_is_worth_the_exact_bound_within_the_price_of_not_knowing_when_to_stop() -> None:
    counted = np.ones((1, 400), dtype=bool)
    p = betting_p_values(np.zeros((1, 400)), counted=counted, top=np.ones(1), target=0.02)[0]
    assert 0.98**400 < p < 0.02


def test_a_gambler_who_is_wrong_about_the_mean_rarely_gets_rich() -> None:
    rng = np.random.default_rng(0)
    losses = (rng.random((400, 300)) < 0.05).astype(float)
    p = betting_p_values(losses, counted=np.ones_like(losses, dtype=bool), top=np.ones(400), target=0.05)
    assert np.count_nonzero(p <= 0.05) <= stats.binom.ppf(0.999, 400, 0.05)


def project(rng: np.random.Generator, *, size: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Confidences that mean what they say, and which labels are wrong."""
    confidence = 1 - 0.5 * rng.beta(0.3, 2.0, size)
    return confidence, rng.random(size) > confidence


def test_accepted_lots_hold_what_is_promised() -> None:
    rng = np.random.default_rng(1)
    broken = accepted = 0.0
    for seed in range(100):
        confidence, wrong = project(rng)
        plan = plan_lots(confidence, goal=GOAL, audits=200)
        rows = plan.draw(200, seed=seed)
        lot = certify_lot(plan, confidence, audited=rows, wrong=wrong[rows], goal=GOAL)
        unseen = np.setdiff1d(np.flatnonzero(confidence >= lot.threshold), rows) if lot.size else np.array([], int)
        broken += bool(len(unseen)) and wrong[unseen].mean() > GOAL.error
        accepted += lot.size / len(confidence)
    assert broken <= 11  # P(Binomial(100, 0.05) > 11) < 0.5 %
    assert accepted / 100 > 0.6


def test_a_confidence_that_lies_costs_size_and_not_the_promise() -> None:
    rng = np.random.default_rng(2)
    broken = 0
    for seed in range(60):
        confidence = rng.random(2000) * 0.02 + 0.98
        wrong = rng.random(2000) < 0.06
        plan = plan_lots(confidence, goal=GOAL, audits=200)
        rows = plan.draw(200, seed=seed)
        lot = certify_lot(plan, confidence, audited=rows, wrong=wrong[rows], goal=GOAL)
        broken += lot.size > 0
    assert broken <= 9


def test_all_audits_wrong_accepts_nothing() -> None:
    confidence, _ = project(np.random.default_rng(3))
    plan = plan_lots(confidence, goal=GOAL, audits=100)
    rows = plan.draw(100, seed=0)
    lot = certify_lot(plan, confidence, audited=rows, wrong=np.ones(100, bool), goal=GOAL)
    assert (lot.size, lot.bound) == (0, 1.0)


def test_no_audits_accepts_nothing() -> None:
    confidence, _ = project(np.random.default_rng(3))
    plan = plan_lots(confidence, goal=GOAL, audits=0)
    lot = certify_lot(plan, confidence, audited=np.array([], int), wrong=np.array([], bool), goal=GOAL)
    assert lot.size == 0


def test_equal_confidences_are_accepted_together_or_not_at_all() -> None:
    confidence = np.repeat([0.999, 0.99, 0.6], 400)
    plan = plan_lots(confidence, goal=GOAL, audits=100)
    assert set(plan.sizes.tolist()) <= {400, 800, 1200}


def test_an_image_audited_twice_is_refused() -> None:
    confidence, _ = project(np.random.default_rng(4))
    plan = plan_lots(confidence, goal=GOAL, audits=100)
    with pytest.raises(ShapeError, match="twice"):
        certify_lot(plan, confidence, audited=np.array([1, 1]), wrong=np.array([False, True]), goal=GOAL)


def test_larger_lots_ask_for_as_many_audits_as_their_errors_cost() -> None:
    confidence, _ = project(np.random.default_rng(5))
    plan = plan_lots(confidence, goal=GOAL, audits=200)
    needed = audits_for_lot(plan, goal=GOAL)
    assert needed[len(needed) // 2] > 0
    assert needed[-1] == -1 or needed[-1] > needed[len(needed) // 2]


def test_the_bound_and_the_test_agree() -> None:
    for errors, audited, size in [(0, 59, 4000), (3, 150, 900), (1, 93, 200)]:
        bound = remainder_upper(errors, audited=audited, size=size)
        assert remainder_p(errors, audited=audited, size=size, target=bound) <= 0.05
        one_less = bound - 1 / (size - audited)
        assert one_less < 0 or remainder_p(errors, audited=audited, size=size, target=one_less) > 0.05


def test_holm_stops_at_the_first_claim_that_fails() -> None:
    assert holm([0.01, 0.04, 0.02], doubt=0.05) == [True, True, True]
    assert holm([0.01, 0.06, 0.026], doubt=0.05) == [True, False, False]
    assert holm([], doubt=0.05) == []


def test_small_siblings_are_certified_together_and_bad_ones_not_at_all() -> None:
    audits = [
        CategoryAudit(1, size=2000, audited=150, errors=0),
        CategoryAudit(2, size=500, audited=60, errors=0),
        CategoryAudit(3, size=500, audited=60, errors=0),
        CategoryAudit(4, size=2000, audited=150, errors=40),
        CategoryAudit(5, size=50, audited=0, errors=0),
    ]
    parents = {1: None, 2: 10, 3: 10, 4: None, 5: None, 10: None}
    found = {verdict.categories: verdict for verdict in certify_categories(audits, goal=GOAL, parents=parents)}
    assert found[(1,)].certified
    assert found[(2, 3)].certified and found[(2, 3)].node == 10
    assert (found[(4,)].certified, found[(4,)].reason) == (False, "too many errors")
    assert (found[(5,)].certified, found[(5,)].reason) == (False, "no audits")


def test_images_that_are_certain_to_sixteen_digits_are_ordered_by_their_log_odds() -> None:
    odds = np.linspace(80, 40, 500)
    sure = 1 / (1 + np.exp(-odds))
    assert (sure == 1).all()
    assert plan_lots(sure, goal=GOAL, audits=50).sizes.tolist() == [500]
    apart = plan_lots(sure[::-1], goal=GOAL, audits=50, score=odds[::-1])
    assert apart.order.tolist() == list(range(500))[::-1]
    assert len(apart.sizes) > 20
    with pytest.raises(ShapeError, match="score"):
        plan_lots(sure, goal=GOAL, audits=50, score=odds[1:])


def test_log_odds_are_those_of_the_likeliest_class() -> None:
    logits = np.log([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]])
    assert log_odds(logits) == pytest.approx(np.log([0.7 / 0.3, 1.0]))
    assert log_odds(np.array([[900.0, 0.0]])) == pytest.approx([900.0])
    with pytest.raises(ShapeError, match="two classes"):
        log_odds(np.zeros((3, 1)))
