"""The benchmark's own parts: its problems, its stopwatch, and that it notices two methods that disagree."""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.cut_program import CutProgram
from optimizer.sweep import Sweeper

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


@pytest.fixture(scope="module")
def run() -> Iterator[ModuleType]:
    """`bench_run.py`; the modules beside it are reached through it."""
    before = list(sys.path)
    sys.path.insert(0, str(SCRIPTS))
    yield importlib.import_module("bench_run")
    sys.path[:] = before
    for name in ("bench_run", "bench_measure", "bench_problem"):
        sys.modules.pop(name, None)


def tiny(run: ModuleType, **sides: int):
    return run.synthetic_problem(run.Size(**{"n_scenarios": 2, "n_hours": 48, "n_pools": 2, "n_dates": 2, **sides}))


def test_a_smaller_problem_is_a_part_of_a_larger_one(run: ModuleType):
    small, large = tiny(run), tiny(run, n_scenarios=3, n_pools=3)
    assert_array_equal(small.demand, large.demand[:2, :2])
    assert_allclose(small.on_demand_usd, large.on_demand_usd[:2])


def test_the_same_size_has_the_same_demand_in_every_run(run: ModuleType):
    assert_array_equal(tiny(run).demand, tiny(run).demand)
    assert np.any(tiny(run).demand[0] != tiny(run).demand[1])


def test_every_date_offers_a_reservation_for_each_pool_and_one_plan(run: ModuleType):
    batches = tiny(run, n_pools=3, n_dates=4).batches
    start, count = np.unique(batches.start_hour, return_counts=True)
    assert_array_equal(np.diff(start), 12)
    assert_array_equal(count, 4)


def test_both_methods_are_timed_and_agree(run: ModuleType):
    row = run._row("tiny", tiny(run), gap=1e-4, n_runs=1)
    assert run._disagreement(row) == ""
    parts = (row.cuts.build_seconds, row.cuts.lp_seconds, row.cuts.pass_seconds)
    assert min(*parts, row.cuts.rest_seconds, row.extensive.build_seconds, row.extensive.solve_seconds) > 0
    assert row.cuts.n_rounds > 0


def test_an_optimum_outside_the_bounds_is_a_disagreement(run: ModuleType):
    row = run._row("tiny", tiny(run), gap=1e-4, n_runs=1)
    for factor in (0.99, 1.01):
        wrong = replace(row.extensive, cost_usd=row.extensive.cost_usd * factor)
        assert "does not lie between the bounds" in run._disagreement(replace(row, extensive=wrong))


def test_a_gap_that_was_not_reached_is_said(run: ModuleType):
    row = run._row("tiny", tiny(run), gap=1e-4, n_runs=1)
    wide = replace(row.cuts, lower_usd=row.cuts.lower_usd * 0.99)
    assert "stopped at a gap of" in run._disagreement(replace(row, cuts=wide, extensive=None))


def test_the_stopwatch_leaves_the_functions_as_they_were(run: ModuleType):
    before = (CutProgram.solve, Sweeper.__call__)
    run.measure_cuts(tiny(run), gap_fraction=1e-4, n_runs=1)
    assert (CutProgram.solve, Sweeper.__call__) == before


def test_the_exponent_is_the_slope_of_the_logarithms(run: ModuleType):
    row = run._row("tiny", tiny(run), gap=1e-4, n_runs=1, is_extensive=False)
    rows = [replace(row, cuts=replace(row.cuts, lp_seconds=0.5 * n**1.5)) for n in (1, 2, 8)]
    growth = run.Growth(side="n_pools", values=(1, 2, 8), rows=tuple(rows))
    assert growth.exponent("lp_seconds") == pytest.approx(1.5)


@pytest.mark.parametrize("text", ["0", "1", "-0.1", "nan"])
def test_a_gap_outside_zero_to_one_is_refused(run: ModuleType, text: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        run.main(["--gap", text])
    assert "must be in (0, 1)" in capsys.readouterr().err


def test_a_folder_without_the_trace_is_refused_before_anything_is_timed(
    run: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run.main(["--trace", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "usage_r1.parquet" in captured.err
    assert "timing" not in captured.err
    assert captured.out == ""
