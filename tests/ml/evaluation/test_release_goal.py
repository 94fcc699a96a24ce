"""The goal about all labels of a release: so many wrong ones among so many, the others being people's."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from ml.evaluation.bounds import remainder_p_values
from ml.evaluation.certify import Goal, certify_lot, plan_lots


@pytest.mark.parametrize("among", [40, 100, 300])
@pytest.mark.parametrize("size", [20, 35])
def test_whatever_the_truth_a_false_proof_is_rarer_than_promised(size: int, among: int) -> None:
    goal = Goal(0.05, among=among)
    for audited, wrong in product((5, size // 2, size - 4), range(size + 1)):
        one, looked = np.array([size]), np.array([audited])
        target = goal.targets(one, audited=looked)
        false = 0.0
        for errors in range(min(audited, wrong) + 1):
            p = remainder_p_values(np.array([errors]), audited=looked, size=one, target=target)[0]
            if wrong - errors > 0.05 * among and p <= 0.05:
                false += stats.hypergeom.pmf(errors, size, wrong, audited)
        assert false <= 0.05 + 1e-9


def test_a_lot_that_fits_into_what_may_be_wrong_is_accepted_whatever_it_holds() -> None:
    sure = np.linspace(0.99, 0.5, 400)
    goal = Goal(0.1, among=4_000)  # 400 of them may be wrong, and the lot holds no more
    plan = plan_lots(sure, goal=goal, audits=50)
    rows = plan.draw(50, seed=0)
    lot = certify_lot(plan, sure, audited=rows, wrong=np.ones(50, bool), goal=goal)
    assert lot.size == 400


def test_promises_about_more_labels_are_kept_as_often() -> None:
    """5 % of 3,000 labels may be wrong, and at most those of the lot are."""
    rng, goal = np.random.default_rng(4), Goal(0.05, among=3_000)
    broken, accepted = 0, []
    for seed in range(30):
        sure = 1 - 0.5 * rng.beta(0.5, 1.0, 2_000)
        wrong = rng.random(2_000) > sure
        plan = plan_lots(sure, goal=goal, audits=200)
        rows = plan.draw(200, seed=seed)
        lot = certify_lot(plan, sure, audited=rows, wrong=wrong[rows], goal=goal)
        unseen = np.setdiff1d(plan.order[: lot.size], rows)
        broken += int(wrong[unseen].sum()) > 0.05 * 3_000
        accepted.append(lot.size)
    assert broken <= 5  # P(Binomial(30, 0.05) > 5) < 0.5 %
    assert np.mean(accepted) > 1_000
