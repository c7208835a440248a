from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.hours import add_months, hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, Market, assemble
from optimizer.calendar_dates import Timeline, discount_factor_at, discount_factors, planning_timeline
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment
from optimizer.spot.rates import effective_spot_usd

START = hour_of_date("2024-01-01")
POOLS = ("a", "b")
YEAR = 8760


def _offer(name: str, kind: OfferKind, draw: Sequence[float], **changes: object) -> Offer:
    offer = Offer(
        offer_id=name,
        kind=kind,
        provider="p",
        region="r",
        pools=POOLS[: len(draw)],
        draw=np.array(draw),
        hourly_usd=1.0,
        upfront_usd=0.0,
        term_months=12,
        payment_option="none",
    )
    return replace(offer, **changes)


RESERVATION = _offer("ri", OfferKind.RESERVED_STANDARD, [1.0], hourly_usd=0.6)
ALL_UPFRONT = _offer(
    "ri-all", OfferKind.RESERVED_STANDARD, [1.0], hourly_usd=0.0, upfront_usd=0.55 * YEAR, payment_option="all"
)
PLAN = _offer("csp", OfferKind.COMPUTE_SAVINGS_PLAN, [0.7, 1.3])


def _market(offers: Sequence[Offer], commitments: Sequence[Commitment] = (), **changes: object) -> Market:
    catalog = Catalog(
        pools=POOLS,
        on_demand_usd=np.array([1.0, 2.0]),
        spot_usd=np.array([0.3, np.nan]),
        offers=tuple(offers),
    )
    pools = {
        "a": Pool(name="a", spot_eligible_fraction=0.2, spot_availability=0.9, interruption_overhead_fraction=0.1),
        "b": Pool(name="b"),
    }
    return replace(Market(catalog=catalog, pools=pools, commitments=tuple(commitments), terms_months=(12,)), **changes)


def _scenarios(timeline: Timeline, seed: int = 0) -> Scenarios:
    hours, hour_weights = timeline.columns()
    rng = np.random.default_rng(seed)
    season = 1.0 + 0.3 * np.sin(2 * np.pi * hours / 24)
    units = np.array([10.0, 6.0])[None, :, None] * season * rng.uniform(0.8, 1.2, (2, 2, 1))
    return Scenarios(pools=POOLS, hours=hours, hour_weights=hour_weights, weights=np.array([0.4, 0.6]), units=units)


def _assembled(market: Market, *, rate: float = 0.0, cadence: int = 24, keep_dominated: bool = True) -> Assembled:
    timeline = planning_timeline(START, cadence_months=cadence, terms_months=market.terms_months)
    return assemble(
        _scenarios(timeline),
        market,
        timeline,
        discount_rate_yearly=rate,
        risk_lambda=0.0,
        keep_dominated=keep_dominated,
    )


@pytest.mark.parametrize("rate", [0.0, 0.08])
def test_hourly_fees_are_discounted_as_paid_and_upfront_is_paid_at_purchase(rate: float):
    problem = _assembled(_market([RESERVATION, ALL_UPFRONT]), rate=rate).problem
    # by hand: the year's hours of each calendar quarter, at the factor of the quarter's middle
    edges = np.array([add_months(START, 3 * quarter) for quarter in range(5)]) - START
    hours = np.diff(np.minimum(edges, YEAR))
    annuity = float(hours @ (1 + rate) ** (-(edges[:-1] + edges[1:]) / 2 / YEAR))
    assert_allclose(problem.batches.cost_usd, [0.6 * annuity, 0.55 * YEAR], rtol=1e-12)
    assert_allclose(problem.batches.upfront_usd, [0.0, 0.55 * YEAR])
    assert_allclose(problem.instruments.fee_usd, [0.6, 0.55])


def test_upfront_that_looks_cheaper_when_amortized_can_lose_at_a_discount_rate():
    dear = replace(ALL_UPFRONT, upfront_usd=0.59 * YEAR)
    costs = {rate: _assembled(_market([RESERVATION, dear]), rate=rate).problem.batches.cost_usd for rate in (0.0, 0.08)}
    assert costs[0.0][1] < costs[0.0][0]
    assert costs[0.08][1] > costs[0.08][0]


def test_a_later_upfront_fee_is_discounted_from_its_date_and_only_the_valued_part_counts():
    assembled = _assembled(_market([ALL_UPFRONT]), rate=0.08, cadence=3)
    problem = assembled.problem
    dates = [START, *(add_months(START, 3 * step) for step in (1, 2, 3))]
    assert_array_equal(assembled.decision_hour[:4], dates)
    factor = [discount_factor_at(date, as_of_hour=START, rate_yearly=0.08) for date in dates]
    # a term that ends between two sampled hours counts a few hours more, in what it pays as in what it covers
    assert_allclose(problem.batches.cost_usd[:4], 0.55 * YEAR * np.array(factor), rtol=5 / YEAR)
    # the replacement in the tail outlives what is valued: only its share counts
    end = int(problem.hours[-1] + problem.hour_weights[-1])
    held = (end - problem.batches.start_hour[4]) / YEAR
    at_tail = discount_factor_at(int(problem.batches.start_hour[4]), as_of_hour=START, rate_yearly=0.08)
    assert_allclose(problem.batches.cost_usd[4], 0.55 * YEAR * held * at_tail, rtol=5 / YEAR)
    assert assembled.decision_hour[4] == -1


def test_dominated_offers_go_and_the_optimum_stays():
    dear = replace(RESERVATION, offer_id="ri-dear", hourly_usd=0.7)
    dear_plan = replace(PLAN, offer_id="csp-dear", draw=1.2 * PLAN.draw)
    market = _market([RESERVATION, dear, PLAN, dear_plan])
    every, best = (_assembled(market, keep_dominated=keep) for keep in (True, False))
    assert [offer.offer_id for offer in every.offers] == ["ri", "ri-dear", "csp", "csp-dear"]
    assert [offer.offer_id for offer in best.offers] == ["ri", "csp"]
    optimum = [solve_cuts(one.problem, CutOptions(gap_fraction=1e-7)).upper_bound_usd for one in (every, best)]
    assert_allclose(optimum[0], optimum[1], rtol=1e-6)


@pytest.mark.parametrize(("is_cash_limited", "kept"), [(False, ["ri-all"]), (True, ["ri", "ri-all"])])
def test_a_dearer_offer_that_asks_for_less_cash_stays_where_cash_is_limited(is_cash_limited: bool, kept: list[str]):
    market = _market([RESERVATION, ALL_UPFRONT], is_cash_limited=is_cash_limited)
    assert [offer.offer_id for offer in _assembled(market, keep_dominated=False).offers] == kept


def test_what_is_owned_is_fixed_and_outlived_commitments_are_left_out():
    owned = Commitment(commitment_id="c1", offer_id="csp", quantity=3.0, start_hour=START - 100, end_hour=START + 50)
    gone = replace(owned, commitment_id="c2", end_hour=START)
    assembled = _assembled(_market([PLAN], [owned, gone]))
    assert assembled.commitment == (owned, None)
    assert_array_equal(assembled.problem.batches.is_decision, [False, True])
    assert_allclose(assembled.problem.batches.fixed_quantity[0], 3.0)
    assert_allclose(assembled.problem.batches.cost_usd[0], 50.0)


def test_offers_wait_until_they_are_sold():
    later = replace(PLAN, offer_id="later", available_from_hour=START + 4000)
    assembled = _assembled(_market([later]), cadence=3)
    assert assembled.decision_hour.min(initial=START + YEAR, where=assembled.decision_hour >= 0) > START + 4000


def test_a_capacity_reservation_costs_nothing_itself_and_lasts_to_the_next_date():
    reserve = _offer(
        "odcr", OfferKind.CAPACITY_RESERVATION, [1.0], hourly_usd=0.0, term_months=0, guarantees_capacity=True
    )
    problem = _assembled(_market([reserve]), cadence=3).problem
    assert_allclose(problem.batches.cost_usd, 0.0)
    assert_array_equal(problem.batches.end_hour[:-1], problem.batches.start_hour[1:])
    assert problem.instruments.reserves_units.all()
    assert problem.instruments.is_firm.all()


def test_spot_costs_its_rate_with_rework_while_there_and_on_demand_otherwise():
    market = _market([])
    rate = effective_spot_usd(market.catalog, [market.pools[name] for name in POOLS])
    assert_allclose(rate, [0.9 * 0.3 * 1.1 + 0.1 * 1.0, np.nan])


def test_terms_and_payback_decide_what_may_be_bought():
    long = replace(RESERVATION, offer_id="ri3", term_months=36)
    market = _market([RESERVATION, ALL_UPFRONT, long])
    assert [offer.offer_id for offer in market.buyable()] == ["ri", "ri-all"]
    # 0.55 x 8,760 USD are paid back by 1 USD an hour after 0.55 years
    assert [o.offer_id for o in replace(market, payback_months_max=6.7).buyable()] == ["ri", "ri-all"]
    assert [o.offer_id for o in replace(market, payback_months_max=6.5).buyable()] == ["ri"]


def test_a_term_given_in_hours_lasts_that_long_and_can_always_be_bought():
    short = replace(RESERVATION, offer_id="short", term_months=0, given_term_hours=100, upfront_usd=50.0)
    assert_allclose([short.term_hours, short.effective_hourly_usd], [100, 0.6 + 0.5])
    assert not short.is_open_ended
    market = _market([short], terms_months=(36,))
    assert market.buyable() == (short,)
    batches = _assembled(replace(market, terms_months=(12,))).problem.batches
    assert_array_equal(batches.end_hour - batches.start_hour, 100)


@pytest.mark.parametrize("rate", [0.0, 0.08])
def test_the_full_term_is_charged_as_cash_is_paid_and_what_is_owned_as_before(rate: float):
    """A window of 1,000 hours: of a year bought in hour 400 no discounted hour beyond the window is left out."""
    owned = Commitment(commitment_id="c", offer_id="csp", quantity=3.0, start_hour=START, end_hour=START + 5000)
    none: list[int] = []
    timeline = Timeline(
        decision_hours=np.array([START + 400]),
        tail_hours=np.array(none, dtype=np.int64),
        start_hour=START,
        end_hour=START + 1000,
        valued_end_hour=START + 1000,
    )
    costs = []
    for charges_full_term in (False, True):
        when = replace(timeline, charges_full_term=charges_full_term)
        assembled = assemble(
            _scenarios(when),
            _market([ALL_UPFRONT, PLAN], [owned]),
            when,
            discount_rate_yearly=rate,
            risk_lambda=0.0,
            keep_dominated=True,
        )
        costs.append(assembled.problem.batches.cost_usd)
    inside, full = costs
    assert full[0] == inside[0]  # owned
    term = np.arange(START + 400, START + 400 + YEAR)
    hourly = discount_factors(term, as_of_hour=START, rate_yearly=rate).sum()
    upfront = 0.55 * YEAR * discount_factor_at(START + 400, as_of_hour=START, rate_yearly=rate)
    assert_allclose(full[1:], [upfront, hourly])
    assert_allclose(inside[1] / full[1], 600 / YEAR)
    if rate == 0.0:
        assert_allclose(inside[2] / full[2], 600 / YEAR)


def test_a_dearer_offer_stays_where_its_lots_or_minimum_are_its_own():
    dear = replace(RESERVATION, offer_id="ri-dear", hourly_usd=0.7)
    small, from_ten = replace(dear, lot_quantity=1.0), replace(dear, minimum_quantity=10.0)
    lots = replace(RESERVATION, lot_quantity=25.0)

    def kept(*offers: Offer) -> set[str]:
        return {offer.offer_id for offer in _assembled(_market(offers), keep_dominated=False).offers}

    assert kept(RESERVATION, dear) == {"ri"}
    assert kept(lots, small) == kept(lots, dear) == kept(RESERVATION, from_ten) == {"ri", "ri-dear"}
    assert kept(lots, replace(dear, lot_quantity=25.0)) == {"ri"}
