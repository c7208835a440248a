"""Demand that is constant and certain: on every date as much is bought as expires then, so that a ladder stays one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.hours import HOURS_PER_YEAR, hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market, assemble
from optimizer.calendar_dates import planning_timeline
from optimizer.jobs.solve import solve
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.policy import Increments
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

AS_OF_HOUR = hour_of_date("2024-03-11")  # no leap day in two years: a year is 8,760 h
RATE_USD = 0.6
TIMELINE = planning_timeline(AS_OF_HOUR, cadence_months=3, terms_months=(12,))


def bought(demand_units: float, owned_units: list[float]) -> np.ndarray:
    """What to buy on each date, where as much of what is owned as the list says runs out on each of them. [units]"""
    offer = Offer(
        offer_id="ri",
        kind=OfferKind.RESERVED_STANDARD,
        provider="aws",
        region="r",
        pools=("r/a",),
        draw=np.ones(1),
        hourly_usd=RATE_USD,
        upfront_usd=0.0,
        term_months=12,
        payment_option="none",
    )
    ends = TIMELINE.decision_hours.tolist()
    market = Market(
        catalog=Catalog(pools=("r/a",), on_demand_usd=np.ones(1), spot_usd=np.full(1, np.nan), offers=(offer,)),
        pools={"r/a": Pool(name="r/a")},
        commitments=tuple(
            Commitment(
                commitment_id=f"owned-{number}",
                offer_id="ri",
                quantity=units,
                start_hour=end - HOURS_PER_YEAR,
                end_hour=end,
            )
            for number, (units, end) in enumerate(zip(owned_units, ends, strict=True))
            if units > 0
        ),
        terms_months=(12,),
    )
    hours, hour_weights = TIMELINE.columns()
    scenarios = Scenarios(
        pools=("r/a",),
        hours=hours,
        hour_weights=hour_weights,
        weights=np.ones(1),
        units=np.full((1, 1, len(hours)), demand_units),
    )
    assembled = assemble(scenarios, market, TIMELINE, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=False)
    solved = solve(assembled, Increments(), method="cuts", gap_fraction=1e-7, tell=lambda _: None)
    assert solved.gap_fraction < 1e-6
    return np.array([solved.quantity[assembled.decision_hour == date].sum() for date in ends])


def test_a_ladder_in_steady_state_buys_a_quarter_of_demand_each_quarter():
    assert_allclose(bought(40.0, [10.0] * 4), 10.0, rtol=1e-5)


def test_who_owns_nothing_buys_everything_at_once_and_again_when_it_expires():
    assert_allclose(bought(40.0, [0.0] * 4), [40.0, 0.0, 0.0, 0.0], atol=1e-4)


@settings(max_examples=10)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=4).filter(any))
def test_each_date_buys_what_expires_on_it(expiring: list[int]):
    units = [float(number) for number in expiring]
    assert_allclose(bought(sum(units), units), units, atol=1e-4 * sum(units))
