from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from optimizer.offers import Catalog
from optimizer.pools import pool_table
from optimizer.prices import build_catalog, read_price_rows

YEAR = 8760
HEADER = (
    "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd,"
    "guarantees_capacity,lead_time_days,salvage_usd,from_year,until_year,served_units"
)
MARKET = ("od:web,on_demand,own,,web,0,none,1.0,0,,,,,,", "od:api,on_demand,own,,api,0,none,2.0,0,,,,,,")


def rack(pool: str, *, money: str = "0.1,10000", extra: str = ",120,6000;4000;2500;0", years: str = ",,") -> str:
    return f"rack,owned_hardware,own,,{pool},48,all,{money},{extra},{years}"


def catalog_of(folder: Path, *rows: str, owned: tuple[str, ...] = ()) -> Catalog:
    path = folder / "prices.csv"
    path.write_text("\n".join((HEADER, *MARKET, *rows)) + "\n")
    pools = ("api", "web")
    return build_catalog(
        read_price_rows(path), pools=pools, pool_table=pool_table(pools, {}), source="prices.csv", keep_offers=owned
    )


def test_hardware_that_moves_on_is_one_offer_in_units_of_hardware(tmp_path: Path):
    (offer,) = catalog_of(tmp_path, rack("web", years=",1,2"), rack("api", years="2,,4")).offers
    assert offer.pools == ("web", "api")
    assert_allclose(offer.draw, [0.5, 0.25])
    assert offer.hourly_usd == 0.1
    assert offer.upfront_usd == 10_000.0
    assert offer.lead_hours == 120 * 24
    assert offer.hardware.salvage_usd == (6000.0, 4000.0, 2500.0, 0.0)
    assert [(band.end_age_hours, band.places) for band in offer.age_bands] == [
        (YEAR, (0,)),
        (4 * YEAR, (1,)),
    ]


def test_bare_hardware_is_there_at_once_for_its_whole_life_and_has_no_declared_value(tmp_path: Path):
    (offer,) = catalog_of(tmp_path, rack("web", extra=",,")).offers
    assert offer.lead_hours == 0
    assert offer.hardware.salvage_usd is None
    assert offer.draw.tolist() == [1.0]
    assert [(band.end_age_hours, band.places) for band in offer.age_bands] == [(4 * YEAR, (0,))]


def test_owned_hardware_whose_pools_are_not_known_is_kept_as_pure_cost(tmp_path: Path):
    (offer,) = catalog_of(tmp_path, rack("gone", years="2,3,"), owned=("rack",)).offers
    assert offer.pools == ()
    assert [band.places for band in offer.age_bands] == [()]
    assert_allclose(offer.effective_hourly_usd, 0.1 + 10_000 / (4 * YEAR))


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        pytest.param(
            [rack("web"), rack("api", money="0.2,10000")],
            "column 'hourly_usd', row 4: must be the same in all rows of offer 'rack', got 0.2, but 0.1 in row 3",
            id="running cost",
        ),
        pytest.param(
            [rack("web"), rack("api", money="0.1,9000", extra=",120,6000;4000;2500;0")],
            "column 'upfront_usd', row 4: must be the same in all rows of offer 'rack', got 9000.0, but 10000.0",
            id="upfront",
        ),
        pytest.param(
            [rack("web"), rack("api", extra=",30,6000;4000;2500;0")],
            "column 'lead_time_days', row 4: must be the same in all rows of offer 'rack', got 30, but 120 in row 3",
            id="lead time",
        ),
        pytest.param(
            [rack("web"), rack("api", extra=",120,")],
            "column 'salvage_usd', row 4: must be the same in all rows of offer 'rack', got an empty cell",
            id="one value",
        ),
        pytest.param(
            [rack("web", extra=",,6000;many")],
            "column 'salvage_usd', row 3: must be numbers >= 0 with ';' between them, such as 6000;4000;2500, got "
            "'6000;many'. State what a unit can be sold for after 1, 2, 3... years of service.",
            id="no number",
        ),
        pytest.param([rack("web", extra=",,6000;-1")], "must be numbers >= 0 with ';' between", id="below 0"),
        pytest.param([rack("web", extra=",,6000;inf")], "must be numbers >= 0 with ';' between", id="infinite"),
        pytest.param([rack("web", extra=",,6000;;1")], "must be numbers >= 0 with ';' between", id="gap"),
        pytest.param(
            [rack("web", extra=",,5;4;3;2;1")],
            "must have at most 4 values, one for each year of the life, got '5;4;3;2;1'",
            id="years",
        ),
        pytest.param(
            [rack("web", extra=",,12000;4000")],
            "must start at no more than upfront_usd, 10000, and never rise, got '12000;4000'",
            id="gain",
        ),
        pytest.param([rack("web", extra=",,4000;5000")], "and never rise, got '4000;5000'", id="rise"),
        pytest.param(
            [rack("web", years="5,,")],
            "column 'from_year', row 3: must be at most 4, the last year of the life, got 5",
            id="first year",
        ),
        pytest.param(
            [rack("web", years=",6,")],
            "column 'until_year', row 3: must be at most 4, the last year of the life, got 6",
            id="last year",
        ),
        pytest.param(
            [rack("web", years="3,2,")],
            "column 'until_year', row 3: must be at least from_year, 3, got 2",
            id="ends before it starts",
        ),
        pytest.param(
            [rack("web", years=",,0")], "column 'served_units', row 3: must be > 0, got 0. Leave the row", id="none"
        ),
        pytest.param(
            [rack("web", extra="true,,", years=",,2")],
            "column 'guarantees_capacity', row 3: hardware that has served_units other than 1 guarantees no capacity",
            id="scaled guarantee",
        ),
        pytest.param(
            [rack("web", extra="true,,", years=",2,"), rack("api", extra="true,,", years="2,,")],
            "hardware that serves several pools in one year guarantees no capacity, got true for offer 'rack'",
            id="shared guarantee",
        ),
        pytest.param(
            ["ri,reserved_standard,own,,web,12,none,0.5,0,,30,,,,"],
            "column 'lead_time_days', row 3: must be empty for reserved_standard, got 30: only owned_hardware has it",
            id="other kind",
        ),
        pytest.param(
            ["ri,reserved_standard,own,,web,12,none,0.5,0,,,100,,,"],
            "column 'salvage_usd', row 3: must be empty for reserved_standard, got 100",
            id="other kind's value",
        ),
        pytest.param(
            ["spot:web,spot,own,,web,0,none,0.5,0,,,,,,2"],
            "column 'served_units', row 3: must be empty for spot, got 2.0: only owned_hardware has it",
            id="spot",
        ),
    ],
)
def test_rows_of_hardware_that_make_no_sense_are_refused(tmp_path: Path, rows: list[str], part: str):
    with pytest.raises(InputError) as caught:
        catalog_of(tmp_path, *rows)
    assert part in str(caught.value)


def test_a_lead_time_beyond_ten_years_is_refused_with_its_cell(tmp_path: Path):
    with pytest.raises(InputError, match=r"column 'lead_time_days', row 3: must be >= 0 and <= 3650, got "):
        catalog_of(tmp_path, rack("web", extra=",4000,"))


def test_hardware_that_moves_from_pool_to_pool_may_be_firm_in_each(tmp_path: Path):
    rows = [rack("web", extra="true,,", years=",2,"), rack("api", extra="true,,", years="3,,")]
    (offer,) = catalog_of(tmp_path, *rows).offers
    assert offer.guarantees_capacity
