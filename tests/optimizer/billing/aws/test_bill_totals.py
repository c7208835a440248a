import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.bill_totals import totals_of_bill
from optimizer.billing.aws.line_items import LineType
from optimizer.billing.replay import bill_portfolio
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

HOURS = np.arange(100, 106)
KINDS = {
    "ri": (OfferKind.RESERVED_STANDARD, [1.0, 2.0], 0.3, 876.0),
    "csp": (OfferKind.COMPUTE_SAVINGS_PLAN, [0.7, 1.2], 0.5, 4380.0),
    "hold": (OfferKind.CAPACITY_RESERVATION, [1.0], 0.0, 0.0),
    "own": (OfferKind.OWNED_HARDWARE, [1.0], 0.1, 8760.0),
}


@pytest.fixture(scope="module")
def catalog():
    return Catalog(
        pools=("web", "api"),
        on_demand_usd=[1.0, 2.0],
        spot_usd=[0.4, np.nan],
        offers=tuple(offer(offer_id) for offer_id in KINDS),
    )


def offer(offer_id):
    kind, draw, hourly_usd, upfront_usd = KINDS[offer_id]
    return Offer(
        offer_id=offer_id,
        kind=kind,
        provider="aws",
        region="r",
        pools=("web", "api")[: len(draw)],
        draw=draw,
        hourly_usd=hourly_usd,
        upfront_usd=upfront_usd,
        term_months=12,
        payment_option="partial",
        is_size_flexible=kind == OfferKind.RESERVED_STANDARD,
    )


def bill_of(catalog, quantities, demand, start_hour=100):
    commitments = [
        Commitment(commitment_id=name, offer_id=name, quantity=quantity, start_hour=start_hour, end_hour=9000)
        for name, quantity in quantities.items()
    ]
    pools = {"web": Pool(name="web", spot_eligible_fraction=0.25), "api": Pool(name="api")}
    return bill_portfolio(catalog, pools, commitments, HOURS, np.asarray(demand, dtype=float))


@given(
    seed=st.integers(0, 10_000),
    quantities=st.fixed_dictionaries({name: st.floats(0.0, 4.0) for name in KINDS}),
    start_hour=st.sampled_from([0, 100, 103]),
)
def test_types_of_lines_add_up_to_both_totals_of_the_bill(catalog, seed, quantities, start_hour):
    demand = np.random.default_rng(seed).uniform(0.0, 5.0, (2, len(HOURS)))
    bill = bill_of(catalog, quantities, demand, start_hour)
    totals = totals_of_bill(bill, catalog).values()
    assert_allclose(sum(item.amortized_usd for item in totals), bill.total_usd, atol=1e-9)
    assert_allclose(sum(item.unblended_usd for item in totals), bill.cash_total_usd, atol=1e-9)


def test_a_plan_and_a_reservation_by_hand(catalog):
    """Three web, a quarter of them on spot, and a quarter of an api for six hours. Two normalized units serve two web,
    a plan of 1.50 USD/h the api (40 % off 2 USD) and the quarter of a web that is left (30 % off 1 USD).
    """
    demand = [[3.0] * 6, [0.25] * 6]
    totals = totals_of_bill(bill_of(catalog, {"ri": 2.0, "csp": 1.5}, demand), catalog)
    expected = {
        LineType.DISCOUNTED_USAGE: (0.0, 6 * 2 * 0.4),
        LineType.COVERED_USAGE: (6 * (0.25 * 1.0 + 0.5), 6 * (0.25 * 0.7 + 0.3)),
        LineType.NEGATION: (-6 * (0.25 * 1.0 + 0.5), 0.0),
        LineType.RECURRING_FEE: (6 * 0.75, 6 * (1.5 - 0.475)),
        LineType.UPFRONT_FEE: (1.5 * 4380, 0.0),
        LineType.RI_FEE: (6 * 2 * 0.3, 0.0),
        LineType.FEE: (2 * 876.0, 0.0),
        LineType.USAGE: (6 * 0.75 * 0.4, 6 * 0.75 * 0.4),
    }
    assert totals.keys() == expected.keys()
    for line_type, (unblended_usd, amortized_usd) in expected.items():
        found = totals[line_type]
        assert_allclose([found.unblended_usd, found.amortized_usd], [unblended_usd, amortized_usd], atol=1e-9)
