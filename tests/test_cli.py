"""The commands as a person types them: what they print, write and refuse."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from numpy.testing import assert_allclose
from typer.testing import CliRunner, Result

from optimizer.cli import app
from optimizer.errors import CertificateError

ALL_ROLES = ("commitments", "pools", "roadmap", "policy")
EXIT_DEFECT = 3

TINY_PRICES = (
    "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd\n"
    "od,on_demand,aws,r,p,0,none,1.0,0\n"
    "ri,reserved_standard,aws,r,p,12,all,0,5256\n"
)
TINY_OWNED = "commitment_id,offer_id,quantity,start_utc,end_utc\nmine,ri,2,2024-01-01,2024-12-31\n"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A day of one pool: 3 units at night, 1 by day, and two reservations."""
    hours = pd.date_range("2024-01-01", periods=24, freq="h", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    units = [3 if hour < 12 else 1 for hour in range(24)]
    pd.DataFrame({"hour_utc": hours, "pool": "p", "units": units}).to_csv(tmp_path / "usage.csv", index=False)
    (tmp_path / "prices.csv").write_text(TINY_PRICES)
    (tmp_path / "owned.csv").write_text(TINY_OWNED)
    return tmp_path


@pytest.mark.parametrize("command", [[], ["plan"], ["optimize"], ["bill"]], ids=["all", "plan", "optimize", "bill"])
def test_help_names_what_a_command_takes(command: list[str], plimsoll: Callable[..., Result]):
    result = plimsoll(*command, "--help")
    assert result.exit_code == 0
    expected = {"plan": "--as-of", "optimize": "--dates", "bill": "--usage"}
    for name in command or expected:
        assert (expected[name] if command else name) in result.stdout


def test_a_bill_is_the_one_made_by_hand(tiny: Path, plimsoll: Callable[..., Result]):
    files = ["--usage", tiny / "usage.csv", "--prices", tiny / "prices.csv", "--commitments", tiny / "owned.csv"]
    result = plimsoll("bill", *files, "--out", tiny / "out")
    assert result.exit_code == 0, result.output
    bill = json.loads((tiny / "out" / "bill.json").read_text())
    fees = 2 * 0.6 * 24  # 5,256 USD over 8,760 hours, two units
    assert_allclose(bill["total_usd"], fees + 12.0)
    assert_allclose(bill["commitment_fees_usd"], fees)
    assert_allclose(bill["on_demand_usd"], 12.0)
    assert_allclose(bill["stranded_usd"], 12 * 0.6)
    assert_allclose(bill["on_demand_equivalent_usd"], 48.0)
    assert_allclose(bill["cash_usd"], 12.0 + 2 * 5256)
    assert_allclose(bill["coverage"], 36 / 48)
    assert_allclose(bill["utilization"], 36 / 48)
    assert_allclose(bill["esr"], 1 - (fees + 12) / 48)
    assert (bill["start_utc"], bill["end_utc"]) == ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z")
    assert "40.80" in result.stdout


def test_a_bill_without_out_is_only_printed(tiny: Path, plimsoll: Callable[..., Result]):
    before = sorted(tiny.iterdir())
    result = plimsoll("bill", "--usage", tiny / "usage.csv", "--prices", tiny / "prices.csv")
    assert result.exit_code == 0, result.output
    assert "48.00" in result.stdout
    assert sorted(tiny.iterdir()) == before


def test_a_bill_of_part_of_the_usage_counts_only_that_part(small_fleet: Path, plimsoll: Callable[..., Result]):
    files = ["--usage", small_fleet / "usage.csv", "--prices", small_fleet / "prices.csv"]
    usage = pd.read_csv(small_fleet / "usage.csv", parse_dates=["hour_utc"])
    rate = {"east/web": 1.0, "east/api": 0.8, "west/batch": 0.5, "west/late": 0.6}
    first, last = pd.Timestamp("2024-02-01", tz="UTC"), pd.Timestamp("2024-02-03", tz="UTC")
    inside = usage.loc[(usage["hour_utc"] >= first) & (usage["hour_utc"] < last)]
    expected = float((inside["units"] * inside["pool"].map(rate)).sum())
    result = plimsoll("bill", *files, "--start", "2024-02-01", "--end", "2024-02-03")
    assert result.exit_code == 0, result.output
    assert f"{expected:,.2f}" in result.stdout


@pytest.mark.parametrize(
    ("start", "end"), [("2023-12-01", "2024-02-01"), ("2024-02-01", "2024-02-01"), ("2024-02-01", "2024-06-01")]
)
def test_a_bill_outside_of_the_usage_is_refused(
    start: str, end: str, small_fleet: Path, plimsoll: Callable[..., Result]
):
    files = ["--usage", small_fleet / "usage.csv", "--prices", small_fleet / "prices.csv"]
    result = plimsoll("bill", *files, "--start", start, "--end", end)
    assert result.exit_code == 2
    assert "must lie inside the usage, 2024-01-01 to 2024-03-31" in result.stderr


def test_a_flag_overrides_the_policy_and_the_roadmap(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    (fleet / "policy.yaml").write_text("terms_months: [12]\n")
    text = (fleet / "usage.csv").read_text().splitlines(keepends=True)
    (fleet / "usage.csv").write_text("".join(line for line in text if not line.startswith("2024-02-10T05")))
    roadmap = (fleet / "roadmap.yaml").read_text()
    (fleet / "roadmap.yaml").write_text("missing_hours: zero\n" + roadmap)
    args = fleet_args(fleet, "roadmap", "policy")
    result = plimsoll(*args, "--out", fleet / "out")
    assert result.exit_code == 0, result.output  # --terms 1 of the arguments overrides 12, the gap is declared zero
    purchases = pd.read_csv(fleet / "out" / "purchases.csv")
    assert purchases["offer_id"].str.contains("1n|1a|csp1").all()
    assert not purchases["offer_id"].str.contains("12").any()
    refused = plimsoll(*args, "--missing-hours", "refuse", "--out", fleet / "out2")
    assert refused.exit_code == 2
    assert "1 hours have no row for any pool" in refused.stderr


def test_no_roadmap_drops_the_events_but_not_what_it_says_of_missing_hours(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    bare = plimsoll(*fleet_args(fleet), "--out", fleet / "bare")
    assert bare.exit_code == 0, bare.output
    with_roadmap = [*fleet_args(fleet, "roadmap"), "--no-roadmap"]
    assert plimsoll(*with_roadmap, "--out", fleet / "dropped").exit_code == 0
    assert (fleet / "dropped" / "purchases.csv").read_bytes() == (fleet / "bare" / "purchases.csv").read_bytes()
    assert json.loads((fleet / "dropped" / "plan.json").read_text())["events"] == []
    text = (fleet / "usage.csv").read_text().splitlines(keepends=True)
    (fleet / "usage.csv").write_text("".join(line for line in text if not line.startswith("2024-02-10T05")))
    assert plimsoll(*with_roadmap, "--out", fleet / "gap").exit_code == 2
    (fleet / "roadmap.yaml").write_text("missing_hours: zero\n" + (fleet / "roadmap.yaml").read_text())
    assert plimsoll(*with_roadmap, "--out", fleet / "gap").exit_code == 0


def test_a_plan_follows_drivers_and_another_model(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    def planned_usd(out: str, *roles: str, **more: Path) -> float:
        extra = [part for role, path in more.items() for part in (f"--{role}", path)]
        result = plimsoll(*fleet_args(fleet, *(set(roles) - set(more))), *extra, "--out", fleet / out)
        assert result.exit_code == 0, result.output
        document = json.loads((fleet / out / "plan.json").read_text())
        assert [record["role"] for record in document["inputs"]] == ["usage", "prices", *roles]
        return float(document["total_usd"])

    plain = planned_usd("plain")
    (fleet / "roadmap.yaml").write_text("events: []\nrelations: [{drivers: {jobs: 1.0}}]\n")
    (fleet / "drivers.csv").write_text("date,driver,value\n2024-03-10,jobs,100\n2024-03-11,jobs,200\n")
    refused = plimsoll(*fleet_args(fleet, "roadmap"), "--out", fleet / "refused")
    assert refused.exit_code == 2
    assert "Give --drivers" in refused.stderr
    driven = planned_usd("driven", "roadmap", "drivers", drivers=fleet / "drivers.csv")
    assert 1.5 * plain < driven < 2.5 * plain
    days = pd.date_range("2024-03-11", periods=400).strftime("%Y-%m-%d")
    table = pd.DataFrame({"date": days, "group": "total", "quantile": 0.5, "units": 1000.0})
    table.to_csv(fleet / "external.csv", index=False)
    assert planned_usd("external", "external", external=fleet / "external.csv") > 5 * plain
    measured, unknown = (
        json.loads((fleet / out / "plan.json").read_text())["reduction"] for out in ("driven", "external")
    )
    assert (measured["n_paths"], len(measured["measures"])) == (200, 4)
    assert (unknown["n_paths"], unknown["measures"], unknown["standard_error_usd"]) == (None, [], None)
    assert "is not known" in unknown["statement"]


def test_a_plan_may_follow_the_holidays_of_another_country_or_of_none(
    small_fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    for country, code in (("none", 0), ("de", 0), ("ZZ", 2)):
        out = tmp_path / country
        result = plimsoll(*fleet_args(small_fleet), "--holiday-country", country, "--out", out)
        assert result.exit_code == code, result.output
    assert "--holiday-country is refused" in result.output


def test_a_plan_refuses_an_event_whose_size_nothing_tells(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    event = "{name: sale, kind: promotion, pools: [east/web], start: 2024-04-01, recurring: sales}"
    (fleet / "roadmap.yaml").write_text(f"events: [{event}]\n")
    result = plimsoll(*fleet_args(fleet, "roadmap"), "--out", fleet / "out")
    assert result.exit_code == 2
    assert "an event of label 'sales' must have a size" in result.stderr


def test_a_plan_tells_the_causes_of_demand(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    events = (fleet / "roadmap.yaml").read_text()
    cliff = "  - {name: room, kind: capacity_cliff, pools: [east/web], threshold_units: 50, start: 2024-03-11}\n"
    (fleet / "roadmap.yaml").write_text(events + cliff)
    result = plimsoll(*fleet_args(fleet, "roadmap"), "--out", fleet / "out")
    assert result.exit_code == 0, result.output
    plan = json.loads((fleet / "out" / "plan.json").read_text())
    assert [cliff["name"] for cliff in plan["cliffs"]] == ["room"]
    assert "api-to-new" in {effect["name"] for effect in plan["event_effects"]}
    assert {chance["pool"] for chance in plan["replacement_chances"]} >= {"east/web", "east/api"}
    assert all(part["low_units"] <= part["units"] <= part["high_units"] for part in plan["growth"])
    page = (fleet / "out" / "report.html").read_text()
    assert all(words in page for words in ("Capacity cliffs", "Chance of replacement", "Effects of events"))


def test_no_roadmap_checks_no_event_but_the_form_of_the_file(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    args = [*fleet_args(fleet, "roadmap"), "--out", fleet / "out"]
    (fleet / "roadmap.yaml").write_text("missing_hours: zero\nevents:\n  - 7\n  - {name: x, kind: none, start: soon}\n")
    assert plimsoll(*args).exit_code == 2
    assert plimsoll(*args, "--no-roadmap").exit_code == 0
    for text, says in (
        ("events: soon\n", "column 'events', row 1: must be a list of events"),
        ("event: []\n", "column 'event', row 1: is not a key of a roadmap"),
        ("missing_hours: one\n", "column 'missing_hours', row 1: must be one of zero, refuse"),
        ("events: !!python/object/apply:os.getcwd []\n", "row 1: asks for an object"),
    ):
        (fleet / "roadmap.yaml").write_text(text)
        refused = plimsoll(*args, "--no-roadmap")
        assert refused.exit_code == 2
        assert says in refused.stderr


def test_what_is_printed_is_what_is_written(
    small_fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    result = plimsoll(*fleet_args(small_fleet, *ALL_ROLES), "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    document = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert f"{document['total_usd']:,.0f} USD" in result.stdout
    assert f"{document['certificate']['billed_usd']:,.0f}" in result.stdout
    for purchase in document["purchases"]:
        assert purchase["offer_id"] in result.stdout
    for name in ("purchases.csv", "schedule.csv", "plan.json", "allocation.parquet", "report.html"):
        assert name in result.stdout
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "purchases.csv").read_text())))
    assert [float(row["quantity"]) for row in rows] == [purchase["quantity"] for purchase in document["purchases"]]
    assert list(rows[0]) == ["commitment_id", "decision_date", "start_utc", "end_utc", "offer_id", "quantity"]
    assert {row["decision_date"] for row in rows} == {"2024-03-11"}


def test_a_purchase_too_small_to_advise_is_in_no_file_and_said_to_be_left_out(
    fleet: Path, plimsoll: Callable[..., Result]
):
    with (fleet / "usage.csv").open("a") as file:
        for hour in pd.read_csv(fleet / "usage.csv")["hour_utc"].unique():
            file.write(f"{hour},east/crumb,0.00001\n")
    with (fleet / "prices.csv").open("a") as file:
        file.write("od:east/crumb,on_demand,aws,east,east/crumb,0,none,1.0,0\n")
        file.write("ri:east/crumb,reserved_standard,aws,east,east/crumb,1,none,0.5,0\n")
    given = ["--demand", fleet / "usage.csv", "--prices", fleet / "prices.csv", "--terms", "1"]
    result = plimsoll("optimize", *given, "--dates", "2024-02-01", "--end", "2024-03-02", "--out", fleet / "out")
    assert result.exit_code == 0, result.output
    document = json.loads((fleet / "out" / "plan.json").read_text())
    least_usd = 1e-5 * document["total_usd"]
    assert least_usd > 0.00001 * 0.5 * 730
    assert document["purchases"]
    assert min(purchase["committed_usd"] for purchase in document["purchases"]) > least_usd
    assert "crumb" not in (fleet / "out" / "purchases.csv").read_text()
    proof = document["certificate"]
    assert proof["statement"].endswith("Left out: 1 purchase, which commits less than 0.001 % of the cost.")
    assert "Left out: 1 purchase" in " ".join(result.stdout.split())
    assert_allclose(proof["upper_bound_usd"], proof["lp_usd"], rtol=1e-12)
    assert proof["lower_bound_usd"] < proof["upper_bound_usd"]
    assert proof["gap_fraction"] <= 2e-6


def test_what_is_piped_has_every_column_within_a_hundred_however_narrow_the_window(
    small_fleet: Path, tmp_path: Path, fleet_args: Callable[..., list[str]]
):
    result = CliRunner(env={"COLUMNS": "60"}).invoke(app, [*fleet_args(small_fleet), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(len(line) for line in lines) == 100
    header = next(line for line in lines if "way of buying" in line)
    assert header.split()[3:] == ["mean", "USD", "P10", "P90", "ESR", "stranded", "coverage", "utilized"]


@pytest.mark.slow
def test_purchases_are_accepted_as_commitments_of_the_next_quarter(
    small_fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    assert plimsoll(*fleet_args(small_fleet, terms="12"), "--out", tmp_path / "first").exit_code == 0
    owned = tmp_path / "first" / "purchases.csv"
    later = [*fleet_args(small_fleet, as_of="2024-03-25"), "--commitments", str(owned)]
    result = plimsoll(*later, "--out", tmp_path / "second")
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "second" / "plan.json").read_text())
    costs = {row["name"]: row["mean_usd"] for row in document["summaries"]}
    assert costs["keep_owned"] < 0.9 * costs["all_on_demand"]
    assert costs["plan"] <= costs["keep_owned"] * 1.0001


def test_a_plan_with_nothing_to_buy_says_so_and_writes_valid_empty_files(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    prices = (fleet / "prices.csv").read_text().splitlines(keepends=True)
    (fleet / "prices.csv").write_text("".join(line for line in prices if not line.startswith(("ri", "csp"))))
    result = plimsoll(*fleet_args(fleet), "--out", fleet / "out")
    assert result.exit_code == 0, result.output
    header = "commitment_id,decision_date,start_utc,end_utc,offer_id,quantity\n"
    assert (fleet / "out" / "purchases.csv").read_text() == header
    again = plimsoll(*fleet_args(fleet), "--commitments", fleet / "out" / "purchases.csv", "--out", fleet / "again")
    assert again.exit_code == 0, again.output
    document = json.loads((fleet / "out" / "plan.json").read_text())
    costs = {row["name"]: row["mean_usd"] for row in document["summaries"]}
    assert costs["plan"] == costs["all_on_demand"] == costs["keep_owned"]


def test_the_optimum_prints_its_purchases_and_its_certificate(
    small_fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    result = plimsoll(
        *("optimize", "--demand", small_fleet / "usage.csv", "--prices", small_fleet / "prices.csv"),
        *("--dates", "2024-02-01", "--terms", "1", "--end", "2024-03-01", "--out", tmp_path / "out"),
    )
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert f"{document['total_usd']:,.2f}" in result.stdout
    for purchase in document["purchases"]:
        assert purchase["offer_id"] in result.stdout
    assert "gap" in result.stdout
    assert (document["start_utc"], document["end_utc"]) == ("2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "the memory of this machine is too small"),
        (OSError(5, "Input/output error"), "the system says: Input/output error"),
    ],
    ids=["memory", "system"],
)
def test_what_the_machine_cannot_do_is_one_clear_error(error: Exception, says: str):
    @app.command("fail-on-purpose", hidden=True)
    def fail() -> None:
        from optimizer.commands.shell import clear_errors

        with clear_errors():
            raise error

    try:
        result = CliRunner().invoke(app, ["fail-on-purpose"])
    finally:
        app.registered_commands.pop()
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {says}")
    assert result.stderr.count("\n") == 1


def test_a_certificate_that_fails_is_a_defect_not_a_mistake_of_the_user():
    @app.command("fail-on-purpose", hidden=True)
    def fail() -> None:
        from optimizer.commands.shell import clear_errors

        with clear_errors():
            msg = "two sums disagree"
            raise CertificateError(msg)

    try:
        result = CliRunner().invoke(app, ["fail-on-purpose"])
    finally:
        app.registered_commands.pop()
    assert result.exit_code == EXIT_DEFECT
    assert result.stderr == "error: two sums disagree\n"
