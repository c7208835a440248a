"""What a plan expects day by day agrees with its bills, its scenarios and its events."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.billing.replay import BillOptions, bill_portfolio, bill_scenarios
from optimizer.expected import Expected
from optimizer.expected_file import expected_parquet, read_expected
from optimizer.jobs.bill_days import bill_days
from optimizer.jobs.expected import DailyLedger, expected_days, locked_in_usd
from optimizer.jobs.inputs import InputPaths, read_market
from optimizer.policy import Policy
from optimizer.portfolio import Commitment

START = hour_of_date("2024-03-11")
POOLS = ("east/api", "east/web", "west/batch")


@pytest.fixture(scope="module")
def market(small_fleet: Path):
    paths = InputPaths(
        usage=small_fleet / "usage.csv", prices=small_fleet / "prices.csv", pools=small_fleet / "pools.csv"
    )
    return read_market(paths, Policy(), known=POOLS)


def owned() -> tuple[Commitment, ...]:
    """A reservation, a plan that ends, a capacity reservation that idles, and one that begins later."""
    rows = [
        ("ri", "ri12n:east/api", 6.0, START - 100, START + 8000),
        ("csp", "csp1", 9.0, START, START + 30),
        ("odcr", "odcr:east/web", 70.0, START + 5, START + 8000),
        ("later", "ri1a:east/web", 20.0, START + 40, START + 770),
    ]
    return tuple(
        Commitment(commitment_id=name, offer_id=offer, quantity=quantity, start_hour=start, end_hour=end)
        for name, offer, quantity, start, end in rows
    )


def scenarios(n_hours: int = 72) -> Scenarios:
    """Five futures of unequal weight."""
    rng = np.random.default_rng(5)
    return Scenarios(
        pools=POOLS,
        hours=np.arange(START, START + n_hours),
        hour_weights=np.ones(n_hours),
        weights=np.array([0.1, 0.3, 0.2, 0.15, 0.25]),
        units=rng.uniform(5.0, 60.0, (5, 3, n_hours)),
    )


def test_the_days_of_a_bill_sum_to_the_bill(market):
    demand = scenarios().units[0]
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 72)
    hours = np.arange(START, START + 72)
    bill = bill_portfolio(market.catalog, market.pools, owned(), hours, demand, BillOptions(hour_weights=weights))
    assert bill.idle_units.any()
    assert bill.spot_units.any()
    days = bill_days(bill, market.catalog)
    assert_allclose(days.total_usd.sum(), bill.total_usd)
    assert_allclose(days.fee_usd.sum(), bill.fee_usd)
    assert_allclose(days.unused_usd.sum(), bill.stranded_usd)
    assert_allclose(days.on_demand_usd.sum(), bill.on_demand_equivalent_usd)
    assert_allclose(days.eligible_usd.sum(), bill.eligible_on_demand_usd)
    assert_allclose(days.covered_usd.sum(), bill.covered_on_demand_usd)
    second = bill_portfolio(
        market.catalog,
        market.pools,
        owned(),
        hours[24:48],
        demand[:, 24:48],
        BillOptions(hour_weights=weights[24:48]),
    )
    assert_allclose(days.total_usd[1], second.total_usd)


def expectations(market) -> Expected:
    """Expectations of the scenarios; the window ends within its fourth day, which is left out."""
    window = scenarios(72 + 10)
    ledger = DailyLedger(market.catalog)
    bills = bill_scenarios(market.catalog, market.pools, owned(), window)
    for bill, weight in zip(bills, window.weights, strict=True):
        ledger.add(bill, weight)
    return expected_days(window, ledger, owned(), None)


def test_expectations_are_those_of_the_scenarios_day_by_day(market):
    found, window = expectations(market), scenarios(72 + 10)
    assert found.days.tolist() == [START // 24 + day for day in range(3)]
    for day in range(3):
        part = slice(24 * day, 24 * day + 24)
        means = window.units[:, :, part].mean(axis=2)
        assert_allclose(found.mean_units[:3, day], window.weights @ means)
        assert_allclose(found.mean_units[3, day], window.weights @ means.sum(axis=1))
        to_date = window.units[:, 1, : 24 * day + 24].mean(axis=1)
        order = np.argsort(to_date)
        reached = np.cumsum(window.weights[order])
        assert found.to_date_units[2, 1, day] == pytest.approx(to_date[order][np.argmax(reached >= 0.9 - 1e-12)])
        bills = [
            bill_portfolio(market.catalog, market.pools, owned(), window.hours[part], units[:, part])
            for units in window.units
        ]
        cost = window.weights @ [bill.total_usd for bill in bills]
        assert_allclose(found.served_usd[:, day].sum() + found.unused_usd[day], cost)
    assert not found.knows_events


def test_lock_in_is_what_is_still_to_pay_of_what_is_held(market):
    fee = 0.62 * 0.8 * 6.0
    hours = np.array([START + 24, START + 48, START + 9000])
    expected = [fee * (8000 - 24) + 9.0 * 6, fee * (8000 - 48) + 20 * 0.66 * (770 - 48), 0.0]
    assert_allclose(locked_in_usd(owned(), market.catalog, hours), expected)


def test_the_file_gives_the_same_expectations_back(market):
    found = expectations(market)
    content = expected_parquet(found)
    assert expected_parquet(found) == content
    again = read_expected(content, source="x", knows_events=False)
    assert again.pools == found.pools
    for name in Expected.__slots__:
        if name not in ("pools", "events", "knows_events"):
            np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def test_a_plan_expects_of_a_move_that_one_pool_gains_what_the_other_loses(planned):
    found = planned("{}\n", "commitments", "pools", "roadmap").plan.expected
    (event,) = found.events
    assert (event.name, event.pools, found.knows_events) == ("api-to-new", ("east/api", "east/new"), True)
    assert_allclose(event.units[0], -event.units[1])
    assert event.units[0, 0] == 0.0
    assert_allclose(-event.units[0, -1], found.mean_units[found.pools.index("east/api"), -1], rtol=0.02)  # half moves


def test_a_plan_expects_its_own_cost(planned):
    plan = planned("{}\n", "commitments", "pools", "roadmap").plan
    days = len(plan.expected.days)
    assert days == (plan.horizon_end_hour - plan.as_of_hour) // 24 == 30
    total = plan.expected.served_usd.sum() + plan.expected.unused_usd.sum()
    assert total < plan.summary.mean_usd < total * 30.7 / 30  # the window has ten hours more
    assert plan.summary.p10_usd * 29 / 30.5 < plan.expected.cost_to_date_usd[0, -1] < plan.summary.p10_usd
