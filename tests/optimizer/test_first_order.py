from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.costs import evaluate
from optimizer.cutting_planes import CutOptions, CutSolution, solve_cuts
from optimizer.extensive import solve_extensive
from optimizer.first_order import MANY_POOLS, solve_first_order, suits_first_order
from optimizer.limits import CashLimit, FirmRequirement, Limits, PurchaseLimit, ShareLimit
from optimizer.problem import PlanningProblem
from optimizer.slack import limit_slack, limit_values
from optimizer.solver import SolverOptions

AGREEMENT = 1e-6  # of the cost: the solver's tolerance
OPTIONS = CutOptions(gap_fraction=1e-4)
seeds = st.integers(0, 10**6)


def _fleet(build, *, seed: int, n_pools: int, n_hours: int, n_scenarios: int = 1, limits: Limits | None = None):
    """A reservation of each pool and a plan for all at two dates, the reservation also dearer and for half the time."""
    rng = np.random.default_rng(seed)
    od = rng.uniform(0.2, 2.0, n_pools)
    middle = n_hours // 2
    instruments, batches = [], []
    for pool in range(n_pools):
        draw = tuple(1.0 if p == pool else np.nan for p in range(n_pools))
        for part, ends in ((0.6, (n_hours, n_hours)), (0.66, (middle, n_hours))):
            instruments.append(build.instrument(draw=draw, fee_usd=part * od[pool]))
            row = len(instruments) - 1
            batches += [
                build.batch(instrument=row, end_hour=ends[0]),
                build.batch(instrument=row, start_hour=middle, end_hour=ends[1]),
            ]
    instruments.append(build.instrument(draw=tuple(od * rng.uniform(0.68, 0.76, n_pools)), fee_usd=1.0))
    row = len(instruments) - 1
    batches += [
        build.batch(instrument=row),
        build.batch(instrument=row, start_hour=middle),
        build.batch(instrument=row, owned=3.0, end_hour=middle),
        build.batch(instrument=0, owned=2.0, end_hour=middle),
    ]
    hours = np.arange(n_hours)
    level = rng.uniform(5.0, 80.0, (n_scenarios, n_pools, 1)) * (
        1 + rng.uniform(-0.2, 0.6, (1, n_pools, 1)) * hours / n_hours
    )
    season = 1 + rng.uniform(0.05, 0.4, (1, n_pools, 1)) * np.sin(
        2 * np.pi * (hours / 24 + rng.uniform(0, 1, (1, n_pools, 1)))
    )
    demand = np.maximum(0.0, level * season * (1 + rng.normal(0, 0.05, (n_scenarios, n_pools, n_hours))))
    return build.problem(
        demand, on_demand_usd=list(od), instruments=instruments, batches=batches, limits=limits or Limits()
    )


def _with_stranded_limit(problem: PlanningProblem, part: float) -> PlanningProblem:
    """Allow that part of what the problem strands without the limit."""
    free = solve_first_order(problem, OPTIONS)
    limited = replace(problem, limits=Limits(stranded_expected_fraction=0.5))
    classes = solve_first_order(limited, CutOptions(gap_fraction=0.5)).classes
    owned = evaluate(limited, np.nan_to_num(problem.batches.fixed_quantity), classes).stranded_usd
    limits = Limits(stranded_expected_fraction=0.5, owned_stranded_usd=owned)
    value = limit_values(replace(problem, limits=limits), free.quantity, evaluate(limited, free.quantity, classes))
    return replace(problem, limits=replace(limits, stranded_expected_fraction=value.stranded_expected * part))


def _require_bounds(problem: PlanningProblem, found: CutSolution) -> None:
    """Lower bound <= extensive optimum <= upper bound, recomputed, and the limit kept."""
    optimum = solve_extensive(problem, SolverOptions()).objective_usd
    assert found.lower_bound_usd <= optimum + AGREEMENT * abs(optimum)
    assert found.upper_bound_usd >= optimum - AGREEMENT * abs(optimum)
    again = evaluate(problem, found.quantity, found.classes)
    assert_allclose(again.objective_usd, found.upper_bound_usd, rtol=1e-12)
    assert limit_slack(problem, found.quantity, again).is_kept


# against the extensive program and the cutting planes


@pytest.mark.slow
@pytest.mark.parametrize("limits", [(), ("stranded",)], ids=["free", "stranded"])
@pytest.mark.parametrize("plans", ["one", "proportional", "unlike", "real"])
@settings(max_examples=2)
@given(seed=seeds)
def test_bounds_lie_around_the_extensive_optimum(invent, plans: str, limits: tuple[str, ...], seed: int):
    problem = invent.problem(seed, invent.wish(plans=plans, limits=limits))
    _require_bounds(problem, solve_first_order(problem, replace(OPTIONS, max_rounds=4)))


def test_one_pool_and_one_offer_end_at_the_break_even_quantile(build):
    demand = np.random.default_rng(3).uniform(10.0, 90.0, 2_000)
    problem = build.problem(
        [[demand]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.7)],
        batches=[build.batch(instrument=0)],
    )
    found = solve_first_order(problem, OPTIONS)
    assert_allclose(found.quantity[0], np.quantile(demand, 1 - 0.7), rtol=5e-3)
    best = min(0.7 * 2_000 * q + np.maximum(demand - q, 0.0).sum() for q in demand)
    assert_allclose(found.upper_bound_usd, best, rtol=1e-4)
    assert found.lower_bound_usd <= best
    assert found.gap_fraction <= 1e-4


@pytest.mark.slow
def test_reaches_the_gap_and_agrees_with_the_cutting_planes(build):
    problem = _fleet(build, seed=1, n_pools=12, n_hours=1_200, n_scenarios=2)
    found, cuts = solve_first_order(problem, OPTIONS), solve_cuts(problem, OPTIONS)
    assert found.gap_fraction <= 1e-4
    assert cuts.gap_fraction <= 1e-4
    assert found.lower_bound_usd <= cuts.upper_bound_usd
    assert cuts.lower_bound_usd <= found.upper_bound_usd


@pytest.mark.slow
def test_reaches_the_gap_with_many_pools(build):
    problem = _fleet(build, seed=2, n_pools=120, n_hours=600)
    assert suits_first_order(problem)
    found = solve_first_order(problem, OPTIONS)
    assert found.gap_fraction <= 1e-4


@pytest.mark.slow
def test_a_limit_on_stranded_value_that_binds_is_kept_and_has_its_price(build):
    problem = _with_stranded_limit(_fleet(build, seed=4, n_pools=20, n_hours=480, n_scenarios=2), part=0.5)
    options = CutOptions(gap_fraction=1e-3)
    found = solve_first_order(problem, options)
    again = evaluate(problem, found.quantity, found.classes)
    assert found.gap_fraction <= 2e-3
    assert 0.0 <= limit_slack(problem, found.quantity, again).stranded_expected <= 0.02
    ((name, price),) = found.limit_prices_usd
    assert name == "expected stranded value"
    assert price > 0.0
    wider = replace(problem.limits, stranded_expected_fraction=1.1 * problem.limits.stranded_expected_fraction)
    assert solve_first_order(replace(problem, limits=wider), options).lower_bound_usd < found.upper_bound_usd


# laws


def test_the_number_of_threads_changes_no_bit(build):
    problem = _fleet(build, seed=5, n_pools=8, n_hours=1_100)
    before = numba.get_num_threads()
    found = []
    try:
        for n_threads in (1, before):
            numba.set_num_threads(n_threads)
            found.append(solve_first_order(problem, CutOptions(gap_fraction=1e-3)))
    finally:
        numba.set_num_threads(before)
    assert_array_equal(found[0].quantity, found[1].quantity)
    assert found[0].lower_bound_usd == found[1].lower_bound_usd


@settings(max_examples=2)
@given(seed=seeds)
def test_never_costs_more_than_what_is_owned_alone(invent, seed: int):
    problem = invent.problem(seed, invent.wish())
    found = solve_first_order(problem, CutOptions(gap_fraction=1e-3))
    owned = evaluate(problem, np.nan_to_num(problem.batches.fixed_quantity), found.classes)
    assert found.upper_bound_usd <= owned.objective_usd * (1 + 1e-9)


def test_each_stage_is_told_and_what_is_not_bought_has_a_reduced_cost(build):
    told: list[int] = []
    problem = build.problem(
        [[[4.0, 4.0, 4.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5), build.instrument(draw=(1.0,), fee_usd=0.7)],
        batches=[build.batch(instrument=0), build.batch(instrument=1), build.batch(instrument=0, owned=1.0)],
    )
    found = solve_first_order(problem, OPTIONS, on_round=lambda number, *_: told.append(number))
    assert told == list(range(1, found.n_rounds + 1))
    assert_allclose(found.quantity, [3.0, 0.0, 1.0], rtol=1e-3)
    assert_allclose(found.reduced_cost_usd, [0.0, 0.6, np.nan], atol=1e-2)


# what it does not know


def test_what_the_method_does_not_know_is_left_to_the_others(build):
    problem = _fleet(build, seed=6, n_pools=MANY_POOLS, n_hours=4)
    n_pools = MANY_POOLS
    assert suits_first_order(problem)
    limited = [
        Limits(coverage_min_fraction=0.5),
        Limits(stranded_cvar_fraction=0.5),
        Limits(cash=(CashLimit(batch_indices=np.array([0]), usd=1.0, label="Q1"),)),
        Limits(shares=(ShareLimit(batch_indices=np.array([0]), fraction=0.5, label="offer"),)),
        Limits(purchases=(PurchaseLimit(batch_indices=np.array([0]), usd=1.0, label="date"),)),
        Limits(firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=2, units=1.0, label="room"),)),
    ]
    others = [replace(problem, limits=limits) for limits in limited]
    others.append(replace(problem, risk_lambda=1.0))
    others.append(replace(problem, has_whole_use=True))
    others.append(replace(problem, spot_usd=np.full(n_pools, 0.01), spot_eligible=np.full(n_pools, 0.1)))
    reserves = np.arange(len(problem.instruments.names)) == 0
    others.append(replace(problem, instruments=replace(problem.instruments, reserves_units=reserves)))
    assert not any(suits_first_order(other) for other in others)
    assert not suits_first_order(_fleet(build, seed=6, n_pools=MANY_POOLS - 1, n_hours=4))
