"""Whole numbers by the extensive program: brute force, the closed form of the newsvendor, and what must always hold."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer import whole_rows
from optimizer.costs import evaluate, evaluate_with
from optimizer.cover import cover_classes
from optimizer.errors import InfeasibleLimitsError
from optimizer.extensive import solve_extensive
from optimizer.limits import CashLimit, FirmRequirement, Limits
from optimizer.problem import PlanningProblem
from optimizer.rounding import best_kept, simple_roundings
from optimizer.solver import SolverOptions, WholeOptions, solve_whole_program
from optimizer.sweep import Sweeper
from optimizer.whole_extensive import WHOLE_FAMILIES, build_whole_program, solve_whole_extensive

EXACT = WholeOptions()


def _stepped(problem: PlanningProblem, *step: float) -> PlanningProblem:
    return replace(problem, batches=replace(problem.batches, step=np.array(step)))


def _three_purchases(build, seed: int) -> PlanningProblem:
    """Two pools, two scenarios, four hours: two reservations, one of them bought late, and a plan over both pools."""
    rng = np.random.default_rng(seed)
    od = rng.uniform(1.0, 2.0, 2)
    problem = build.problem(
        rng.uniform(0.0, 3.0, (2, 2, 4)),
        on_demand_usd=list(od),
        instruments=[
            build.instrument(draw=(1.0, np.nan), fee_usd=float(od[0] * rng.uniform(0.4, 0.9))),
            build.instrument(draw=(np.nan, 1.0), fee_usd=float(od[1] * rng.uniform(0.4, 0.9))),
            build.instrument(draw=tuple(float(v) for v in od * rng.uniform(0.5, 0.9, 2)), fee_usd=1.0),
        ],
        batches=[
            build.batch(instrument=0, upfront_usd=1.0),
            build.batch(instrument=1, start_hour=1, upfront_usd=1.5),
            build.batch(instrument=2),
            build.batch(instrument=0, end_hour=2, owned=0.7),
        ],
        weights=[0.4, 0.6],
    )
    return _stepped(problem, 1.0, 1.0, 0.5, 1.0)


@pytest.mark.slow
@settings(max_examples=3)
@given(seed=st.integers(0, 10**6), has_cash=st.booleans())
def test_no_whole_purchases_are_cheaper_by_brute_force(build, seed: int, *, has_cash: bool):
    problem = _three_purchases(build, seed)
    if has_cash:
        cash = CashLimit(batch_indices=np.array([0, 1]), usd=2.6, label="cash")
        problem = replace(problem, limits=Limits(cash=(cash,)))
    classes = cover_classes(problem.instruments, split_by_fee=False)
    sweeper = Sweeper(problem, classes)
    costs = [
        evaluate_with(sweeper, np.array([a, b, c / 2, 0.7])).objective_usd
        for a, b, c in product(range(4), range(4), range(12))
        if not has_cash or a + 1.5 * b <= 2.6
    ]
    found = solve_whole_extensive(problem, EXACT)
    assert_allclose(found.objective_usd, min(costs), rtol=1e-9)
    assert_allclose(found.lower_bound_usd, min(costs), rtol=1e-6)
    assert_allclose(evaluate(problem, found.quantity, classes).objective_usd, found.objective_usd, rtol=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_whole_purchases_cost_no_less_than_any_and_no_more_than_simple_roundings(build, seed: int):
    problem = _three_purchases(build, seed)
    whole = solve_whole_extensive(problem, EXACT)
    free = solve_extensive(problem, SolverOptions())
    sweeper = Sweeper(problem, cover_classes(problem.instruments, split_by_fee=False))
    simple = best_kept(sweeper, simple_roundings(problem, free.quantity))
    assert simple is not None
    tolerance = 1e-7 * (1 + free.objective_usd)
    assert free.objective_usd - tolerance <= whole.objective_usd <= simple[1].objective_usd + tolerance
    assert_allclose(
        whole.quantity[:3] / problem.batches.step[:3], np.rint(whole.quantity[:3] / [1, 1, 0.5]), atol=1e-12
    )
    assert whole.quantity[3] == 0.7


@given(demand=st.lists(st.integers(0, 30), min_size=1, max_size=40), rate=st.floats(0.05, 0.95))
def test_one_offer_in_whole_units_agrees_with_the_break_even_quantile(build, demand: list[int], rate: float):
    """With whole demand the newsvendor's quantile is whole, so whole units cost nothing."""
    problem = build.problem(
        [[demand]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=rate)],
        batches=[build.batch(instrument=0)],
    )
    units = np.quantile(demand, 1.0 - rate, method="inverted_cdf")
    expected = rate * units * len(demand) + np.maximum(0.0, np.array(demand) - units).sum()
    assert_allclose(solve_whole_extensive(_stepped(problem, 1.0), EXACT).objective_usd, expected, rtol=1e-7, atol=1e-6)


@given(demand=st.lists(st.integers(0, 9), min_size=1, max_size=12), step=st.integers(2, 5), rate=st.floats(0.1, 0.9))
def test_one_offer_in_lots_agrees_with_the_better_of_the_two_lots_around_the_quantile(
    build, demand: list[int], step: int, rate: float
):
    problem = build.problem(
        [[demand]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=rate)],
        batches=[build.batch(instrument=0)],
    )
    quantile = float(np.quantile(demand, 1.0 - rate, method="inverted_cdf"))
    # the cost is convex, so the best lot is next to the best quantity
    lots = [step * np.floor(quantile / step), step * np.ceil(quantile / step)]
    costs = [rate * lot * len(demand) + np.maximum(0.0, np.array(demand) - lot).sum() for lot in lots]
    found = solve_whole_extensive(_stepped(problem, float(step)), EXACT)
    assert_allclose(found.objective_usd, min(costs), rtol=1e-7, atol=1e-6)


def _half_covered(build, *, has_whole_use: bool) -> PlanningProblem:
    """One hour, one unit of demand, and a plan that is bought in steps worth half of it."""
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[10.0],
        instruments=[build.instrument(draw=(2.0,), fee_usd=1.0)],
        batches=[build.batch(instrument=0, cost_usd=4.0)],
        limits=Limits(cash=(CashLimit(batch_indices=np.array([0]), usd=1.0, label="cash"),)),
    )
    problem = replace(
        problem, batches=replace(problem.batches, upfront_usd=np.ones(1), step=np.ones(1)), has_whole_use=has_whole_use
    )
    return problem


def test_half_a_unit_is_covered_only_where_usage_is_not_whole(build):
    assert_allclose(solve_whole_extensive(_half_covered(build, has_whole_use=False), EXACT).objective_usd, 4.0 + 5.0)
    assert_allclose(solve_whole_extensive(_half_covered(build, has_whole_use=True), EXACT).objective_usd, 10.0)


def test_demand_in_fractions_cannot_be_served_whole(build):
    problem = build.problem([[[1.5]]], on_demand_usd=[1.0])
    with pytest.raises(ValueError, match=r"demand must be in whole units where has_whole_use is set\. Round it up"):
        solve_whole_extensive(replace(problem, has_whole_use=True), EXACT)


def test_capacity_reservations_may_be_rounded_up_beyond_what_firm_capacity_asks_for(build):
    firm = FirmRequirement(pool_index=0, start_hour=0, end_hour=1, units=1.2, label="room")
    problem = build.problem(
        [[[0.5]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.0, reserves_units=True, is_firm=True)],
        batches=[build.batch(instrument=0)],
        limits=Limits(firm=(firm,)),
    )
    found = solve_whole_extensive(_stepped(problem, 1.0), EXACT)
    assert_allclose(found.quantity, [2.0])
    assert_allclose(found.objective_usd, 2.0)


def test_limits_that_no_whole_steps_keep_are_infeasible(build):
    """At least 1.2 units and cash for 1.5: any quantity between them does, but no whole one."""
    problem = build.problem(
        [[[2.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5, is_firm=True)],
        batches=[build.batch(instrument=0, upfront_usd=1.0)],
        limits=Limits(
            firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=1, units=1.2, label="room"),),
            cash=(CashLimit(batch_indices=np.array([0]), usd=1.5, label="cash"),),
        ),
    )
    assert 1.2 - 1e-6 <= solve_extensive(problem, SolverOptions()).quantity[0] <= 1.5 + 1e-6
    with pytest.raises(InfeasibleLimitsError):
        solve_whole_extensive(_stepped(problem, 1.0), EXACT)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_purchases_that_another_outlasts_are_left_out_and_the_optimum_stays(build, seed: int):
    """Two offers of one pool with terms and prices of their own, bought in every hour, charged beyond the last one."""
    rng = np.random.default_rng(seed)
    terms, fees = rng.integers(1, 7, 2), rng.uniform(0.3, 0.9, 2)
    problem = build.problem(
        rng.integers(0, 6, (1, 1, 5)),
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=float(fee)) for fee in fees],
        batches=[
            build.batch(
                instrument=k, start_hour=hour, end_hour=hour + int(terms[k]), cost_usd=float(fees[k] * terms[k])
            )
            for k in range(2)
            for hour in range(5)
        ],
    )
    problem = _stepped(problem, *np.ones(10))
    every = solve_whole_program(build_whole_program(problem).lp, EXACT).objective
    assert_allclose(solve_whole_extensive(problem, EXACT).objective_usd, every, rtol=1e-9)


def test_every_family_of_whole_numbers_is_part_of_the_program():
    written = {function for name, function in vars(whole_rows).items() if name.startswith("add_")}
    assert written == set(WHOLE_FAMILIES)
