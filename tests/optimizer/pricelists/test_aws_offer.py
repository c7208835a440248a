"""The EC2 offer file: which rows are prices, of what, and what is refused."""

import contextlib
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecasting.errors import InputError
from forecasting.usage.pool_names import PoolKey
from optimizer.offers import OfferKind
from optimizer.pricelists.aws_offer import read_offer_file
from optimizer.pricelists.listed import Wanted

LARGE = PoolKey(provider="aws", region="us-east-1", item="m5.large")
TOKYO = PoolKey(
    provider="aws", region="ap-northeast-1", item="c6i.large", platform="windows_sql_web", tenancy="dedicated"
)
STANDARD = ("standard", "1yr", "Partial Upfront", 0.03, 250.0)


def wanted(*keys: PoolKey) -> Wanted:
    return Wanted(pools={str(position): key for position, key in enumerate(keys)})


def test_the_published_sample_gives_the_prices_that_stand_in_it(shared_data: Path):
    """Rows of SKU 2223B6PCG6QAUYY6: c6i.large, Windows with SQL Web, dedicated, Tokyo."""
    found = read_offer_file(shared_data / "samples" / "aws_ec2_offer_file_sample.csv", wanted(TOKYO))
    prices = {key[:1] + key[2:]: (price.hourly_usd, price.upfront_usd) for key, price in found.prices.items()}
    assert {key[1] for key in found.prices} == {TOKYO}
    assert prices[OfferKind.ON_DEMAND, 0, "none"] == (0.2773, 0.0)
    assert prices[OfferKind.RESERVED_STANDARD, 12, "none"] == (0.23722, 0.0)
    assert prices[OfferKind.RESERVED_STANDARD, 12, "partial"] == (0.11676, 1023.0)
    assert prices[OfferKind.RESERVED_STANDARD, 12, "all"] == (0.0, 2033.0)
    assert prices[OfferKind.RESERVED_STANDARD, 36, "partial"] == (0.10463, 2750.0)
    assert prices[OfferKind.RESERVED_CONVERTIBLE, 36, "none"] == (0.22087, 0.0)
    assert prices[OfferKind.RESERVED_CONVERTIBLE, 12, "partial"] == (0.12235, 1072.0)
    assert len(prices) == 1 + 2 * 2 * 3
    assert found.left_out == ()


def test_idle_capacity_hosts_and_other_regions_are_no_price(offer_file: Callable[..., Path], offer_rows):
    path = offer_file(
        *offer_rows("A", "m5.large", on_demand=0.096),
        *offer_rows("B", "m5.large", on_demand=9.0, capacity="UnusedCapacityReservation"),
        *offer_rows("C", "m5.large", on_demand=9.0, tenancy="Host"),
        *offer_rows("D", "m5.large", on_demand=9.0, region="eu-west-1"),
        *offer_rows("E", "m5.large", on_demand=9.0, operation="RunInstances:zz99"),
    )
    found = read_offer_file(path, wanted(LARGE))
    assert [(price.item, price.hourly_usd) for price in found.prices.values()] == [(LARGE, 0.096)]


def test_the_operation_tells_the_platform(offer_file: Callable[..., Path], offer_rows):
    operations = {"RunInstances": 1.0, "RunInstances:0002": 2.0, "RunInstances:0010": 3.0, "RunInstances:0800": 4.0}
    rows = [
        row
        for operation, usd in operations.items()
        for row in offer_rows(operation, "m5.large", on_demand=usd, operation=operation)
    ]
    found = read_offer_file(offer_file(*rows), wanted(LARGE))
    platforms = {price.item.platform: price.hourly_usd for price in found.prices.values()}
    assert platforms == {"linux": 1.0, "windows": 2.0, "rhel": 3.0, "windows_byol": 4.0}


def test_a_reservation_that_lacks_a_row_is_left_out_not_guessed(offer_file: Callable[..., Path], offer_rows):
    rows = offer_rows("A", "m5.large", on_demand=0.096, reserved=[STANDARD])
    whole = read_offer_file(offer_file(*rows), wanted(LARGE))
    assert (OfferKind.RESERVED_STANDARD, LARGE, 12, "partial") in whole.prices
    cut = read_offer_file(offer_file(*rows[:-1]), wanted(LARGE))
    assert [key[0] for key in cut.prices] == [OfferKind.ON_DEMAND]
    assert cut.left_out[0].reason == "reservation without its hourly or its upfront row"
    assert cut.left_out[0].example == "m5.large in us-east-1, 12 months, partial"


def test_two_prices_of_one_thing_leave_none(offer_file: Callable[..., Path], offer_rows):
    path = offer_file(*offer_rows("A", "m5.large", on_demand=0.096), *offer_rows("B", "m5.large", on_demand=0.1))
    found = read_offer_file(path, wanted(LARGE))
    assert not found.prices
    assert "0.096 USD/h in offer.csv, 0.1 USD/h in offer.csv" in found.left_out[0].example


def test_gzip_is_read_as_it_is(offer_file: Callable[..., Path], offer_rows, tmp_path: Path):
    plain = offer_file(*offer_rows("A", "m5.large", on_demand=0.096, reserved=[STANDARD]))
    packed = tmp_path / "offer.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read_offer_file(packed, wanted(LARGE)).prices) == list(read_offer_file(plain, wanted(LARGE)).prices)


def test_columns_in_another_order_give_the_same_prices(offer_file: Callable[..., Path], offer_rows):
    path = offer_file(*offer_rows("A", "m5.large", on_demand=0.096, reserved=[STANDARD]))
    before = read_offer_file(path, wanted(LARGE)).prices
    lines = path.read_text().splitlines()
    turned = [",".join(reversed(line.replace("text, with comma", "t").split(","))) for line in lines[5:]]
    path.write_text("\n".join([*lines[:5], *turned]) + "\n")
    assert read_offer_file(path, wanted(LARGE)).prices == before


@pytest.mark.parametrize("cut", [5, 40, 300], ids=["in the last cell's quote", "in the last row", "rows before"])
def test_a_truncated_gzip_is_refused(cut: int, offer_file: Callable[..., Path], offer_rows, tmp_path: Path):
    plain = offer_file(*offer_rows("A", "m5.large", on_demand=0.096, reserved=[STANDARD] * 400))
    packed = tmp_path / "offer.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes())[:-cut])
    with pytest.raises(InputError, match="cut short"):
        read_offer_file(packed, wanted(LARGE))


def test_a_file_cut_inside_a_row_is_refused(offer_file: Callable[..., Path], offer_rows):
    path = offer_file(*offer_rows("A", "m5.large", on_demand=0.096, reserved=[STANDARD]))
    text = path.read_text()
    path.write_text(text[: text.rindex('"Reserved"')])
    with pytest.raises(InputError, match="every row must have 19 cells, 1 of them have not"):
        read_offer_file(path, wanted(LARGE))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"currency": "CNY"}, r"column 'Currency': must be in USD, got 'CNY'"),
        ({"on_demand": float("nan")}, r"column 'PricePerUnit': must be a number >= 0, got 'nan' for SKU A"),
    ],
    ids=["currency", "price"],
)
def test_what_is_no_price_in_usd_is_refused(
    rows: dict[str, object], message: str, offer_file: Callable[..., Path], offer_rows
):
    path = offer_file(*offer_rows("A", "m5.large", **{"on_demand": 0.1, **rows}))
    with pytest.raises(InputError, match=message):
        read_offer_file(path, wanted(LARGE))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ('{"formatVersion": "v1.0"}', "is JSON"),
        ("a,b\n1,2\n", "must be an AWS offer file"),
        ("SKU,DiscountedRate,DiscountedUsageType\n", "got an AWS savings plan file. Use: plimsoll import-prices aws-s"),
        ("OfferTermCode,TermType,PricePerUnit\n", "column 'SKU': is missing"),
        (b"\xff\xfeO\x00", "must be UTF-8 text"),
    ],
    ids=["empty", "json", "another", "savings plan", "columns", "utf-16"],
)
def test_another_file_is_refused_with_the_way_out(content: str | bytes, message: str, tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        read_offer_file(path, wanted(LARGE))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="there is no such file"):
        read_offer_file(tmp_path / "none.csv", wanted(LARGE))
    with pytest.raises(InputError, match="got a directory"):
        read_offer_file(tmp_path, wanted(LARGE))


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_a_file_is_cut_no_price_becomes_another(
    data: st.DataObject, offer_file: Callable[..., Path], offer_rows
):
    """Law: a cut file is refused, or gives some of the whole file's prices; never one that the whole file has not."""
    items = [("A", "m5.large", 0.096), ("B", "m5.xlarge", 0.192)]
    rows = [row for sku, item, usd in items for row in offer_rows(sku, item, on_demand=usd, reserved=[STANDARD])]
    path = offer_file(*rows)
    whole, content = read_offer_file(path, wanted(LARGE)).prices, path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(InputError):
        assert read_offer_file(path, wanted(LARGE)).prices.items() <= whole.items()
