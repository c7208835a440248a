"""What hardware costs inside the valued hours: closed forms, and no purchase that cash does not justify."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, Market, assemble, horizon_terms
from optimizer.calendar_dates import Timeline, discount_factor_at, planning_timeline
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.hardware import Hardware
from optimizer.hardware_cost import Service, capital_usd, full_term_usd, full_use_payback_months, served_part
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

START = hour_of_date("2024-01-01")
YEAR = 8760
ON_DEMAND = {"a": 1.0, "b": 0.5}


def _rack(
    *,
    lead_hours: int = 0,
    salvage_usd: tuple[float, ...] | None = None,
    years: tuple[tuple[int, int], ...] = ((0, 4),),
    **changes: object,
) -> Offer:
    offer = Offer(
        offer_id="rack",
        kind=OfferKind.OWNED_HARDWARE,
        provider="own",
        region="",
        pools=("a", "b")[: len(years)],
        draw=np.ones(len(years)),
        hourly_usd=0.1,
        upfront_usd=10_000.0,
        term_months=12 * max(last for _, last in years),
        payment_option="all",
        hardware=Hardware(
            lead_hours=lead_hours,
            salvage_usd=salvage_usd,
            from_hours=tuple(first * YEAR for first, _ in years),
            until_hours=tuple(last * YEAR for _, last in years),
        ),
    )
    return replace(offer, **changes)


def _service(offer: Offer, *, valued_years: float, rate_yearly: float = 0.0) -> Service:
    start = START + offer.lead_hours
    return Service(
        start_hour=start,
        end_hour=start + offer.term_hours,
        valued_end_hour=START + round(valued_years * YEAR),
        as_of_hour=START,
        rate_yearly=rate_yearly,
    )


RESALE = (6000.0, 4000.0, 2500.0, 500.0)


@pytest.mark.parametrize(
    ("valued_years", "usd"),
    [(0.5, 10_000 - 6000), (1, 10_000 - 6000), (2.5, 10_000 - 3250), (4, 10_000 - 500), (9, 10_000 - 500)],
)
def test_where_it_can_be_sold_it_costs_what_the_sale_does_not_bring(valued_years: float, usd: float):
    offer = _rack(salvage_usd=RESALE)
    assert_allclose(capital_usd(offer, _service(offer, valued_years=valued_years), ON_DEMAND), usd)


def test_cash_is_discounted_from_the_order_and_the_sale_from_its_moment():
    offer = _rack(salvage_usd=RESALE, lead_hours=YEAR // 2)
    found = capital_usd(offer, _service(offer, valued_years=2.5, rate_yearly=0.21), ON_DEMAND)
    # ordered at once, in service after half a year: two years old at the end of the valued hours
    assert_allclose(found, 10_000 - 4000 * discount_factor_at(round(2.5 * YEAR), as_of_hour=0, rate_yearly=0.21))
    whole = full_term_usd(offer, _service(offer, valued_years=2.5, rate_yearly=0.21))
    assert_allclose(whole, 10_000 - 500 / 1.21**4.5)


@pytest.mark.parametrize("valued_years", [0.5, 1, 2.5, 4, 9])
def test_without_a_resale_value_its_upfront_cash_is_spread_over_a_life_that_serves_alike(valued_years: float):
    offer = _rack()
    found = capital_usd(offer, _service(offer, valued_years=valued_years), ON_DEMAND)
    assert_allclose(found, 10_000 * min(valued_years / 4, 1.0))


@pytest.mark.parametrize(
    ("years", "valued_years", "part"),
    [
        (((0, 2), (2, 4)), 1, 1 / 3),  # two years at 1.0, then two at 0.5: three years' worth at 1.0
        (((0, 2), (2, 4)), 2, 2 / 3),
        (((0, 2), (2, 4)), 3, 2.5 / 3),
        (((0, 1), (3, 4)), 2, 1 / 1.5),  # nothing in between
        (((0, 1),), 0.5, 0.5),
    ],
)
def test_later_years_that_save_less_carry_less_of_it(
    years: tuple[tuple[int, int], ...], valued_years: float, part: float
):
    offer = _rack(years=years)
    assert_allclose(served_part(offer, round(valued_years * YEAR), ON_DEMAND), part)


@given(
    age=st.integers(0, 5 * YEAR),
    more=st.integers(0, YEAR),
    ends=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_the_part_that_is_charged_never_falls_and_ends_at_all_of_it(age: int, more: int, ends: tuple[int, int]):
    offer = _rack(years=((0, ends[0]), (max(ends) - 1, max(ends))))
    before, after = (served_part(offer, hours, ON_DEMAND) for hours in (age, age + more))
    assert 0.0 <= before <= after <= 1.0
    assert served_part(offer, offer.term_hours, ON_DEMAND) == 1.0


def test_hardware_that_serves_no_known_pool_is_spread_evenly():
    offer = _rack(pools=(), draw=np.zeros(0), hardware=Hardware())
    assert_allclose(served_part(offer, YEAR, ON_DEMAND), 0.25)


# in a plan


def _assembled(
    offers: tuple[Offer, ...], *, units: tuple[float, float] = (5.0, 5.0), owned: tuple[Commitment, ...] = ()
) -> tuple[Assembled, Timeline]:
    """One certain scenario of constant demand, one date to buy at."""
    catalog = Catalog(pools=("a", "b"), on_demand_usd=np.array([1.0, 0.5]), spot_usd=np.full(2, np.nan), offers=offers)
    pools = {name: Pool(name=name) for name in ("a", "b")}
    market = Market(catalog=catalog, pools=pools, commitments=owned, terms_months=(12,))
    timeline = planning_timeline(START, cadence_months=36, terms_months=horizon_terms(market.buyable()))
    hours, hour_weights = timeline.columns()
    demand = np.broadcast_to(np.array(units)[None, :, None], (1, 2, len(hours)))
    scenarios = Scenarios(
        pools=("a", "b"), hours=hours, hour_weights=hour_weights, weights=np.ones(1), units=demand.copy()
    )
    problem = assemble(scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=False)
    return problem, timeline


def _bought(offer: Offer) -> float:
    assembled, _ = _assembled((offer,))
    return float(solve_cuts(assembled.problem, CutOptions(gap_fraction=1e-9)).quantity[0])


@pytest.mark.parametrize(("factor", "units"), [(0.999, 5.0), (1.001, 0.0)])
@pytest.mark.parametrize("salvage_usd", [None, (8000.0, 5000.0, 1000.0)])
def test_it_is_bought_where_cash_less_resale_is_below_what_it_saves(
    factor: float, units: float, salvage_usd: tuple[float, ...] | None
):
    sold_usd = 0.0 if salvage_usd is None else salvage_usd[-1]
    saved_usd = (1.0 - 0.1) * 3 * YEAR + sold_usd
    offer = _rack(salvage_usd=salvage_usd, years=((0, 3),), upfront_usd=factor * saved_usd)
    assert_allclose(_bought(offer), units, atol=1e-6)


@pytest.mark.parametrize(("factor", "units"), [(0.999, 5.0), (1.001, 0.0)])
def test_a_cascade_is_bought_for_what_it_saves_in_both_pools(factor: float, units: float):
    saved_usd = (1.0 - 0.1) * YEAR + (0.5 - 0.1) * 2 * YEAR
    offer = _rack(years=((0, 1), (1, 3)), upfront_usd=factor * saved_usd)
    assert_allclose(_bought(offer), units, atol=1e-6)


@pytest.mark.parametrize(("factor", "units"), [(0.999, 5.0), (1.001, 0.0)])
def test_hardware_that_comes_later_saves_from_then_on_and_is_sold_younger(factor: float, units: float):
    lead = YEAR
    offer = _rack(lead_hours=lead, salvage_usd=(8000.0, 5000.0, 1000.0), years=((0, 3),))
    # three years are valued: a year of waiting, two of service, then a sale
    saved_usd = (1.0 - 0.1) * 2 * YEAR + 5000.0
    assert_allclose(_bought(replace(offer, upfront_usd=factor * saved_usd)), units, atol=1e-6)


def test_it_serves_from_the_end_of_its_lead_time_for_its_whole_life():
    offer = _rack(lead_hours=1000, years=((0, 1), (1, 3)))
    assembled, timeline = _assembled((offer,))
    batches, legs = assembled.problem.batches, assembled.problem.legs
    assert assembled.decision_hour.tolist() == [START]
    assert (batches.start_hour[0], batches.end_hour[0]) == (START + 1000, START + 1000 + 3 * YEAR)
    assert legs.start_hour.tolist() == [START + 1000, START + 1000 + YEAR]
    assert [offer.offer_id for offer in assembled.offers] == ["rack", "rack"]
    assert timeline.end_hour == START + 3 * YEAR


def test_hardware_that_would_come_after_all_that_is_valued_is_no_decision():
    assembled, _ = _assembled((_rack(lead_hours=3 * YEAR, years=((0, 3),)),))
    assert assembled.problem.batches.n_batches == 0


def test_owned_hardware_is_as_old_as_its_commitment():
    owned = Commitment(
        commitment_id="old", offer_id="rack", quantity=3.0, start_hour=START - YEAR // 2, end_hour=START + 3 * YEAR
    )
    assembled, _ = _assembled((_rack(years=((0, 1), (1, 3)), available_from_hour=START + 90 * YEAR),), owned=(owned,))
    problem = assembled.problem
    held = problem.held(problem.batches.fixed_quantity)
    assert held[0, 0] == 3.0
    assert held[0, YEAR // 2] == 0.0
    assert held[1, YEAR // 2] == 3.0
    assert held[1, 0] == 0.0


def test_a_plan_looks_at_most_three_years_ahead_for_a_life_and_never_less_than_for_terms():
    long = _rack(years=((0, 5),))
    five_years = replace(long, kind=OfferKind.RESERVED_STANDARD, hardware=None)
    assert horizon_terms((long,)) == (36,)
    assert horizon_terms((_rack(years=((0, 2),)), five_years)) == (24, 60)
    assert horizon_terms(()) == (12,)


def test_the_life_of_hardware_is_no_term_to_be_left_out_by():
    assembled, _ = _assembled((_rack(years=((0, 3),)),))  # the run allows terms of 12 months
    assert assembled.problem.batches.n_batches == 1


def test_its_payback_counts_from_the_order():
    offer = _rack(lead_hours=730 * 6, upfront_usd=0.9 * 730 * 12, years=((0, 3),))
    for limit, is_allowed in ((17.9, False), (18.1, True)):
        catalog = Catalog(pools=("a",), on_demand_usd=np.ones(1), spot_usd=np.full(1, np.nan), offers=(offer,))
        market = Market(catalog=catalog, pools={}, commitments=(), terms_months=(12,), payback_months_max=limit)
        assert bool(market.buyable()) == is_allowed


def test_the_tail_is_valued_by_contracts_and_not_by_more_hardware():
    reserved = replace(_rack(years=((0, 1),)), offer_id="ri", kind=OfferKind.RESERVED_STANDARD, hardware=None)
    rack = _rack(years=((0, 1),))
    catalog = Catalog(pools=("a",), on_demand_usd=np.ones(1), spot_usd=np.full(1, np.nan), offers=(reserved, rack))
    market = Market(catalog=catalog, pools={"a": Pool(name="a")}, commitments=(), terms_months=(12,))
    timeline = planning_timeline(START, cadence_months=6, terms_months=(12,))
    hours, hour_weights = timeline.columns()
    scenarios = Scenarios(
        pools=("a",), hours=hours, hour_weights=hour_weights, weights=np.ones(1), units=np.ones((1, 1, len(hours)))
    )
    assembled = assemble(scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=True)
    row_of = assembled.problem.batches.instrument
    in_tail = [assembled.offers[row_of[batch]].offer_id for batch in np.flatnonzero(assembled.decision_hour < 0)]
    assert in_tail
    assert set(in_tail) == {"ri"}


def test_where_only_the_window_counts_its_cost_is_the_fee_of_a_bill():
    offer = _rack(salvage_usd=RESALE)
    catalog = Catalog(pools=("a",), on_demand_usd=np.ones(1), spot_usd=np.full(1, np.nan), offers=(offer,))
    market = Market(catalog=catalog, pools={"a": Pool(name="a")}, commitments=(), terms_months=(12,))
    none = np.array([], dtype=np.int64)
    for full_term, hours in ((False, 100), (True, 4 * YEAR)):
        timeline = Timeline(
            decision_hours=np.array([START]),
            tail_hours=none,
            start_hour=START,
            end_hour=START + 100,
            valued_end_hour=START + 100,
            charges_full_term=full_term,
        )
        window = np.arange(START, START + 100)
        scenarios = Scenarios(
            pools=("a",), hours=window, hour_weights=np.ones(100), weights=np.ones(1), units=np.ones((1, 1, 100))
        )
        assembled = assemble(
            scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=False
        )
        assert_allclose(assembled.problem.batches.cost_usd, [offer.effective_hourly_usd * hours])


@pytest.mark.parametrize(
    ("years", "upfront_usd", "lead_hours", "hours"),
    [
        (((0, 4),), 9_000.0, 0, 10_000.0),  # 1.0 less 0.1 an hour
        (((0, 4),), 9_000.0, 730, 10_730.0),
        (((0, 1), (1, 4)), 0.9 * YEAR + 4_000.0, 0, YEAR + 10_000.0),  # then 0.5 less 0.1
        (((0, 1), (1, 4)), 0.9 * YEAR + 0.4 * 3 * YEAR + 1.0, 0, np.inf),  # its life is over
        (((0, 1), (2, 4)), 0.9 * YEAR - 0.1 * YEAR + 4_000.0, 0, 2 * YEAR + 10_000.0),  # nothing served in year 2
    ],
)
def test_full_use_pays_back_by_what_is_served_at_each_age(
    years: tuple[tuple[int, int], ...], upfront_usd: float, lead_hours: int, hours: float
):
    rack = _rack(years=years, upfront_usd=upfront_usd, lead_hours=lead_hours)
    assert_allclose(full_use_payback_months(rack, ON_DEMAND), hours / 730)
