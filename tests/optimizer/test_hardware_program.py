"""Purchases that move on from pool to pool, as hardware does, in every method of solution."""

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.coefficients import covered_pools, firm_batches, most_of_legs, serving_batches
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.extensive import build_program, solve_extensive
from optimizer.first_order import solve_first_order
from optimizer.legs import Succession
from optimizer.limits import FirmRequirement, Limits
from optimizer.problem import PlanningProblem
from optimizer.smooth_cost import SmoothCost, View
from optimizer.solver import SolverOptions, WholeOptions
from optimizer.sweep import Sweeper
from optimizer.whole_cuts import WholeCutOptions, round_by_cuts
from optimizer.whole_extensive import solve_whole_extensive

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "problems" / "owned_hardware.lp"
REGENERATE = "PLIMSOLL_REGENERATE_GOLDEN"
GAP = 1e-6
NAN = float("nan")
seeds = st.integers(0, 10**6)


def _with_succession(problem: PlanningProblem, next_row: list[int], after_hours: list[int]) -> PlanningProblem:
    succession = Succession(next_row=np.array(next_row), after_hours=np.array(after_hours))
    return replace(problem, instruments=replace(problem.instruments, succession=succession))


def _moving(build, demand: object, *, cost_usd: float, **changes: object) -> PlanningProblem:
    """Hardware that serves pool 0 in its first three hours and pool 1 after, and a dearer reservation of each."""
    problem = build.problem(
        demand,
        on_demand_usd=[1.0, 0.7],
        instruments=[
            build.instrument(draw=(1.0, NAN), fee_usd=0.4, is_firm=True),
            build.instrument(draw=(NAN, 0.5), fee_usd=0.4, is_firm=True),
            build.instrument(draw=(1.0, NAN), fee_usd=0.9),
            build.instrument(draw=(NAN, 1.0), fee_usd=0.65),
        ],
        batches=[
            build.batch(instrument=0, cost_usd=cost_usd),
            build.batch(instrument=0, start_hour=2, cost_usd=0.6 * cost_usd),
            build.batch(instrument=2),
            build.batch(instrument=3),
        ],
        **changes,
    )
    return _with_succession(problem, [1, -1, -1, -1], [3, 0, 0, 0])


def _naive_usd(problem: PlanningProblem, quantity: np.ndarray) -> np.ndarray:
    """Cost of the `_moving` problem by plain loops, of each row of quantities: every instrument serves one pool."""
    total = quantity @ problem.batches.cost_usd
    for t in range(len(problem.hours)):
        held = [quantity[:, 2], quantity[:, 3]]
        for start, units in ((0, quantity[:, 0]), (2, quantity[:, 1])):
            if start <= t < start + 3:
                held[0] = held[0] + units
            elif t >= start + 3:
                held[1] = held[1] + 2.0 * units
        for s, weight in enumerate(problem.weights):
            for p, rate in enumerate((1.0, 0.7)):
                total = total + weight * rate * np.maximum(0.0, problem.demand[s, p, t] - held[p])
    return total


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cost_usd", [1.5, 2.5, 4.0])
def test_the_optimum_in_whole_units_is_that_of_trying_all_of_them(build, seed: int, cost_usd: float):
    demand = np.random.default_rng(seed).integers(0, 5, (2, 2, 6)).astype(float)
    problem = _moving(build, demand, cost_usd=cost_usd)
    grid = np.stack(np.meshgrid(*[np.arange(5)] * 4, indexing="ij"), axis=-1).reshape(-1, 4).astype(float)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    some = grid[np.random.default_rng(seed).choice(len(grid), 20)]
    for quantity in some:
        again = evaluate(problem, quantity, classes).objective_usd
        assert_allclose(again, _naive_usd(problem, quantity[None])[0], rtol=1e-12)
    best = _naive_usd(problem, grid).min()
    stepped = replace(problem, batches=replace(problem.batches, step=np.ones(4)))
    whole = solve_whole_extensive(stepped, WholeOptions(gap_fraction=0.0, max_nodes=20_000))
    assert_allclose(whole.objective_usd, best, rtol=1e-9)
    cuts = solve_cuts(stepped, CutOptions(gap_fraction=GAP))
    rounded = round_by_cuts(cuts, cuts.quantity, WholeCutOptions(gap_fraction=GAP))
    assert_allclose(rounded.found.objective_usd, best, rtol=1e-9)
    assert rounded.lower_bound_usd <= best * (1 + 1e-9)


def test_a_purchase_is_made_for_what_all_its_ages_save_together(build):
    constant = np.full((1, 2, 6), 4.0)
    # one unit saves 3 x 1.0 on pool 0, then 3 x 2 x 0.7 on pool 1; pool 1 has room for two units of hardware only
    for cost_usd, units in ((7.1, 2.0), (7.3, 0.0)):
        problem = _moving(build, constant, cost_usd=cost_usd)
        fixed = np.array([NAN, 0.0, 0.0, 0.0])
        problem = replace(problem, batches=replace(problem.batches, fixed_quantity=fixed))
        assert_allclose(solve_extensive(problem, SolverOptions()).quantity[0], units, atol=1e-9)
        assert_allclose(solve_cuts(problem, CutOptions(gap_fraction=GAP)).quantity[0], units, atol=1e-4)


def test_the_program_is_that_of_its_golden_file(build, tmp_path: Path):
    problem = build.problem(
        [[[3.0, 4.0], [5.0, 6.0]]],
        on_demand_usd=[1.0, 2.0],
        instruments=[
            build.instrument(draw=(1.0, NAN), fee_usd=0.5),
            build.instrument(draw=(NAN, 0.25), fee_usd=0.5),
        ],
        batches=[build.batch(instrument=0), build.batch(instrument=0, owned=2.0)],
    )
    build_program(_with_succession(problem, [1, -1], [1, 0])).lp.writeLP(tmp_path / "program.lp")
    got = (tmp_path / "program.lp").read_text()
    if os.environ.get(REGENERATE) == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(got)
    assert got == GOLDEN.read_text()


def _invented(invent, seed: int, **wish: object) -> PlanningProblem:
    """An invented problem in which some instruments go on as later ones."""
    problem = invent.problem(seed, invent.wish(**wish))
    rng = np.random.default_rng(seed)
    n = len(problem.instruments.names)
    free = [row for row in range(n) if not problem.instruments.reserves_units[row]]
    next_row, after = [-1] * n, [0] * n
    for here, there in pairwise(free):
        if rng.uniform() < 0.5:
            next_row[here], after[here] = there, int(rng.integers(1, max(2, len(problem.hours))))
    return _with_succession(problem, next_row, after)


@settings(max_examples=8)
@given(seed=seeds, has_spot=st.booleans(), has_capacity_reservations=st.booleans())
def test_cuts_reach_the_optimum_of_the_extensive_program(
    invent, seed: int, has_spot: bool, has_capacity_reservations: bool
):
    problem = _invented(invent, seed, has_spot=has_spot, has_capacity_reservations=has_capacity_reservations)
    exact = solve_extensive(problem, SolverOptions())
    found = solve_cuts(problem, CutOptions(gap_fraction=GAP))
    assert found.gap_fraction <= GAP
    assert_allclose(found.upper_bound_usd, exact.objective_usd, rtol=3 * GAP)
    assert found.lower_bound_usd <= exact.objective_usd * (1 + 1e-7)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    assert_allclose(evaluate(problem, exact.quantity, classes).objective_usd, exact.objective_usd, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("seed", [2])
def test_the_method_for_many_pools_bounds_the_optimum_from_both_sides(invent, seed: int):
    problem = _invented(invent, seed)
    exact = solve_extensive(problem, SolverOptions())
    found = solve_first_order(problem, CutOptions(gap_fraction=1e-3))
    assert found.lower_bound_usd <= exact.objective_usd * (1 + 1e-9) + 1e-9
    assert found.upper_bound_usd >= exact.objective_usd * (1 - 1e-9) - 1e-9
    assert_allclose(found.upper_bound_usd, exact.objective_usd, rtol=1e-2)


@settings(max_examples=8)
@given(seed=seeds)
def test_the_gradient_of_the_smoothed_cost_adds_up_all_legs_of_a_purchase(build, seed: int):
    demand = np.random.default_rng(seed).uniform(0.0, 9.0, (2, 2, 6))
    problem = _moving(build, demand, cost_usd=2.0)
    cost = SmoothCost(Sweeper(problem, cover_classes(problem.instruments, split_by_fee=True)))
    bought = np.random.default_rng(seed).uniform(0.5, 3.0, problem.batches.n_batches)
    quantity = np.where(problem.batches.is_decision, bought, problem.batches.fixed_quantity)
    view, step = View(width_fraction=0.3, is_in_order=True), 1e-5
    gradient = cost(quantity, view).gradient_usd
    for batch in np.flatnonzero(problem.batches.is_decision)[:6]:
        ahead, behind = quantity.copy(), quantity.copy()
        ahead[batch] += step
        behind[batch] -= step
        slope = (cost(ahead, view).objective_usd - cost(behind, view).objective_usd) / (2 * step)
        assert_allclose(gradient[batch], slope, rtol=1e-3, atol=1e-4)


def test_what_is_held_moves_on_with_its_age(build):
    problem = _moving(build, np.zeros((1, 2, 6)), cost_usd=1.0)
    held = problem.held(np.array([1.0, 10.0, 0.0, 0.0]))
    assert_array_equal(held[0], [1, 1, 11, 10, 10, 0])
    assert_array_equal(held[1], [0, 0, 0, 1, 1, 11])


def test_it_is_firm_capacity_of_a_pool_only_while_it_serves_it(build):
    problem = _moving(build, np.zeros((1, 2, 6)), cost_usd=1.0)

    def need(pool: int, start: int, end: int) -> FirmRequirement:
        return FirmRequirement(pool_index=pool, start_hour=start, end_hour=end, units=1.0, label="room")

    assert_array_equal(serving_batches(problem, need(0, 0, 3)), [True, False, False, False])
    assert_array_equal(serving_batches(problem, need(0, 2, 4)), [False, True, False, False])
    assert_array_equal(serving_batches(problem, need(1, 5, 6)), [True, True, False, False])
    assert_array_equal(firm_batches(problem), [True, True, False, False])
    assert_array_equal(covered_pools(problem), [[True, True], [True, True], [True, False], [False, True]])
    assert_array_equal(most_of_legs(problem, np.array([1.0, 7.0, 3.0, 4.0])), [7.0, 7.0, 3.0, 4.0])


def test_a_limit_on_stranded_value_counts_what_idles_at_every_age(build):
    problem = _moving(build, np.full((1, 2, 6), 4.0), cost_usd=1.0)
    classes = cover_classes(problem.instruments, split_by_fee=True)
    found = evaluate(problem, np.array([5.0, 0.0, 0.0, 0.0]), classes)
    # three hours with one unit too many, then three in which two units of five are enough
    assert_allclose(found.stranded_usd, [0.4 * (3 * 1 + 3 * 3)])
    fixed = np.array([NAN, 0.0, 0.0, 0.0])
    limited = replace(
        problem,
        batches=replace(problem.batches, fixed_quantity=fixed),
        limits=Limits(stranded_expected_fraction=0.25),
    )
    # stranded 0.4 x 3 (x - 2) of 0.4 x 6 x: x = 4 strands a quarter
    assert_allclose(solve_extensive(limited, SolverOptions()).quantity[0], 4.0, atol=1e-7)
    assert_allclose(solve_cuts(limited, CutOptions(gap_fraction=GAP)).quantity[0], 4.0, atol=1e-5)
