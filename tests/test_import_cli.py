"""`plimsoll import` from the shell's side: files written, reports, refusals, and what other commands make of it."""

import csv
import datetime as dt
import importlib.util
import json
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
N_FUZZED = 200
HEADER = (
    *("line_item_line_item_type", "line_item_usage_start_date", "line_item_usage_end_date", "line_item_product_code"),
    *("line_item_usage_type", "line_item_operation", "line_item_availability_zone", "line_item_resource_id"),
    *("line_item_usage_amount", "line_item_unblended_cost", "line_item_currency_code", "line_item_usage_account_id"),
    *("resource_tags_user_team", "savings_plan_savings_plan_a_r_n", "savings_plan_offering_type"),
    *("savings_plan_payment_option", "savings_plan_purchase_term", "savings_plan_start_time"),
    *("savings_plan_end_time", "savings_plan_total_commitment_to_date", "savings_plan_used_commitment"),
)
SP = "arn:aws:savingsplans::111:savingsplan/s1"


def hour_text(hour):
    return (dt.datetime(2024, 1, 1) + dt.timedelta(hours=hour)).isoformat() + "Z"


def usage_row(hour, *, resource="i-1", usage_type="BoxUsage:m5.large", cost="0.096"):
    fixed = ["us-east-1a", resource, "1", cost, "USD", "111", "web"]
    times = ["Usage", hour_text(hour), hour_text(hour + 1), "AmazonEC2", usage_type, "RunInstances"]
    return [*times, *fixed, *[""] * 8]


def plan_row(hour, *, total="0.05"):
    line = ["SavingsPlanRecurringFee", hour_text(hour), hour_text(hour + 1), "ComputeSavingsPlans", "ComputeSP:1yr"]
    owned = [SP, "ComputeSavingsPlans", "No Upfront", "1yr", "2023-06-01T00:00:00Z", "2024-05-30T23:59:59Z", total, "0"]
    return [*line, "", "", SP, "1", total, "USD", "111", "", *owned]


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def export(tmp_path):
    """Two machines, one of them on spot every other hour, and a savings plan, for three days."""
    path = tmp_path / "cur.csv"
    rows = [row for hour in range(72) for row in (usage_row(hour), plan_row(hour))]
    rows += [usage_row(hour, resource="i-2", usage_type="SpotUsage:m5.large", cost="0.03") for hour in range(0, 72, 2)]
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([HEADER, *rows])
    return path


@pytest.fixture
def outputs(tmp_path):
    folder = tmp_path / "out"
    return {"usage": folder / "usage.parquet", "commitments": folder / "c.csv", "pools": folder / "p.csv"}


def arguments(export, outputs):
    paths = ["--out", outputs["usage"], "--commitments-out", outputs["commitments"], "--pools-out", outputs["pools"]]
    return ["import", "cur", export, *paths]


def test_an_import_writes_usage_commitments_pools_and_its_report(plimsoll, export, outputs):
    result = plimsoll(*arguments(export, outputs))
    assert result.exit_code == 0, result.output
    report = json.loads((outputs["usage"].parent / "usage.import.json").read_text())
    assert {part["part"]: part["is_demand"] for part in report["parts"]} == {
        "on demand": True,
        "spot": True,
        "recurring fees of commitments": False,
    }
    assert sum(part["billed"] for part in report["parts"]) == pytest.approx(report["billed"], abs=1e-9)
    assert report["billed"] == pytest.approx(72 * 0.096 + 72 * 0.05 + 36 * 0.03, abs=1e-9)
    assert report["untagged_fraction"] == 0.0
    pools = table(outputs["pools"])
    assert pools[0]["pool"] == "aws/us-east-1/m5.large"
    assert float(pools[0]["spot_eligible_fraction"]) == pytest.approx(1 / 3)
    (owned,) = table(outputs["commitments"])
    assert owned["offer_id"] == "aws/global/compute_savings_plan/any/12m/none"
    assert (owned["quantity"], owned["end_utc"]) == ("0.05", "2024-05-31T00:00:00Z")
    assert "left out" in result.output
    assert [one["name"] for one in report["versions"]].count("duckdb") == 1


def test_the_same_export_gives_the_same_bytes(plimsoll, export, outputs, tmp_path):
    assert plimsoll(*arguments(export, outputs)).exit_code == 0
    again = {name: tmp_path / "again" / path.name for name, path in outputs.items()}
    assert plimsoll(*arguments(export, again)).exit_code == 0
    for name, path in outputs.items():
        assert path.read_bytes() == again[name].read_bytes()


def test_bill_takes_what_import_writes(plimsoll, export, outputs, tmp_path):
    assert plimsoll(*arguments(export, outputs)).exit_code == 0
    prices = tmp_path / "prices.csv"
    prices.write_text(
        "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd\n"
        "od,on_demand,aws,us-east-1,aws/us-east-1/m5.large,0,none,0.096,0\n"
        "spot,spot,aws,us-east-1,aws/us-east-1/m5.large,0,none,0.03,0\n"
        "aws/global/compute_savings_plan/any/12m/none,compute_savings_plan,aws,global,aws/us-east-1/m5.large,12,none,0.05,0\n"
    )
    files = ["--usage", outputs["usage"], "--commitments", outputs["commitments"], "--pools", outputs["pools"]]
    result = plimsoll("bill", *files, "--prices", prices, "--out", tmp_path / "bill")
    assert result.exit_code == 0, result.output
    bill = json.loads((tmp_path / "bill" / "bill.json").read_text())
    assert bill["commitment_fees_usd"] == pytest.approx(72 * 0.05)


def test_an_import_without_commitments_says_that_some_are_owned(plimsoll, export, tmp_path):
    result = plimsoll("import", "cur", export, "--out", tmp_path / "usage.csv")
    assert "Commitments are owned: --commitments-out writes them." in result.output


def test_usage_can_be_csv(plimsoll, export, tmp_path):
    result = plimsoll("import", "cur", export, "--out", tmp_path / "usage.csv")
    assert result.exit_code == 0, result.output
    first = (tmp_path / "usage.csv").read_text().splitlines()[:2]
    assert first == ["hour_utc,pool,units", "2024-01-01T00:00:00Z,aws/us-east-1/m5.large,2.0"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--by", "team"], "--by is refused"),
        (["--out", "export"], "would overwrite an input"),
        (["--commitments-out", "usage"], "is named for two outputs"),
        (["--pools-out", "folder"], "must be a file, got a directory"),
    ],
    ids=["by", "input", "twice", "directory"],
)
def test_options_that_cannot_be_are_refused_and_nothing_is_written(plimsoll, export, tmp_path, extra, said):
    places = {"export": export, "usage": tmp_path / "u.parquet", "folder": tmp_path}
    given = [places.get(value, value) for value in extra]
    out = [] if "--out" in extra else ["--out", places["usage"]]
    result = plimsoll("import", "cur", export, *out, *given)
    assert result.exit_code == 2
    assert said in result.output
    assert not places["usage"].exists()


def test_a_commitment_that_is_not_told_whole_stops_the_import_unless_left_out(plimsoll, export, outputs):
    text = export.read_text().replace(",ComputeSavingsPlans,No Upfront", ",ComputeSavingsPlans,")
    export.write_text(text)
    refused = plimsoll(*arguments(export, outputs))
    assert refused.exit_code == 2
    assert "lacks the payment option" in refused.output
    assert not outputs["usage"].exists()
    left = plimsoll(*arguments(export, outputs), "--unrecovered", "leave-out")
    assert left.exit_code == 0
    report = json.loads((outputs["usage"].parent / "usage.import.json").read_text())
    assert report["commitments"]["unrecovered"][0]["commitment_id"] == SP


def test_an_export_without_machines_says_so(plimsoll, tmp_path):
    path = tmp_path / "cur.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([HEADER, plan_row(0)])
    result = plimsoll("import", "cur", path, "--out", tmp_path / "u.parquet")
    assert result.exit_code == 0
    assert "holds no machines that run" in result.output


def test_a_refusal_has_no_traceback(plimsoll, export, tmp_path):
    export.write_text(export.read_text()[:-30])
    result = plimsoll("import", "cur", export, "--out", tmp_path / "u.parquet")
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert not (tmp_path / "u.parquet").exists()


@pytest.fixture(scope="module")
def fuzz():
    """The fuzz script as a module."""
    spec = importlib.util.spec_from_file_location("fuzz_imports", SCRIPTS / "fuzz_imports.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_imports"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_damaged_exports_are_refused_or_read_right(fuzz, tmp_path):
    outcomes = [fuzz.check_case(number, 1, tmp_path) for number in range(N_FUZZED)]
    assert set(outcomes) == {"read", "refused"}
    assert outcomes.count("read") >= N_FUZZED // 10  # or the cases are too broken to tell anything
