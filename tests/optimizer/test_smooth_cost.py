import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.costs import evaluate_with
from optimizer.cover import cover_classes
from optimizer.problem import PlanningProblem
from optimizer.smooth_cost import SmoothCost, View
from optimizer.sweep import Sweeper

seeds = st.integers(0, 10**6)


def _choice(problem: PlanningProblem, seed: int) -> np.ndarray:
    """Random quantities."""
    bought = np.random.default_rng(seed).uniform(0.0, 6.0, problem.batches.n_batches)
    return np.where(problem.batches.is_decision, bought, problem.batches.fixed_quantity)


def _sweeper(problem: PlanningProblem) -> Sweeper:
    return Sweeper(problem, cover_classes(problem.instruments, split_by_fee=True))


def _layered(build, seed: int) -> PlanningProblem:
    """Three pools with two reservations each, at two fees, and one plan over all."""
    rng = np.random.default_rng(seed)
    od = rng.uniform(0.5, 2.0, 3)
    instruments = [
        build.instrument(draw=tuple(1.0 if p == pool else np.nan for p in range(3)), fee_usd=part * od[pool])
        for pool in range(3)
        for part in rng.uniform(0.3, 0.9, 2)
    ]
    instruments.append(build.instrument(draw=tuple(od * rng.uniform(0.5, 0.95, 3)), fee_usd=1.0))
    batches = [build.batch(instrument=row, start_hour=start) for row in range(7) for start in (0, 9)]
    batches.append(build.batch(instrument=6, owned=2.0, end_hour=12))
    return build.problem(
        rng.uniform(0.0, 10.0, (2, 3, 25)),
        on_demand_usd=list(od),
        instruments=instruments,
        batches=batches,
        weights=[0.3, 0.7],
        hour_weights=list(rng.uniform(0.5, 3.0, 25)),
        in_window=[True] * 20 + [False] * 5,
    )


@settings(max_examples=25)
@given(seed=seeds)
def test_without_a_width_it_is_the_cost_and_the_stranded_usd_of_the_hours(build, seed: int):
    problem = _layered(build, seed)
    sweeper, quantity = _sweeper(problem), _choice(problem, seed)
    exact = evaluate_with(sweeper, quantity)
    found = SmoothCost(sweeper)(quantity, View(width_fraction=0.0, is_in_order=True))
    assert_allclose(found.objective_usd, exact.objective_usd, rtol=1e-12)
    assert_allclose(found.stranded_excess_usd, problem.weights @ exact.stranded_usd, rtol=1e-9, atol=1e-9)


@settings(max_examples=25)
@given(seed=seeds, width=st.floats(1e-3, 0.3))
def test_rounding_off_never_lowers_the_cost_and_fades_with_the_width(build, seed: int, width: float):
    problem = _layered(build, seed)
    cost, quantity = SmoothCost(_sweeper(problem)), _choice(problem, seed)
    exact = cost(quantity, View(width_fraction=0.0)).objective_usd
    assert exact * (1 - 1e-12) <= cost(quantity, View(width_fraction=width)).objective_usd <= exact * (1 + width)


@settings(max_examples=25)
@given(seed=seeds, price=st.sampled_from([0.0, 0.4]), is_in_order=st.booleans())
def test_the_gradient_is_the_slope_of_the_cost(build, seed: int, price: float, is_in_order: bool):
    problem = _layered(build, seed)
    cost, quantity = SmoothCost(_sweeper(problem)), _choice(problem, seed)
    quantity = np.maximum(quantity, 2.0)  # at next to nothing of a plan what is rounded off is all there is
    view = View(width_fraction=0.1, stranded_price=price, is_in_order=is_in_order)
    gradient = cost(quantity, view).gradient_usd
    rng = np.random.default_rng(seed)
    for _ in range(3):
        step = rng.normal(0.0, 1e-6, len(quantity)) * problem.batches.is_decision
        rise = cost(quantity + step, view).objective_usd - cost(quantity - step, view).objective_usd
        assert_allclose(rise, 2.0 * gradient @ step, rtol=1e-3, atol=1e-3 * np.abs(gradient).max() * 1e-6)


@settings(max_examples=25)
@given(seed=seeds)
def test_what_may_idle_where_it_strands_least_never_strands_more(build, seed: int):
    problem = _layered(build, seed)
    cost, quantity = SmoothCost(_sweeper(problem)), _choice(problem, seed)
    free = cost(quantity, View(width_fraction=0.0, stranded_price=0.5))
    ordered = cost(quantity, View(width_fraction=0.0, stranded_price=0.5, is_in_order=True))
    assert free.stranded_excess_usd <= ordered.stranded_excess_usd + 1e-9
    assert free.objective_usd <= ordered.objective_usd * (1 + 1e-12)


@pytest.mark.parametrize("plans", ["one", "proportional", "unlike", "real"])
@settings(max_examples=15)
@given(seed=seeds, width=st.sampled_from([0.0, 0.01, 0.5]))
def test_the_bound_is_below_the_cost_of_every_choice(invent, plans: str, seed: int, width: float):
    problem = invent.problem(seed, invent.wish(plans=plans))
    sweeper = _sweeper(problem)
    bound, _ = SmoothCost(sweeper).lower_bound(_choice(problem, seed), View(width_fraction=width))
    for other in range(4):
        assert bound <= evaluate_with(sweeper, _choice(problem, other)).objective_usd * (1 + 1e-12)
