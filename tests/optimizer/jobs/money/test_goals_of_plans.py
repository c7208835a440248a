"""A stated goal changes what a whole plan buys, and the money of a plan adds up to its bill."""

import pytest
from numpy.testing import assert_allclose

from optimizer.plan import Plan


@pytest.fixture(scope="module")
def plain(planned) -> Plan:
    return planned("{}\n").plan


@pytest.mark.parametrize("roles", [(), ("commitments", "pools", "roadmap")], ids=["bare", "everything"])
def test_the_money_of_a_plan_adds_up_to_its_bill(planned, roles: tuple[str, ...]):
    plan = planned("{}\n", *roles).plan
    assert plan.money is not None
    cost = sum(one.cost_usd for one in plan.money.quarters)
    assert_allclose(cost, plan.summary.mean_usd, rtol=1e-9)
    other = sum(one.all_on_demand_usd for one in plan.money.quarters)
    assert_allclose(other, next(one.mean_usd for one in plan.summaries if one.name == "all_on_demand"), rtol=1e-9)
    upfront = sum(one.upfront_usd for one in (*plan.purchases, *plan.schedule))
    assert_allclose(sum(one.upfront_usd for one in plan.money.quarters), upfront, rtol=1e-9)


@pytest.mark.slow
def test_free_cash_flow_as_the_goal_buys_nothing_upfront_and_costs_more(planned, plain: Plan):
    careful = planned("goal: free_cash_flow\n").plan
    assert sum(one.upfront_usd for one in plain.purchases) > 0.0
    assert careful.purchases
    assert sum(one.upfront_usd for one in (*careful.purchases, *careful.schedule)) == 0.0
    assert careful.summary.mean_usd > plain.summary.mean_usd
    assert careful.money is not None
    assert careful.money.comparisons[0].tied_up_usd == 0.0
