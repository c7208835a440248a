import importlib
import os
import pkgutil
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer import limit_rows, program, whole_rows
from optimizer.limits import CashLimit, FirmRequirement, Limits, PurchaseLimit, ShareLimit
from optimizer.problem import PlanningProblem
from optimizer.program import Program, declare_variables, linear

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
REGENERATE = "PLIMSOLL_REGENERATE_GOLDEN"  # set it to 1 to write the files anew, then read the difference

FAMILIES: dict[str, Callable[[Program], None]] = {
    name: function
    for module in (program, limit_rows, whole_rows)
    for name, function in vars(module).items()
    if name.startswith("add_") and function.__module__ == module.__name__
}
NEEDED: dict[str, Callable[[Program], None]] = {  # what a family speaks of
    "add_stranded_expected": limit_rows.add_stranded_value,
    "add_stranded_cvar": limit_rows.add_stranded_value,
    "add_whole_use": program.add_demand_balance,
}


@pytest.fixture
def golden_problem(build) -> PlanningProblem:
    """Two hours, two scenarios; pool 0 has spot and a reservation, pool 1 a capacity reservation, both a plan."""
    nan = float("nan")
    instruments = [
        build.instrument(draw=(1.0, nan), fee_usd=0.6, is_firm=True),
        build.instrument(draw=(0.7, 1.4), fee_usd=1.0),
        build.instrument(draw=(nan, 1.0), fee_usd=0.0, reserves_units=True, is_firm=True),
    ]
    batches = [
        build.batch(instrument=0, upfront_usd=0.5),
        build.batch(instrument=0, owned=2.0, end_hour=1),
        build.batch(instrument=1, start_hour=1, upfront_usd=0.25),
        build.batch(instrument=2),
        build.batch(instrument=2, owned=6.0, end_hour=1),
    ]
    limits = Limits(
        stranded_expected_fraction=0.05,
        stranded_cvar_fraction=0.2,
        cvar_level=0.5,
        owned_stranded_usd=np.array([0.0, 0.3]),
        coverage_min_fraction=0.1,
        coverage_max_fraction=0.9,
        spot_share_max=0.3,
        cash=(CashLimit(batch_indices=np.array([0, 2]), usd=40.0, label="cash of the quarter"),),
        shares=(ShareLimit(batch_indices=np.array([0]), fraction=0.8, label="offer0"),),
        purchases=(PurchaseLimit(batch_indices=np.array([0, 2]), usd=50.0, label="purchases of the date"),),
        firm=(FirmRequirement(pool_index=1, start_hour=0, end_hour=2, units=7.0, label="headroom of pool1"),),
    )
    return build.problem(
        [[[3.0, 4.0], [5.0, 6.0]], [[8.0, 9.0], [10.0, 11.0]]],
        on_demand_usd=[1.0, 2.0],
        instruments=instruments,
        batches=batches,
        spot=[(0.4, 0.25), (nan, 0.5)],
        limits=limits,
        risk_lambda=0.5,
        weights=[0.75, 0.25],
        hour_weights=[1.0, 3.0],
    )


def _in_whole_numbers(problem: PlanningProblem) -> PlanningProblem:
    """Reservations in units, the plan in half a USD per hour, the capacity reservation as it likes; two minima."""
    step, minimum = np.array([1.0, 1.0, 0.5, 0.0, 0.0]), np.array([2.0, 2.0, 0.5, 3.0, 0.0])
    return replace(problem, batches=replace(problem.batches, step=step, minimum=minimum), has_whole_use=True)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_each_family_adds_the_rows_of_its_golden_file(name: str, golden_problem: PlanningProblem, tmp_path: Path):
    is_whole = FAMILIES[name].__module__ == whole_rows.__name__
    built = declare_variables(_in_whole_numbers(golden_problem) if is_whole else golden_problem)
    if name in NEEDED:
        NEEDED[name](built)
    FAMILIES[name](built)
    if built.lp.objective is None:
        built.lp.setObjective(linear(()))
    built.lp.writeLP(tmp_path / "family.lp")
    got = (tmp_path / "family.lp").read_text()
    golden = GOLDEN / f"{name.removeprefix('add_')}.lp"
    if os.environ.get(REGENERATE) == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(got)
    assert got == golden.read_text()


def test_every_family_has_a_golden_file_and_every_golden_file_a_family():
    files = {path.stem for path in GOLDEN.glob("*.lp")}
    assert files == {name.removeprefix("add_") for name in FAMILIES}


def test_no_other_module_adds_rows_to_the_program():
    found = set()
    for module in pkgutil.walk_packages(optimizer.__path__, "optimizer."):
        for name, function in vars(importlib.import_module(module.name)).items():
            hints = getattr(function, "__annotations__", {})
            if name.startswith("add_") and Program in hints.values():
                found.add(name)
    assert found == set(FAMILIES)


def test_hours_without_spot_leave_none_to_the_program(golden_problem: PlanningProblem, tmp_path: Path):
    available = np.ones(golden_problem.demand.shape, dtype=bool)
    available[0, 0, 1] = False  # first scenario, the pool with spot, second hour
    built = declare_variables(replace(golden_problem, spot_available=available))
    program.add_spot_eligibility(built)
    built.lp.setObjective(linear(()))
    built.lp.writeLP(tmp_path / "family.lp")
    golden = GOLDEN / "problems" / "spot_outages.lp"
    if os.environ.get(REGENERATE) == "1":
        golden.write_text((tmp_path / "family.lp").read_text())
    assert (tmp_path / "family.lp").read_text() == golden.read_text()


def test_every_golden_file_holds_a_row_a_cost_or_a_whole_number():
    for path in GOLDEN.glob("*.lp"):
        assert re.search(r"^(OBJ: (?!__dummy)|\w+: (?!__dummy)|Generals$)", path.read_text(), flags=re.MULTILINE), (
            path.name
        )


def test_limits_that_are_not_set_add_no_row(build):
    problem = build.problem([[[1.0, 2.0]]], on_demand_usd=[1.0])
    built = declare_variables(problem)
    for add_family in (family for name, family in FAMILIES.items() if family.__module__ == limit_rows.__name__):
        add_family(built)
    assert built.lp.numConstraints() == 0
    assert built.limit_rows == []


def test_two_limits_of_one_label_are_refused(build):
    cash = CashLimit(batch_indices=np.array([0]), usd=1.0, label="Q1")
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0)],
        limits=Limits(cash=(cash, cash)),
    )
    built = declare_variables(problem)
    with pytest.raises(ValueError, match="labels of limits must be unique, got 'Q1' twice"):
        limit_rows.add_cash(built)


def test_linear_adds_up_a_variable_that_comes_twice(build):
    built = declare_variables(build.problem([[[1.0]]], on_demand_usd=[1.0]))
    variable = built.on_demand[0, 0, 0]
    assert linear([(variable, 1.5), (variable, 2.0)])[variable] == 3.5
