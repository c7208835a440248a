from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.costs import _allowed_spot, demand_usd, evaluate, spot_units
from optimizer.cover import cover_classes
from optimizer.extensive import solve_extensive
from optimizer.limits import Limits
from optimizer.solver import SolverOptions
from optimizer.sweep import Sweeper

seeds = st.integers(0, 10**6)


@settings(max_examples=15)
@given(seed=seeds, risk_lambda=st.sampled_from([0.0, 0.5]))
def test_the_cost_of_any_quantities_is_what_the_extensive_program_says_of_them(invent, seed: int, risk_lambda: float):
    wish = invent.wish(plans="real", has_spot=True, has_capacity_reservations=True, risk_lambda=risk_lambda)
    problem = invent.problem(seed, wish)
    problem = replace(problem, limits=replace(problem.limits, firm=()))
    bought = np.random.default_rng(seed).uniform(0.0, 4.0, problem.batches.n_batches)
    quantity = np.where(problem.batches.is_decision, bought, problem.batches.fixed_quantity)
    found = evaluate(problem, quantity, cover_classes(problem.instruments, split_by_fee=True))
    fixed = replace(problem, batches=replace(problem.batches, fixed_quantity=quantity))
    assert_allclose(found.objective_usd, solve_extensive(fixed, SolverOptions()).objective_usd, rtol=1e-7)
    assert_allclose(found.window_recourse_usd + found.tail_recourse_usd, found.recourse_usd)  # not discounted


@settings(max_examples=15)
@given(seed=seeds, fraction=st.floats(0.0, 0.3))
def test_spot_stays_within_its_share_and_uses_it_up(invent, seed: int, fraction: float):
    problem = invent.problem(seed, invent.wish(has_spot=True))
    quantity = np.nan_to_num(problem.batches.fixed_quantity)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    free = evaluate(problem, quantity, classes)
    limited = replace(problem, limits=Limits(spot_share_max=fraction))
    found = evaluate(limited, quantity, classes)
    share, free_share = (
        float(problem.weights @ one.spot_value_usd) / float(problem.weights @ demand_usd(problem))
        for one in (found, free)
    )
    assert_allclose(share, min(fraction, free_share), atol=1e-8)
    assert share <= fraction + 1e-12
    assert found.objective_usd >= free.objective_usd - 1e-9
    units = spot_units(limited, quantity, classes)[:, :, problem.in_window]
    window = (problem.hour_weights * problem.in_window)[problem.in_window]
    assert_allclose(np.einsum("p,sph,h->s", problem.on_demand_usd, units, window), found.spot_value_usd, atol=1e-9)


def test_of_two_pools_the_one_where_spot_saves_the_larger_part_keeps_it(build):
    problem = build.problem(
        [[[4.0], [4.0]]],
        on_demand_usd=[1.0, 4.0],
        spot=[(0.25, 0.5), (2.0, 0.5)],
        limits=Limits(spot_share_max=0.2),
    )
    classes = cover_classes(problem.instruments, split_by_fee=False)
    # 20 % of 20 USD are 4: the 2 USD of the first pool and 2 of the 8 of the second
    assert_allclose(_allowed_spot(Sweeper(problem, classes), np.zeros(0)), [1.0, 0.25], atol=1e-7)


def test_where_the_limit_leaves_all_spot_nothing_is_held_back(build):
    problem = build.problem([[[4.0]]], on_demand_usd=[1.0], spot=[(0.25, 0.5)], limits=Limits(spot_share_max=0.5))
    classes = cover_classes(problem.instruments, split_by_fee=False)
    assert _allowed_spot(Sweeper(problem, classes), np.zeros(0)) is None


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_risk_weighs_the_dearest_scenarios(build, level: float):
    problem = build.problem(
        [[[1.0]], [[3.0]]], on_demand_usd=[1.0], risk_lambda=2.0, weights=[0.9, 0.1], limits=Limits(cvar_level=level)
    )
    classes = cover_classes(problem.instruments, split_by_fee=False)
    worst = {0.5: (0.1 * 3.0 + 0.4 * 1.0) / 0.5, 0.9: 3.0}[level]
    assert_allclose(evaluate(problem, np.zeros(0), classes).objective_usd, 1.2 + 2.0 * worst)
