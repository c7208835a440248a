import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.billing.replay import bill_portfolio
from optimizer.billing.stretches import stretches_of
from optimizer.hardware import Hardware
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

YEAR = 8760
START = 1000  # of service
OLD = START + YEAR  # when it goes on to the second pool


def _rack(years: tuple[tuple[int, int], ...], draw: tuple[float, ...] = (1.0, 1.0), *, lead_hours: int = 0) -> Offer:
    return Offer(
        offer_id="rack",
        kind=OfferKind.OWNED_HARDWARE,
        provider="own",
        region="",
        pools=("a", "b"),
        draw=np.array(draw),
        hourly_usd=0.1,
        upfront_usd=0.2 * 3 * YEAR,
        term_months=36,
        payment_option="all",
        hardware=Hardware(
            lead_hours=lead_hours,
            from_hours=tuple(first * YEAR for first, _ in years),
            until_hours=tuple(last * YEAR for _, last in years),
        ),
    )


def _held(quantity: float, **changes: object) -> Commitment:
    given = {"commitment_id": "one", "offer_id": "rack", "start_hour": START, "end_hour": START + 3 * YEAR}
    return Commitment(**(given | {"quantity": quantity} | changes))


def _bill(offer: Offer, held: tuple[Commitment, ...], hours: np.ndarray, units: tuple[float, float], provider: str):
    catalog = Catalog(
        pools=("a", "b"),
        on_demand_usd=np.array([1.0, 0.5]),
        spot_usd=np.full(2, np.nan),
        offers=(offer,),
        providers=(provider, provider),
    )
    demand = np.repeat(np.array(units)[:, None], len(hours), axis=1)
    return bill_portfolio(catalog, {}, held, hours, demand)


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp", ""])
def test_it_covers_the_pools_of_its_age(provider: str):
    hours = np.arange(OLD - 2, OLD + 3)
    bill = _bill(_rack(((0, 1), (1, 3))), (_held(4.0),), hours, (6.0, 3.0), provider)
    assert_array_equal(bill.covered_by_offer["rack"], [[4, 4, 0, 0, 0], [0, 0, 3, 3, 3]])
    (line,) = bill.commitments
    assert_allclose(line.held_quantity_hours, 20.0)
    assert_allclose(line.used_quantity_hours, 17.0)
    assert_allclose(line.fee_usd, 20 * 0.3)
    assert_allclose(bill.stranded_usd, 3 * 0.3)
    assert_allclose(bill.hour_fee_usd, np.full(5, 4 * 0.3))
    assert_allclose(bill.total_usd, 20 * 0.3 + 2 * (2 * 1.0 + 3 * 0.5) + 3 * 6 * 1.0)


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp", ""])
def test_of_the_pools_that_it_may_serve_the_one_comes_first_that_saves_most_for_a_unit_of_it(provider: str):
    # a unit of hardware serves one unit of a, at 1.0, or four of b, at 0.5 each
    bill = _bill(_rack(((0, 3), (0, 3)), (1.0, 0.25)), (_held(2.0),), np.array([START]), (5.0, 6.0), provider)
    assert_allclose(bill.covered_by_offer["rack"], [[0.5], [6.0]])
    assert_allclose(bill.commitments[0].used_quantity_hours, 2.0)


def test_two_of_different_age_serve_what_each_may_at_the_same_time():
    young = _held(1.0, commitment_id="young", start_hour=START + YEAR, end_hour=START + 4 * YEAR)
    bill = _bill(_rack(((0, 1), (1, 3))), (_held(4.0), young), np.array([OLD + 5]), (6.0, 6.0), "aws")
    assert_allclose(bill.covered_by_offer["rack"], [[1.0], [4.0]])
    assert [line.used_quantity_hours for line in bill.commitments] == [4.0, 1.0]


def test_it_is_paid_when_it_is_ordered():
    offer, held = _rack(((0, 3), (0, 3)), lead_hours=500), (_held(2.0),)
    for first, last, upfront_usd in ((START - 600, START - 400, 2 * offer.upfront_usd), (START, START + 200, 0.0)):
        (line,) = _bill(offer, held, np.arange(first, last), (1.0, 1.0), "aws").commitments
        held_hours = max(0, last - max(first, START))
        assert_allclose(line.cash_usd, upfront_usd + 2 * 0.1 * held_hours)


def test_stretches_tile_what_is_held_and_the_last_one_lasts_as_long_as_it():
    offer = _rack(((0, 1), (1, 3)))
    held = (_held(1.0, end_hour=START + 5 * YEAR), _held(2.0, commitment_id="short", end_hour=START + 10))
    found = [(s.row, s.start_hour, s.end_hour, s.places) for s in stretches_of(held, {"rack": offer})]
    assert found == [
        (0, START, OLD, (0,)),
        (0, OLD, START + 5 * YEAR, (1,)),
        (1, START, START + 10, (0,)),
    ]


def test_pools_of_other_accounts_come_after_those_of_its_owner():
    offer = _rack(((0, 3), (0, 3)))
    catalog = Catalog(
        pools=("a", "b"), on_demand_usd=np.array([1.0, 0.5]), spot_usd=np.full(2, np.nan), offers=(offer,)
    )
    pools = {"a": Pool(name="a", account="other"), "b": Pool(name="b", account="mine")}
    held = (_held(2.0, account="mine"),)
    bill = bill_portfolio(catalog, pools, held, np.array([START]), np.array([[5.0], [1.5]]))
    assert_allclose(bill.covered_by_offer["rack"], [[0.5], [1.5]])
