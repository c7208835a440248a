"""Limits in the extensive program: they hold in the allocation, and their duals are their prices."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from optimizer.errors import InfeasibleLimitsError
from optimizer.extensive import ExtensiveSolution, build_program, solve_extensive
from optimizer.limits import FirmRequirement, Limits
from optimizer.problem import PlanningProblem
from optimizer.risk import conditional_value_at_risk
from optimizer.solver import SolverOptions, solve_program

OPTIONS = SolverOptions()
NAN = float("nan")
Floats = NDArray[np.float64]


def _optimum(problem: PlanningProblem) -> float:
    return solve_extensive(problem, OPTIONS).objective_usd


seeds = st.integers(0, 10**6)


def _stranded_usd(problem: PlanningProblem, solution: ExtensiveSolution) -> Floats:
    """Held minus used at fees inside the window, from the allocation. Shape (n_scenarios,)."""
    used = np.einsum("skpt,kp->skt", solution.cover_units, np.nan_to_num(problem.instruments.draw))
    unused = (problem.held(solution.quantity)[None] - used)[:, ~problem.instruments.reserves_units]
    fees = problem.instruments.fee_usd[~problem.instruments.reserves_units]
    return np.einsum("skt,k,t->s", unused, fees, problem.hour_weights * problem.in_window)


def _committed_usd(problem: PlanningProblem, solution: ExtensiveSolution) -> float:
    """Fees of new purchases inside the window."""
    new = problem.held(np.where(problem.batches.is_decision, solution.quantity, 0.0))
    return float(problem.instruments.fee_usd @ new @ (problem.hour_weights * problem.in_window))


@given(seed=seeds, fraction=st.floats(0.0, 0.2))
def test_stranded_limits_hold_in_the_allocation_and_never_forbid_what_is_owned(build, seed: int, fraction: float):
    limits = Limits(stranded_expected_fraction=fraction, stranded_cvar_fraction=2 * fraction, cvar_level=0.7)
    problem = build.with_owned_stranded(build.mixed(seed, limits=limits))
    solution = solve_extensive(problem, OPTIONS)
    added = _stranded_usd(problem, solution) - problem.limits.owned_stranded_usd
    committed = _committed_usd(problem, solution)
    assert problem.weights @ added <= fraction * committed + 1e-5
    assert conditional_value_at_risk(added, problem.weights, level=0.7) <= 2 * fraction * committed + 1e-5


def _headroom_and_no_stranding(build, **limits: object) -> PlanningProblem:
    return build.problem(
        [[[10.0, 2.0]]],
        on_demand_usd=[1.0],
        instruments=[
            build.instrument(draw=(1.0,), fee_usd=0.4),
            build.instrument(draw=(1.0,), fee_usd=0.0, reserves_units=True, is_firm=True),
        ],
        batches=[build.batch(instrument=0), build.batch(instrument=1)],
        limits=Limits(
            stranded_expected_fraction=0.0,
            firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=2, units=6.0, label="headroom"),),
            **limits,
        ),
    )


def test_covering_idle_reserved_units_is_use_and_covering_used_ones_twice_is_not(build):
    # 10 and 6 units are billed: 6 can be committed without stranding; 10 would strand 4 in the second hour
    problem = _headroom_and_no_stranding(build)
    solution = solve_extensive(problem, OPTIONS)
    assert_allclose(solution.quantity, [6.0, 6.0])
    assert_allclose(solution.objective_usd, 0.4 * 6 * 2 + 4.0)
    assert_allclose(solution.cover_units[0, 0, 0], [6.0, 6.0])
    assert_allclose(solution.on_demand_units[0, 0], [4.0, 0.0], atol=1e-9)


def test_minimum_coverage_is_not_met_by_units_that_nobody_uses(build):
    # 16 units are billed, and 6 in each hour, three quarters of them, can be covered without stranding any
    for fraction in (0.33, 0.5, 0.74):
        assert_allclose(_optimum(_headroom_and_no_stranding(build, coverage_min_fraction=fraction)), 8.8)
    # 6.8 committed cover 6.8 + 6 of 16, and strand 0.8 of 13.6
    message = r"- raise expected stranded value to 0.0588236 fraction \(by 0.0588235\)$"
    with pytest.raises(InfeasibleLimitsError, match=message):
        solve_extensive(_headroom_and_no_stranding(build, coverage_min_fraction=0.8), OPTIONS)


@given(seed=seeds, units=st.floats(5.0, 15.0))
def test_the_second_pass_never_costs_more_and_keeps_the_headroom(build, seed: int, units: float):
    firm = FirmRequirement(pool_index=0, start_hour=0, end_hour=5, units=units, label="headroom")
    limits = Limits(stranded_expected_fraction=0.03, firm=(firm,))
    problem = build.with_owned_stranded(build.mixed(seed, limits=limits))
    solution = solve_extensive(problem, OPTIONS)
    first_pass = solve_program(build_program(problem).lp, OPTIONS)
    assert solution.objective_usd <= first_pass.objective + 1e-6
    assert solution.quantity[0] + solution.quantity[6] >= units - 1e-6
    added = _stranded_usd(problem, solution) - problem.limits.owned_stranded_usd
    assert problem.weights @ added <= 0.03 * _committed_usd(problem, solution) + 1e-5
    assert solution.duals["headroom"] == first_pass.duals["firm_0"]


@pytest.mark.parametrize(
    ("name", "limit", "base"),
    [
        ("expected stranded value", 0.031, _committed_usd),
        ("CVaR 60 of stranded value", 0.043, _committed_usd),
        ("minimum coverage", 0.87, None),
        ("maximum coverage", 0.43, None),
        ("spot share", 0.051, None),
        ("Q1", 0.97, None),
        ("offer", 0.067, _committed_usd),
        ("room", 7.7, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_limit_binds_and_its_dual_is_the_price_of_moving_it(
    build, name: str, limit: float, base: Callable[[PlanningProblem, ExtensiveSolution], float] | None
):
    problem = build.under_one_limit(name, limit)
    solution = solve_extensive(problem, OPTIONS)
    free = _optimum(replace(problem, limits=Limits()))
    assert solution.objective_usd > free + 1e-3
    dual = solution.duals[name]
    is_floor = name in ("minimum coverage", "room")
    assert dual > 0 if is_floor else dual < 0
    step = 1e-5
    moved = (
        _optimum(build.under_one_limit(name, limit + step)) - _optimum(build.under_one_limit(name, limit - step))
    ) / (2 * step)
    assert_allclose(moved, dual * _base_usd(name, problem, solution, base), rtol=1e-3)


def _base_usd(
    name: str,
    problem: PlanningProblem,
    solution: ExtensiveSolution,
    base: Callable[[PlanningProblem, ExtensiveSolution], float] | None,
) -> float:
    """What one whole of the limit's fraction is, in the unit of its dual."""
    if base is not None:
        return base(problem, solution)
    if name in ("Q1", "room"):
        return 1.0
    units = problem.demand - (0.0 if name == "spot share" else solution.spot_units)
    return float(np.einsum("s,spt,p->", problem.weights, units, problem.on_demand_usd))


def test_a_limit_that_does_not_bind_has_no_price(build):
    problem = build.under_one_limit("Q1", 1e6)
    solution = solve_extensive(problem, OPTIONS)
    assert solution.duals == {"Q1": 0.0}
    assert_allclose(solution.objective_usd, _optimum(replace(problem, limits=Limits())))


def test_limits_look_only_at_the_window(build):
    problem = build.problem(
        [[[4.0, 0.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.4)],
        batches=[build.batch(instrument=0)],
        limits=Limits(stranded_expected_fraction=0.0),
        in_window=[True, False],
    )
    assert_allclose(solve_extensive(problem, OPTIONS).quantity, [4.0])
    inside = replace(problem, in_window=np.array([True, True]))
    assert_allclose(solve_extensive(inside, OPTIONS).quantity, [0.0], atol=1e-9)
