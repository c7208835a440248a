"""`track`, `history` and `plan --store` as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import Result

ROLES = ("commitments", "pools", "roadmap")


def args_of(folder: Path, *more: object) -> list[object]:
    """Arguments of `track` on the files of a case."""
    return [
        *("track", "--plan", folder / "plan.json", "--usage", folder / "usage.csv"),
        *("--prices", folder / "prices.csv", *more),
    ]


def case_of(track_case: Callable[..., Path]) -> Path:
    """A plan of two pools, and what came."""
    return track_case(expected=[[100.0] * 20, [50.0] * 20], actual=[[50.0] * 20, [80.0] * 20])


@pytest.mark.slow
def test_a_plan_is_made_tracked_recorded_and_learned_from(
    small_fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    store, lessons = tmp_path / "runs.duckdb", tmp_path / "track.json"
    earlier = {"schema_version": 1, "kind": "track", "end_utc": "2024-03-11T00:00:00Z"}
    lessons.write_text(json.dumps(earlier | {"lessons": {"widening_factor": 2.0}}))
    made = plimsoll(
        *fleet_args(small_fleet, *ROLES), "--lessons", lessons, "--out", tmp_path / "plan", "--store", store
    )
    assert made.exit_code == 0, made.output
    files = {role: small_fleet / f"{role}.csv" for role in ("usage", "prices", "commitments", "pools")}
    tracked = plimsoll(
        *("track", "--plan", tmp_path / "plan" / "plan.json", "--out", tmp_path / "review", "--store", store),
        *(part for role, path in files.items() for part in (f"--{role}", path)),
        "--with-purchases",
    )
    assert tracked.exit_code == 0, tracked.output
    review = json.loads((tmp_path / "review" / "track.json").read_text())
    assert review["not_bought"] == []
    assert review["events"][0]["factor"] < 0.2  # the fleet's usage never moved
    late = next(row for row in review["pools"] if row["pool"] == "west/late")
    assert late["variance"]["is_flagged"] is True
    assert late["variance"]["expected_usd"] == 0.0
    listed = plimsoll("history", "--store", store, "--out", tmp_path / "history")
    assert listed.exit_code == 0, listed.output
    runs = json.loads((tmp_path / "history" / "history.json").read_text())["runs"]
    assert [run["kind"] for run in runs] == ["plan", "track"]
    plan = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert any("Intervals are 2.00 times as wide" in sentence for sentence in plan["assumptions"])
    assert [one["name"] for one in plan["inputs"]][-1] == "track.json"
    assert plan["reduction"]["n_paths"] is None
    figures = {one["name"]: one["value"] for one in runs[0]["figures"]}
    assert figures["total_usd"] == plan["total_usd"]
    assert [one["commitment_id"] for one in runs[0]["purchases"]] == [one["commitment_id"] for one in plan["purchases"]]
    of_pool = plimsoll("history", "--store", store, "--pool", "west/late")
    assert "1 run" in of_pool.stdout
    assert "forecast_actual_units" in of_pool.stdout


def test_nothing_is_recorded_unless_asked_for_and_the_same_run_once(
    track_case: Callable[..., Path], plimsoll: Callable[..., Result]
):
    folder = case_of(track_case)
    assert plimsoll(*args_of(folder)).exit_code == 0
    assert not list(folder.glob("*.duckdb"))
    for _ in range(2):
        assert plimsoll(*args_of(folder, "--store", folder / "runs.duckdb")).exit_code == 0
    with duckdb.connect(str(folder / "runs.duckdb"), read_only=True) as engine:
        assert engine.execute("SELECT kind, count(*) FROM runs GROUP BY kind").fetchall() == [("track", 1)]
    found = plimsoll("history", "--store", folder / "runs.duckdb", "--kind", "plan")
    assert "The store has no such run" in found.stdout


def test_a_store_that_is_none_is_told_before_anything_is_written(
    track_case: Callable[..., Path], plimsoll: Callable[..., Result]
):
    folder = case_of(track_case)
    (folder / "runs.duckdb").write_text("notes")
    result = plimsoll(*args_of(folder, "--store", folder / "runs.duckdb", "--out", folder / "out"))
    assert result.exit_code == 2
    assert "must be a store of runs" in result.stderr
    assert not (folder / "out").exists()


@pytest.mark.parametrize("flag", ["nan", "-1", "inf"])
def test_a_flag_that_is_no_fraction_is_refused(
    track_case: Callable[..., Path], plimsoll: Callable[..., Result], flag: str
):
    result = plimsoll(*args_of(case_of(track_case), "--flag", flag))
    assert result.exit_code == 2
    assert "--flag" in result.stderr


def test_a_store_that_fails_at_the_end_leaves_the_files_and_says_so(
    track_case: Callable[..., Path], plimsoll: Callable[..., Result]
):
    folder = case_of(track_case)
    (folder / ".runs.duckdb.lock").mkdir()  # cannot be opened as a lock file
    result = plimsoll(*args_of(folder, "--store", folder / "runs.duckdb", "--out", folder / "out"))
    assert result.exit_code == 2
    assert "The run is not in the store. The files of the run are written" in result.stderr
    assert (folder / "out" / "track.json").exists()
