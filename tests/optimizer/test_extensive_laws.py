"""What must hold of the extensive program whatever the numbers: rivals, scaling, splitting, balance."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from optimizer.extensive import solve_extensive
from optimizer.limits import Limits
from optimizer.problem import PlanningProblem
from optimizer.solver import SolverOptions

OPTIONS = SolverOptions()
NAN = float("nan")
Floats = NDArray[np.float64]


def _optimum(problem: PlanningProblem) -> float:
    return solve_extensive(problem, OPTIONS).objective_usd


def _on_demand_usd(problem: PlanningProblem) -> float:
    hours = problem.hour_weights * problem.discount
    return float(np.einsum("s,spt,p,t->", problem.weights, problem.demand, problem.on_demand_usd, hours))


seeds = st.integers(0, 10**6)


@given(seed=seeds)
def test_never_costs_more_than_all_on_demand(build, seed: int):
    problem = build.mixed(seed)
    unowned = replace(problem.batches, fixed_quantity=np.where(problem.batches.is_decision, NAN, 0.0))
    problem = replace(problem, batches=unowned)
    assert _optimum(problem) <= _on_demand_usd(problem) * (1 + 1e-9)


@given(seed=seeds)
def test_never_costs_more_than_keeping_what_is_owned_or_any_purchase(build, seed: int):
    problem = build.mixed(seed)
    best = _optimum(problem)
    assert best <= _optimum(build.at(problem, np.nan_to_num(problem.batches.fixed_quantity))) + 1e-6
    rng = np.random.default_rng(seed + 1)
    for _ in range(3):
        bought = np.where(problem.batches.is_decision, rng.uniform(0.0, 8.0, 8), problem.batches.fixed_quantity)
        assert best <= _optimum(build.at(problem, bought)) + 1e-6


@given(seed=seeds, factor=st.floats(0.1, 20.0))
def test_scaling_prices_scales_the_cost(build, seed: int, factor: float):
    problem = build.mixed(seed)
    is_plan = problem.instruments.fee_usd == 1.0
    batches = problem.batches
    plan_batch = is_plan[batches.instrument]
    # a plan's quantity is money: its rates and its quantity scale, its fee per USD committed stays
    scaled = replace(
        problem,
        on_demand_usd=problem.on_demand_usd * factor,
        spot_usd=problem.spot_usd * factor,
        instruments=replace(
            problem.instruments, draw=np.where(is_plan[:, None], factor, 1.0) * problem.instruments.draw
        ),
        batches=replace(
            batches,
            cost_usd=np.where(plan_batch, 1.0, factor) * batches.cost_usd,
            fixed_quantity=np.where(plan_batch, factor, 1.0) * batches.fixed_quantity,
        ),
    )
    assert_allclose(_optimum(scaled), factor * _optimum(problem), rtol=1e-6)


@given(seed=seeds, batch=st.integers(0, 7), factor=st.floats(0.0, 1.0))
def test_a_cheaper_offer_never_raises_the_cost(build, seed: int, batch: int, factor: float):
    problem = build.mixed(seed)
    cost = np.array(problem.batches.cost_usd)
    cost[batch] *= factor
    cheaper = replace(problem, batches=replace(problem.batches, cost_usd=cost))
    assert _optimum(cheaper) <= _optimum(problem) + 1e-6


@given(seed=seeds, risk_lambda=st.sampled_from([0.0, 1.0]))
def test_scenarios_given_twice_at_half_their_weight_change_nothing(build, seed: int, risk_lambda: float):
    limits = Limits(stranded_expected_fraction=0.02, stranded_cvar_fraction=0.05, cvar_level=0.6)
    problem = build.with_owned_stranded(build.mixed(seed, risk_lambda=risk_lambda, limits=limits))
    twice = replace(
        problem,
        demand=np.concatenate([problem.demand, problem.demand]),
        weights=np.concatenate([problem.weights, problem.weights]) / 2.0,
        limits=replace(problem.limits, owned_stranded_usd=np.tile(problem.limits.owned_stranded_usd, 2)),
    )
    assert_allclose(_optimum(twice), _optimum(problem), rtol=1e-6)


@given(seed=seeds)
def test_an_hour_of_weight_two_is_two_hours_of_weight_one(build, seed: int):
    rng = np.random.default_rng(seed)
    demand = rng.uniform(0.0, 9.0, (2, 1, 4))
    instruments = [build.instrument(draw=(1.0,), fee_usd=0.6)]
    batches = [build.batch(instrument=0)]
    once = build.problem(
        demand, on_demand_usd=[1.0], instruments=instruments, batches=batches, hour_weights=[2.0, 2.0, 2.0, 2.0]
    )
    every = build.problem(np.repeat(demand, 2, axis=2), on_demand_usd=[1.0], instruments=instruments, batches=batches)
    assert_allclose(_optimum(once), _optimum(every), rtol=1e-7)


@given(seed=seeds)
def test_every_firm_unit_is_served_and_nothing_is_covered_twice(build, seed: int):
    problem = build.mixed(seed)
    solution = solve_extensive(problem, OPTIONS)
    held = problem.held(solution.quantity)
    reserved = np.stack([held[3], np.zeros(5)])
    billed = solution.cover_units.sum(axis=1) + solution.on_demand_units
    assert_allclose(billed, np.maximum(problem.demand - solution.spot_units, reserved), atol=1e-6)
    drawn = np.einsum("skpt,kp->skt", solution.cover_units, np.nan_to_num(problem.instruments.draw))
    assert np.all(drawn <= held + 1e-6)
    assert np.all(solution.spot_units <= problem.spot_eligible[None, :, None] * problem.demand + 1e-6)
    uncovered = problem.on_demand_usd @ solution.on_demand_units + np.nan_to_num(problem.spot_usd) @ solution.spot_units
    recourse = uncovered @ (problem.hour_weights * problem.discount)
    fees = problem.batches.cost_usd @ solution.quantity
    assert_allclose(fees + problem.weights @ recourse, solution.objective_usd, rtol=1e-6)
