"""The extensive program against answers found without any program: closed form, grid, sorting."""

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from optimizer import limit_rows, program
from optimizer.extensive import COST_FAMILIES, ROW_FAMILIES, solve_extensive
from optimizer.limits import FirmRequirement, Limits
from optimizer.problem import PlanningProblem
from optimizer.solver import SolverOptions

OPTIONS = SolverOptions()
NAN = float("nan")
Floats = NDArray[np.float64]


def _optimum(problem: PlanningProblem) -> float:
    return solve_extensive(problem, OPTIONS).objective_usd


def _cvar(values: Floats, weights: Floats, level: float) -> float:
    """Mean of the worst 1 - level of the probability, by sorting."""
    order = np.argsort(-values)
    outside, total = 1.0 - level, 0.0
    for s in order:
        part = min(float(weights[s]), outside)
        total += part * float(values[s])
        outside -= part
    return total / (1.0 - level)


def _single_pool_costs(problem: PlanningProblem, quantity: Floats) -> Floats:
    """Cost of each scenario of a one-pool problem, by an hourly rule without any program. Shape (n_scenarios,)."""
    instruments = problem.instruments
    held = problem.held(quantity)
    covered_units = (held / instruments.draw)[~instruments.reserves_units].sum(axis=0)
    reserved_units = held[instruments.reserves_units].sum(axis=0)
    od, spot_usd = float(problem.on_demand_usd[0]), float(problem.spot_usd[0])
    out = []
    for demand in problem.demand[:, 0, :]:
        most = problem.spot_eligible[0] * demand
        # a convex function of the spot units is least at an end or at a kink
        choices = [0.0 * demand]
        if np.isfinite(spot_usd):
            choices += [most, *(np.clip(demand - kink, 0.0, most) for kink in (covered_units, reserved_units))]
        costs = [
            od * np.maximum(0.0, np.maximum(demand - spot, reserved_units) - covered_units)
            + (spot_usd * spot if np.isfinite(spot_usd) else 0.0)
            for spot in choices
        ]
        hourly = np.min(costs, axis=0)
        out.append(float(hourly @ (problem.hour_weights * problem.discount)))
    return np.array(out) + float(problem.batches.cost_usd @ quantity)


seeds = st.integers(0, 10**6)


@given(demand=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40), rate=st.floats(0.05, 0.95))
def test_one_pool_and_one_offer_agree_with_the_break_even_quantile(build, demand: list[float], rate: float):
    problem = build.problem(
        [[demand]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=rate)],
        batches=[build.batch(instrument=0)],
    )
    units = np.quantile(demand, 1.0 - rate, method="inverted_cdf")
    expected = rate * units * len(demand) + np.maximum(0.0, np.array(demand) - units).sum()
    assert_allclose(_optimum(problem), expected, rtol=1e-7, atol=1e-6)


def test_commits_exactly_the_break_even_quantile_where_it_is_unique(build):
    demand = np.random.default_rng(5).permutation(np.arange(1.0, 102.0))
    problem = build.problem(
        [[demand]],
        on_demand_usd=[2.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=2.0 * 0.605)],
        batches=[build.batch(instrument=0)],
    )
    assert_allclose(solve_extensive(problem, OPTIONS).quantity, [np.quantile(demand, 0.395, method="inverted_cdf")])


@given(seed=seeds)
def test_agrees_with_brute_force_over_a_grid(build, seed: int):
    rng = np.random.default_rng(seed)
    od, plan_rate = 1.0, float(rng.uniform(0.4, 0.9))
    spot_usd = float(rng.choice([NAN, 0.3, 0.8]))
    problem = build.problem(
        rng.integers(0, 4, (2, 1, 3)),
        on_demand_usd=[od],
        instruments=[
            build.instrument(draw=(1.0,), fee_usd=float(rng.uniform(0.3, 0.9))),
            build.instrument(draw=(plan_rate,), fee_usd=1.0),
            build.instrument(draw=(1.0,), fee_usd=0.0, reserves_units=True),
        ],
        batches=[
            build.batch(instrument=0),
            build.batch(instrument=1, start_hour=1),
            build.batch(instrument=2, owned=float(rng.integers(0, 4))),
        ],
        spot=[(spot_usd, 0.0 if np.isnan(spot_usd) else 1.0)],
        weights=[0.3, 0.7],
    )
    # every kink of the cost is at whole units, as demand is whole
    grid = [
        float(
            problem.weights
            @ _single_pool_costs(problem, np.array([a, b * plan_rate, problem.batches.fixed_quantity[2]]))
        )
        for a in range(5)
        for b in range(5)
    ]
    assert_allclose(_optimum(problem), min(grid), rtol=1e-7, atol=1e-7)


@given(seed=seeds, level=st.floats(0.1, 0.95), risk_lambda=st.floats(0.0, 3.0))
def test_mean_plus_lambda_cvar_agrees_with_sorting_the_scenarios(build, seed: int, level: float, risk_lambda: float):
    rng = np.random.default_rng(seed)
    problem = build.problem(
        rng.uniform(0.0, 9.0, (4, 1, 3)),
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=float(rng.uniform(0.3, 0.9)))],
        batches=[build.batch(instrument=0)],
        weights=list(rng.dirichlet(np.ones(4))),
        limits=Limits(cvar_level=level),
        risk_lambda=risk_lambda,
    )

    def risk_adjusted_usd(units: float) -> float:
        costs = _single_pool_costs(problem, np.array([units]))
        return float(problem.weights @ costs) + risk_lambda * _cvar(costs, problem.weights, level)

    solution = solve_extensive(problem, OPTIONS)
    assert_allclose(solution.objective_usd, risk_adjusted_usd(solution.quantity[0]), rtol=1e-7)
    searched = minimize_scalar(risk_adjusted_usd, bounds=(0.0, 9.0), method="bounded", options={"xatol": 1e-9})
    assert_allclose(solution.objective_usd, min(searched.fun, risk_adjusted_usd(0.0)), rtol=1e-6)


def test_an_idle_reserved_unit_is_billed_on_demand_and_can_be_covered(build):
    firm = FirmRequirement(pool_index=0, start_hour=0, end_hour=1, units=10.0, label="headroom")
    problem = build.problem(
        [[[4.0]]],
        on_demand_usd=[1.0],
        instruments=[
            build.instrument(draw=(1.0,), fee_usd=0.0, reserves_units=True, is_firm=True),
            build.instrument(draw=(0.5,), fee_usd=1.0),
        ],
        batches=[build.batch(instrument=0), build.batch(instrument=1)],
        limits=Limits(firm=(firm,)),
    )
    covered = solve_extensive(problem, OPTIONS)
    assert_allclose(covered.objective_usd, 5.0)
    assert_allclose(covered.cover_units[0, 1, 0], [10.0])
    assert_allclose(covered.on_demand_units[0, 0], [0.0], atol=1e-9)
    bare = solve_extensive(build.at(problem, np.array([NAN, 0.0])), OPTIONS)
    assert_allclose(bare.objective_usd, 10.0)
    assert_allclose(bare.on_demand_units[0, 0], [10.0])


def test_every_family_is_part_of_the_program():
    written = {
        function
        for module in (program, limit_rows)
        for name, function in vars(module).items()
        if name.startswith("add_") and function.__module__ == module.__name__
    }
    assert written == {*COST_FAMILIES, *ROW_FAMILIES}


def test_every_field_of_limits_is_read():
    source = "".join(module.__loader__.get_source(module.__name__) for module in (limit_rows, program))
    coefficients = limit_rows.owned_stranded_usd.__code__.co_names
    unread = [field.name for field in fields(Limits) if f"limits.{field.name}" not in source]
    assert unread == ["owned_stranded_usd"]
    assert "owned_stranded_usd" in coefficients
