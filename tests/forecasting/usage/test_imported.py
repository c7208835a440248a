"""Imports against a plain loop over the rows, on exports drawn at random and on the real samples beside the project."""

import csv
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.usage.imported import ImportRequest, import_export

TYPES = ("BoxUsage:m5.large", "USE1-BoxUsage:c5.xlarge", "SpotUsage:m5.large", "UnusedBox:m5.large", "EBS:VolumeUsage")
LINE_TYPES = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", "RIFee", "Tax", "Credit")
MONEY_TOLERANCE = Decimal("1e-9")  # some lines of the samples have more than the 11 decimals that are kept
RUNNING = frozenset(LINE_TYPES[:3])

LINES = st.lists(
    st.fixed_dictionaries(
        {
            "hour": st.integers(0, 5),
            "line_type": st.sampled_from(LINE_TYPES),
            "usage_type": st.sampled_from(TYPES),
            "amount": st.decimals(0, 3, places=6),
            "cost": st.decimals(-5, 5, places=10),
        }
    ),
    min_size=1,
    max_size=12,
)


def row_of(number, line, at):
    return at(line["hour"]) | {
        "line_item_line_item_type": line["line_type"],
        "line_item_usage_type": line["usage_type"],
        "line_item_usage_amount": str(line["amount"]),
        "line_item_unblended_cost": str(line["cost"]),
        "line_item_resource_id": f"i-{number}",
    }


@given(lines=LINES)
def test_units_and_money_are_those_of_a_plain_loop(tmp_path_factory, cur_text, at, units_of, lines):
    path = tmp_path_factory.mktemp("drawn") / "export.csv"
    path.write_text(cur_text(*(row_of(number, line, at) for number, line in enumerate(lines))))
    found = import_export(ImportRequest(name="cur", paths=(path,), recovers=False, threads=1))
    units, seen = {}, set()
    for line in lines:
        seen.add(line["hour"])
        if line["line_type"] in RUNNING and not line["usage_type"].startswith("EBS"):
            key = (line["hour"], f"aws/us-east-1/{line['usage_type'].partition(':')[2]}")
            units[key] = units.get(key, Decimal(0)) + line["amount"]
    running = {hour for hour, _ in units}
    zeros = {hour for hour in seen - running if running and min(running) < hour < max(running)}
    units |= {(hour, min(pool for _, pool in units)): Decimal(0) for hour in zeros}
    assert {key: pytest.approx(float(value), abs=1e-9) for key, value in units.items()} == units_of(found)
    assert found.billed == sum(line["cost"] for line in lines)
    assert sum(part.billed for part in found.parts) == found.billed
    assert sum(part.n_rows for part in found.parts) == len(lines)


@pytest.mark.parametrize(
    ("name", "file", "cost", "effective"),
    [
        ("cur", "aws_cur_anonymous_focus_converters.csv", "lineItem/UnblendedCost", "lineItem/UnblendedCost"),
        ("focus", "focus_1.0_sample_1000.csv", "BilledCost", "EffectiveCost"),
        ("azure", "azure_ea_anonymous_focus_converters.csv", "CostInBillingCurrency", "CostInBillingCurrency"),
        ("azure", "azure_EA_ActualCost_Small.csv", "Cost", "Cost"),
        ("azure", "azure_EA_AmortizedCost_Small.csv", "Cost", "Cost"),
    ],
)
def test_the_parts_of_real_samples_add_up_to_the_file(shared_data, name, file, cost, effective):
    path = shared_data / "samples" / file
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = import_export(ImportRequest(name=name, paths=(path,), spreads_days=True))
    assert found.n_rows == len(rows)
    billed, amortized = (sum(Decimal(row[column]) for row in rows) for column in (cost, effective))
    assert abs(sum(part.billed for part in found.parts) - billed) < MONEY_TOLERANCE
    assert abs(sum(part.amortized for part in found.parts) - amortized) < MONEY_TOLERANCE


def test_the_machines_of_the_focus_sample_are_those_its_descriptions_name(shared_data):
    path = shared_data / "samples" / "focus_1.0_sample_1000.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        named = [row for row in csv.DictReader(stream) if "Instance Hour" in row["ChargeDescription"]]
    found = import_export(ImportRequest(name="focus", paths=(path,)))
    assert len(named) == 26  # counted by hand in the file
    assert float(sum(pool.unit_hours for pool in found.pools)) == pytest.approx(
        sum(float(row["ConsumedQuantity"]) for row in named)
    )
    assert found.currency == "USD"


def test_a_sample_without_machines_gives_an_empty_frame_and_its_parts(shared_data):
    path = shared_data / "samples" / "aws_cur_anonymous_focus_converters.csv"
    found = import_export(ImportRequest(name="cur", paths=(path,)))
    assert found.usage.num_rows == 0
    assert found.usage.column_names == ["hour_utc", "pool", "units"]
    assert {part.part.value for part in found.parts} == {"other usage", "tax"}
