"""Demand for hardware without a name: what it costs, what covers it, and that it is in every total of a plan."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.forecast import Forecast, ForecastRequest, ForecastSettings, forecast_demand
from forecasting.history import History
from forecasting.hours import hour_of_date, month_index, month_name
from forecasting.roadmap import Roadmap
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.jobs.judge import judge
from optimizer.jobs.unnamed import UNNAMED, market_with_unnamed, scenarios_with_unnamed, unnamed_pools
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

START_HOUR = hour_of_date("2024-01-01")
N_HOURS = 24 * 60
POOLS = ("east/a", "east/b", "web", "west/c")
RATES_USD = (1.0, 10.0, 3.0, 2.0)
GROUPS = ("", "east", "west")
NAMES = st.sampled_from(("g/a", "g/b", "a", UNNAMED, f"g/{UNNAMED}", f"g/{UNNAMED}'", f"{UNNAMED}'", f"g/{UNNAMED}''"))


def offer(offer_id: str, kind: OfferKind, draws: dict[str, float], *, provider: str = "aws") -> Offer:
    """Offer for a month without upfront cash."""
    is_plan = kind in (OfferKind.COMPUTE_SAVINGS_PLAN, OfferKind.INSTANCE_SAVINGS_PLAN)
    return Offer(
        offer_id=offer_id,
        kind=kind,
        provider=provider,
        region="",
        pools=tuple(draws),
        draw=np.array(list(draws.values())),
        hourly_usd=1.0 if is_plan else 0.5,
        upfront_usd=0.0,
        term_months=1,
        payment_option="none",
    )


COMPUTE = offer("csp", OfferKind.COMPUTE_SAVINGS_PLAN, {"east/a": 0.5, "east/b": 9.0, "west/c": 1.5})
OTHERS = (
    offer("ri", OfferKind.RESERVED_STANDARD, {"east/a": 1.0}),
    offer("flexible", OfferKind.RESERVED_CONVERTIBLE, {"east/a": 1.0, "east/b": 2.0}),
    offer("isp", OfferKind.INSTANCE_SAVINGS_PLAN, {"east/a": 0.6, "east/b": 6.0}),
    offer("abroad", OfferKind.COMPUTE_SAVINGS_PLAN, {"west/c": 1.0}),
)


def market(*offers: Offer, providers: tuple[str, ...] = ()) -> Market:
    """Market of the four pools."""
    catalog = Catalog(
        pools=POOLS,
        on_demand_usd=np.array(RATES_USD),
        spot_usd=np.array([0.1, 1.0, 0.3, 0.2]),
        offers=offers,
        providers=providers,
        regions=("east", "east", "north", "west") if providers else (),
    )
    return Market(catalog=catalog, pools={name: Pool(name=name) for name in POOLS}, commitments=(), terms_months=(1,))


@pytest.fixture(scope="module")
def forecast() -> Forecast:
    """Forecast of a day in two scenarios of round figures, with unnamed demand in the group east alone."""
    rng = np.random.default_rng(0)
    past = History(pools=POOLS, start_hour=START_HOUR, units=10.0 * rng.lognormal(0, 0.05, (4, N_HOURS)))
    hours = np.arange(past.end_hour, past.end_hour + 24)
    request = ForecastRequest(
        as_of_hour=past.end_hour,
        hours=hours,
        hour_weights=np.ones(24),
        settings=ForecastSettings(n_paths=2, n_scenarios=2),
    )
    made = forecast_demand(past, Roadmap(), request, np.random.default_rng(1))
    assert made.groups == GROUPS
    units = np.ones((2, 4, 24)) * np.array([[30.0, 10.0, 7.0, 4.0], [10.0, 10.0, 7.0, 4.0]])[:, :, None]
    unnamed = np.zeros((2, 3, 24))
    unnamed[1, 1] = 20.0
    scenarios = replace(made.scenarios, units=units, weights=np.array([0.5, 0.5]))
    return replace(made, scenarios=scenarios, unnamed_units=unnamed)


EAST = f"east/{UNNAMED}"


@given(st.lists(NAMES, unique=True))
def test_names_never_clash(pools: list[str]):
    groups = tuple(sorted({pool.partition("/")[0] if "/" in pool else "" for pool in pools}))
    names = unnamed_pools(groups, tuple(pools))
    assert len(names) == len(groups)
    assert len({*names, *pools}) == len(names) + len(pools)
    for group, name in zip(groups, names, strict=True):
        assert name.startswith(f"{group}/{UNNAMED}" if group else UNNAMED)


def test_scenarios_have_all_demand_of_the_forecast(forecast: Forecast):
    made = scenarios_with_unnamed(forecast)
    assert made.pools == (*POOLS, UNNAMED, EAST, f"west/{UNNAMED}")
    total = forecast.scenarios.units.sum(axis=1) + forecast.unnamed_units.sum(axis=1)
    assert_allclose(made.units.sum(axis=1), total)
    assert_allclose(made.weights, forecast.scenarios.weights)


def test_it_is_priced_as_the_mean_of_its_group_by_demand(forecast: Forecast):
    made = market_with_unnamed(market(COMPUTE, *OTHERS), forecast)
    catalog = made.catalog
    assert catalog.pools == (*POOLS, EAST)  # nothing moves there from the other groups
    parts = 20.0 / 30.0, 10.0 / 30.0  # of the two pools, in the mean of the scenarios
    assert_allclose(catalog.on_demand_usd[-1], parts[0] * 1.0 + parts[1] * 10.0)
    assert np.isnan(catalog.spot_usd[-1])
    assert made.pools[EAST] == Pool(name=EAST)
    assert_allclose(catalog.on_demand_usd[:-1], RATES_USD)


def test_only_compute_plans_of_its_group_cover_it_at_what_they_draw_in_the_mean(forecast: Forecast):
    offers = {one.offer_id: one for one in market_with_unnamed(market(COMPUTE, *OTHERS), forecast).catalog.offers}
    assert [name for name, one in offers.items() if EAST in one.pools] == ["csp"]
    assert offers["csp"].pools[-1] == EAST
    assert_allclose(offers["csp"].draw[-1], (20.0 * 0.5 + 10.0 * 9.0) / 30.0)
    assert_allclose(offers["csp"].draw[:-1], COMPUTE.draw)
    # a plan for one of the two pools alone: as large a part of its rate
    alone = offer("alone", OfferKind.COMPUTE_SAVINGS_PLAN, {"east/b": 9.0})
    (covering,) = market_with_unnamed(market(alone), forecast).catalog.offers
    assert_allclose(covering.draw[-1], 0.9 * 4.0)


def test_a_plan_of_another_provider_does_not_cover_it(forecast: Forecast):
    plans = (
        offer("of-a", OfferKind.COMPUTE_SAVINGS_PLAN, {"east/a": 0.5}),
        offer("of-b", OfferKind.COMPUTE_SAVINGS_PLAN, {"east/b": 5.0}, provider="gcp"),
    )
    given_market = market(*plans, providers=("aws", "gcp", "aws", "aws"))
    made = market_with_unnamed(given_market, forecast).catalog
    assert (made.providers[-1], made.regions[-1]) == ("aws", "east")
    assert [one.offer_id for one in made.offers if EAST in one.pools] == ["of-a"]
    # the judge takes no offer that covers the pools of two providers
    held = [Commitment(commitment_id="x", offer_id="of-a", quantity=1.0, start_hour=0, end_hour=10**7)]
    judge(market_with_unnamed(given_market, forecast), held, scenarios_with_unnamed(forecast).on_pools(made.pools))


def test_a_group_that_has_no_priced_pool_or_no_such_demand_is_left_out(forecast: Forecast):
    none = replace(forecast, unnamed_units=np.zeros((2, 3, 24)))
    assert market_with_unnamed(market(COMPUTE), none).catalog.pools == POOLS
    only_west = market()
    catalog = replace(
        only_west.catalog, pools=POOLS[2:], on_demand_usd=np.array(RATES_USD[2:]), spot_usd=np.full(2, np.nan)
    )
    assert market_with_unnamed(replace(only_west, catalog=catalog), forecast).catalog.pools == POOLS[2:]


def test_a_compute_plan_is_billed_for_it_and_a_reservation_is_not(forecast: Forecast):
    """Bill of one hour by hand: 20 units at 4 USD, of which 35 USD/h of plan cover 20 units that draw 10 / 3."""
    made = market_with_unnamed(market(COMPUTE, *OTHERS), forecast)
    rate, draw = 4.0, 10.0 / 3.0
    scenarios = Scenarios(
        pools=made.catalog.pools,
        hours=np.array([START_HOUR]),
        hour_weights=np.ones(1),
        weights=np.ones(1),
        units=np.array([0.0, 0.0, 0.0, 0.0, 20.0]).reshape(1, 5, 1),
    )

    def cost(offer_id: str, quantity: float) -> float:
        held = [Commitment(commitment_id="x", offer_id=offer_id, quantity=quantity, start_hour=0, end_hour=10**7)]
        return float(judge(made, held, scenarios).total_usd[0])

    assert_allclose(cost("csp", 35.0), 35.0 + (20.0 - 35.0 / draw) * rate)
    assert_allclose(cost("csp", 20.0 * draw), 20.0 * draw)
    for other in ("ri", "flexible", "isp", "abroad"):
        assert_allclose(cost(other, 7.0), 7.0 * (0.5 if other in ("ri", "flexible") else 1.0) + 20.0 * rate)


def test_a_plan_counts_it_in_every_total_and_its_bill_agrees(planned, small_fleet: Path):
    plan = planned("{}\n").plan
    months = [month_name(int(month)) for month in month_index(np.arange(plan.as_of_hour, plan.horizon_end_hour))]
    units: defaultdict[str, float] = defaultdict(float)  # unit-hours
    for row in plan.allocation:
        units[row.pool] += row.units * months.count(row.month)
    name = f"east/{UNNAMED}"
    assert units[name] > 0.005 * units["east/api"]
    assert {row.kind for row in plan.allocation if row.pool == name} <= {"on_demand", "compute_savings_plan"}
    lines = (small_fleet / "prices.csv").read_text().splitlines()
    rates = {line.split(",")[4]: float(line.split(",")[7]) for line in lines if line.startswith("od:")}
    east = [pool for pool in units if pool.startswith("east/") and pool != name]
    rates[name] = sum(units[pool] * rates[pool] for pool in east) / sum(units[pool] for pool in east)
    everything = next(row for row in plan.summaries if row.name == "all_on_demand")
    assert_allclose(everything.mean_usd, sum(units[pool] * rates[pool] for pool in units if pool), rtol=1e-9)
    assert_allclose(plan.certificate.billed_usd, plan.certificate.lp_usd, rtol=1e-3)
    assert_allclose(
        sum(usd for _, usd in plan.certificate.difference_usd),
        plan.certificate.billed_usd - plan.certificate.lp_usd,
        atol=1e-6,
    )
    assert any(UNNAMED in told for told in plan.assumptions)
    assert name in {row.pool for row in plan.peaks}
    assert f"west/{UNNAMED}" not in units  # a group of one pool has no successors
