"""Spot in plans of the small fleet, with a spot price of 0.4 of on demand in three of its pools."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.hours import month_index, month_name
from optimizer.billing.replay import BillOptions, bill_portfolio
from optimizer.jobs.quarterly import solved_run
from optimizer.jobs.reduction import path_recourse_usd
from optimizer.jobs.spot import DEADLINES, DRAWN, MEAN, availability_of, with_outages
from optimizer.offers import Catalog
from optimizer.plan import Plan
from optimizer.pools import Pool
from optimizer.spot.chain import SpotChain
from optimizer.spot.deadline import DeadlineWork, keep_deadline
from optimizer.spot.rows import SpotRow

HEADER = (
    "pool,spot_eligible_fraction,spot_availability,interruption_overhead_fraction,spot_outage_hours,"
    "deadline_window_hours,deadline_work_hours,on_demand_quota_units\n"
)
OUTAGES = "west/batch,0.6,0.75,0.1,6,,,12\n"
THREE = f"{HEADER}east/web,0.6,0.75,0.1,,,,\neast/api,0.6,0.75,0.1,6,8,3,100\n{OUTAGES}"
SPOT_USD = {"east/web": 0.4, "east/api": 0.32, "west/batch": 0.2}
ON_DEMAND_USD = {"east/web": 1.0, "east/api": 0.8, "west/batch": 0.5}


@pytest.fixture(scope="session")
def market_prices(small_fleet) -> str:
    """Prices of the fleet without anything that can be bought, and spot prices of three pools."""
    lines = (small_fleet / "prices.csv").read_text().splitlines()
    kept = [line for line in lines if line.startswith("offer_id") or ",on_demand," in line]
    kept += [f"spot:{pool},spot,aws,{pool.partition('/')[0]},{pool},0,none,{usd},0" for pool, usd in SPOT_USD.items()]
    return "\n".join(kept) + "\n"


@pytest.fixture
def three(planned: Callable, market_prices: str) -> Plan:
    """Plan with the mean rate in one pool, a deadline in one, and drawn outages in one."""
    return planned(prices=market_prices, pools=THREE).plan


def spot_row(plan: Plan, pool: str) -> SpotRow:
    return next(row for row in plan.spot if row.pool == pool)


def mean_units(plan: Plan, pool: str) -> float:
    """Mean demand of a pool over the window, by what serves it."""
    months = {row.month for row in plan.allocation}
    hours = dict.fromkeys(months, 0)
    for hour in range(plan.as_of_hour, plan.horizon_end_hour):
        hours[month_name(int(month_index(np.array([hour]))[0]))] += 1
    units = sum(row.units * hours[row.month] for row in plan.allocation if row.pool == pool)
    return units / (plan.horizon_end_hour - plan.as_of_hour)


def test_a_unit_on_spot_saves_the_difference_of_the_rates(three: Plan):
    """Nothing can be bought: the plan is cheaper than all on demand by what runs on spot, to the cent."""
    n_hours = three.horizon_end_hour - three.as_of_hour
    all_on_demand = next(summary for summary in three.summaries if summary.name == "all_on_demand").mean_usd
    saved = [(row.on_demand_usd - row.spot_usd) * row.spot_units * n_hours for row in three.spot]
    assert len(saved) == 3
    assert min(saved) > 0
    assert_allclose(all_on_demand - three.summary.mean_usd, sum(saved), rtol=1e-9)
    assert_allclose(three.certificate.billed_usd, three.certificate.lp_usd, rtol=1e-9)


def test_hours_without_spot_are_part_of_the_scenarios_where_outages_are_declared(three: Plan):
    drawn = {row.pool: row.drawn_availability for row in three.spot}
    assert drawn == {"east/web": None, "east/api": None, "west/batch": pytest.approx(0.75, abs=0.03)}
    for row in three.spot:
        there, on_demand = 1.1 * SPOT_USD[row.pool], ON_DEMAND_USD[row.pool]
        assert row.spot_usd == pytest.approx(there)
        if row.deadline is None:
            assert row.rate_usd == pytest.approx(0.75 * there + 0.25 * on_demand)
            assert row.spot_units == pytest.approx(0.75 * 0.6 * mean_units(three, row.pool), rel=0.04)
        assert_allclose(row.spot_units + row.displaced_units, 0.6 * mean_units(three, row.pool), rtol=1e-9)
    assert three.reduction.measures  # paths that are no scenarios have outages of their own
    assert {DRAWN, MEAN, DEADLINES} <= set(three.assumptions)


def test_an_outage_asks_for_the_highest_hour_on_spot_beside_what_is_on_demand(three: Plan):
    row = spot_row(three, "west/batch")
    assert row.quota_units == 12.0
    assert row.outage_extra_units > row.spot_units / 0.8
    assert row.outage_on_demand_units > row.outage_extra_units
    assert row.over_quota_units == pytest.approx(row.outage_on_demand_units - 12.0)
    assert spot_row(three, "east/api").over_quota_units == 0.0
    assert spot_row(three, "east/web").over_quota_units is None


def test_a_plan_with_every_offer_agrees_with_its_bill_while_spot_comes_and_goes(planned: Callable):
    plan = planned("spot_share_max: 0.05\n", "commitments", pools=HEADER + OUTAGES).plan
    certificate = plan.certificate
    assert certificate.gap_fraction <= 1e-4
    parts = sum(usd for _, usd in certificate.difference_usd)
    assert_allclose(certificate.billed_usd - certificate.lp_usd, parts, atol=1e-6)
    assert_allclose(certificate.billed_usd, certificate.lp_usd, rtol=1e-6)
    (row,) = plan.spot
    assert row.spot_units > 0
    assert row.displaced_units > 0


def test_a_deadline_sets_the_rate_and_its_promise_has_a_price(three: Plan):
    row = spot_row(three, "east/api")
    deadline = row.deadline
    assert deadline is not None
    chain = SpotChain(availability=0.75, outage_hours=6.0)
    work = DeadlineWork(window_hours=8, work_hours=3.0, rework_fraction=0.1, spot_usd=0.32, on_demand_usd=0.8)
    promise = keep_deadline(chain, work)
    assert row.rate_usd == promise.rate_usd
    assert deadline.fallback_probability == promise.fallback_probability
    eligible_hours = (row.spot_units + row.displaced_units) * (three.horizon_end_hour - three.as_of_hour)
    assert deadline.promise_usd == pytest.approx((row.rate_usd - deadline.waiting_usd) * eligible_hours)
    assert row.spot_units == pytest.approx(deadline.spot_fraction * (row.spot_units + row.displaced_units))


def test_a_bill_knows_hours_without_spot_or_the_expected_rate():
    catalog = Catalog(pools=("a",), on_demand_usd=np.array([1.0]), spot_usd=np.array([0.3]), offers=())
    pools = {"a": Pool(name="a", spot_eligible_fraction=0.5, spot_availability=0.8, spot_outage_hours=4.0)}
    hours, demand = np.arange(3), np.full((1, 3), 8.0)

    def bill(**options: object):
        return bill_portfolio(catalog, pools, (), hours, demand, BillOptions(**options))

    expected = bill()
    assert_allclose(expected.spot_usd, [3 * 4 * (0.8 * 0.3 + 0.2)])
    assert_allclose(expected.on_demand_usd, [12.0])
    there = np.array([[True, False, True]])
    known = bill(spot_available=there)
    assert_allclose(known.spot_units, [[4.0, 0.0, 4.0]])
    assert_allclose(known.spot_usd, [2 * 4 * 0.3])
    assert_allclose(known.on_demand_usd, [4.0 + 8.0 + 4.0])
    with pytest.raises(ValueError, match=r"spot-eligible 0 units, got 1 at hour 1"):
        bill(spot_available=there, spot_units=np.array([[0.0, 1.0, 0.0]]))
    with pytest.raises(ValueError, match=r"spot_available must have shape \(1, 3\), got \(1, 2\)"):
        bill(spot_available=there[:, :2])


@pytest.mark.slow
def test_a_kept_path_has_the_outages_of_its_scenario_on_all_its_hours(planned: Callable, market_prices: str):
    """Scenarios whose cost is forgotten are laid out anew, and cost the same."""
    run = solved_run(planned(prices=market_prices, pools=THREE).given, method="auto", tell=lambda _: None)
    solved, kept = run.solved, run.forecast.kept
    problem = solved.assembled.problem
    assert problem.spot_available is not None
    known, half = solved.found.window_recourse_usd, len(kept) // 2
    one = replace(solved.found, window_recourse_usd=known[:half])
    first = replace(solved, rounding=replace(solved.rounding, found=one))
    market, every = run.given.market, run.forecast.every.of(kept, run.forecast.scenarios.weights)
    spot_of = availability_of(market, problem.hours, seed=run.given.seed)
    again = path_recourse_usd(first, every, np.arange(half), spot_of=lambda rows: spot_of(kept[rows]))
    assert_allclose(again, known, rtol=1e-9)
    turned = with_outages(run.solved.assembled, market, paths=kept[::-1], seed=run.given.seed).problem
    np.testing.assert_array_equal(turned.spot_available[::-1], problem.spot_available)
