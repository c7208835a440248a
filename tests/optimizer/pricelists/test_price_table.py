"""The price table: its rows against the prices that stand in it, its words and its sums."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from forecasting.usage.pool_names import PoolKey
from optimizer.offers import OfferKind
from optimizer.pricelists.listed import Wanted
from optimizer.pricelists.price_table import KIND_OF_INSTRUMENT, read_price_table

GOOD = ("aws", "us-east-1", "m5.large", "linux", "ri_standard", 1, "partial_upfront", 0.029, 252, 0.05777, "exact")
MONTHS = {"1": 12, "3": 36, "0": 0}


def wanted(item: str, *, region: str = "us-east-1", provider: str = "aws", platform: str = "linux") -> Wanted:
    return Wanted(pools={"p": PoolKey(provider=provider, region=region, item=item, platform=platform)})


@pytest.mark.parametrize(
    ("provider", "region", "item"),
    [("aws", "us-east-1", "m5.large"), ("aws", "eu-west-1", "g5.xlarge"), ("gcp", "us-central1", "n2-standard-4")],
)
def test_every_row_of_the_shared_table_is_there_with_its_price(
    provider: str, region: str, item: str, shared_data: Path
):
    path = shared_data / "prices" / "prices.csv"
    found = read_price_table(path, wanted(item, provider=provider, region=region))
    with path.open() as stream:
        rows = [
            row
            for row in csv.DictReader(stream)
            if (row["provider"], row["region"], row["instance_type"]) == (provider, region, item)
            and row["instrument"] != "sustained_use_full_month"
        ]
    assert len(rows) > 3
    for row in rows:
        kind = KIND_OF_INSTRUMENT[row["instrument"]]
        months, payment = MONTHS[row["term_years"]], row["payment_option"].partition("_")[0] or "none"
        payment = {"no": "none"}.get(payment, payment)
        key = PoolKey(provider=provider, region=region, item=item, platform=row["os"])
        price = found.prices[kind, key, months, payment]
        hourly = row["effective_hourly_usd"] if row["instrument"].startswith("sp_") else row["hourly_usd"]
        upfront = 0.0 if row["instrument"].startswith("sp_") else float(row["upfront_usd"])
        assert_allclose((price.hourly_usd, price.upfront_usd), (float(hourly), upfront), rtol=0, atol=0)
        assert price.is_derived == (row["basis"] != "exact")


def test_discounts_that_are_no_offer_are_left_out_by_name(shared_data: Path):
    found = read_price_table(
        shared_data / "prices" / "prices.csv", wanted("n2-standard-4", provider="gcp", region="us-central1")
    )
    assert [left.n_rows for left in found.left_out] == [1]
    assert found.left_out[0].reason.startswith("sustained-use discounts")


def test_a_plan_draws_down_at_its_whole_rate(table_file: Callable[..., Path]):
    path = table_file((*GOOD[:4], "sp_compute", *GOOD[5:]))
    (price,) = read_price_table(path, wanted("m5.large")).prices.values()
    assert (price.kind, price.hourly_usd, price.upfront_usd) == (OfferKind.COMPUTE_SAVINGS_PLAN, 0.05777, 0.0)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (4, "ri_standart", r"column 'instrument', row 2: must be one of .*got 'ri_standart'. Did you mean 'ri_stand"),
        (5, "2", r"column 'term_years', row 2: must be 1 or 3, or 0 for on_demand and spot, got '2' for ri_standard"),
        (6, "later", r"column 'payment_option', row 2: must be empty, no_upfront"),
        (7, "-1", r"column 'hourly_usd', row 2: must be a number >= 0, got '-1'"),
        (8, "x", r"column 'upfront_usd', row 2: must be a number >= 0, got 'x'"),
        (9, "0.9", r"column 'effective_hourly_usd', row 2: must be hourly_usd \+ upfront_usd / term hours, got 0.9"),
        (9, "0", r"column 'effective_hourly_usd', row 2: must be > 0"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_place(column: int, value: str, message: str, table_file: Callable[..., Path]):
    other = ("aws", "us-east-1", "m5.xlarge", *GOOD[3:])
    row = [value if position == column else cell for position, cell in enumerate(GOOD)]
    with pytest.raises(InputError, match=message):
        read_price_table(table_file(other, row), wanted("m5.large"))


def test_all_wrong_rows_are_named_at_once(table_file: Callable[..., Path]):
    wrong = [(*GOOD[:7], "x", *GOOD[8:]), (*GOOD[:6], "later", *GOOD[7:])]
    with pytest.raises(InputError, match="2 problems"):
        read_price_table(table_file(*wrong), wanted("m5.large"))


def test_rows_nobody_asked_for_may_be_wrong(table_file: Callable[..., Path]):
    odd = ("aws", "eu-west-1", "m5.large", "linux", "barter", 7, "?", "x", "y", "z", "")
    assert len(read_price_table(table_file(odd, GOOD), wanted("m5.large")).prices) == 1
