from pathlib import Path

import numpy as np
import pytest

from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from optimizer.offers import Catalog, OfferKind
from optimizer.pools import Pool, pool_table
from optimizer.prices import build_catalog, read_price_rows

HEADER = "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd"
MARKET = (
    "od:web,on_demand,aws,us,web,0,none,1.0,0",
    "od:api,on_demand,aws,us,api,0,none,2.0,0",
    "spot:web,spot,aws,us,web,0,none,0.3,0",
)
POOLS = ("api", "web")


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "prices.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def catalog_of(
    folder: Path,
    *rows: str,
    header: str = HEADER,
    pools: tuple[str, ...] = POOLS,
    factors: dict[str, float] | None = None,
    owned: tuple[str, ...] = (),
) -> Catalog:
    declared = {name: Pool(name=name, normalization_factor=factor) for name, factor in (factors or {}).items()}
    return build_catalog(
        read_price_rows(write(folder, *rows, header=header)),
        pools=pools,
        pool_table=pool_table(pools, declared),
        source="prices.csv",
        keep_offers=owned,
    )


def refusal(folder: Path, *rows: str, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        catalog_of(folder, *rows, **options)
    assert "prices.csv is refused" in str(caught.value)
    return str(caught.value)


def test_on_demand_and_spot_stand_in_the_order_of_the_pools(tmp_path):
    catalog = catalog_of(tmp_path, *MARKET)
    assert catalog.pools == POOLS
    np.testing.assert_allclose(catalog.on_demand_usd, [2.0, 1.0])
    np.testing.assert_allclose(catalog.spot_usd, [np.nan, 0.3])
    assert catalog.offers == ()


def test_a_reservation_of_one_pool_is_priced_per_unit(tmp_path):
    offer = catalog_of(tmp_path, *MARKET, "ri,reserved_standard,aws,us,web,12,partial,0.3,876").offer("ri")
    assert offer.pools == ("web",)
    np.testing.assert_allclose(offer.draw, [1.0])
    assert (offer.hourly_usd, offer.upfront_usd, offer.term_hours) == (0.3, 876.0, 8760)
    assert offer.effective_hourly_usd == pytest.approx(0.4)
    assert not offer.is_size_flexible
    assert not offer.guarantees_capacity


@pytest.mark.parametrize(("option", "share"), [("none", 0.0), ("partial", 0.5), ("all", 1.0)])
def test_a_plan_is_bought_in_usd_per_hour_whatever_the_payment_option(tmp_path, option, share):
    rows = (
        f"sp,compute_savings_plan,aws,,web,12,{option},0.7,0",
        f"sp,compute_savings_plan,aws,,api,12,{option},1.5,0",
    )
    offer = catalog_of(tmp_path, *MARKET, *rows).offer("sp")
    assert offer.pools == ("web", "api")
    np.testing.assert_allclose(offer.draw, [0.7, 1.5])
    assert offer.hourly_usd == pytest.approx(1.0 - share)
    assert offer.upfront_usd == pytest.approx(share * 8760)
    assert offer.effective_hourly_usd == pytest.approx(1.0)


FLEXIBLE = (
    "ri,reserved_standard,aws,us,web,36,partial,0.2,400",
    "ri,reserved_standard,aws,us,api,36,partial,0.4,800",
)


def test_a_reservation_of_several_pools_is_priced_per_normalized_unit(tmp_path):
    offer = catalog_of(tmp_path, *MARKET, *FLEXIBLE, factors={"web": 4, "api": 8}).offer("ri")
    np.testing.assert_allclose(offer.draw, [4.0, 8.0])
    assert offer.hourly_usd == pytest.approx(0.05)
    assert offer.upfront_usd == pytest.approx(100.0)
    assert offer.is_size_flexible


def test_a_size_flexible_reservation_stays_so_where_one_of_its_pools_is_known(tmp_path):
    offer = catalog_of(tmp_path, *MARKET, *FLEXIBLE, pools=("web",), factors={"web": 4}).offer("ri")
    assert offer.pools == ("web",)
    np.testing.assert_allclose(offer.draw, [4.0])
    assert offer.hourly_usd == pytest.approx(0.05)
    assert offer.is_size_flexible


def test_a_capacity_reservation_costs_nothing_on_top_of_demand(tmp_path):
    for rate in ("1.0", "0"):
        offer = catalog_of(tmp_path, *MARKET, f"cr,capacity_reservation,aws,us,web,0,none,{rate},0").offer("cr")
        assert (offer.hourly_usd, offer.upfront_usd, offer.term_months) == (0.0, 0.0, 0)
        assert offer.guarantees_capacity


def test_optional_columns_say_from_when_and_whether_capacity_is_guaranteed(tmp_path):
    rows = [row + ",," for row in MARKET]
    rows.append("ri,reserved_standard,aws,us,web,12,none,0.6,0,2024-03-01,true")
    offer = catalog_of(tmp_path, *rows, header=HEADER + ",available_from,guarantees_capacity").offer("ri")
    assert offer.available_from_hour == hour_of_date("2024-03-01")
    assert offer.guarantees_capacity


def test_a_term_may_be_given_in_hours(tmp_path):
    rows = [row + "," for row in MARKET]
    rows += [
        "ri,reserved_standard,aws,us,web,0,partial,0.6,2,5",
        "csp,compute_savings_plan,aws,us,web,0,partial,0.5,0,4",
    ]
    catalog = catalog_of(tmp_path, *rows, header=HEADER + ",term_hours")
    offer, plan = catalog.offer("ri"), catalog.offer("csp")
    assert (offer.term_hours, offer.term_months) == (5, 0)
    assert offer.effective_hourly_usd == pytest.approx(0.6 + 2 / 5)
    assert (plan.upfront_usd, plan.hourly_usd, plan.effective_hourly_usd) == (2.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("ri,reserved_standard,aws,us,web,12,none,0.6,0,5", "must be empty where term_months is 12, got 5. Keep one."),
        ("sp,spot,aws,us,web,0,none,0.2,0,5", "must be empty for spot, got 5."),
    ],
)
def test_a_term_in_hours_beside_one_in_months_or_on_the_market_is_refused(tmp_path, row, message):
    text = refusal(tmp_path, *[known + "," for known in MARKET], row, header=HEADER + ",term_hours")
    assert f"column 'term_hours', row 4: {message}" in text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("reservation", OfferKind.RESERVED_STANDARD),
        ("Resource CUD", OfferKind.RESERVED_STANDARD),
        ("savings-plan", OfferKind.COMPUTE_SAVINGS_PLAN),
        ("flexible_cud", OfferKind.COMPUTE_SAVINGS_PLAN),
        ("OWNED_HARDWARE", OfferKind.OWNED_HARDWARE),
    ],
)
def test_other_names_of_kinds_are_understood(tmp_path, name, kind):
    assert catalog_of(tmp_path, *MARKET, f"x,{name},gcp,us,web,12,none,0.6,0").offer("x").kind is kind


def test_a_rate_above_on_demand_is_allowed(tmp_path):
    assert catalog_of(tmp_path, *MARKET, "ri,reserved_standard,aws,us,web,12,none,1.5,0").offer("ri").hourly_usd == 1.5


def test_a_compute_savings_plan_may_span_regions(tmp_path):
    rows = ("sp,compute_savings_plan,aws,us,web,12,none,0.7,0", "sp,compute_savings_plan,aws,eu,api,12,none,1.5,0")
    assert catalog_of(tmp_path, *MARKET, *rows).offer("sp").region == ""


FUTURE = (
    "od:new,on_demand,aws,us,new,0,none,0,9",
    "od:new,on_demand,aws,us,new,0,none,3,0",
    "sp,compute_savings_plan,gcp,eu,new,36,all,0,5",
    "ri:new,reserved_standard,aws,us,new,0,none,1,0",
)


def test_rows_of_unknown_pools_change_nothing(tmp_path):
    rows = (
        *MARKET,
        "sp,compute_savings_plan,aws,us,web,12,none,0.7,0",
        "sp,compute_savings_plan,aws,us,api,12,none,1.5,0",
    )
    without = catalog_of(tmp_path, *rows)
    with_future = catalog_of(tmp_path, *FUTURE, *rows, *FUTURE)
    assert [offer.offer_id for offer in with_future.offers] == ["sp"]
    for one, other in zip(without.offers, with_future.offers, strict=True):
        assert one.pools == other.pools
        assert (one.hourly_usd, one.upfront_usd, one.term_months) == (
            other.hourly_usd,
            other.upfront_usd,
            other.term_months,
        )
        np.testing.assert_allclose(one.draw, other.draw)
    np.testing.assert_allclose(without.on_demand_usd, with_future.on_demand_usd)


def test_an_owned_offer_without_known_pools_is_kept_as_pure_cost(tmp_path):
    rows = (*MARKET, "old,reserved_standard,aws,us,gone,36,all,0,8760")
    assert catalog_of(tmp_path, *rows).offers == ()
    offer = catalog_of(tmp_path, *rows, owned=("old",)).offer("old")
    assert offer.pools == ()
    assert offer.draw.shape == (0,)
    assert offer.effective_hourly_usd == pytest.approx(8760 / 26280)


def test_an_owned_plan_without_known_pools_costs_its_commitment(tmp_path):
    offer = catalog_of(
        tmp_path, *MARKET, "old,instance_savings_plan,aws,us,gone,12,partial,0.5,0", owned=("old",)
    ).offer("old")
    assert (offer.hourly_usd, offer.upfront_usd, offer.pools) == (0.5, 4380.0, ())


def test_an_owned_size_flexible_offer_without_known_pools_costs_its_normalized_units(tmp_path):
    rows = (*MARKET, *(row.replace(",web,", ",old1,").replace(",api,", ",old2,") for row in FLEXIBLE))
    offer = catalog_of(tmp_path, *rows, factors={"old1": 4, "old2": 8}, owned=("ri",)).offer("ri")
    assert offer.hourly_usd == pytest.approx(0.05)
    assert "pool 'old1' has no normalization_factor" in refusal(tmp_path, *rows, owned=("ri",))


@pytest.mark.parametrize("rate", ["3", "0"])
def test_an_owned_capacity_reservation_of_an_unknown_pool_is_idle_at_the_on_demand_rate(tmp_path, rate):
    rows = (*MARKET, "od:dr,on_demand,aws,us,dr,0,none,3,0", f"cr,capacity_reservation,aws,us,dr,0,none,{rate},0")
    offer = catalog_of(tmp_path, *rows, owned=("cr",)).offer("cr")
    assert offer.effective_hourly_usd == 3.0
    assert offer.pools == ()


def test_an_owned_capacity_reservation_needs_some_rate(tmp_path):
    message = refusal(tmp_path, *MARKET, "cr,capacity_reservation,aws,us,dr,0,none,0,0", owned=("cr",))
    assert "pool 'dr' of the owned offer 'cr' needs an on-demand price" in message


@pytest.mark.parametrize(
    ("row", "part"),
    [
        pytest.param("x,reserved,aws,us,web,12,none,1,0", "column 'kind', row 4: must be one of on_demand", id="kind"),
        pytest.param("x,reserved_standart,aws,us,web,12,none,1,0", "Did you mean 'reserved_standard'", id="kind typo"),
        pytest.param("x,reserved_standard,aws,us,web,12,upfront,1,0", "column 'payment_option', row 4", id="payment"),
        pytest.param(
            "x,reserved_standard,aws,us,web,12,none,,0", "'hourly_usd', row 4: must be a number", id="no rate"
        ),
        pytest.param("x,reserved_standard,aws,us,web,12,none,-1,0", "'hourly_usd', row 4: must be >= 0", id="negative"),
        pytest.param("x,reserved_standard,aws,us,web,1.5,none,1,0", "'term_months', row 4: must be a whole", id="term"),
        pytest.param("x,reserved_standard,aws,us,web,0,none,1,0", "'term_months', row 4: must be > 0", id="no term"),
        pytest.param(
            "x,on_demand,aws,us,web,0,none,3,0", "pool 'web' must have one on_demand price", id="two on-demand"
        ),
        pytest.param("x,spot,aws,us,web,0,none,3,0", "row 4: pool 'web' must have one spot price", id="two spot"),
        pytest.param("spot:api,spot,aws,us,api,1,none,3,0", "'term_months', row 4: must be 0 for spot", id="spot term"),
        pytest.param("spot:api,spot,aws,us,api,0,all,3,0", "'payment_option', row 4: must be none", id="spot payment"),
        pytest.param(
            "spot:api,spot,aws,us,api,0,none,3,1", "'upfront_usd', row 4: must be 0 for spot", id="spot upfront"
        ),
        pytest.param(
            "x,compute_savings_plan,aws,us,web,12,all,1,5", "'upfront_usd', row 4: must be 0", id="plan upfront"
        ),
        pytest.param(
            "x,compute_savings_plan,aws,us,web,12,all,0,0", "'hourly_usd', row 4: must be > 0", id="plan rate"
        ),
        pytest.param(
            "x,capacity_reservation,aws,us,web,0,none,3,0", "must be 0 or the on-demand rate 1", id="idle rate"
        ),
        pytest.param(
            "x,capacity_reservation,aws,us,web,0,none,1,3", "'upfront_usd', row 4: must be 0", id="idle upfront"
        ),
        pytest.param(
            "od:web,spot,aws,us,api,0,none,1,0", "row 4: offer 'od:web' must be of one kind", id="one id, two kinds"
        ),
    ],
)
def test_a_bad_row_is_refused_with_its_place(tmp_path, row, part):
    assert part in refusal(tmp_path, *MARKET, row)


@pytest.mark.parametrize(
    ("first", "second", "part"),
    [
        pytest.param(
            "x,reserved_standard,aws,us,web,12,none,1,0",
            "x,reserved_standard,aws,us,web,12,none,2,0",
            "column 'hourly_usd', row 5: offer 'x' has two rates for pool 'web', here and in row 4",
            id="two rates",
        ),
        pytest.param(
            "x,compute_savings_plan,aws,us,web,12,none,1,0",
            "x,compute_savings_plan,aws,us,api,36,none,1,0",
            "column 'term_months', row 5: must be the same in all rows of offer 'x', got 36, but 12 in row 4",
            id="terms",
        ),
        pytest.param(
            "x,instance_savings_plan,aws,us,web,12,none,1,0",
            "x,instance_savings_plan,aws,eu,api,12,none,1,0",
            "column 'region', row 5: must be the same",
            id="regions",
        ),
        pytest.param(
            "x,compute_savings_plan,aws,us,web,12,none,1,0",
            "x,reserved_standard,aws,us,api,12,none,1,0",
            "column 'kind', row 5: must be the same",
            id="kinds",
        ),
        pytest.param(
            "x,capacity_reservation,own,us,web,12,none,0,0",
            "x,capacity_reservation,own,us,api,12,none,0,0",
            "row 5: offer 'x' of kind capacity_reservation must cover one pool, got 2",
            id="capacity reservation",
        ),
        pytest.param(
            "x,owned_hardware,own,us,web,12,none,1,0",
            "x,owned_hardware,own,us,api,12,none,2,0",
            "column 'hourly_usd', row 5: must be the same in all rows of offer 'x', got 2.0, but 1.0 in row 4",
            id="hardware",
        ),
        pytest.param(
            "x,reserved_standard,aws,us,web,12,none,1,0",
            "x,reserved_standard,aws,us,api,12,none,2,0",
            "row 4: offer 'x' has rows for several pools, so it is size-flexible, and pool 'web' has no normalization",
            id="no factor",
        ),
    ],
)
def test_rows_of_one_offer_that_disagree_are_refused(tmp_path, first, second, part):
    assert part in refusal(tmp_path, *MARKET, first, second)


@pytest.mark.parametrize("column", ["hourly_usd", "upfront_usd"])
def test_rows_that_disagree_on_the_price_of_a_normalized_unit_are_refused(tmp_path, column):
    old, new = {"hourly_usd": ("0.4", "0.41"), "upfront_usd": ("800", "810")}[column]
    rows = (FLEXIBLE[0], FLEXIBLE[1].replace(old, new))
    message = refusal(tmp_path, *MARKET, *rows, factors={"web": 4, "api": 8})
    assert f"column '{column}', row 5: divided by the pool's normalization factor must be the same" in message


def test_prices_of_a_normalized_unit_may_differ_by_rounding(tmp_path):
    rows = (FLEXIBLE[0], FLEXIBLE[1].replace("0.4", "0.4000003"))
    assert catalog_of(tmp_path, *MARKET, *rows, factors={"web": 4, "api": 8}).offer("ri").is_size_flexible


@pytest.mark.parametrize("kind", ["compute_savings_plan", "reserved_standard"])
def test_a_plan_or_size_flexible_reservation_cannot_guarantee_capacity(tmp_path, kind):
    rows = [row + "," for row in MARKET]
    rows += [f"x,{kind},aws,us,web,12,none,1,0,true", f"x,{kind},aws,us,api,12,none,2,0,true"]
    message = refusal(tmp_path, *rows, header=HEADER + ",guarantees_capacity", factors={"web": 1, "api": 2})
    assert "column 'guarantees_capacity', row 4" in message
    assert "guarantees no capacity, got true" in message


def test_every_pool_without_an_on_demand_price_is_named_with_near_names(tmp_path):
    message = refusal(tmp_path, *MARKET, pools=("web", "apy", "db"))
    assert "pool 'apy' has no on-demand price. Did you mean 'api'?" in message
    assert "pool 'db' has no on-demand price. Add an on_demand row for it." in message


def test_an_on_demand_price_must_be_above_zero(tmp_path):
    message = refusal(tmp_path, MARKET[0].replace("1.0", "0"), MARKET[1])
    assert "column 'hourly_usd', row 1: must be > 0 for on_demand" in message


def test_a_price_list_without_rows_is_refused(tmp_path):
    assert "has no rows" in refusal(tmp_path)


def test_bad_kinds_and_payments_come_in_one_error(tmp_path):
    message = refusal(tmp_path, *MARKET, "x,foo,aws,us,web,12,bar,1,0")
    assert "2 problems" in message


def test_the_prices_of_the_real_trace_are_read(shared_data):
    rows = read_price_rows(shared_data / "trace" / "prices_r1.csv")
    pools = sorted(rows.on_demand_pools)
    catalog = build_catalog(rows, pools=pools, pool_table=pool_table(pools), source="prices_r1.csv")
    np.testing.assert_allclose(catalog.on_demand_usd, 1.0)
    assert len(catalog.offers) == 2 * len(pools) + 2
    np.testing.assert_allclose(catalog.offer("csp1y:r1").draw, 0.73)


WITH_RULES = f"{HEADER},lot_quantity,minimum_quantity"


def test_lots_and_minima_are_those_of_the_offer_and_none_where_the_cells_are_empty(tmp_path):
    rows = [f"{row},," for row in MARKET]
    ri, sp = (
        "ri,reserved_standard,aws,us,web,12,none,0.6,0,5,20",
        "sp,compute_savings_plan,aws,,{},12,none,0.7,0,,0.001",
    )
    catalog = catalog_of(tmp_path, *rows, ri, sp.format("web"), sp.format("api"), header=WITH_RULES)
    assert (catalog.offer("ri").lot_quantity, catalog.offer("ri").minimum_quantity) == (5.0, 20.0)
    assert (catalog.offer("sp").lot_quantity, catalog.offer("sp").minimum_quantity) == (0.0, 0.001)
    bare = catalog_of(tmp_path, *MARKET, "ri,reserved_standard,aws,us,web,12,none,0.6,0").offer("ri")
    assert (bare.lot_quantity, bare.minimum_quantity) == (0.0, 0.0)


def test_all_problems_of_lots_and_minima_come_at_once(tmp_path):
    rows = (
        "od:web,on_demand,aws,us,web,0,none,1.0,0,1,",
        "od:api,on_demand,aws,us,api,0,none,2.0,0,,",
        "spot:web,spot,aws,us,web,0,none,0.3,0,,2",
        "sp,compute_savings_plan,aws,,web,12,none,0.7,0,0.5,0.001",
        "sp,compute_savings_plan,aws,,api,12,none,1.5,0,0.5,",
    )
    text = refusal(tmp_path, *rows, header=WITH_RULES)
    assert "3 problems" in text
    assert "column 'lot_quantity', row 1: must be empty for on_demand, got 1." in text
    assert "column 'minimum_quantity', row 3: must be empty for spot, got 2." in text
    assert (
        "column 'minimum_quantity', row 5: must be the same in all rows of offer 'sp', got an empty cell, but 0.001 in "
        "row 4" in text
    )


@pytest.mark.parametrize("cell", ["0", "-1", "nan"])
def test_a_lot_of_nothing_is_refused(tmp_path, cell: str):
    row = f"ri,reserved_standard,aws,us,web,12,none,0.6,0,{cell},"
    text = refusal(tmp_path, *(f"{row},," for row in MARKET), row, header=WITH_RULES)
    assert "column 'lot_quantity', row 4: must be" in text
