"""The look-back rule against a brute force that serves every past hour by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.history import History
from forecasting.hours import hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.billing.replay import bill_portfolio
from optimizer.calendar_dates import Timeline
from optimizer.jobs.rivals import all_on_demand, look_back
from optimizer.look_back import LOOK_BACK_HOURS, look_back_rule
from optimizer.portfolio import Commitment

AS_OF_HOUR = hour_of_date("2024-03-11")
N_HOURS = 200


def _brute_force_commitment(market: Market, past: np.ndarray, commitments: tuple[Commitment, ...]) -> float:
    """Cheapest commitment on past hours, by ternary search over whole bills: the cost is convex in it."""
    rule = look_back_rule(market)
    assert rule is not None
    hours = np.arange(AS_OF_HOUR - past.shape[1], AS_OF_HOUR)
    held = [replace(owned, start_hour=int(hours[0]), end_hour=AS_OF_HOUR) for owned in commitments]

    def cost(quantity: float) -> float:
        bought = Commitment(
            commitment_id="new",
            offer_id=rule.offer.offer_id,
            quantity=quantity,
            start_hour=int(hours[0]),
            end_hour=AS_OF_HOUR,
        )
        return bill_portfolio(market.catalog, market.pools, (*held, bought), hours, past).total_usd

    low, high = 0.0, float((market.catalog.on_demand_usd @ past).max())
    for _ in range(45):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if cost(left) <= cost(right):
            high = right
        else:
            low = left
    return (low + high) / 2


def _scenarios(market: Market, units: np.ndarray) -> Scenarios:
    n_scenarios, _, n_hours = units.shape
    return Scenarios(
        pools=market.catalog.pools,
        hours=np.arange(AS_OF_HOUR, AS_OF_HOUR + n_hours),
        hour_weights=np.ones(n_hours),
        weights=np.full(n_scenarios, 1 / n_scenarios),
        units=units,
    )


def _timeline(*dates: int, n_hours: int = N_HOURS) -> Timeline:
    end = AS_OF_HOUR + n_hours
    return Timeline(
        decision_hours=np.array(dates),
        tail_hours=np.array([], dtype=int),
        start_hour=AS_OF_HOUR,
        end_hour=end,
        valued_end_hour=end,
    )


@pytest.mark.parametrize("roles", [(), ("commitments",), ("pools",)], ids=["bare", "owned", "spot"])
def test_the_first_purchase_is_the_cheapest_for_the_last_thirty_days(planned, roles: tuple[str, ...]):
    given = planned("{}\n", *roles).given
    market, history = given.market, given.history
    units = np.random.default_rng(2).gamma(4.0, 5.0, (2, len(market.catalog.pools), N_HOURS))
    scenarios = _scenarios(market, units)
    past = history.between(AS_OF_HOUR - LOOK_BACK_HOURS, AS_OF_HOUR).units
    assert history.pools == market.catalog.pools
    quantity = _brute_force_commitment(market, past, market.commitments)
    assert quantity > 1.0
    bought = Commitment(
        commitment_id="by-hand",
        offer_id="csp1",
        quantity=quantity,
        start_hour=AS_OF_HOUR,
        end_hour=AS_OF_HOUR + 730,
    )
    found = look_back(market, history, scenarios, _timeline(AS_OF_HOUR))
    assert found is not None
    expected = [
        bill_portfolio(market.catalog, market.pools, (*market.commitments, bought), scenarios.hours, demand).total_usd
        for demand in units
    ]
    assert_allclose(found.total_usd, expected, rtol=1e-4)


def test_a_later_purchase_looks_back_on_its_own_scenario_and_counts_what_runs(planned):
    given = planned("{}\n").given
    market = given.market
    n_hours = LOOK_BACK_HOURS + 300
    units = np.random.default_rng(4).gamma(4.0, 5.0, (2, len(market.catalog.pools), n_hours))
    units[1] *= 2.0
    scenarios = _scenarios(market, units)
    second = AS_OF_HOUR + LOOK_BACK_HOURS
    found = look_back(market, given.history, scenarios, _timeline(AS_OF_HOUR, second, n_hours=n_hours))
    assert found is not None
    past = given.history.between(AS_OF_HOUR - LOOK_BACK_HOURS, AS_OF_HOUR).units
    first = Commitment(
        commitment_id="first",
        offer_id="csp1",
        quantity=_brute_force_commitment(market, past, ()),
        start_hour=AS_OF_HOUR,
        end_hour=AS_OF_HOUR + 730,
    )
    expected = []
    for demand in units:
        more = _brute_force_commitment(market, demand[:, :LOOK_BACK_HOURS], (first,))
        then = replace(first, commitment_id="then", quantity=more, start_hour=second, end_hour=second + 730)
        expected.append(bill_portfolio(market.catalog, market.pools, (first, then), scenarios.hours, demand).total_usd)
    assert_allclose(found.total_usd, expected, rtol=1e-4)


def test_a_history_that_ends_before_as_of_is_looked_back_on_from_its_end(planned):
    given = planned("{}\n").given
    market = given.market
    units = np.full((1, len(market.catalog.pools), N_HOURS), 20.0)
    steady = History(
        pools=market.catalog.pools,
        start_hour=AS_OF_HOUR - 60 * 24,
        units=np.full((len(market.catalog.pools), 60 * 24), 20.0),
    )
    stale = replace(steady, start_hour=steady.start_hour - 25 * 24)
    scenarios, timeline = _scenarios(market, units), _timeline(AS_OF_HOUR)
    found = [look_back(market, history, scenarios, timeline) for history in (steady, stale)]
    assert found[0] is not None
    assert found[1] is not None
    assert_allclose(found[1].total_usd, found[0].total_usd, rtol=1e-9)
    assert found[0].total_usd[0] < all_on_demand(market, scenarios).total_usd[0]


def test_without_a_savings_plan_there_is_no_rule(planned, small_fleet: Path):
    prices = (small_fleet / "prices.csv").read_text().splitlines(keepends=True)
    run = planned("{}\n", prices="".join(line for line in prices if not line.startswith("csp")))
    assert [row.name for row in run.plan.summaries] == ["plan", "all_on_demand", "keep_owned"]


def test_all_on_demand_is_every_unit_at_its_rate(planned):
    market = planned("{}\n", "commitments", "pools").given.market
    units = np.random.default_rng(9).random((3, len(market.catalog.pools), 50))
    expected = np.einsum("spt,p->s", units, market.catalog.on_demand_usd)
    assert_allclose(all_on_demand(market, _scenarios(market, units)).total_usd, expected, rtol=1e-12)
