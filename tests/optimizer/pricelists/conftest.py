"""Price files as providers have them, small, written by the tests themselves."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

OFFER_HEADER = (
    *("SKU", "OfferTermCode", "RateCode", "TermType", "PriceDescription", "Unit", "PricePerUnit", "Currency"),
    *("LeaseContractLength", "PurchaseOption", "OfferingClass", "Product Family", "Instance Type", "Tenancy"),
    *("usageType", "operation", "CapacityStatus", "MarketOption", "Region Code"),
)
OFFER_METADATA = (("FormatVersion", "v1.0"), ("Disclaimer", "a, b"), ("Publication Date", "2025"), ("Version", "1"))
PLAN_HEADER = (
    *("SKU", "RateCode", "Unit", "DiscountedRate", "Currency", "DiscountedServiceCode", "DiscountedUsageType"),
    *("DiscountedOperation", "PurchaseOption", "LeaseContractLength", "LeaseContractLengthUnit", "Product Family"),
    *("DiscountedRegionCode", "DiscountedInstanceType"),
)
TABLE_HEADER = (
    *("provider", "region", "instance_type", "os", "instrument", "term_years", "payment_option", "hourly_usd"),
    *("upfront_usd", "effective_hourly_usd", "basis"),
)


def text_of(rows: Sequence[Sequence[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return stream.getvalue()


def _offer_rows(  # noqa: PLR0913  # each is one thing a row of the file says
    sku: str,
    item: str,
    *,
    on_demand: float,
    reserved: Sequence[tuple[str, str, str, float, float | None]] = (),
    region: str = "us-east-1",
    tenancy: str = "Shared",
    operation: str = "RunInstances",
    capacity: str = "Used",
    currency: str = "USD",
) -> list[list[object]]:
    """On-demand row of a SKU, and both rows of each (class, years, option, hourly, upfront)."""
    tail = ["Compute Instance", item, tenancy, f"BoxUsage:{item}", operation, capacity, "OnDemand", region]
    rows: list[list[object]] = [
        [
            sku,
            "JRTCKXETXF",
            "r",
            "OnDemand",
            "text, with comma",
            "Hrs",
            f"{on_demand:.10f}",
            currency,
            "",
            "",
            "",
            *tail,
        ]
    ]
    for offering, years, option, hourly, upfront in reserved:
        terms = [years, option, offering]
        code = f"{offering}{years}{option}"
        rows.append([sku, code, "h", "Reserved", "applied", "Hrs", f"{hourly:.10f}", currency, *terms, *tail])
        if upfront is not None:
            rows.append([sku, code, "q", "Reserved", "Upfront Fee", "Quantity", upfront, currency, *terms, *tail])
    return rows


@pytest.fixture
def offer_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes an offer file of the rows given."""

    def write(*rows: Sequence[object], name: str = "offer.csv") -> Path:
        path = tmp_path / name
        path.write_text(text_of([*OFFER_METADATA, ("OfferCode", "AmazonEC2"), OFFER_HEADER, *rows]))
        return path

    return write


@pytest.fixture(scope="session")
def offer_rows() -> Callable[..., list[list[object]]]:
    return _offer_rows


@pytest.fixture
def plan_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a savings plan file of (family of plan, years, option, usage type, operation, rate)."""

    def write(*rates: tuple[str, str, str, str, str, float], region: str = "us-east-1", name: str = "sp.csv") -> Path:
        rows = [
            ["s", "r", "Hrs", rate, "USD", "AmazonEC2", usage, operation, option, years, "year", family, region,
             usage.partition(":")[2]]
            for family, years, option, usage, operation, rate in rates
        ]  # fmt: skip
        path = tmp_path / name
        path.write_text(text_of([*OFFER_METADATA, ("OfferCode", "AmazonComputeSavingsPlan"), PLAN_HEADER, *rows]))
        return path

    return write


@pytest.fixture
def table_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a price table of the rows given."""

    def write(*rows: Sequence[object], name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_text(text_of([TABLE_HEADER, *rows]))
        return path

    return write


@pytest.fixture
def usage_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a day of usage of the pools given."""

    def write(*pools: str) -> Path:
        path = tmp_path / "usage.csv"
        rows = [(f"2025-01-01T{hour:02d}:00:00Z", pool, 2) for hour in range(24) for pool in pools]
        path.write_text(text_of([("hour_utc", "pool", "units"), *rows]))
        return path

    return write
