"""The frontier of cost against stranded value: laws, closed form, certificate."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.frontier import FrontierChoices, cheapest_as_safe, frontier, knee
from optimizer.frontier_search import FrontierOptions, FrontierSearch
from optimizer.limits import Limits
from optimizer.problem import PlanningProblem

OPTIONS = FrontierOptions(gap_fraction=1e-4, max_rounds=12, max_exact_rounds=1)
RATE = 0.5


def ramp(build, *, n_hours: int = 100) -> PlanningProblem:
    """One pool whose demand rises from 0 to 10, one offer at half of the on-demand rate; two scenarios."""
    demand = np.linspace(0.0, 10.0, n_hours)
    return build.problem(
        np.stack([demand, 0.8 * demand])[:, None, :],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=RATE)],
        batches=[build.batch(instrument=0)],
        weights=[0.6, 0.4],
    )


def two_pools(build) -> PlanningProblem:
    """Two pools, reservations of each and a plan, at two dates; something owned that strands."""
    rng = np.random.default_rng(4)
    season = 1 + 0.6 * np.sin(np.arange(60) / 5.0)
    demand = rng.uniform(2.0, 9.0, (3, 2, 1)) * season * rng.uniform(0.7, 1.3, (3, 2, 60))
    nan = float("nan")
    problem = build.problem(
        demand,
        on_demand_usd=[1.0, 1.4],
        instruments=[
            build.instrument(draw=(1.0, nan), fee_usd=0.55),
            build.instrument(draw=(nan, 1.0), fee_usd=0.8),
            build.instrument(draw=(0.7, 0.95), fee_usd=1.0),
        ],
        batches=[
            build.batch(instrument=0),
            build.batch(instrument=0, start_hour=30),
            build.batch(instrument=1),
            build.batch(instrument=2),
            build.batch(instrument=2, start_hour=30),
            build.batch(instrument=2, end_hour=30, owned=9.0),
        ],
        weights=[0.5, 0.3, 0.2],
    )
    classes = cover_classes(problem.instruments, split_by_fee=True)
    owned = evaluate(problem, np.nan_to_num(problem.batches.fixed_quantity), classes).stranded_usd
    assert owned.max() > 0
    return replace(problem, limits=Limits(owned_stranded_usd=owned))


@pytest.fixture(scope="module", params=["ramp", "two pools"])
def found(request: pytest.FixtureRequest, build) -> tuple[PlanningProblem, FrontierChoices]:
    problem = ramp(build) if request.param == "ramp" else two_pools(build)
    plan = solve_cuts(problem, CutOptions(gap_fraction=1e-6)).quantity
    return problem, frontier(problem, plan, OPTIONS)


def test_there_are_at_least_twelve_plans_from_nothing_new_to_the_optimum(
    found: tuple[PlanningProblem, FrontierChoices],
):
    problem, answer = found
    first, last = answer.choices[0], answer.choices[-1]
    assert len(answer.choices) >= 12
    assert_allclose(first.quantity, np.nan_to_num(problem.batches.fixed_quantity), atol=1e-9)
    assert_allclose(first.stranded_usd, 0.0, atol=1e-9)
    optimum = solve_cuts(problem, CutOptions(gap_fraction=1e-7))
    assert optimum.lower_bound_usd <= last.cost_usd <= optimum.upper_bound_usd * (1 + 2 * OPTIONS.gap_fraction)


def test_what_may_be_stranded_more_costs_no_more_and_ever_less_is_gained(
    found: tuple[PlanningProblem, FrontierChoices],
):
    _, answer = found
    stranded = np.array([choice.stranded_usd for choice in answer.choices])
    for cost, slack in (
        (np.array([choice.lower_bound_usd for choice in answer.choices]), 1e-7),
        (np.array([choice.cost_usd for choice in answer.choices[1:]]), 3e-3),
    ):
        x = stranded[-len(cost) :]
        assert np.all(np.diff(cost) <= 1e-7 * cost[0])
        for left in range(len(cost) - 2):  # below the chord between its neighbours
            part = (x[left + 1] - x[left]) / max(x[left + 2] - x[left], 1e-12)
            chord = (1 - part) * cost[left] + part * cost[left + 2]
            assert cost[left + 1] <= chord + slack * abs(chord)


def test_every_bound_is_below_its_plan_and_no_plan_is_below_the_frontier(
    found: tuple[PlanningProblem, FrontierChoices],
):
    problem, answer = found
    classes = cover_classes(problem.instruments, split_by_fee=True)
    for choice in (*answer.choices, answer.given):
        again = evaluate(problem, choice.quantity, classes)
        assert_allclose(again.objective_usd, choice.cost_usd, rtol=1e-12)
        assert choice.lower_bound_usd <= choice.cost_usd * (1 + 1e-9)
    rng = np.random.default_rng(1)
    decided = problem.batches.is_decision
    for _ in range(20):
        quantity = np.where(decided, rng.uniform(0.0, 6.0, len(decided)), problem.batches.fixed_quantity)
        tried = evaluate(problem, quantity, classes)
        added = problem.weights @ (tried.stranded_usd - answer.choices[0].owned_stranded_usd)
        below = [choice for choice in answer.choices if choice.stranded_usd >= added]
        if below:  # of those that may strand more, the first one's bound holds for it too
            assert tried.objective_usd >= below[0].lower_bound_usd * (1 - 1e-9)


def test_the_frontier_of_one_pool_and_one_offer_is_the_curve_of_its_quantities(build):
    problem = ramp(build)
    answer = frontier(problem, np.array([3.0]), OPTIONS)
    demand = problem.demand[:, 0]
    for choice in answer.choices:
        held = choice.quantity[0]
        served = np.minimum(demand, held)
        stranded = RATE * problem.weights @ (held - served).sum(axis=1)
        cost = RATE * held * demand.shape[1] + problem.weights @ (demand - served).sum(axis=1)
        assert_allclose([choice.stranded_usd, choice.cost_usd], [stranded, cost], rtol=1e-9, atol=1e-9)
        assert choice.gap_fraction < 2e-3 or held == 0.0
    # with one offer every quantity up to the optimum is on the frontier, the plan asked about too
    assert answer.given.gap_fraction < 2e-3


def test_the_knee_is_the_plan_farthest_below_the_chord():
    x = [0.0, 1.0, 2.0, 3.0, 10.0]
    y = [100.0, 70.0, 40.0, 38.0, 30.0]
    chord = [100.0 - 7.0 * at for at in x]
    assert knee(x, y) == int(np.argmax(np.subtract(chord, y)))
    assert knee([0.0, 1.0, 2.0], [3.0, 2.0, 1.0]) == 0  # a straight line has none
    assert knee([0.0], [1.0]) == 0


def test_no_plan_is_dearer_than_the_one_it_was_compared_with(build):
    problem = ramp(build)
    own, best, lower = cheapest_as_safe(problem, np.array([1.0]), OPTIONS)
    optimum = solve_cuts(problem, CutOptions(gap_fraction=1e-7)).upper_bound_usd
    assert own > best
    assert_allclose(best, optimum, rtol=1e-4)
    assert lower <= best
    as_safe = replace(problem, limits=Limits(stranded_expected_fraction=0.5, owned_stranded_usd=np.zeros(2)))
    own, best, lower = cheapest_as_safe(as_safe, np.array([1.0]), OPTIONS)
    assert_allclose(best, own, rtol=1e-3)  # one offer: what strands no more is no other plan
    assert lower <= own


def test_the_problems_own_limits_on_stranded_value_are_set_aside(build):
    problem = ramp(build)
    tight = replace(problem, limits=Limits(stranded_expected_fraction=1e-6, owned_stranded_usd=np.zeros(2)))
    free = FrontierSearch(tight).least_cost(float("inf"), (), 1e-6, 30)
    assert_allclose(free.found.objective_usd, solve_cuts(problem, CutOptions()).upper_bound_usd, rtol=1e-4)
