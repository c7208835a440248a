from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.explain_next import next_worth
from optimizer.explain_terms import Planned
from optimizer.extensive import solve_extensive
from optimizer.legs import Succession
from optimizer.limits import CashLimit, Limits
from optimizer.solver import SolverOptions

STEP = 1e-5


@settings(max_examples=4)
@given(seed=st.integers(0, 10**6))
def test_the_worth_of_a_next_unit_is_what_a_little_more_of_it_saves(build, seed: int):
    problem = build.mixed(seed)
    rng = np.random.default_rng(seed)
    quantity = np.where(problem.batches.is_decision, rng.uniform(0.5, 4.0, 8), problem.batches.fixed_quantity)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    worth = next_worth(Planned(problem=problem, quantity=quantity, classes=classes))
    before = evaluate(problem, quantity, classes).recourse_usd @ problem.weights
    for batch in range(problem.batches.n_batches):
        more = quantity.copy()
        more[batch] += STEP
        after = evaluate(problem, more, classes).recourse_usd @ problem.weights
        assert_allclose(worth.discounted_usd[batch], (before - after) / STEP, rtol=1e-4, atol=1e-4)


def test_at_the_optimum_worth_less_cost_is_minus_the_reduced_cost(build):
    problem = build.problem(
        np.linspace(1.0, 9.0, 400)[None, None, :],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.4), build.instrument(draw=(1.0,), fee_usd=0.7)],
        batches=[build.batch(instrument=0), build.batch(instrument=1)],
    )
    found = solve_cuts(problem, CutOptions(gap_fraction=1e-9))
    worth = next_worth(Planned(problem=problem, quantity=found.quantity, classes=found.classes))
    assert found.quantity[1] == 0.0
    assert_allclose(problem.batches.cost_usd[1] - worth.discounted_usd[1], found.reduced_cost_usd[1], atol=1.0)
    assert_allclose(worth.use_fraction, 0.4, atol=1 / 400)  # what is bought is bought until it breaks even


def test_a_unit_after_one_that_just_meets_demand_is_worth_nothing(build):
    problem = build.problem(
        [[[4.0, 2.0, 4.0, 1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.4)],
        batches=[build.batch(instrument=0)],
    )
    classes = cover_classes(problem.instruments, split_by_fee=False)
    worth = [
        next_worth(Planned(problem=problem, quantity=np.array([held]), classes=classes)).discounted_usd[0]
        for held in (0.0, 1.0, 3.9, 4.0)
    ]
    assert_allclose(worth, [4.0, 3.0, 2.0, 0.0])


def test_use_is_taken_of_the_first_year_and_of_the_whole_term(build):
    year = 8_760
    demand = np.where(np.arange(2 * year // 10) < year // 10, 5.0, 0.0)
    problem = build.problem(
        demand[None, None, :],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0), build.batch(instrument=0, start_hour=year // 10)],
        hour_weights=[10.0] * (2 * year // 10),
    )
    problem = replace(
        problem,
        hours=np.arange(0, 2 * year, 10),
        batches=replace(problem.batches, start_hour=np.array([0, year]), end_hour=np.array([2 * year, 2 * year])),
    )
    classes = cover_classes(problem.instruments, split_by_fee=False)
    worth = next_worth(Planned(problem=problem, quantity=np.zeros(2), classes=classes))
    assert_allclose(worth.use_fraction, [0.5, 0.0])
    assert_allclose(worth.early_use_fraction, [1.0, 0.0])


def test_the_extensive_program_gives_reduced_costs_too(build):
    problem = build.problem(
        [[[4.0, 4.0, 4.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5), build.instrument(draw=(1.0,), fee_usd=0.7)],
        batches=[
            build.batch(instrument=0, upfront_usd=1.0),
            build.batch(instrument=1),
            build.batch(instrument=0, owned=0.5),
        ],
    )
    free = solve_extensive(problem, SolverOptions()).reduced_cost_usd
    assert_allclose(free, [0.0, 0.6, np.nan], atol=1e-9)
    cash = CashLimit(batch_indices=np.array([0]), usd=2.0, label="Q1")
    limited = solve_extensive(replace(problem, limits=Limits(cash=(cash,))), SolverOptions())
    # the limit takes its price off the first offer; the second one serves what is left, and saves nothing more
    assert_allclose(limited.quantity, [2.0, 1.5, 0.5], atol=1e-9)
    assert_allclose(limited.reduced_cost_usd[:2], [0.0, 0.0], atol=1e-9)
    assert_allclose(abs(limited.duals["Q1"]), 0.6, atol=1e-9)


def test_the_break_even_use_of_what_moves_on_is_that_of_all_its_ages(build):
    nan = float("nan")
    problem = build.problem(
        [[[2.0] * 4, [1.0] * 4]],
        on_demand_usd=[2.0, 0.5],
        instruments=[build.instrument(draw=(1.0, nan), fee_usd=0.6), build.instrument(draw=(nan, 0.5), fee_usd=0.6)],
        batches=[build.batch(instrument=0), build.batch(instrument=1)],
    )
    moves = Succession(next_row=np.array([1, -1]), after_hours=np.array([1, 0]))
    problem = replace(problem, instruments=replace(problem.instruments, succession=moves))
    classes = cover_classes(problem.instruments, split_by_fee=False)
    worth = next_worth(Planned(problem=problem, quantity=np.zeros(2), classes=classes))
    assert_allclose(worth.most_discounted_usd, [2.0 + 3 * 1.0, 4 * 1.0])
    assert_allclose(worth.break_even_fraction, [2.4 / 5.0, 0.6])
    assert_allclose(worth.early_break_even_fraction, worth.break_even_fraction)
