from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from optimizer import limit_rows, program
from optimizer.errors import InfeasibleLimitsError
from optimizer.extensive import (
    COST_FAMILIES,
    ROW_FAMILIES,
    ExtensiveSolution,
    build_program,
    smallest_relaxation,
    solve_extensive,
)
from optimizer.limits import CashLimit, FirmRequirement, Limits, ShareLimit
from optimizer.problem import PlanningProblem
from optimizer.relaxation import Relaxation
from optimizer.solver import SolverOptions, solve_program

OPTIONS = SolverOptions()
NAN = float("nan")
Floats = NDArray[np.float64]


def _optimum(problem: PlanningProblem) -> float:
    return solve_extensive(problem, OPTIONS).objective_usd


def _at(problem: PlanningProblem, quantity: Floats) -> PlanningProblem:
    """Everything bought beforehand: what remains is the recourse."""
    return replace(problem, batches=replace(problem.batches, fixed_quantity=quantity))


def _without_purchases(problem: PlanningProblem) -> PlanningProblem:
    return _at(problem, np.nan_to_num(problem.batches.fixed_quantity))


def _on_demand_usd(problem: PlanningProblem) -> float:
    hours = problem.hour_weights * problem.discount
    return float(np.einsum("s,spt,p,t->", problem.weights, problem.demand, problem.on_demand_usd, hours))


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


def _random_problem(build, seed: int, **options: object) -> PlanningProblem:
    """Two pools, three scenarios, five hours; a reservation of each, a plan, a capacity reservation, two dates."""
    rng = np.random.default_rng(seed)
    n_hours = 5
    od = rng.uniform(1.0, 2.0, 2)
    instruments = [
        build.instrument(draw=(1.0, NAN), fee_usd=float(od[0] * rng.uniform(0.4, 0.9)), is_firm=True),
        build.instrument(draw=(NAN, 1.0), fee_usd=float(od[1] * rng.uniform(0.4, 0.9)), is_firm=True),
        build.instrument(draw=tuple(float(v) for v in od * rng.uniform(0.5, 0.9, 2)), fee_usd=1.0),
        build.instrument(draw=(1.0, NAN), fee_usd=0.0, reserves_units=True, is_firm=True),
    ]
    batches = [
        build.batch(instrument=0, upfront_usd=1.0),
        build.batch(instrument=0, start_hour=2, upfront_usd=1.0),
        build.batch(instrument=1, upfront_usd=2.0),
        build.batch(instrument=2),
        build.batch(instrument=2, start_hour=3),
        build.batch(instrument=2, end_hour=2, owned=float(rng.uniform(0.0, 3.0))),
        build.batch(instrument=3),
        build.batch(instrument=3, end_hour=3, owned=float(rng.uniform(0.0, 6.0))),
    ]
    weights = rng.dirichlet(np.ones(3))
    return build.problem(
        rng.uniform(0.0, 10.0, (3, 2, n_hours)),
        on_demand_usd=list(od),
        instruments=instruments,
        batches=batches,
        spot=[(float(od[0] * rng.uniform(0.2, 1.0)), 0.3), (NAN, 0.0)],
        weights=list(weights),
        hour_weights=list(rng.uniform(0.5, 3.0, n_hours)),
        in_window=[True, True, True, True, False],
        **options,
    )


seeds = st.integers(0, 10**6)


# oracles


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
    bare = solve_extensive(_at(problem, np.array([NAN, 0.0])), OPTIONS)
    assert_allclose(bare.objective_usd, 10.0)
    assert_allclose(bare.on_demand_units[0, 0], [10.0])


# laws


@given(seed=seeds)
def test_never_costs_more_than_all_on_demand(build, seed: int):
    problem = _random_problem(build, seed)
    unowned = replace(problem.batches, fixed_quantity=np.where(problem.batches.is_decision, NAN, 0.0))
    problem = replace(problem, batches=unowned)
    assert _optimum(problem) <= _on_demand_usd(problem) * (1 + 1e-9)


@given(seed=seeds)
def test_never_costs_more_than_keeping_what_is_owned_or_any_purchase(build, seed: int):
    problem = _random_problem(build, seed)
    best = _optimum(problem)
    assert best <= _optimum(_without_purchases(problem)) + 1e-6
    rng = np.random.default_rng(seed + 1)
    for _ in range(3):
        bought = np.where(problem.batches.is_decision, rng.uniform(0.0, 8.0, 8), problem.batches.fixed_quantity)
        assert best <= _optimum(_at(problem, bought)) + 1e-6


@given(seed=seeds, factor=st.floats(0.1, 20.0))
def test_scaling_prices_scales_the_cost(build, seed: int, factor: float):
    problem = _random_problem(build, seed)
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
    problem = _random_problem(build, seed)
    cost = np.array(problem.batches.cost_usd)
    cost[batch] *= factor
    cheaper = replace(problem, batches=replace(problem.batches, cost_usd=cost))
    assert _optimum(cheaper) <= _optimum(problem) + 1e-6


@given(seed=seeds, risk_lambda=st.sampled_from([0.0, 1.0]))
def test_scenarios_given_twice_at_half_their_weight_change_nothing(build, seed: int, risk_lambda: float):
    limits = Limits(stranded_expected_fraction=0.02, stranded_cvar_fraction=0.05, cvar_level=0.6)
    problem = _with_owned_stranded(_random_problem(build, seed, risk_lambda=risk_lambda, limits=limits))
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
    problem = _random_problem(build, seed)
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


# limits


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


def _with_owned_stranded(problem: PlanningProblem) -> PlanningProblem:
    """Tell the limits what the owned portfolio of `_random_problem`, one plan, strands alone."""
    draw = problem.instruments.draw[2]
    held = problem.held(np.nan_to_num(problem.batches.fixed_quantity))
    firm = np.array(problem.demand)
    firm[:, 0] = np.maximum(firm[:, 0], held[3])
    unused = np.maximum(0.0, held[2] - np.einsum("p,spt->st", draw, firm))
    owned = unused @ (problem.hour_weights * problem.in_window)
    return replace(problem, limits=replace(problem.limits, owned_stranded_usd=owned))


@given(seed=seeds, fraction=st.floats(0.0, 0.2))
def test_stranded_limits_hold_in_the_allocation_and_never_forbid_what_is_owned(build, seed: int, fraction: float):
    limits = Limits(stranded_expected_fraction=fraction, stranded_cvar_fraction=2 * fraction, cvar_level=0.7)
    problem = _with_owned_stranded(_random_problem(build, seed, limits=limits))
    solution = solve_extensive(problem, OPTIONS)
    added = _stranded_usd(problem, solution) - problem.limits.owned_stranded_usd
    committed = _committed_usd(problem, solution)
    assert problem.weights @ added <= fraction * committed + 1e-5
    assert _cvar(added, problem.weights, 0.7) <= 2 * fraction * committed + 1e-5


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
    problem = _with_owned_stranded(_random_problem(build, seed, limits=limits))
    solution = solve_extensive(problem, OPTIONS)
    first_pass = solve_program(build_program(problem).lp, OPTIONS)
    assert solution.objective_usd <= first_pass.objective + 1e-6
    assert solution.quantity[0] + solution.quantity[6] >= units - 1e-6
    added = _stranded_usd(problem, solution) - problem.limits.owned_stranded_usd
    assert problem.weights @ added <= 0.03 * _committed_usd(problem, solution) + 1e-5
    assert solution.duals["headroom"] == first_pass.duals["firm_0"]


def _limited(build, name: str, fraction: float) -> PlanningProblem:
    """One problem in which the named limit binds at about the given number."""
    amounts: dict[str, Limits] = {
        "expected stranded value": Limits(stranded_expected_fraction=fraction),
        "CVaR 60 of stranded value": Limits(stranded_cvar_fraction=fraction, cvar_level=0.6),
        "minimum coverage": Limits(coverage_min_fraction=fraction),
        "maximum coverage": Limits(coverage_max_fraction=fraction),
        "spot share": Limits(spot_share_max=fraction),
        "Q1": Limits(cash=(CashLimit(batch_indices=np.array([0]), usd=fraction, label="Q1"),)),
        "offer": Limits(shares=(ShareLimit(batch_indices=np.array([0]), fraction=fraction, label="offer"),)),
        "room": Limits(firm=(FirmRequirement(pool_index=0, start_hour=2, end_hour=9, units=fraction, label="room"),)),
    }
    rng = np.random.default_rng(11)
    return build.problem(
        rng.uniform(1.0, 9.0, (3, 2, 12)),
        on_demand_usd=[1.0, 1.3],
        instruments=[
            build.instrument(draw=(1.0, NAN), fee_usd=0.52, is_firm=True),
            build.instrument(draw=(0.61, 0.83), fee_usd=1.0),
        ],
        batches=[build.batch(instrument=0, upfront_usd=1.7), build.batch(instrument=1)],
        spot=[(0.3, 0.4), (NAN, 0.0)],
        limits=amounts[name],
        weights=[0.5, 0.3, 0.2],
    )


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
    problem = _limited(build, name, limit)
    solution = solve_extensive(problem, OPTIONS)
    free = _optimum(replace(problem, limits=Limits()))
    assert solution.objective_usd > free + 1e-3
    dual = solution.duals[name]
    is_floor = name in ("minimum coverage", "room")
    assert dual > 0 if is_floor else dual < 0
    step = 1e-5
    moved = (_optimum(_limited(build, name, limit + step)) - _optimum(_limited(build, name, limit - step))) / (2 * step)
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
    problem = _limited(build, "Q1", 1e6)
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


# what must give


def _headroom_without_cash(build, *, units: float, usd: float) -> PlanningProblem:
    return build.problem(
        [[[4.0, 5.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5, is_firm=True)],
        batches=[build.batch(instrument=0, upfront_usd=2.0)],
        limits=Limits(
            cash=(CashLimit(batch_indices=np.array([0]), usd=usd, label="cash of Q1"),),
            firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=2, units=units, label="headroom of web"),),
        ),
    )


def test_the_smallest_change_makes_the_limits_meetable(build):
    # 10 units cost 20 USD and 12 are allowed: 4 units are 40 % of the headroom, 8 USD are 67 % of the cash
    problem = _headroom_without_cash(build, units=10.0, usd=12.0)
    (found,) = smallest_relaxation(problem, OPTIONS)
    assert (found.label, found.unit, found.is_floor) == ("headroom of web", "units", True)
    assert_allclose((found.by, found.to), (4.0, 6.0))
    _optimum(_headroom_without_cash(build, units=found.to, usd=12.0))
    with pytest.raises(InfeasibleLimitsError):
        _optimum(_headroom_without_cash(build, units=found.to + 0.01, usd=12.0))


def test_limits_that_can_be_met_need_no_change(build):
    assert smallest_relaxation(_headroom_without_cash(build, units=5.0, usd=12.0), OPTIONS) == ()
    assert smallest_relaxation(build.problem([[[1.0]]], on_demand_usd=[1.0]), OPTIONS) == ()


@pytest.mark.parametrize("seed", range(6))
def test_a_fraction_is_changed_by_as_much_as_it_takes(build, seed: int):
    rng = np.random.default_rng(seed)

    def limits(coverage: float, stranded: float) -> Limits:
        return Limits(coverage_min_fraction=coverage, stranded_expected_fraction=stranded)

    def problem(coverage: float, stranded: float) -> PlanningProblem:
        return build.problem(
            rng_units,
            on_demand_usd=[1.0],
            instruments=[build.instrument(draw=(1.0,), fee_usd=0.7)],
            batches=[build.batch(instrument=0)],
            limits=limits(coverage, stranded),
        )

    rng_units = rng.uniform(0.0, 9.0, (2, 1, 6))
    found = {relaxed.label: relaxed.to for relaxed in smallest_relaxation(problem(0.99, 0.01), OPTIONS)}
    assert found
    coverage, stranded = found.get("minimum coverage", 0.99), found.get("expected stranded value", 0.01)
    _optimum(problem(coverage - 1e-6, stranded + 1e-6))
    with pytest.raises(InfeasibleLimitsError):
        _optimum(problem(min(0.99, coverage + 0.01), max(0.01, stranded - 0.01)))


def test_the_error_says_which_limit_must_give_and_by_how_much(build):
    problem = _headroom_without_cash(build, units=10.0, usd=12.0)
    message = r"cannot all be met.*\n  - lower headroom of web to 6 units \(by 4\)"
    with pytest.raises(InfeasibleLimitsError, match=message):
        solve_extensive(problem, OPTIONS)


def test_a_firm_requirement_that_nothing_can_serve_says_so(build):
    firm = FirmRequirement(pool_index=0, start_hour=0, end_hour=1, units=3.0, label="headroom of web")
    problem = build.problem([[[1.0]]], on_demand_usd=[1.0], limits=Limits(firm=(firm,)))
    assert smallest_relaxation(problem, OPTIONS) == (
        Relaxation(label="headroom of web", unit="units", is_floor=True, by=3.0, to=0.0),
    )


def test_owned_stranded_value_that_is_told_too_low_is_refused(build):
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0, owned=3.0)],
        limits=Limits(stranded_expected_fraction=0.1, owned_stranded_usd=np.array([0.0])),
    )
    with pytest.raises(ValueError, match="owned_stranded_usd must be what the owned portfolio strands alone"):
        solve_extensive(problem, OPTIONS)


# completeness


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
