"""The shipped example: a monolith moves from m5 to c6g while 5 M USD a year of reservations run."""

import csv
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.planning_inputs import read_planning_inputs
from optimizer.jobs.posed import posed_run
from optimizer.jobs.renewals.futures import Futures, sampled

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[4]
EXAMPLE = ROOT / "fixtures" / "examples" / "renewals"
ROLES = {
    "usage": "usage.parquet",
    "prices": "prices.csv",
    "commitments": "commitments.csv",
    "pools": "pools.csv",
    "roadmap": "roadmap.yaml",
    "policy": "policy.yaml",
}
EVENT, OLD = "monolith to c6g", "us-east-1/m5.4xlarge"


def arguments(out, *more):
    files = [part for role, name in ROLES.items() for part in (f"--{role}", EXAMPLE / name)]
    return ["renewals", *files, "--as-of", "2025-01-01", "--out", out, *more]


@pytest.fixture(scope="module")
def answered(plimsoll, tmp_path_factory):
    """Files of the run, and what it printed."""
    out = tmp_path_factory.mktemp("renewals") / "out"
    asked = ("--within", "180d", "--resale-price", "monolith-three-years-2022=45000")
    result = plimsoll(*arguments(out, *asked, "--store", out.parent / "runs.duckdb"))
    assert result.exit_code == 0, result.output
    assert plimsoll("history", "--store", out.parent / "runs.duckdb", "--out", out).exit_code == 0
    return result.stdout, {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()}


@pytest.fixture(scope="module")
def document(answered):
    return json.loads(answered[1]["renewals.json"])


def test_the_run_is_kept_in_the_store_with_the_joint_cost_and_the_pools_looked_at(answered, document):
    (run,) = json.loads(answered[1]["history.json"])["runs"]
    assert (run["kind"], run["title"]) == ("renewals", "Renewals within 180 days")
    assert run["run_id"] == hashlib.sha256(answered[1]["renewals.json"].encode()).hexdigest()
    figures = {(one["pool"], one["name"]): one["value"] for one in run["figures"]}
    assert figures[None, "joint_expected_usd"] == document["joint"]["expected_usd"]
    assert figures[None, "decisions"] == len(document["commitments"])
    assert (None, "total_usd") not in figures
    assert figures[OLD, "reviewed_hourly_fee_usd"] > 0.0


def commitment(document, name):
    return next(item for item in document["commitments"] if item["commitment_id"] == name)


def option(item, kind):
    return next(option for option in item["options"] if option["option"] == kind)


def test_five_million_a_year_run_when_the_decision_is_made(document):
    assert_allclose(sum(item["hourly_fee_usd"] for item in document["commitments"]) * 8760, 5.0e6, rtol=1e-3)


def test_what_ends_before_the_migration_is_not_renewed_as_it_is(document):
    ending = commitment(document, "monolith-2024")
    renew = option(ending, "renew")
    assert ending["is_ending"]
    assert not renew["is_recommended"]
    assert renew["over_best_usd"] > 500_000
    assert renew["overlap_stranded_usd"] > 10 * option(ending, "lapse")["overlap_stranded_usd"]


def test_the_convertible_one_is_exchanged_when_the_work_has_moved(document):
    convertible = commitment(document, "monolith-three-years-2023")
    best = next(option for option in convertible["options"] if option["is_recommended"])
    assert (best["option"], best["effective_utc"][:10]) == ("exchange", "2025-07-01")
    assert "c6g" in best["offer_id"]
    assert convertible["stranded_fraction"] - convertible["without_events_fraction"] > 0.2
    assert option(convertible, "keep")["overlap_stranded_usd"] > 100_000
    assert [change["commitment_id"] for change in document["joint_changes"]] == ["monolith-three-years-2023"]


def test_the_advice_names_the_slip_at_which_it_changes(document):
    convertible = commitment(document, "monolith-three-years-2023")
    assert convertible["flips"][0]["event"] == EVENT
    assert 0 < convertible["flips"][0]["slip_days"] < 180
    assert (
        f"'{EVENT}' slips by more than {convertible['flips'][0]['slip_days']:.0f} days" in convertible["must_be_true"]
    )


def test_a_sale_below_its_break_even_price_is_no_advice(document):
    standard = commitment(document, "monolith-three-years-2022")
    sales = [option for option in standard["options"] if option["option"] == "sell"]
    assert [sale["price_usd"] for sale in sales] == [45_000.0] * len(sales)
    assert all(sale["break_even_price_usd"] > 45_000.0 and not sale["is_recommended"] for sale in sales)


def test_no_option_costs_less_than_the_optimum_over_all(document):
    joint = document["joint"]
    costs = [
        option["costs"]["objective_usd"]
        for item in document["commitments"]
        for option in item["options"]
        if option["costs"] is not None and option["is_within_limits"] and not option["needs_work"]
    ]
    assert len(costs) > 8
    assert min(costs) >= joint["lower_bound_usd"]
    assert joint["objective_usd"] - joint["lower_bound_usd"] < 1e-3 * joint["objective_usd"]


def test_every_option_is_a_row_and_one_of_each_commitment_is_recommended(answered, document):
    rows = list(csv.DictReader(io.StringIO(answered[1]["renewals.csv"])))
    assert len(rows) == sum(len(item["options"]) for item in document["commitments"])
    recommended = [row["commitment_id"] for row in rows if row["is_recommended"] == "true"]
    assert recommended == [item["commitment_id"] for item in document["commitments"]]
    assert all(row["why"] for row in rows if row["is_possible"] == "false")


def test_page_and_terminal_say_what_to_do(answered):
    printed, files = answered
    assert "monolith-three-years-2023" in printed
    assert "Owned against demand: us-east-1/m5.4xlarge, units" in files["renewals.html"]
    assert "plimsoll renewals" in files["renewals.html"]


def test_nothing_ends_and_nothing_strands(plimsoll, tmp_path):
    result = plimsoll(*arguments(tmp_path / "out", "--within", "1d", "--no-roadmap"))
    assert result.exit_code == 0, result.output
    assert "No commitment ends in this time" in result.stdout
    document = json.loads((tmp_path / "out" / "renewals.json").read_text())
    assert (document["commitments"], document["joint"]) == ([], None)
    assert len((tmp_path / "out" / "renewals.csv").read_text().splitlines()) == 1


def test_a_wrong_time_is_refused_before_anything_is_read(plimsoll, tmp_path):
    result = plimsoll(*arguments(tmp_path / "out", "--within", "soon"))
    assert result.exit_code == 2
    assert "--within" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_slip_moves_the_event_and_nothing_else():
    paths = InputPaths(**{role: EXAMPLE / name for role, name in ROLES.items()})
    given = read_planning_inputs(paths, RunOptions(), as_of_hour=hour_of_date("2025-01-01"))
    posed = posed_run(given, tell=lambda _: None)
    futures, problem = Futures(posed.forecast), posed.assembled.problem
    base, row = sampled(problem).demand, problem.pools.index(OLD)
    np.testing.assert_array_equal(futures._laid_out((), 0.0, sampled(problem).hours, problem.pools), base)
    later, never = futures.slipped(problem, EVENT, 90.0).demand, futures.without(problem, (EVENT,)).demand
    before = sampled(problem).hours < hour_of_date("2025-04-01")
    np.testing.assert_allclose(later[:, :, before], base[:, :, before])
    assert np.all(later[:, row] >= base[:, row] - 1e-9)
    assert np.all(never[:, row] >= later[:, row] - 1e-9)
    assert (never[:, row] - base[:, row]).mean() > 100


def test_the_script_makes_the_same_bytes_again(tmp_path):
    script = ROOT / "scripts" / "make_renewals_example.py"
    subprocess.run([sys.executable, str(script), "--out", str(tmp_path)], check=True)
    assert {name: (tmp_path / name).read_bytes() for name in ROLES.values()} == {
        name: (EXAMPLE / name).read_bytes() for name in ROLES.values()
    }


def test_the_optimum_and_what_is_recommended_are_billed_by_the_rules(document):
    bills = [document["joint_billed"]]
    bills += [item["billed"] for one in document["commitments"] for item in one["options"] if item["is_recommended"]]
    assert len(bills) == 4
    for bill in bills:
        assert bill["difference_usd"] == pytest.approx(bill["billed_usd"] - bill["optimizer_usd"])
        # reservations of one size and one plan: both orders of application come to the same
        assert bill["billed_usd"] == pytest.approx(bill["optimizer_usd"], rel=1e-9)
