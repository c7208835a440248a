from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.hours import add_months, hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, Market, assemble
from optimizer.calendar_dates import planning_timeline
from optimizer.coefficients import term_fees
from optimizer.limits import FirmRequirement
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.policy import Concentration, Coverage, Increments, Policy, Stranded
from optimizer.policy_limits import PolicyContext, needs_dominated, owned_stranded, quarters, with_limits
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

START = hour_of_date("2024-01-01")


def _offer(name: str, kind: OfferKind, pools: tuple[str, ...], draw: tuple[float, ...]) -> Offer:
    return Offer(
        offer_id=name,
        kind=kind,
        provider="p",
        region="r",
        pools=pools,
        draw=np.array(draw),
        hourly_usd=0.5,
        upfront_usd=100.0 if kind is OfferKind.RESERVED_STANDARD else 0.0,
        term_months=12,
        payment_option="none",
    )


def _context(policy: Policy, *, cadence: int = 3) -> tuple[Assembled, PolicyContext]:
    offers = (
        _offer("ri-a", OfferKind.RESERVED_STANDARD, ("a",), (1.0,)),
        _offer("ri-b", OfferKind.RESERVED_STANDARD, ("b",), (1.0,)),
        _offer("csp", OfferKind.COMPUTE_SAVINGS_PLAN, ("a", "b"), (0.6, 0.7)),
    )
    catalog = Catalog(pools=("a", "b"), on_demand_usd=np.ones(2), spot_usd=np.full(2, np.nan), offers=offers)
    owned = Commitment(commitment_id="c", offer_id="ri-a", quantity=5.0, start_hour=START, end_hour=START + 10)
    market = Market(
        catalog=catalog,
        pools={"a": Pool(name="a", family="m5"), "b": Pool(name="b", family="c5")},
        commitments=(owned,),
        terms_months=(12,),
    )
    timeline = planning_timeline(START, cadence_months=cadence, terms_months=(12,))
    hours, hour_weights = timeline.columns()
    scenarios = Scenarios(
        pools=("a", "b"),
        hours=hours,
        hour_weights=hour_weights,
        weights=np.array([0.5, 0.5]),
        units=np.repeat(np.array([[[3.0], [1.0]], [[6.0], [1.0]]]), len(hours), axis=2),
    )
    assembled = assemble(scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=True)
    return assembled, PolicyContext(policy=policy, market=market, timeline=timeline, firm=())


def test_fractions_and_firm_capacity_are_those_of_the_policy():
    policy = Policy(
        stranded=Stranded(expected_fraction=0.02, cvar_fraction=0.05),
        coverage=Coverage(min_fraction=0.1, max_fraction=0.9),
        spot_share_max=0.3,
    )
    assembled, context = _context(policy)
    firm = (FirmRequirement(pool_index=0, start_hour=START, end_hour=START + 5, units=2.0, label="room"),)
    limits = with_limits(
        assembled, PolicyContext(policy=policy, market=context.market, timeline=context.timeline, firm=firm)
    ).problem.limits
    assert (limits.stranded_expected_fraction, limits.stranded_cvar_fraction) == (0.02, 0.05)
    assert (limits.coverage_min_fraction, limits.coverage_max_fraction, limits.spot_share_max) == (0.1, 0.9, 0.3)
    assert limits.cvar_level == policy.risk.level
    assert limits.firm == firm
    assert limits.cash == limits.shares == ()


def test_what_is_owned_strands_its_unused_fee_in_each_scenario():
    assembled, _ = _context(Policy())
    fee = 0.5 + 100.0 / 8760
    assert_allclose(owned_stranded(assembled.problem), [2.0 * 10 * fee, 0.0])


@pytest.mark.parametrize(
    ("cadence", "expected"), [(3, [0, 1, 2, 3]), (1, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]), (6, [0, 2])]
)
def test_dates_fall_into_quarters_from_as_of(cadence: int, expected: list[int]):
    timeline = planning_timeline(START, cadence_months=cadence, terms_months=(12,))
    assert_array_equal(quarters(timeline), expected)


def test_cash_is_limited_in_each_quarter_for_what_is_bought_in_it():
    assembled, context = _context(Policy(upfront_usd_per_quarter=500.0), cadence=1)
    cash = with_limits(assembled, context).problem.limits.cash
    assert [limit.usd for limit in cash] == [500.0] * 4
    assert cash[1].label == "upfront cash in the quarter from 2024-04-01"
    second = {add_months(START, month) for month in (3, 4, 5)}
    assert set(assembled.decision_hour[cash[1].batch_indices].tolist()) == second
    decided = np.flatnonzero(assembled.decision_hour >= 0)
    assert_array_equal(np.sort(np.concatenate([limit.batch_indices for limit in cash])), decided)


def test_what_is_committed_over_whole_terms_is_limited_on_each_date():
    assembled, context = _context(Policy(purchase_usd_per_date=700.0))
    purchases = with_limits(assembled, context).problem.limits.purchases
    labels = [
        "purchases on 2024-01-01",
        "purchases on 2024-04-01",
        "purchases on 2024-07-01",
        "purchases on 2024-10-01",
    ]
    assert [(limit.label, limit.usd) for limit in purchases] == [(label, 700.0) for label in labels]
    assert np.all(assembled.decision_hour[purchases[1].batch_indices] == add_months(START, 3))
    # a reservation of a year at 0.5 USD/h and 100 USD upfront, bought late or not
    fees = term_fees(assembled.problem)
    assert_allclose(fees[purchases[3].batch_indices[:2]], 0.5 * 8760 + 100.0)


def test_shares_are_limited_by_term_whatever_the_unit_of_its_length():
    assembled, context = _context(Policy(concentration=Concentration(term_fraction=0.6)))
    offers = (
        replace(assembled.offers[0], term_months=36),
        replace(assembled.offers[1], term_months=0, given_term_hours=900),
        assembled.offers[2],
    )
    shares = with_limits(replace(assembled, offers=offers), context).problem.limits.shares
    assert [share.label for share in shares] == [
        "share of term 900 h",
        "share of term 12 months",
        "share of term 36 months",
    ]
    assert all(share.fraction == 0.6 for share in shares)
    rows = assembled.problem.batches.instrument
    assert [set(rows[share.batch_indices].tolist()) for share in shares] == [{1}, {2}, {0}]
    bought = np.flatnonzero(assembled.decision_hour >= 0)
    assert_array_equal(np.sort(np.concatenate([share.batch_indices for share in shares])), bought)


def test_dominated_offers_are_needed_only_where_shares_are_limited():
    assert not needs_dominated(Policy(stranded=Stranded(expected_fraction=0.1)))
    assert needs_dominated(Policy(concentration=Concentration(offer_fraction=0.5)))
    assert needs_dominated(Policy(concentration=Concentration(family_fraction=0.5)))
    assert needs_dominated(Policy(concentration=Concentration(term_fraction=0.5)))
    assert needs_dominated(Policy(purchase_usd_per_date=1e6))
    assert needs_dominated(Policy(increments=Increments(usd_per_hour=0.5)))


def test_shares_are_limited_by_offer_and_by_the_family_that_all_pools_share():
    assembled, context = _context(Policy(concentration=Concentration(offer_fraction=0.5, family_fraction=0.4)))
    shares = {share.label: share for share in with_limits(assembled, context).problem.limits.shares}
    assert set(shares) == {
        "share of offer ri-a",
        "share of offer ri-b",
        "share of offer csp",
        "share of family m5",
        "share of family c5",
    }
    family = shares["share of family m5"]
    names = {assembled.offers[row].offer_id for row in assembled.problem.batches.instrument[family.batch_indices]}
    assert names == {"ri-a"}
    assert family.fraction == 0.4
    # neither what is owned nor what only values the tail is new
    assert np.all(assembled.decision_hour[family.batch_indices] >= 0)
