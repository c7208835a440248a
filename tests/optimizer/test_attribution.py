"""A bill shared out: the parts are the bill to the cent, each hour is shared by what was used in it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from optimizer.attribution import AttributedRow, IdleTo, attribute_bill, whole_cents
from optimizer.billing.bill import Bill
from optimizer.billing.replay import bill_portfolio
from optimizer.errors import CertificateError
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.owners import PLATFORM
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

POOLS = ("a", "b", "c")
START = hour_of_date("2025-01-31") + 22  # two hours of January, the rest of February
N_HOURS = 6


def offer(offer_id: str, kind: OfferKind, pools: tuple[str, ...], draw: tuple[float, ...], hourly: float) -> Offer:
    is_capacity = kind is OfferKind.CAPACITY_RESERVATION
    return Offer(
        offer_id=offer_id,
        kind=kind,
        provider="aws",
        region="r",
        pools=pools,
        draw=np.array(draw),
        hourly_usd=hourly,
        upfront_usd=0.0 if is_capacity else 8.76,
        term_months=0 if is_capacity else 12,
        payment_option="none",
    )


CATALOG = Catalog(
    pools=POOLS,
    on_demand_usd=np.array([1.0, 0.7, 0.31]),
    spot_usd=np.array([np.nan, np.nan, 0.1]),
    offers=(
        offer("ri", OfferKind.RESERVED_STANDARD, ("a",), (1.0,), 0.6),
        offer("sp", OfferKind.COMPUTE_SAVINGS_PLAN, POOLS, (0.8, 0.5, 0.25), 0.999),
        offer("odcr", OfferKind.CAPACITY_RESERVATION, ("b",), (1.0,), 0.0),
    ),
)
DECLARED = {"c": Pool(name="c", spot_eligible_fraction=0.5, spot_availability=0.9)}


def bill_of(demand: np.ndarray, quantities: tuple[float, float, float]) -> Bill:
    """Bill of a demand under a reservation, a plan and a capacity reservation; the first ends an hour early."""
    owned = [
        Commitment(
            commitment_id=name, offer_id=name, quantity=quantity, start_hour=START - 9, end_hour=START + N_HOURS - early
        )
        for name, quantity, early in zip(("ri", "sp", "odcr"), quantities, (1, 0, 0), strict=True)
    ]
    return bill_portfolio(CATALOG, DECLARED, owned, np.arange(START, START + N_HOURS), demand)


def shares(demand: np.ndarray, parts: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Two owners of each pool: the first has a part of each hour."""
    units = {}
    for row, pool in enumerate(POOLS):
        units[pool, "one"] = demand[row] * parts[row]
        units[pool, "two"] = demand[row] * (1.0 - parts[row])
    return units


def total(rows: tuple[AttributedRow, ...], name: str = "total_cents", **where: str) -> int:
    return sum(getattr(row, name) for row in rows if all(getattr(row, key) == value for key, value in where.items()))


DEMANDS = arrays(float, (3, N_HOURS), elements=st.floats(0.0, 50.0, width=32))
PARTS = arrays(float, (3, N_HOURS), elements=st.floats(0.0, 1.0, width=32))
QUANTITIES = st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 30.0), st.floats(0.0, 30.0))


@given(DEMANDS, PARTS, QUANTITIES, st.sampled_from(IdleTo))
def test_the_parts_sum_to_the_bill_to_the_cent(demand, parts, quantities, idle_to):
    bill = bill_of(demand, quantities)
    rows = attribute_bill(bill, shares(demand, parts), idle_to=idle_to)
    assert total(rows) == round(bill.total_usd * 100)
    assert total(rows, "on_demand_equivalent_cents") == round(bill.on_demand_equivalent_usd * 100)
    assert all(min(row.on_demand_cents, row.spot_cents, row.commitments_cents, row.idle_cents) >= 0 for row in rows)
    assert_allclose(total(rows, "commitments_cents") + total(rows, "idle_cents"), 100 * _fees_and_idle(bill), atol=2)


def _fees_and_idle(bill: Bill) -> float:
    """Fees of commitments, and idle capacity that no commitment covers."""
    idle_on_demand = np.minimum(bill.idle_units, bill.on_demand_units).sum(axis=1) @ bill.on_demand_rate_usd
    return bill.fee_usd + idle_on_demand


@given(DEMANDS, PARTS, QUANTITIES, st.sampled_from(IdleTo))
def test_each_hour_is_shared_as_a_plain_loop_shares_it(demand, parts, quantities, idle_to):
    bill = bill_of(demand, quantities)
    expected = _naive(demand, parts, quantities, idle_to)
    rows = attribute_bill(bill, shares(demand, parts), idle_to=idle_to)
    for owner in ("one", "two", PLATFORM):
        for month in ("2025-01", "2025-02"):
            found = total(rows, owner=owner, month=month)
            # every row is off by less than a cent for each of its parts
            assert_allclose(found, 100 * expected.get((owner, month), 0.0), atol=4 * len(POOLS) + 4)


def _naive(demand, parts, quantities, idle_to) -> dict[tuple[str, str], float]:
    """Serve each hour in the order of the rules, unit prices by hand, and hand out the sums."""
    reserved, planned, capacity = quantities
    fee = {"ri": 0.6 + 0.001, "sp": 0.999 + 0.001}
    sums: dict[tuple[str, str], float] = {}

    def add(owner: str, month: str, usd: float) -> None:
        sums[owner, month] = sums.get((owner, month), 0.0) + usd

    for hour in range(N_HOURS):
        month = "2025-01" if hour < 2 else "2025-02"
        firm = demand[:, hour].copy()
        spot = 0.5 * firm[2]
        firm[2] -= spot
        cost = np.array([0.0, 0.0, spot * (0.9 * 0.1 + 0.1 * 0.31)])
        idle = max(capacity - firm[1], 0.0)
        left_ri = reserved if hour < N_HOURS - 1 else 0.0
        by_ri = min(firm[0], left_ri)
        cost[0] += by_ri * fee["ri"]
        stranded, left_sp = (left_ri - by_ri) * fee["ri"], planned
        rest = firm - np.array([by_ri, 0.0, 0.0])
        # savings 1 - 0.5/0.7 = 29 %, then 20 % of a, then 19 % of c; idle units of b come after all that runs
        for row, rate in ((1, 0.5), (0, 0.8), (2, 0.25), ("idle", 0.5)):
            units = min(idle if row == "idle" else rest[row], left_sp / rate)
            left_sp -= units * rate
            if row == "idle":
                add(PLATFORM, month, units * rate * fee["sp"] + (idle - units) * 0.7)
            else:
                cost[row] += units * rate * fee["sp"] + (rest[row] - units) * CATALOG.on_demand_usd[row]
        stranded += left_sp * fee["sp"]
        value = firm * CATALOG.on_demand_usd
        shared = value / value.sum() * stranded if idle_to is IdleTo.OWNERS and value.sum() > 0 else np.zeros(3)
        add(PLATFORM, month, stranded - shared.sum())
        for row in range(3):
            add("one", month, parts[row, hour] * (cost[row] + shared[row]))
            add("two", month, (1.0 - parts[row, hour]) * (cost[row] + shared[row]))
    return sums


def test_who_runs_in_the_covered_hours_gets_the_savings():
    """By hand: 4 units reserved at 0.601 all day; one owner runs by day, the other by night, 4 units each hour more."""
    demand = np.zeros((3, N_HOURS))
    demand[0] = [4.0, 4.0, 8.0, 8.0, 0.0, 0.0]
    parts = np.zeros((3, N_HOURS))
    parts[0] = [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    bill = bill_of(demand, (4.0, 0.0, 0.0))
    rows = attribute_bill(bill, shares(demand, parts))
    alone, together = 2 * 4 * 0.601, 2 * (4 * 0.601 + 4 * 1.0) / 2
    found = [total(rows, owner=owner) for owner in ("one", "two", PLATFORM)]
    idle = 1 * 4 * 0.601  # one idle hour; in the last one nothing is held
    assert_allclose(found, [100 * (alone + together), 100 * together, 100 * idle], atol=1.0)
    saved = total(rows, "on_demand_equivalent_cents") - total(rows)
    assert saved == round(100 * (24.0 - bill.total_usd))


def test_owners_who_lack_units_of_a_pool_are_a_defect_not_a_bill():
    demand = np.full((3, N_HOURS), 2.0)
    units = shares(demand, np.full((3, N_HOURS), 0.5))
    del units["a", "one"]
    with pytest.raises(CertificateError, match="attributed to owners must be the bill's"):
        attribute_bill(bill_of(demand, (1.0, 1.0, 1.0)), units)


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=40))
def test_cents_are_the_parts_rounded_up_or_down(parts: list[float]):
    usd = np.array(parts)
    cents = whole_cents(usd, float(usd.sum()))
    assert int(cents.sum()) == round(float(usd.sum()) * 100)
    assert np.all(np.abs(cents - usd * 100) <= 1.0 + 1e-6)


def test_sustained_use_discounts_are_shared_like_the_usage_they_are_for():
    demand = np.full((3, N_HOURS), 2.0)
    bill = bill_of(demand, (0.0, 0.0, 0.0))
    fraction = np.zeros((3, N_HOURS))
    fraction[0] = 0.25
    saved = np.array([2.0 * N_HOURS * 0.25, 0.0, 0.0])
    discounted = replace(
        bill, sustained_use_fraction=fraction, sustained_use_usd=saved, on_demand_usd=bill.on_demand_usd - saved
    )
    rows = attribute_bill(discounted, shares(demand, np.full((3, N_HOURS), 0.25)))
    assert total(rows, owner="one", pool="a") == round(100 * 0.25 * 2.0 * N_HOURS * 0.75)
    assert total(rows) == round(100 * discounted.total_usd)
