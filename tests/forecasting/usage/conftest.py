"""Small exports made line by line, and what an import finds in them."""

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecasting.usage.imported import Imported, ImportRequest, import_export

Row = Mapping[str, Any]

CUR_LINE = {
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": "2024-03-01T00:00:00Z",
    "line_item_usage_end_date": "2024-03-01T01:00:00Z",
    "line_item_product_code": "AmazonEC2",
    "line_item_usage_type": "BoxUsage:m5.large",
    "line_item_operation": "RunInstances",
    "line_item_availability_zone": "us-east-1a",
    "line_item_resource_id": "i-1",
    "line_item_usage_account_id": "111",
    "line_item_usage_amount": "1.0000000000",
    "line_item_unblended_cost": "0.0960000000",
    "line_item_currency_code": "USD",
    "line_item_line_item_description": "",
    "reservation_reservation_a_r_n": "",
    "reservation_effective_cost": "",
    "reservation_unused_recurring_fee": "",
    "reservation_unused_amortized_upfront_fee_for_billing_period": "",
    "savings_plan_savings_plan_a_r_n": "",
    "savings_plan_savings_plan_effective_cost": "",
    "savings_plan_total_commitment_to_date": "",
    "savings_plan_used_commitment": "",
}
FOCUS_LINE = {
    "ChargePeriodStart": "2024-03-01T00:00:00Z",
    "ChargePeriodEnd": "2024-03-01T01:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeFrequency": "Usage-Based",
    "BilledCost": "0.096",
    "EffectiveCost": "0.096",
    "BillingCurrency": "USD",
    "ProviderName": "AWS",
    "RegionId": "us-east-1",
    "ServiceName": "Amazon Elastic Compute Cloud",
    "ServiceCategory": "Compute",
    "PricingCategory": "Standard",
    "ConsumedQuantity": "1",
    "ConsumedUnit": "Hours",
    "ResourceId": "i-1",
    "CommitmentDiscountId": "",
    "CommitmentDiscountCategory": "",
    "CommitmentDiscountStatus": "",
    "ChargeDescription": "$0.096 per On Demand Linux m5.large Instance Hour",
    "Tags": "",
}
AZURE_LINE = {
    "Date": "03/01/2024",
    "ChargeType": "Usage",
    "MeterCategory": "Virtual Machines",
    "MeterSubCategory": "Dv3/DSv3 Series",
    "MeterName": "D2 v3/D2s v3",
    "Quantity": "24",
    "UnitOfMeasure": "1 Hour",
    "CostInBillingCurrency": "2.64",
    "BillingCurrencyCode": "USD",
    "ResourceLocation": "EastUS",
    "PricingModel": "OnDemand",
    "ResourceId": "/subscriptions/s/providers/Microsoft.Compute/virtualMachines/vm1",
    "AdditionalInfo": '{"ServiceType":"Standard_D2s_v3","VCPUs":2}',
    "Frequency": "UsageBased",
    "ReservationId": "",
    "benefitId": "",
    "Tags": "",
}


def _stamp(hour: int) -> str:
    """ISO 8601 of an hour counted from 2024-03-01."""
    return (dt.datetime(2024, 3, 1) + dt.timedelta(hours=hour)).isoformat() + "Z"


@pytest.fixture(scope="session")
def stamp() -> Callable[[int], str]:
    """ISO 8601 of an hour counted from 2024-03-01."""
    return _stamp


@pytest.fixture(scope="session")
def at() -> Callable[[int], dict[str, str]]:
    """Start and end of one hour of a report of AWS, counted from 2024-03-01."""
    return lambda hour: {
        "line_item_usage_start_date": _stamp(hour),
        "line_item_usage_end_date": _stamp(hour + 1),
    }


@pytest.fixture(scope="session")
def focus_at() -> Callable[[int], dict[str, str]]:
    """Start and end of one hour of FOCUS, counted from 2024-03-01."""
    return lambda hour: {"ChargePeriodStart": _stamp(hour), "ChargePeriodEnd": _stamp(hour + 1)}


def _csv_text(rows: Sequence[Row], *, base: Row | None = None) -> str:
    """CSV of rows over a base that fills what they leave out; columns in the order of first mention."""
    whole = [{**(base or {}), **row} for row in rows]
    names = list(dict.fromkeys(name for row in whole for name in row))
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(whole)
    return stream.getvalue()


@pytest.fixture(scope="session")
def cur_text() -> Callable[..., str]:
    """CSV of lines of an AWS report."""
    return lambda *rows: _csv_text(rows, base=CUR_LINE)


@pytest.fixture(scope="session")
def units_of() -> Callable[[Imported], dict[tuple[int, str], float]]:
    """Usage by hour since 2024-03-01 and pool."""

    def units(found: Imported) -> dict[tuple[int, str], float]:
        table, start = found.usage.to_pydict(), dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
        hours = (int((hour - start).total_seconds() // 3_600) for hour in table["hour_utc"])
        return dict(zip(zip(hours, table["pool"], strict=True), table["units"], strict=True))

    return units


@pytest.fixture(scope="session")
def billed_of() -> Callable[[Imported], dict[str, str]]:
    """Billed money by part, to the cent."""
    return lambda found: {part.part.value: f"{part.billed:.2f}" for part in found.parts}


@pytest.fixture(scope="session")
def amortized_of() -> Callable[[Imported], dict[str, str]]:
    """Amortized money by part, to the cent."""
    return lambda found: {part.part.value: f"{part.amortized:.2f}" for part in found.parts}


@pytest.fixture
def read_cur(tmp_path: Path) -> Callable[..., Imported]:
    """Import of lines of an AWS report; options are those of `ImportRequest`."""
    return _reader(tmp_path, "cur", CUR_LINE)


@pytest.fixture
def read_focus(tmp_path: Path) -> Callable[..., Imported]:
    """Import of charges of FOCUS."""
    return _reader(tmp_path, "focus", FOCUS_LINE)


@pytest.fixture
def read_azure(tmp_path: Path) -> Callable[..., Imported]:
    """Import of lines of Azure's cost details, days spread."""
    return _reader(tmp_path, "azure", AZURE_LINE, spreads_days=True)


def _reader(folder: Path, name: str, base: Row, **defaults: Any) -> Callable[..., Imported]:
    """Writer of one file and reader of it."""
    request = ImportRequest(name=name, paths=(), recovers=False, threads=1, **defaults)

    def read(*rows: Row, **options: Any) -> Imported:
        path = folder / "export.csv"
        path.write_text(_csv_text(rows, base=base))
        return import_export(replace(request, paths=(path,), **options))

    return read
