"""What serves demand adds up, month by month and pool by pool, to the demand and to the cost of the plan."""

from collections import defaultdict

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.forecast import ForecastRequest, forecast_demand
from forecasting.hours import hour_of_date, month_index, month_name
from forecasting.scenarios import Scenarios
from optimizer.calendar_dates import planning_timeline
from optimizer.jobs.judge import judge, summary
from optimizer.portfolio import Commitment
from optimizer.risk import conditional_value_at_risk

AS_OF_HOUR = hour_of_date("2024-03-11")
EVERYTHING = ("commitments", "pools", "roadmap")


@pytest.mark.parametrize("roles", [(), ("commitments",), EVERYTHING], ids=["bare", "owned", "everything"])
@pytest.mark.parametrize("policy", ["{}\n", "headroom: {fraction: 1.0}\n"], ids=["free", "with-headroom"])
def test_allocated_money_is_the_expected_cost(planned, policy: str, roles: tuple[str, ...]):
    plan = planned(policy, *roles).plan
    assert {row.kind for row in plan.allocation} >= {"on_demand", "reserved_standard", "unused"}
    assert_allclose(sum(row.usd for row in plan.allocation), plan.summary.mean_usd, rtol=1e-9)
    unused = sum(row.usd for row in plan.allocation if row.kind == "unused")
    assert_allclose(unused, plan.summary.stranded_usd, rtol=1e-6)
    assert all(row.units >= 0 and row.usd >= -1e-9 for row in plan.allocation)


@pytest.mark.parametrize("roles", [(), EVERYTHING], ids=["bare", "everything"])
def test_allocated_units_are_the_expected_demand(planned, roles: tuple[str, ...]):
    run = planned("{}\n", *roles)
    given = run.given
    timeline = planning_timeline(AS_OF_HOUR, cadence_months=3, terms_months=(1,))
    hours, hour_weights = timeline.columns()
    request = ForecastRequest(as_of_hour=AS_OF_HOUR, hours=hours, hour_weights=hour_weights)
    scenarios = forecast_demand(given.history, given.roadmap, request, np.random.default_rng(given.seed)).scenarios
    mean_units = np.tensordot(scenarios.weights, scenarios.units, axes=1)
    found: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in run.plan.allocation:
        if row.pool:
            found[row.month, row.pool] += row.units
    month_of = month_index(hours)
    for month in np.unique(month_of):
        for place, pool in enumerate(scenarios.pools):
            expected = mean_units[place, month_of == month].mean()
            assert_allclose(found.get((month_name(int(month)), pool), 0.0), expected, rtol=1e-9, atol=1e-9)


def test_a_summary_of_two_scenarios_is_the_hand_made_one(planned):
    market = planned("{}\n").given.market
    pools = market.catalog.pools
    units = np.zeros((2, len(pools), 4))
    units[0, pools.index("east/web")] = [10.0, 10.0, 10.0, 0.0]
    units[1, pools.index("east/web")] = [20.0, 20.0, 20.0, 20.0]
    scenarios = Scenarios(
        pools=pools,
        hours=np.arange(AS_OF_HOUR, AS_OF_HOUR + 4),
        hour_weights=np.ones(4),
        weights=np.array([0.75, 0.25]),
        units=units,
    )
    owned = Commitment(
        commitment_id="a", offer_id="ri1n:east/web", quantity=12.0, start_hour=AS_OF_HOUR, end_hour=AS_OF_HOUR + 730
    )
    judged = judge(market, (owned,), scenarios)
    fee = 12 * 0.7 * 4
    assert_allclose(judged.total_usd, [fee, fee + 8 * 4])
    assert_allclose(judged.stranded_usd, [(2 * 3 + 12) * 0.7, 0.0])
    found = summary("x", "X", judged, scenarios.weights)
    assert_allclose(found.mean_usd, fee + 0.25 * 32)
    assert_allclose(found.esr, 1 - found.mean_usd / (0.75 * 30 + 0.25 * 80))
    assert_allclose(found.coverage, (0.75 * 30 + 0.25 * 48) / (0.75 * 30 + 0.25 * 80))
    assert_allclose(found.stranded_usd, 0.75 * 12.6)
    assert_allclose(found.utilization, 1 - 0.75 * 12.6 / fee)
    tail = conditional_value_at_risk(judged.stranded_usd, scenarios.weights, level=0.95)
    assert_allclose(found.stranded_cvar_fraction, tail / fee)
    assert_allclose(tail, 12.6)
    assert_allclose(judged.use_fraction["a"], 1 - 0.75 * 18 / 48)


def test_nothing_held_is_nothing_committed(planned):
    plan = planned("{}\n").plan
    row = next(row for row in plan.summaries if row.name == "all_on_demand")
    assert np.isnan(row.utilization)
    assert row.stranded_fraction == row.stranded_cvar_fraction == row.coverage == 0
