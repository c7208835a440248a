"""The same inputs and seed give the same bytes, in this process and in another; another seed gives other scenarios."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

PLIMSOLL = (sys.executable, "-c", "from optimizer.cli import main; main()")
ALL_ROLES = ("commitments", "pools", "roadmap", "policy")
PLAN_FILES = {
    *("purchases.csv", "schedule.csv", "plan.json", "allocation.parquet", "expected.parquet", "report.html"),
    "plan.xlsx",
}


@pytest.fixture(scope="module")
def first(
    small_fleet: Path,
    tmp_path_factory: pytest.TempPathFactory,
    plimsoll: Callable[..., Result],
    fleet_args: Callable[..., list[str]],
) -> dict[str, bytes]:
    """Files of a plan with two dates and every role."""
    out = tmp_path_factory.mktemp("first") / "out"
    result = plimsoll(*fleet_args(small_fleet, *ALL_ROLES), "--out", out)
    assert result.exit_code == 0, result.output
    return _files(out)


def test_a_plan_writes_all_of_its_files(first: dict[str, bytes]):
    assert set(first) == PLAN_FILES


def test_the_same_run_gives_the_same_bytes(
    first: dict[str, bytes],
    small_fleet: Path,
    tmp_path: Path,
    plimsoll: Callable[..., Result],
    fleet_args: Callable[..., list[str]],
):
    out = tmp_path / "second-and-elsewhere"
    assert plimsoll(*fleet_args(small_fleet, *ALL_ROLES), "--out", out).exit_code == 0
    assert _files(out) == first


@pytest.mark.slow
def test_another_process_gives_the_same_bytes_whatever_its_hash_seed_zone_and_locale(
    first: dict[str, bytes], small_fleet: Path, tmp_path: Path, fleet_args: Callable[..., list[str]]
):
    elsewhere = {"PYTHONHASHSEED": "12345", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*PLIMSOLL, *fleet_args(small_fleet, *ALL_ROLES), "--out", str(tmp_path / "out")],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, **elsewhere},
    )
    assert _files(tmp_path / "out") == first


def test_files_of_a_run_replace_those_of_the_last_and_leave_others_alone(
    first: dict[str, bytes],
    small_fleet: Path,
    tmp_path: Path,
    plimsoll: Callable[..., Result],
    fleet_args: Callable[..., list[str]],
):
    (tmp_path / "plan.json").write_text("of last quarter")
    (tmp_path / "notes.txt").write_text("mine")
    assert plimsoll(*fleet_args(small_fleet, *ALL_ROLES), "--out", tmp_path).exit_code == 0
    found = _files(tmp_path)
    assert found.pop("notes.txt") == b"mine"
    assert found == first


def test_another_seed_gives_other_scenarios(
    first: dict[str, bytes],
    small_fleet: Path,
    tmp_path: Path,
    plimsoll: Callable[..., Result],
    fleet_args: Callable[..., list[str]],
):
    assert plimsoll(*fleet_args(small_fleet, *ALL_ROLES), "--seed", "1", "--out", tmp_path).exit_code == 0
    ours, theirs = json.loads(first["plan.json"]), json.loads((tmp_path / "plan.json").read_text())
    assert (ours["seed"], theirs["seed"]) == (0, 1)
    assert _on_demand(ours) != _on_demand(theirs)


def test_the_optimum_of_known_demand_and_its_bill_give_the_same_bytes_too(
    small_fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    prices = ["--prices", small_fleet / "prices.csv"]
    for run in ("a", "b"):
        optimum, bill = tmp_path / run / "optimum", tmp_path / run / "bill"
        demand = ["--demand", small_fleet / "usage.csv", "--dates", "2024-01-01", "--terms", "1"]
        assert plimsoll("optimize", *demand, *prices, "--out", optimum).exit_code == 0
        usage = ["--usage", small_fleet / "usage.csv", "--commitments", optimum / "purchases.csv"]
        assert plimsoll("bill", *usage, *prices, "--out", bill).exit_code == 0
    assert _files(tmp_path / "a") == _files(tmp_path / "b")
    assert set(_files(tmp_path / "a")) == {"optimum/purchases.csv", "optimum/plan.json", "bill/bill.json"}


def _files(out: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by its path from there."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def _on_demand(document: dict) -> list[float]:
    """Cost of each scenario all on demand."""
    rows = {row["name"]: row["scenario_usd"] for row in document["summaries"]}
    return rows["all_on_demand"]
