import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from numpy.testing import assert_allclose
from typer.testing import Result

from optimizer.jobs.backtest.store import FOLDER
from optimizer.run_store.store import stored_runs

FILES = ("purchases.csv", "backtest.json", "backtest.html")
RULES = """\
rules:
  - {name: mine, title: "<script>alert(1)</script>", look_back_days: 14, statistic: mean, coverage_fraction: 0.7}
"""


def _args(folder: Path, rules: Path, out: Path, **changes: str) -> list[str]:
    options = {
        "--usage": f"{folder}/usage.csv",
        "--prices": f"{folder}/prices.csv",
        "--roadmap": f"{folder}/roadmap.yaml",
        "--policy": f"{folder}/policy.yaml",
        "--policy-file": str(rules),
        "--start": "2024-02-20",
        "--end": "2024-04-10",
        "--variants": "halfway",
        "--processes": "1",
        "--out": str(out),
    }
    options |= {f"--{key.replace('_', '-')}": value for key, value in changes.items()}
    return ["backtest", *(part for pair in options.items() for part in pair)]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File with a rule of the user's own."""
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture(scope="module")
def out(tiny: Path, rules: Path, tmp_path_factory: pytest.TempPathFactory, plimsoll: Callable[..., Result]) -> Path:
    """Directory of a whole backtest of the tiny fleet."""
    place = tmp_path_factory.mktemp("backtest") / "out"
    result = plimsoll(*_args(tiny, rules, place), "--store", place.parent / "runs.duckdb")
    assert result.exit_code == 0, result.output
    assert "<script>alert(1)</script>" in result.output  # a terminal reads no HTML
    return place


@pytest.fixture(scope="module")
def document(out: Path) -> dict[str, object]:
    """The answer."""
    return json.loads((out / "backtest.json").read_text())


@pytest.mark.slow
def test_purchases_billed_on_their_own_cost_what_the_backtest_says(
    out: Path, document: dict[str, object], tiny: Path, plimsoll: Callable[..., Result], tmp_path: Path
):
    result = plimsoll(
        *("bill", "--usage", tiny / "usage.csv", "--prices", tiny / "prices.csv"),
        *("--commitments", out / "purchases.csv", "--start", "2024-02-20", "--end", "2024-04-10", "--out", tmp_path),
    )
    assert result.exit_code == 0, result.output
    billed = json.loads((tmp_path / "bill.json").read_text())["total_usd"]
    assert_allclose(document["total_usd"], billed, rtol=1e-12)
    starts = {row.split(",")[2] for row in (out / "purchases.csv").read_text().splitlines()[1:]}
    assert starts <= {date.replace("Z", "") + "Z" for date in document["decision_dates"]}


@pytest.mark.slow
def test_the_first_decision_is_what_a_plan_of_that_date_advises(
    out: Path, tiny: Path, plimsoll: Callable[..., Result], tmp_path: Path
):
    result = plimsoll(
        *("plan", "--usage", tiny / "usage.csv", "--prices", tiny / "prices.csv", "--as-of", "2024-02-20"),
        *("--roadmap", tiny / "roadmap.yaml", "--policy", tiny / "policy.yaml", "--out", tmp_path),
    )
    assert result.exit_code == 0, result.output
    advised = (tmp_path / "purchases.csv").read_text()
    assert len(advised.splitlines()) > 1
    assert (out / "purchases.csv").read_text().startswith(advised)


@pytest.mark.slow
def test_the_answer_holds_together(document: dict[str, object]):
    costs = {track["name"]: track["total_usd"] for track in document["rivals"]}
    assert {"aws_plans_30", "aws_both_60", "azure_min_3_30", "gcp_stable", "coverage_80", "mine"} <= set(costs)
    assert_allclose(costs["keep_owned"], document["on_demand_usd"])  # nothing is owned
    best = document["clairvoyant"]["lower_bound_usd"]
    for cost in (*costs.values(), document["total_usd"]):
        assert best <= cost * (1 + 1e-9)
    assert_allclose(document["regret_usd"], document["total_usd"] - document["clairvoyant"]["optimizer_usd"], rtol=1e-9)
    assert document["total_usd"] < min(costs.values())  # the roadmap tells of the succession, the rules cannot know
    assert [period["date_utc"] for period in document["periods"]] == document["decision_dates"]
    (halfway,) = document["variants"]
    assert halfway["name"] == "halfway"
    better = document["forecast_price"]
    assert_allclose(better["saved_usd"], document["total_usd"] - halfway["total_usd"])
    assert 0 < better["better_loss"] < better["loss"]


@pytest.mark.slow
def test_a_backtest_is_recorded_where_a_store_is_named(out: Path, document: dict[str, object]):
    (run,) = stored_runs(out.parent / "runs.duckdb")
    assert (run.kind, run.run_id) == ("backtest", hashlib.sha256((out / "backtest.json").read_bytes()).hexdigest())
    assert run.figure("total_usd") == document["total_usd"]
    assert len(run.purchases) == len(document["purchases"])


@pytest.mark.slow
def test_the_page_escapes_names_and_the_csv_escapes_formulas(out: Path):
    page = (out / "backtest.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page
    assert "<b>batch" not in page
    for anchor in ("result", "purchases", "calibration", "regret", "worth", "use", "run"):
        assert f'<section id="{anchor}"' in page
    rows = (out / "purchases.csv").read_text().splitlines()
    assert any(",'=ri:west/<b>batch," in row for row in rows)


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_gives_the_same_bytes(
    out: Path, tiny: Path, rules: Path, plimsoll: Callable[..., Result], tmp_path: Path
):
    place = tmp_path / "out"
    args = _args(tiny, rules, place, processes="2")
    process = subprocess.Popen(
        [sys.executable, "-c", "from optimizer.cli import main; main()", *args],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list((place / FOLDER).glob("*.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = {state.name: state.stat().st_mtime_ns for state in (place / FOLDER).glob("*.json")}
    assert kept
    assert not (place / "purchases.csv").exists()
    result = plimsoll(*_args(tiny, rules, place))
    assert result.exit_code == 0, result.output
    for name in FILES:
        assert (place / name).read_bytes() == (out / name).read_bytes(), name
    again = {state.name: state.stat().st_mtime_ns for state in (place / FOLDER).glob("*.json")}
    assert {name: again[name] for name in kept} == kept  # what was there was used, not made again


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "2024-01-20"}, "must leave 42 days of usage before it"),
        ({"end": "2024-05-01"}, "must lie inside the usage"),
        ({"end": "2024-02-20"}, "must be after --start"),
        ({"variants": "never"}, "--variants is refused"),
        ({"start": "soon"}, "must be a date"),
        ({"policy_file": "nowhere.yaml"}, "there is no such file"),
        ({"terms": "13,13"}, "must be different whole months"),
    ],
    ids=["too early", "after the usage", "empty", "unknown variant", "no date", "no file", "terms"],
)
def test_a_wrong_request_is_told_and_nothing_is_written(
    tiny: Path, rules: Path, plimsoll: Callable[..., Result], tmp_path: Path, changes: dict[str, str], message: str
):
    result = plimsoll(*_args(tiny, rules, tmp_path / "out", **changes))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output + result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_what_is_owned_comes_with_the_purchases_to_be_billed(
    tiny: Path, rules: Path, plimsoll: Callable[..., Result], tmp_path: Path
):
    owned = tmp_path / "owned.csv"
    owned.write_text(
        "commitment_id,offer_id,quantity,start_utc,end_utc,account\n"
        "2024-02-20/csp,csp,3,2024-02-01,2024-03-02,=team\n"  # the name that a purchase of the date would have
    )
    place = tmp_path / "out"
    policy = tmp_path / "policy.yaml"
    policy.write_text("cadence_months: 1\nterms_months: [1]\nincrements: {units: 4}\n")
    changes = {"variants": "none", "commitments": str(owned), "policy": str(policy), "end": "2024-03-15"}
    result = plimsoll(*_args(tiny, rules, place, **changes))
    assert result.exit_code == 0, result.output
    answer = json.loads((place / "backtest.json").read_text())
    assert {one["quantity"] % 4 for one in answer["purchases"] if one["quantity_unit"] == "units"} == {0.0}
    regret = {part["name"]: part["usd"] for part in answer["regret"]}
    assert regret["limits"] == 0.0  # the policy has none
    assert abs(regret["rounding"]) > 0.01
    assert_allclose(answer["owned_usd"], 3 * 24 * 11)
    result = plimsoll(
        *("bill", "--usage", tiny / "usage.csv", "--prices", tiny / "prices.csv"),
        *("--commitments", place / "portfolio.csv", "--start", "2024-02-20", "--end", "2024-03-15"),
        *("--out", tmp_path / "bill"),
    )
    assert result.exit_code == 0, result.output
    billed = json.loads((tmp_path / "bill" / "bill.json").read_text())["total_usd"]
    assert_allclose(answer["total_usd"], billed, rtol=1e-12)


@pytest.mark.slow
def test_limits_that_cannot_be_met_name_the_date(
    tiny: Path, rules: Path, plimsoll: Callable[..., Result], tmp_path: Path
):
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "cadence_months: 1\nterms_months: [1]\nstranded: {expected_fraction: 0}\ncoverage: {min_fraction: 1}\n"
    )
    result = plimsoll(*_args(tiny, rules, tmp_path / "out", policy=str(policy), variants="none"))
    assert result.exit_code == 2
    assert "the decision of 2024-02-20 cannot be made" in result.stderr
    assert not (tmp_path / "out" / "purchases.csv").exists()
