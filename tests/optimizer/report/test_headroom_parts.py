from dataclasses import replace

import pytest

from optimizer.plan import Plan
from optimizer.report.headroom_parts import headroom_parts


@pytest.fixture
def page(plan: Plan) -> str:
    return "".join(headroom_parts(plan.headroom))


def test_a_month_has_both_losses_and_both_flips(page: str):
    for text in ("310.0 units: 9,000 USD/h", "240.0 units: a chance of 12.50 %", "25.0 %", "not declared", "none"):
        assert text in page


def test_sites_say_what_is_added_or_that_their_loss_is_not_survived(page: str):
    assert " 40.0 units" in page
    assert "nothing" in page
    assert page.count("no other site: its loss is not survived") == 1


def test_a_verdict_has_the_cost_and_the_chance_at_which_it_flips(page: str):
    assert "a cost of 4,000 USD, a chance of 25.00 %" in page
    assert "decided" in page


def test_names_are_escaped(plan: Plan, page: str):
    assert plan.headroom is not None
    for name in (plan.headroom.sites[0].parts[0].pool, plan.headroom.mitigations[0].name):
        assert "<" in name
        assert name not in page


def test_nothing_is_said_where_nothing_is_declared(plan: Plan):
    assert plan.headroom is not None
    assert headroom_parts(None) == ()
    assert headroom_parts(replace(plan.headroom, shortages=(), sites=(), mitigations=())) == ()
