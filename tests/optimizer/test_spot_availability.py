"""Hours without spot in the planning problem: every way of costing it says the same."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.costs import evaluate, spot_units, unit_prices
from optimizer.cover import cover_classes
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.extensive import solve_extensive
from optimizer.limits import Limits
from optimizer.problem import PlanningProblem
from optimizer.recourse import recourse
from optimizer.slack import limit_slack
from optimizer.solver import SolverOptions
from optimizer.sweep import Sweeper

GAP = 1e-6
seeds = st.integers(0, 10**6)


def with_outages(problem: PlanningProblem, seed: int) -> PlanningProblem:
    """Spot gone in about a third of all hours of a scenario and pool, and spot that pays in every pool."""
    rng = np.random.default_rng([seed, 1])
    return replace(
        problem,
        spot_available=rng.uniform(size=problem.demand.shape) < 0.67,
        spot_usd=problem.on_demand_usd * rng.uniform(0.2, 0.9, len(problem.pools)),
        spot_eligible=rng.uniform(0.1, 0.9, len(problem.pools)),
    )


def classes_of(problem: PlanningProblem):
    return cover_classes(problem.instruments, split_by_fee=True)


def some_quantity(problem: PlanningProblem, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, 2])
    choice = rng.uniform(0.0, 4.0, problem.batches.n_batches)
    return np.where(problem.batches.is_decision, choice, problem.batches.fixed_quantity)


@pytest.mark.slow
@pytest.mark.parametrize("plans", ["one", "real"])
@settings(max_examples=6, deadline=None)
@given(seed=seeds, has_capacity_reservations=st.booleans(), risk_lambda=st.sampled_from([0.0, 1.0]))
def test_cuts_reach_the_extensive_optimum(
    invent, plans: str, seed: int, has_capacity_reservations: bool, risk_lambda: float
):
    wish = invent.wish(plans=plans, has_capacity_reservations=has_capacity_reservations, risk_lambda=risk_lambda)
    problem = with_outages(invent.problem(seed, wish), seed)
    found = solve_cuts(problem, CutOptions(gap_fraction=GAP))
    assert_allclose(found.upper_bound_usd, solve_extensive(problem, SolverOptions()).objective_usd, rtol=3e-6)
    assert found.gap_fraction <= GAP


@pytest.mark.slow
@pytest.mark.parametrize("limits", [{"spot_share_max": 0.2}, {"coverage_min_fraction": 0.8}], ids=["spot", "coverage"])
@settings(max_examples=3, deadline=None)
@given(seed=seeds)
def test_limits_that_count_spot_are_kept_and_bounds_enclose_the_optimum(invent, limits: dict[str, float], seed: int):
    problem = with_outages(invent.problem(seed, invent.wish()), seed)
    problem = replace(problem, limits=Limits(**limits))
    optimum = solve_extensive(problem, SolverOptions()).objective_usd
    found = solve_cuts(problem, CutOptions(gap_fraction=GAP))
    assert found.lower_bound_usd <= optimum * (1 + GAP)
    assert found.upper_bound_usd >= optimum * (1 - GAP)
    again = evaluate(problem, found.quantity, found.classes)
    assert limit_slack(problem, found.quantity, again).is_kept


@settings(max_examples=15, deadline=None)
@given(seed=seeds, part=st.sampled_from([None, 0.6]))
def test_a_pass_sums_up_the_hours_served_one_by_one(invent, seed: int, part: float | None):
    wish = invent.wish(has_spot=True, has_capacity_reservations=True)
    problem = with_outages(invent.problem(seed, wish), seed)
    sweeper, quantity = Sweeper(problem, classes_of(problem)), some_quantity(problem, seed)
    spot_part = None if part is None else np.full(len(problem.pools), part)
    found = sweeper(quantity, spot_part=spot_part)
    held = problem.held(quantity)
    class_held, floor = sweeper.classes.held_by_class(held), sweeper.classes.floor_units(held, len(problem.pools))
    on_spot, on_demand = np.zeros_like(found.spot_units), np.zeros_like(found.on_demand_units)
    plain = unit_prices(problem)
    for scenario, hour in np.ndindex(len(problem.weights), len(problem.hours)):
        # by the other way: a pool without spot in the hour is one in which nothing is eligible
        there = problem.spot_available[scenario, :, hour]
        one = recourse(
            problem.demand[scenario][:, [hour]],
            held=class_held[:, [hour]],
            floor=floor[:, [hour]],
            classes=sweeper.classes,
            prices=replace(plain, spot_eligible=plain.spot_eligible * there),
            spot_part=spot_part if problem.in_window[hour] else None,
        )
        segment = sweeper.segments.of_hour[hour]
        on_spot[scenario, segment] += problem.hour_weights[hour] * one.spot_units[:, 0]
        on_demand[scenario, segment] += problem.hour_weights[hour] * one.on_demand_units[:, 0]
    rates = (plain.on_demand_usd, plain.spot_usd)
    cost = found.on_demand_units @ rates[0] + found.spot_units @ rates[1]
    assert_allclose(cost, on_demand @ rates[0] + on_spot @ rates[1], rtol=1e-7, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_nothing_runs_on_spot_while_it_is_gone(invent, seed: int):
    problem = with_outages(invent.problem(seed, invent.wish(has_spot=True)), seed)
    quantity, classes = some_quantity(problem, seed), classes_of(problem)
    units = spot_units(problem, quantity, classes)
    assert np.all(np.abs(units[~problem.spot_available]) < 1e-12)  # what the split leaves is rounding
    eligible = problem.spot_eligible[:, None] * problem.demand
    assert np.all(units <= eligible + 1e-9)
    window = problem.hour_weights * problem.in_window
    value = np.einsum("p,sph,h->s", problem.on_demand_usd, units, window)
    assert_allclose(evaluate(problem, quantity, classes).spot_value_usd, value, rtol=1e-7, atol=1e-7)


def test_where_spot_is_always_there_nothing_changes(invent):
    problem = invent.problem(3, invent.wish(has_spot=True, has_capacity_reservations=True))
    always = replace(problem, spot_available=np.ones(problem.demand.shape, dtype=bool))
    quantity = some_quantity(problem, 3)
    one, other = (evaluate(each, quantity, classes_of(each)) for each in (problem, always))
    assert one.objective_usd == other.objective_usd
    assert_array_equal(one.spot_value_usd, other.spot_value_usd)
    assert_allclose(
        solve_extensive(always, SolverOptions()).objective_usd,
        solve_extensive(problem, SolverOptions()).objective_usd,
        rtol=1e-9,
    )


def test_hours_of_another_demand_are_refused(invent):
    problem = invent.problem(3, invent.wish(has_spot=True))
    there = np.ones(problem.demand.shape, dtype=bool)
    with pytest.raises(ValueError, match="spot_available must have the shape of demand"):
        replace(problem, spot_available=there[:, :, 1:])
    assert problem.spot_available_at(np.arange(2)) is None
    kept = replace(problem, spot_available=there).spot_available_at(np.arange(2))
    assert kept is not None
    assert kept.shape == (*there.shape[:2], 2)


def test_without_commitments_each_hour_pays_its_own_rate(build):
    """By hand: half of 8 units on spot at 0.25 while it is there, all of them at 1 while it is not."""
    problem = build.problem([[[8.0, 8.0, 8.0]], [[8.0, 8.0, 8.0]]], on_demand_usd=[1.0], spot=[(0.25, 0.5)])
    gone = np.array([[[True, False, False]], [[False, False, True]]])
    problem = replace(problem, spot_available=~gone)
    found = evaluate(problem, np.zeros(0), classes_of(problem))
    assert_allclose(found.recourse_usd, [8.0 + 2 * 5.0] * 2)
    assert_allclose(solve_extensive(problem, SolverOptions()).objective_usd, 18.0)


def test_what_is_reserved_serves_the_eligible_part_while_spot_is_gone(build):
    """A reservation at 0.6 serves nobody while spot is there, and saves 0.4 in each hour without it."""
    reservation = build.instrument(draw=(1.0,), fee_usd=0.6)
    given = {"on_demand_usd": [1.0], "instruments": [reservation], "batches": [build.batch(instrument=0)]}
    problem = build.problem(np.full((1, 1, 10), 4.0), spot=[(0.25, 1.0)], **given)
    often, seldom = np.ones((1, 1, 10), dtype=bool), np.ones((1, 1, 10), dtype=bool)
    often[:, :, :8] = False
    seldom[:, :, :3] = False
    bought = [
        solve_extensive(replace(problem, spot_available=available), SolverOptions()).quantity[0]
        for available in (often, seldom)
    ]
    # worth 8 x 1 + 2 x 0.25 = 8.5, and 3 x 1 + 7 x 0.25 = 4.75, for the 6 that ten hours of it cost
    assert_allclose(bought, [4.0, 0.0], atol=1e-9)
