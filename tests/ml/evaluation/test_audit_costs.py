"""How many audits cost people least is forecast from confidence, before anyone answers."""

import numpy as np
import pytest

from ml.evaluation.audit_costs import fewest_presses, pages_first
from ml.evaluation.certify import Goal, audits_for_lot, plan_lots

SURE = np.concatenate([np.linspace(0.999, 0.98, 1500), np.linspace(0.9, 0.4, 500)])


def test_presses_are_audits_and_pages_and_what_is_wrong_in_the_rest() -> None:
    plan = plan_lots(SURE, goal=Goal(0.05), audits=300)
    found = fewest_presses(plan, SURE, goal=Goal(0.05), page=20)
    assert found is not None
    lot = np.sort(SURE)[::-1][: found.size]
    wrong_in_rest = (1 - SURE).sum() - (1 - lot).sum()
    assert found.presses == pytest.approx((found.audits + (2000 - found.size) / 20 + wrong_in_rest) / 2000)


def test_no_other_lot_is_forecast_to_cost_less() -> None:
    plan = plan_lots(SURE, goal=Goal(0.05), audits=300)
    found = fewest_presses(plan, SURE, goal=Goal(0.05))
    assert found is not None
    audits = audits_for_lot(plan, goal=Goal(0.05))
    wrong = (1 - SURE).sum() - plan.expected * plan.sizes
    presses = (audits + (2000 - plan.sizes) / 32 + wrong) / 2000
    assert found.presses == pytest.approx(presses[audits > 0].min())


def test_a_promise_about_all_labels_costs_less_than_one_about_the_lot() -> None:
    costs = []
    for goal in (Goal(0.03), Goal(0.03, among=2000)):
        found = fewest_presses(plan_lots(SURE, goal=goal, audits=300), SURE, goal=goal)
        assert found is not None
        costs.append(found.presses)
    assert costs[1] < costs[0]


def test_where_nothing_can_be_proved_no_number_is_named() -> None:
    hopeless = np.full(100, 0.3)
    assert fewest_presses(plan_lots(hopeless, goal=Goal(0.01), audits=50), hopeless, goal=Goal(0.01)) is None


def test_sure_images_are_worth_a_page_and_doubtful_ones_are_left_where_few_enough_are_wrong() -> None:
    # 80 of the 2,000 may be wrong.
    goal = Goal(0.04, among=2000)
    found = pages_first(SURE, goal=goal)
    all_by_pages = (2000 / 32 + (1 - SURE).sum()) / 2000
    assert 0 < found.looked < 2000 and found.audits > 0
    assert found.presses < all_by_pages
    looked = np.sort(SURE)[::-1][: found.looked]
    assert found.presses == pytest.approx((found.looked / 32 + (1 - looked).sum() + found.audits) / 2000)
    plan = plan_lots(SURE, goal=goal, audits=300)
    unlooked = fewest_presses(plan, SURE, goal=goal)
    assert unlooked is not None and found.presses < unlooked.presses


def test_where_no_rest_can_be_proved_all_is_looked_at() -> None:
    found = pages_first(np.full(100, 0.3), goal=Goal(0.01, among=100))
    assert (found.looked, found.audits) == (100, 0)
    assert found.presses == pytest.approx((100 / 32 + 70) / 100)


def test_under_a_promise_about_the_lot_it_is_all_or_nothing_by_pages() -> None:
    found = pages_first(SURE, goal=Goal(0.05))
    assert (found.looked, found.audits) == (2000, 0)


@pytest.mark.parametrize("images", [5, 40, 69])
def test_nobody_is_told_to_audit_more_than_half_of_what_there_is(images: int) -> None:
    few = np.linspace(0.999, 0.97, images)
    for goal in (Goal(0.02), Goal(0.3), Goal(0.3, among=3 * images)):
        plan = plan_lots(few, goal=goal, audits=20)
        assert audits_for_lot(plan, goal=goal).max() <= plan.region / 2
