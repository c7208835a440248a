import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from forecasting.scenarios import Scenarios
from optimizer.billing.replay import BillOptions, bill_portfolio, bill_scenarios
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

N_HOURS = 6
FIRST_HOUR = 100
HOURS = np.arange(FIRST_HOUR, FIRST_HOUR + N_HOURS)
POOLS = ("a", "b", "c")
TOLERANCE = 1e-9


def make_offer(offer_id, kind, pools, draw, hourly_usd=1.0, upfront_usd=0.0, **changes):
    return Offer(
        offer_id=offer_id,
        kind=OfferKind(kind),
        provider="aws",
        region="r",
        pools=tuple(pools),
        draw=draw,
        hourly_usd=hourly_usd,
        upfront_usd=upfront_usd,
        term_months=12,
        payment_option="none",
        **changes,
    )


def make_commitment(offer_id, quantity, commitment_id="k", start_hour=0, end_hour=10_000, **changes):
    return Commitment(
        commitment_id=commitment_id,
        offer_id=offer_id,
        quantity=quantity,
        start_hour=start_hour,
        end_hour=end_hour,
        **changes,
    )


def one_pool_catalog(*offers, on_demand_usd=1.0, spot_usd=np.nan):
    return Catalog(pools=("a",), on_demand_usd=[on_demand_usd], spot_usd=[spot_usd], offers=offers)


def bill_of(world, options=None):
    catalog, pools, commitments, demand = world
    return bill_portfolio(catalog, pools, commitments, HOURS, demand, options)


@st.composite
def worlds(draw, with_capacity=True):
    """A price list of every kind, pools in accounts and zones, commitments that come and go, and demand."""
    number = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.5, 7.0])
    on_demand = np.array([draw(st.sampled_from([1.0, 2.0, 4.0])) for _ in POOLS])
    spot = np.array([draw(st.sampled_from([np.nan, 0.3, 5.0])) for _ in POOLS])
    pools = {
        name: Pool(
            name=name,
            account=draw(st.sampled_from(["", "A", "B"])),
            zone=draw(st.sampled_from(["", "z1", "z2"])),
            spot_eligible_fraction=draw(st.sampled_from([0.0, 0.4, 1.0])),
            spot_availability=draw(st.sampled_from([0.8, 1.0])),
            interruption_overhead_fraction=draw(st.sampled_from([0.0, 0.1])),
        )
        for name in POOLS
    }
    offers = [make_offer(f"ri-{name}", "reserved_standard", [name], [1.0], 0.6) for name in POOLS]
    offers += [make_offer("cri-a", "reserved_convertible", ["a"], [1.0], 0.3, 876.0)]
    offers += [make_offer("flex", "reserved_standard", ["b", "c"], [4.0, 2.0], 0.2, is_size_flexible=True)]
    offers += [make_offer("own-b", "owned_hardware", ["b"], [1.0], 0.1)]
    offers += [make_offer("hold-c", "capacity_reservation", ["c"], [1.0], 0.0)]
    discounts = st.sampled_from([0.5, 0.6, 0.75])
    for plan, kind, covered in (
        ("isp", "instance_savings_plan", (0, 1)),
        ("csp", "compute_savings_plan", (0, 1, 2)),
        ("csp3", "compute_savings_plan", (0, 1, 2)),
    ):
        rates = [on_demand[row] * draw(discounts) for row in covered]
        offers.append(make_offer(plan, kind, [POOLS[row] for row in covered], rates))
    allowed = [offer for offer in offers if with_capacity or offer.kind != OfferKind.CAPACITY_RESERVATION]
    commitments = []
    for row in range(draw(st.integers(0, 7))):
        offer = draw(st.sampled_from(allowed))
        is_reservation = offer.kind in (OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE)
        is_single = is_reservation and not offer.is_size_flexible
        start = draw(st.integers(FIRST_HOUR - 3, FIRST_HOUR + 4))
        commitments.append(
            make_commitment(
                offer.offer_id,
                draw(number),
                f"k{row}",
                start,
                start + draw(st.integers(1, 8)),
                account=draw(st.sampled_from(["", "A", "B"])),
                scope=draw(st.sampled_from(["", "zonal", "regional"])) if is_single else "",
                zone=draw(st.sampled_from(["", "z1", "z2"])) if is_single else "",
            )
        )
    demand = np.array([[draw(number) for _ in range(N_HOURS)] for _ in POOLS])
    catalog = Catalog(pools=POOLS, on_demand_usd=on_demand, spot_usd=spot, offers=tuple(offers))
    return catalog, pools, tuple(commitments), demand


@given(world=worlds())
def test_the_bill_agrees_with_plain_loops_over_hours_and_single_commitments(naive_bill, world):
    catalog, pools, commitments, demand = world
    total_usd, used, on_demand = naive_bill(catalog, pools, commitments, HOURS.tolist(), demand)
    bill = bill_of(world)
    assert_allclose(bill.on_demand_units, on_demand, atol=TOLERANCE)
    assert_allclose(bill.total_usd, total_usd, atol=TOLERANCE)
    assert_allclose(
        [item.used_quantity_hours for item in bill.commitments],
        [used[item.commitment_id] for item in commitments],
        atol=TOLERANCE,
    )


@given(world=worlds())
def test_the_parts_of_a_bill_sum_to_the_whole(world):
    bill = bill_of(world)
    covered = sum(bill.covered_units.values(), start=np.zeros(bill.demand_units.shape))
    served = bill.on_demand_units + bill.spot_units + covered
    assert_allclose(served, bill.demand_units + bill.idle_units, atol=TOLERANCE)
    fees_usd = sum(item.used_usd + item.unused_usd for item in bill.commitments)
    assert_allclose(fees_usd + bill.on_demand_usd.sum() + bill.spot_usd.sum(), bill.total_usd, atol=TOLERANCE)
    for item in bill.commitments:
        assert -TOLERANCE <= item.used_quantity_hours <= item.held_quantity_hours + TOLERANCE
    assert bill.coverage is None or 0.0 <= bill.coverage <= 1.0 + TOLERANCE


@given(world=worlds(with_capacity=False), extra=st.sampled_from([0.1, 1.0, 5.0]), data=st.data())
def test_more_of_a_commitment_never_leaves_more_on_demand(world, extra, data):
    catalog, pools, commitments, demand = world
    if not commitments:
        return
    row = data.draw(st.integers(0, len(commitments) - 1))
    more = list(commitments)
    more[row] = dataclasses.replace(more[row], quantity=more[row].quantity + extra)
    before, after = bill_of(world), bill_of((catalog, pools, more, demand))
    assert np.all(after.on_demand_units <= before.on_demand_units + TOLERANCE)


@given(world=worlds(), factor=st.sampled_from([0.5, 3.0]))
def test_scaling_every_price_scales_the_bill(world, factor):
    catalog, pools, commitments, demand = world
    offers = []
    for offer in catalog.offers:
        if offer.is_plan:
            offers.append(dataclasses.replace(offer, draw=offer.draw * factor))
        else:
            offers.append(
                dataclasses.replace(offer, hourly_usd=offer.hourly_usd * factor, upfront_usd=offer.upfront_usd * factor)
            )
    scaled = Catalog(
        pools=catalog.pools,
        on_demand_usd=catalog.on_demand_usd * factor,
        spot_usd=catalog.spot_usd * factor,
        offers=tuple(offers),
    )
    plans = {offer.offer_id for offer in catalog.offers if offer.is_plan}
    held = [
        dataclasses.replace(item, quantity=item.quantity * factor) if item.offer_id in plans else item
        for item in commitments
    ]
    assert_allclose(
        bill_of((scaled, pools, held, demand)).total_usd, bill_of(world).total_usd * factor, rtol=1e-9, atol=TOLERANCE
    )


@given(world=worlds())
def test_hour_weights_count_an_hour_as_often_as_they_say(world):
    catalog, pools, commitments, demand = world
    weights = np.array([1.0, 3.0, 1.0, 2.0, 1.0, 1.0])
    weighted = bill_of(world, BillOptions(hour_weights=weights))
    hourly = [
        bill_portfolio(catalog, pools, commitments, HOURS[row : row + 1], demand[:, row : row + 1])
        for row in range(N_HOURS)
    ]
    for name in ("total_usd", "stranded_usd", "covered_on_demand_usd", "on_demand_equivalent_usd"):
        single = np.array([getattr(bill, name) for bill in hourly])
        assert_allclose(getattr(weighted, name), single @ weights, atol=TOLERANCE)


@given(world=worlds())
def test_scenarios_are_billed_as_each_demand_alone(world):
    catalog, pools, commitments, demand = world
    scenarios = Scenarios(
        pools=POOLS,
        hours=HOURS,
        hour_weights=np.ones(N_HOURS),
        weights=[0.5, 0.5],
        units=np.stack([demand, demand[:, ::-1]]),
    )
    bills = list(bill_scenarios(catalog, pools, commitments, scenarios))
    for bill, units in zip(bills, [demand, demand[:, ::-1]], strict=True):
        assert bill.total_usd == bill_of((catalog, pools, commitments, units)).total_usd


def test_without_commitments_everything_is_on_demand():
    bill = bill_portfolio(one_pool_catalog(on_demand_usd=2.0), {}, (), HOURS, np.full((1, N_HOURS), 3.0))
    assert bill.total_usd == bill.on_demand_equivalent_usd == 2.0 * 3.0 * N_HOURS
    assert (bill.utilization, bill.stranded_fraction) == (None, None)
    assert (bill.coverage, bill.effective_savings_rate) == (0.0, 0.0)


def test_fees_are_charged_for_the_hours_inside_the_window_only():
    catalog = one_pool_catalog(make_offer("ri", "reserved_standard", ["a"], [1.0], 0.5))
    held = make_commitment("ri", 2.0, start_hour=FIRST_HOUR - 5, end_hour=FIRST_HOUR + 4)
    bill = bill_portfolio(catalog, {}, [held], HOURS, np.full((1, N_HOURS), 1.0))
    assert_allclose(bill.fee_usd, 0.5 * 2.0 * 4)
    assert_allclose(bill.stranded_usd, 0.5 * 1.0 * 4)
    assert_allclose(bill.total_usd, 0.5 * 2.0 * 4 + 1.0 * 2)


@pytest.mark.parametrize(
    ("start_hour", "upfront_paid_usd"),
    [(FIRST_HOUR - 1, 0.0), (FIRST_HOUR, 876.0), (FIRST_HOUR + N_HOURS - 1, 876.0), (FIRST_HOUR + N_HOURS, 0.0)],
    ids=["before", "first hour", "last hour", "after"],
)
def test_cash_has_the_upfront_part_when_the_purchase_is_inside_the_window(start_hour, upfront_paid_usd):
    catalog = one_pool_catalog(make_offer("ri", "reserved_standard", ["a"], [1.0], 0.3, 876.0))
    held = make_commitment("ri", 1.0, start_hour=start_hour, end_hour=start_hour + 8760)
    bill = bill_portfolio(catalog, {}, [held], HOURS, np.zeros((1, N_HOURS)))
    n_held = max(0, min(N_HOURS, FIRST_HOUR + N_HOURS - start_hour))
    assert_allclose(bill.fee_usd, 0.4 * n_held)
    assert_allclose(bill.cash_total_usd, 0.3 * n_held + upfront_paid_usd)


def test_an_idle_unit_of_a_capacity_reservation_is_usage_that_a_plan_covers():
    catalog = one_pool_catalog(
        make_offer("hold", "capacity_reservation", ["a"], [1.0], 0.0),
        make_offer("csp", "compute_savings_plan", ["a"], [0.5]),
    )
    held = [make_commitment("hold", 5.0, "h"), make_commitment("csp", 2.0, "s")]
    bill = bill_portfolio(catalog, {}, held, HOURS[:1], np.array([[3.0]]))
    assert_allclose(bill.idle_units, [[2.0]])
    assert_allclose(bill.on_demand_units, [[1.0]])
    assert_allclose(bill.total_usd, 2.0 + 1.0)
    assert_allclose(bill.commitments[0].used_quantity_hours, 3.0)
    assert bill.commitments[0].fee_usd == 0.0
    assert bill.coverage == 1.0


def test_of_two_commitments_on_one_offer_the_earlier_is_used_first():
    catalog = one_pool_catalog(make_offer("ri", "reserved_standard", ["a"], [1.0], 0.5))
    held = [make_commitment("ri", 2.0, "late", start_hour=50), make_commitment("ri", 2.0, "early", start_hour=10)]
    bill = bill_portfolio(catalog, {}, held, HOURS, np.full((1, N_HOURS), 3.0))
    assert [item.commitment_id for item in bill.commitments] == ["late", "early"]
    assert_allclose([item.utilization for item in bill.commitments], [0.5, 1.0])


def test_spot_costs_its_price_with_rework_and_on_demand_while_it_is_away():
    pool = Pool(name="a", spot_eligible_fraction=0.5, spot_availability=0.9, interruption_overhead_fraction=0.1)
    bill = bill_portfolio(one_pool_catalog(spot_usd=0.4), {"a": pool}, (), HOURS[:1], np.array([[10.0]]))
    assert_allclose(bill.spot_usd, [5.0 * (0.9 * 0.4 * 1.1 + 0.1)])
    assert_allclose(bill.total_usd, 5.0 + bill.spot_usd[0])
    assert_allclose(bill.eligible_on_demand_usd, 5.0)
    assert_allclose(bill.on_demand_equivalent_usd, 10.0)


def test_spot_units_of_the_caller_replace_the_default():
    pool = Pool(name="a", spot_eligible_fraction=0.5)
    options = BillOptions(spot_units=np.array([[2.0]]))
    bill = bill_portfolio(one_pool_catalog(spot_usd=0.4), {"a": pool}, (), HOURS[:1], np.array([[10.0]]), options)
    assert_allclose(bill.total_usd, 2.0 * 0.4 + 8.0)


@pytest.mark.parametrize(
    ("spot_usd", "units"), [(0.4, 6.0), (0.4, -1.0), (np.nan, 1.0)], ids=["too much", "negative", "no spot price"]
)
def test_spot_units_beyond_what_is_eligible_are_refused(spot_usd, units):
    pool = Pool(name="a", spot_eligible_fraction=0.5)
    options = BillOptions(spot_units=np.array([[units]]))
    with pytest.raises(ValueError, match=r"spot_units of pool 'a' must lie between 0 and its spot-eligible"):
        bill_portfolio(one_pool_catalog(spot_usd=spot_usd), {"a": pool}, (), HOURS[:1], np.array([[10.0]]), options)


def test_unshared_commitments_cover_their_own_account_only():
    catalog = Catalog(
        pools=("a", "b"),
        on_demand_usd=[1.0, 1.0],
        spot_usd=[np.nan, np.nan],
        offers=(make_offer("csp", "compute_savings_plan", ["a", "b"], [0.5, 0.5]),),
    )
    pools = {"a": Pool(name="a", account="A"), "b": Pool(name="b", account="B")}
    held = [make_commitment("csp", 5.0, account="B")]
    demand = np.full((2, 1), 4.0)
    shared = bill_portfolio(catalog, pools, held, HOURS[:1], demand)
    alone = bill_portfolio(catalog, pools, held, HOURS[:1], demand, BillOptions(is_shared=False))
    assert_allclose(shared.on_demand_units, [[0.0], [0.0]])
    assert_allclose(alone.on_demand_units, [[4.0], [0.0]])


def test_a_zonal_reservation_of_a_size_flexible_offer_is_refused():
    catalog = Catalog(
        pools=("a", "b"),
        on_demand_usd=[1.0, 1.0],
        spot_usd=[np.nan, np.nan],
        offers=(make_offer("flex", "reserved_standard", ["a", "b"], [4.0, 8.0], is_size_flexible=True),),
    )
    with pytest.raises(InputError, match=r"commitment 'k' is zonal, .* offer 'flex' covers a, b"):
        bill_portfolio(catalog, {}, [make_commitment("flex", 1.0, scope="zonal")], HOURS, np.zeros((2, N_HOURS)))


def test_a_reservation_with_a_zone_covers_that_zone_only():
    catalog = Catalog(
        pools=("a", "b"),
        on_demand_usd=[1.0, 1.0],
        spot_usd=[np.nan, np.nan],
        offers=(make_offer("flex", "reserved_standard", ["a", "b"], [4.0, 4.0], is_size_flexible=True),),
    )
    pools = {"a": Pool(name="a", zone="z1"), "b": Pool(name="b", zone="z2")}
    demand = np.ones((2, 1))
    zonal = bill_portfolio(catalog, pools, [make_commitment("flex", 8.0, zone="z2")], HOURS[:1], demand)
    regional = bill_portfolio(
        catalog, pools, [make_commitment("flex", 8.0, zone="z2", scope="regional")], HOURS[:1], demand
    )
    assert_allclose(zonal.on_demand_units, [[1.0], [0.0]])
    assert_allclose(regional.on_demand_units, [[0.0], [0.0]])


def test_an_unknown_scope_is_refused():
    catalog = one_pool_catalog(make_offer("ri", "reserved_standard", ["a"], [1.0]))
    with pytest.raises(InputError, match=r"must be zonal or regional, got 'galactic' for commitment 'k'"):
        bill_portfolio(catalog, {}, [make_commitment("ri", 1.0, scope="galactic")], HOURS, np.zeros((1, N_HOURS)))


def test_a_commitment_whose_pools_are_all_unknown_is_idle_cost():
    catalog = one_pool_catalog(make_offer("gone", "reserved_standard", [], [], 0.5))
    bill = bill_portfolio(catalog, {}, [make_commitment("gone", 2.0)], HOURS, np.ones((1, N_HOURS)))
    assert_allclose(bill.stranded_usd, 0.5 * 2.0 * N_HOURS)


@pytest.mark.parametrize(
    ("hours", "demand", "message"),
    [
        (HOURS, np.zeros((2, N_HOURS)), r"demand must have shape \(1, 6\), got \(2, 6\)"),
        (HOURS[::-1], np.zeros((1, N_HOURS)), "strictly increasing"),
    ],
    ids=["shape", "order"],
)
def test_arrays_of_the_wrong_form_are_refused(hours, demand, message):
    with pytest.raises(ValueError, match=message):
        bill_portfolio(one_pool_catalog(), {}, (), hours, demand)


def test_scenarios_of_other_pools_are_refused():
    scenarios = Scenarios(pools=("z",), hours=[0], hour_weights=[1.0], weights=[1.0], units=[[[1.0]]])
    with pytest.raises(ValueError, match="must have the pools of the catalog"):
        next(bill_scenarios(one_pool_catalog(), {}, (), scenarios))
