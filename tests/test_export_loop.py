"""The loop: a fleet whose bill is known, its export read back, billed again, and compared with what was charged."""

import csv
import importlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from typer.testing import Result

from forecasting.hours import iso_of_hour
from forecasting.usage.imported import Imported, ImportRequest, import_export
from forecasting.usage.lines import Part
from forecasting.usage.offer_names import offer_name

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
MODULES = ("export_fleet", "export_lines", "export_formats", "export_focus", "export_prices", "make_exports")
N_DAYS = 18
FORMATS = {
    "cur2": "cur2.parquet",
    "cur2-csv": "cur2.csv",
    "cur-legacy": "legacy.csv.gz",
    "focus-1.0": "focus10.csv",
    "focus-1.2": "focus12.parquet",
}


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """The generator's modules, which import each other as scripts do."""
    sys.path.insert(0, str(SCRIPTS))
    yield {name: importlib.import_module(name) for name in MODULES}
    sys.path.remove(str(SCRIPTS))
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def billed(scripts: dict[str, ModuleType]):
    """A month of the fleet, billed."""
    return scripts["export_lines"].billed(scripts["export_fleet"].fleet("2025-01-01", N_DAYS))


@pytest.fixture(scope="module")
def exports(scripts: dict[str, ModuleType], billed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with every format, and what they were made of."""
    folder = tmp_path_factory.mktemp("exports")
    for name, file in FORMATS.items():
        scripts["make_exports"].write_export(folder / file, name, billed)
    scripts["make_exports"].write_truth(folder, billed)
    return folder


@pytest.fixture(scope="module")
def imported(exports: Path) -> dict[str, Imported]:
    """Every format read back."""
    found = {}
    for name, file in FORMATS.items():
        kind = "focus" if name.startswith("focus") else "cur"
        found[name] = import_export(ImportRequest(name=kind, paths=(exports / file,)))
    return found


def files_of(folder: Path) -> list[object]:
    names = {"usage": "usage.csv", "prices": "prices.csv", "commitments": "commitments.csv", "pools": "pools.csv"}
    return [part for role, name in names.items() for part in (f"--{role}", folder / name)]


def by_type(billed, column: str) -> dict[str, float]:
    return billed.lines.groupby("line_type")[column].sum().to_dict()


def test_the_lines_of_the_generator_sum_to_the_engines_bill(billed):
    """Amortized costs of usage and fees are the bill's total; spot comes on top."""
    lines = by_type(billed, "amortized_usd")
    fees = ("DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanRecurringFee", "RIFee")
    assert_allclose(lines["Usage"] + sum(lines[name] for name in fees), billed.bill.total_usd, rtol=1e-9)
    assert_allclose(lines["SavingsPlanRecurringFee"] + lines["RIFee"], billed.bill.stranded_usd, rtol=1e-9)
    assert all(lines[name] > 0 for name in ("Usage", "Spot", *fees))


def test_negation_takes_back_what_covered_usage_shows(billed):
    lines = by_type(billed, "billed_usd")
    assert_allclose(lines["SavingsPlanNegation"], -lines["SavingsPlanCoveredUsage"], rtol=1e-12)


def test_an_hour_of_one_machine_is_split_over_what_pays_for_it(billed):
    """Somewhere one machine's hour is part reserved, part planned, part on demand, and the parts are its hour."""
    running = billed.lines[billed.lines["line_type"].isin(["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"])]
    hours = running.groupby(["start_hour", "machine"])["amount"].agg(["sum", "size"])
    assert hours["size"].max() >= 3
    fleet = billed.fleet
    ran = [fleet.units[machine, int(hour) - fleet.start_hour] for hour, machine in hours.index]
    assert_allclose(hours["sum"], ran, atol=1e-9)


def test_the_same_arguments_give_the_same_bytes(scripts: dict[str, ModuleType], exports: Path, tmp_path: Path):
    again = scripts["export_lines"].billed(scripts["export_fleet"].fleet("2025-01-01", N_DAYS))
    for name in ("cur2", "cur-legacy"):
        scripts["make_exports"].write_export(tmp_path / FORMATS[name], name, again)
        assert (tmp_path / FORMATS[name]).read_bytes() == (exports / FORMATS[name]).read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_back_the_usage_it_was_made_of(name: str, imported: dict[str, Imported], exports: Path):
    usage = imported[name].usage.to_pandas().set_index(["hour_utc", "pool"])["units"]
    truth = pd.read_csv(exports / "usage.csv", parse_dates=["hour_utc"]).set_index(["hour_utc", "pool"])["units"]
    both = pd.concat([usage.rename("import"), truth.rename("truth")], axis=1).fillna(0.0)
    assert_allclose(both["import"], both["truth"], atol=1e-8)
    assert len(truth) > 2_000


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_back_the_money_to_the_cent(name: str, imported: dict[str, Imported], billed):
    found = imported[name]
    amortized = {part.part: float(part.amortized) for part in found.parts}
    lines = by_type(billed, "amortized_usd")
    assert_allclose(amortized[Part.ON_DEMAND], lines["Usage"], atol=0.005)
    assert_allclose(amortized[Part.RESERVED], lines["DiscountedUsage"], atol=0.005)
    assert_allclose(amortized[Part.PLANNED], lines["SavingsPlanCoveredUsage"], atol=0.005)
    assert_allclose(amortized[Part.SPOT], lines["Spot"], atol=0.005)
    assert_allclose(float(found.amortized), billed.lines["amortized_usd"].sum(), atol=0.005)
    assert_allclose(float(found.billed), billed.lines["billed_usd"].sum(), atol=0.005)
    assert sum((part.amortized for part in found.parts), start=Decimal(0)) == found.amortized


@pytest.mark.parametrize("name", ["cur2", "cur2-csv", "cur-legacy"])
def test_a_report_gives_back_the_commitments_it_was_billed_under(
    name: str, imported: dict[str, Imported], exports: Path
):
    recovered = imported[name].recovered
    assert recovered is not None
    assert recovered.unrecovered == ()
    found = {
        one.commitment_id: (offer_name(one.offer), one.quantity, iso_of_hour(one.start_hour), iso_of_hour(one.end_hour))
        for one in recovered.commitments
    }
    with (exports / "commitments.csv").open() as stream:
        truth = {
            row["commitment_id"]: (row["offer_id"], float(row["quantity"]), row["start_utc"], row["end_utc"])
            for row in csv.DictReader(stream)
        }
    assert found == truth


@pytest.mark.parametrize("name", FORMATS)
def test_the_loop_closes(name: str, exports: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    """Billed usage is what was charged, but for spot, which a bill takes as one share of every hour."""
    kind = "focus" if name.startswith("focus") else "cur"
    result = plimsoll("reconcile", kind, exports / FORMATS[name], *files_of(exports), "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out/reconcile.json").read_text())
    assert {line["line"] for line in document["lines"]} == {
        "on demand", "reservations used", "plans used", "spot", "unused commitments"
    }  # fmt: skip
    for line in document["lines"]:
        assert_allclose([line["by_rates_usd"], line["by_units_usd"]], 0.0, atol=0.005, err_msg=line["line"])
        assert_allclose(line["difference_usd"], line["by_spot_usd"], atol=0.01)
    assert abs(document["lines"][0]["by_spot_usd"]) > 1.0
    comparable = document["comparable_charged_usd"]
    assert_allclose(comparable + document["difference_usd"], document["billed_usd"], atol=1e-6)
    assert_allclose(comparable + document["outside_usd"], document["charged_usd"], atol=1e-6)


def test_the_parts_of_a_reconciliation_sum_by_pool(exports: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    prices = (exports / "prices.csv").read_text()
    dear = tmp_path / "dear.csv"
    dear.write_text(prices.replace(",0.096,0\n", ",0.106,0\n").replace(",0.192,0\n", ",0.18,0\n"))
    assert dear.read_text() != prices
    args = [dear if part == exports / "prices.csv" else part for part in files_of(exports)]
    assert plimsoll("reconcile", "cur", exports / "cur2.parquet", *args, "--out", tmp_path / "out").exit_code == 0
    with (tmp_path / "out/reconcile.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["by_rates_usd"]]
    for row in rows:
        causes = sum(float(row[name]) for name in ("by_spot_usd", "by_rates_usd", "by_units_usd"))
        assert_allclose(causes, float(row["difference_usd"]), atol=1e-9)
        assert_allclose(float(row["billed_usd"]) - float(row["charged_usd"]), float(row["difference_usd"]), atol=1e-9)
    by_key = {(row["line"], row["pool"]): row for row in rows}
    row = by_key["on demand", "aws/us-east-1/m5.xlarge"]
    hours = float(row["charged_unit_hours"])
    assert_allclose(float(row["by_rates_usd"]), hours * (0.18 - 0.192), rtol=1e-6)


def test_commitments_that_one_side_lacks_are_named(exports: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    folder = Path(shutil.copytree(exports, tmp_path / "copy"))
    lines = (folder / "commitments.csv").read_text().splitlines()
    renamed = lines[1].replace("00000000-0000-4000", "0000000f-0000-4000")
    (folder / "commitments.csv").write_text("\n".join([lines[0], renamed, *lines[3:]]) + "\n")
    result = plimsoll("reconcile", "cur", folder / "cur2.parquet", *files_of(folder), "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    notes = json.loads((tmp_path / "out/reconcile.json").read_text())["notes"]
    lost = [lines[number].split(",")[0] for number in (1, 2)]
    assert [f"The export has commitment {name}, the commitments file has not." for name in lost] == notes[:2]
    assert notes[2] == f"The commitments file has commitment {renamed.split(',')[0]}, the export has not."


def test_usage_of_another_export_is_named(exports: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    folder = Path(shutil.copytree(exports, tmp_path / "copy"))
    usage = pd.read_csv(folder / "usage.csv")
    usage["units"] = np.where(usage["pool"] == "aws/us-east-1/r5.large", usage["units"] * 2, usage["units"])
    usage.to_csv(folder / "usage.csv", index=False)
    result = plimsoll("reconcile", "cur", folder / "cur2.parquet", *files_of(folder), "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (note,) = json.loads((tmp_path / "out/reconcile.json").read_text())["notes"]
    hours = usage.loc[usage["pool"] == "aws/us-east-1/r5.large", "units"].sum()
    assert note == f"The usage file has {hours:g} unit-hours of aws/us-east-1/r5.large, the export {hours / 2:g}."


def test_an_export_in_another_currency_is_not_compared(exports: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    foreign = tmp_path / "foreign.csv"
    foreign.write_text((exports / FORMATS["cur2-csv"]).read_text().replace(",USD,", ",EUR,"))
    result = plimsoll("reconcile", "cur", foreign, *files_of(exports), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "must be in USD to be compared with a bill, got EUR. Convert it first." in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_repeated_fleet_costs_as_often(scripts: dict[str, ModuleType], billed, tmp_path: Path):
    path = tmp_path / "big.parquet"
    n_copies = scripts["make_exports"].write_repeated(path, "cur2", billed, 20_000)
    found = import_export(ImportRequest(name="cur", paths=(path,), recovers=False))
    assert found.n_rows >= 20_000
    assert_allclose(float(found.billed), n_copies * billed.lines["billed_usd"].sum(), rtol=1e-9)
    assert_allclose(found.usage["units"].to_numpy().sum(), n_copies * billed.fleet.units.sum(), rtol=1e-9)


@pytest.mark.parametrize(("name", "suffix"), [*((name, "csv") for name in FORMATS), ("cur2", "parquet")])
def test_owners_by_tag_are_those_the_export_was_made_of(
    name: str, suffix: str, exports: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    out = tmp_path / f"owners.{suffix}"
    kind = "focus" if name.startswith("focus") else "cur"
    result = plimsoll("owners", kind, exports / FORMATS[name], "--tag", "team", "--out", out)
    assert result.exit_code == 0, result.output
    found = pd.read_csv(out, parse_dates=["hour_utc"]) if suffix == "csv" else pd.read_parquet(out)
    truth = pd.read_csv(exports / "owners.csv", parse_dates=["hour_utc"])
    keys = ["hour_utc", "pool", "owner"]
    both = found.merge(truth, on=keys, how="outer", suffixes=("", "_truth")).fillna(0.0)
    assert_allclose(both["units"], both["units_truth"], atol=1e-8)


def test_a_tag_that_no_machine_has_is_refused(exports: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    for name, message in (("cur2", "no machine has the tag 'colour'"), ("cur-legacy", "is missing")):
        args = ("--tag", "colour", "--out", tmp_path / "owners.csv")
        result = plimsoll("owners", "cur", exports / FORMATS[name], *args)
        assert result.exit_code == 2
        assert message in result.stderr
    assert not (tmp_path / "owners.csv").exists()


def test_the_truth_beside_an_export_can_be_attributed(exports: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    """Teams by tag, hour by hour; machines without a tag are unallocated."""
    args = [*files_of(exports), "--owners", exports / "owners.csv", "--out", tmp_path / "out"]
    result = plimsoll("attribute", *args)
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out/attribution.json").read_text())
    assert {one["owner"] for one in document["owners"]} == {"ads", "shop", "office", "(unallocated)", "(platform)"}
    assert document["total_usd"] == round(document["billed_usd"], 2)


@pytest.fixture(scope="module")
def by_hand(scripts: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with two months of a report in two files, and AWS's price files: all that a newcomer has."""
    folder = tmp_path_factory.mktemp("newcomer")
    for month, n_days in (("2025-01-01", 31), ("2025-02-01", 28)):
        found = scripts["export_lines"].billed(scripts["export_fleet"].fleet(month, n_days))
        scripts["make_exports"].write_export(folder / f"report-{month}.parquet", "cur2", found)
        scripts["export_prices"].write_price_files(folder, found.fleet)
    return folder


@pytest.fixture(scope="module")
def newcomer(by_hand: Path, plimsoll: Callable[..., Result]) -> Path:
    """The same folder after import and import-prices, with nothing done by hand."""
    reports = sorted(by_hand.glob("report-*.parquet"))
    usage, owned, pools, prices = (by_hand / name for name in ("usage.parquet", "owned.csv", "pools.csv", "prices.csv"))
    first = by_hand / "on-demand.csv"
    offers, plans = by_hand / "aws_offer.csv", sorted(by_hand.glob("aws_savings_plan_*.csv"))
    commands = (
        ("import", "cur", *reports, "--out", usage, "--commitments-out", owned, "--pools-out", pools),
        (
            "import-prices",
            "aws-offer",
            offers,
            "--usage",
            usage,
            "--commitments",
            owned,
            "--out",
            first,
        ),
        ("import-prices", "aws-savings-plan", *plans, "--usage", usage, "--with", first, "--out", prices),
    )
    for command in commands:
        result = plimsoll(*command)
        assert result.exit_code == 0, result.output
    record = json.loads((by_hand / "prices.import.json").read_text())
    assert (record["missing"], record["left_out"]) == ([], [])
    return by_hand


def imported_files(folder: Path) -> list[object]:
    names = {"usage": "usage.parquet", "prices": "prices.csv", "commitments": "owned.csv", "pools": "pools.csv"}
    return [part for role, name in names.items() for part in (f"--{role}", folder / name)]


@pytest.mark.slow
def test_the_loop_closes_on_nothing_but_what_aws_gives(newcomer: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    """Report and price files in, no other file: the bill of the import is the charge, spot apart."""
    reports = sorted(newcomer.glob("report-*.parquet"))
    result = plimsoll("reconcile", "cur", *reports, *imported_files(newcomer), "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out/reconcile.json").read_text())
    no_spot = "The price list has no spot price of aws/eu-west-1/c5.xlarge: its spot usage is billed on demand."
    assert document["notes"] == [no_spot]  # no price file of AWS has spot prices
    for line in document["lines"]:
        assert_allclose([line["by_rates_usd"], line["by_units_usd"]], 0.0, atol=0.005, err_msg=line["line"])


@pytest.mark.slow
def test_a_plan_is_made_from_an_import_without_hand_work(
    newcomer: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    args = ["plan", *imported_files(newcomer), "--as-of", "2025-03-01", "--terms", "12", "--out", tmp_path / "plan"]
    result = plimsoll(*args)
    assert result.exit_code == 0, result.output
    plan = json.loads((tmp_path / "plan/plan.json").read_text())
    assert plan["total_usd"] > 0
    assert (tmp_path / "plan/purchases.csv").read_text().startswith("commitment_id,decision_date,start_utc")


def test_the_given_focus_sample_is_compared_line_by_line(
    shared_data: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    """A thousand real rows with one price for all: the parts still sum, and what is no machine is named."""
    sample = shared_data / "samples" / "focus_1.0_sample_1000.csv"
    usage, pools, prices = tmp_path / "usage.parquet", tmp_path / "pools.csv", tmp_path / "prices.csv"
    assert plimsoll("import", "focus", sample, "--out", usage, "--pools-out", pools).exit_code == 0
    header = "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd\n"
    names = pd.read_csv(pools)["pool"]
    prices.write_text(header + "".join(f"od:{name},on_demand,aws,,{name},0,none,0.5,0\n" for name in names))
    files = ("--usage", usage, "--prices", prices, "--pools", pools, "--missing-hours", "zero")
    result = plimsoll("reconcile", "focus", sample, *files, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out/reconcile.json").read_text())
    with sample.open(encoding="utf-8-sig") as stream:
        effective = sum((Decimal(row["EffectiveCost"]) for row in csv.DictReader(stream)), start=Decimal(0))
    assert_allclose(document["charged_usd"], float(effective), atol=0.005)
    assert_allclose(document["comparable_charged_usd"] + document["outside_usd"], float(effective), atol=0.005)
    assert_allclose(document["billed_usd"], 0.5 * pd.read_parquet(usage)["units"].sum())
    lines = {line["line"]: line for line in document["lines"]}
    assert_allclose(lines["plans used"]["billed_usd"], 0.0)
    assert_allclose(
        sum(line["by_rates_usd"] + line["by_units_usd"] for line in lines.values()),
        document["difference_usd"],
        atol=1e-6,
    )
