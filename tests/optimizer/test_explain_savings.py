from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.quantiles import weighted_quantile
from optimizer.coefficients import window_fees
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.explain_savings import Savings, break_even_hour, saving_of
from optimizer.explain_terms import STRIDES, Planned, stride_within, thinned
from optimizer.legs import Succession
from optimizer.problem import PlanningProblem

DAYS = 60


def planned(problem: PlanningProblem, quantity: np.ndarray) -> Planned:
    return Planned(problem=problem, quantity=quantity, classes=cover_classes(problem.instruments, split_by_fee=False))


def some_quantities(problem: PlanningProblem, seed: int) -> np.ndarray:
    chosen = np.random.default_rng(seed).uniform(0.5, 6.0, problem.batches.n_batches)
    return np.where(problem.batches.is_decision, chosen, problem.batches.fixed_quantity)


@settings(max_examples=4)
@given(seed=st.integers(0, 10**6))
def test_a_saving_is_the_cost_without_the_purchase_less_the_cost_with_it(build, seed: int):
    problem = build.mixed(seed)
    quantity = some_quantities(problem, seed)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    savings = Savings(planned(problem, quantity))
    with_all = evaluate(problem, quantity, classes)
    for batch in np.flatnonzero(problem.batches.is_decision).tolist():
        less = quantity.copy()
        less[batch] = 0.0
        without = evaluate(problem, less, classes)
        decided = savings.expected_usd(batch)
        assert_allclose(decided, without.objective_usd - with_all.objective_usd, rtol=1e-9, atol=1e-9)
        saved = savings.of(batch)
        by_scenario = without.recourse_usd - with_all.recourse_usd - saved.fee_usd  # no discount, so that both agree
        assert_allclose(saved.scenario_usd, by_scenario, rtol=1e-9, atol=1e-9)
        found = saving_of(saved, problem, quantity)
        assert_allclose(found.expected_usd, problem.weights @ by_scenario, rtol=1e-9, atol=1e-9)
        assert_allclose(found.p10_usd, weighted_quantile(by_scenario, problem.weights, level=0.1), atol=1e-9)


def test_the_fee_of_a_saving_is_that_of_the_metrics(build):
    problem = replace(build.mixed(3), in_window=np.ones(5, dtype=bool))
    quantity = some_quantities(problem, 3)
    savings = Savings(planned(problem, quantity))
    fees = [savings.of(batch).fee_usd for batch in range(problem.batches.n_batches)]
    assert_allclose(fees, window_fees(problem) * quantity, rtol=1e-12)


def test_savings_do_not_add_up_where_two_purchases_serve_the_same_demand(build):
    nan = float("nan")
    problem = build.problem(
        [[[4.0] * 3, [0.0] * 3]],
        on_demand_usd=[1.0, 1.0],
        instruments=[build.instrument(draw=(1.0, nan), fee_usd=0.5), build.instrument(draw=(1.0, 1.0), fee_usd=0.5)],
        batches=[build.batch(instrument=0), build.batch(instrument=1)],
    )
    savings = Savings(planned(problem, np.array([4.0, 4.0])))
    each = [savings.expected_usd(batch) for batch in (0, 1)]
    assert_allclose(each, [-6.0, -6.0])  # the other one serves it all: each alone is a fee for nothing
    alone = Savings(planned(problem, np.array([4.0, 0.0]))).expected_usd(0)
    assert_allclose(alone, 6.0)


def test_use_and_break_even_use_are_those_of_the_hours(build):
    problem = build.problem(
        [[[4.0, 4.0, 1.0, 0.0]]],
        on_demand_usd=[2.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=1.2)],
        batches=[build.batch(instrument=0)],
    )
    quantity = np.array([4.0])
    found = saving_of(Savings(planned(problem, quantity)).of(0), problem, quantity)
    assert_allclose([found.use_fraction, found.break_even_fraction], [9 / 16, 0.6])
    assert found.expected_usd < 0 < found.break_even_fraction - found.use_fraction


def constant(build, *, upfront_usd: float, fee_usd: float, on_demand_usd: float) -> tuple[Savings, int]:
    """Constant demand of 4 units over the term of a purchase of 4."""
    hours = 24 * DAYS
    problem = build.problem(
        np.full((2, 1, hours), 4.0),
        on_demand_usd=[on_demand_usd],
        instruments=[build.instrument(draw=(1.0,), fee_usd=fee_usd)],
        batches=[build.batch(instrument=0, upfront_usd=upfront_usd)],
    )
    return Savings(planned(problem, np.array([4.0])), by_week=True), hours


def test_the_break_even_date_of_constant_demand_is_upfront_over_what_an_hour_saves(build):
    savings, hours = constant(build, upfront_usd=300.0, fee_usd=0.5, on_demand_usd=1.0)
    hourly = 0.5 - 300.0 / hours
    expected = int(np.ceil(300.0 / (1.0 - hourly)))
    assert 0 < expected < hours
    assert break_even_hour(savings, savings.of(0)) == expected


def test_what_needs_no_cash_upfront_has_paid_back_from_the_start(build):
    savings, _ = constant(build, upfront_usd=0.0, fee_usd=0.5, on_demand_usd=1.0)
    assert break_even_hour(savings, savings.of(0)) == 0


def test_what_loses_never_pays_back(build):
    savings, _hours = constant(build, upfront_usd=300.0, fee_usd=1.1, on_demand_usd=1.0)
    assert break_even_hour(savings, savings.of(0)) is None


@pytest.mark.parametrize("stride", STRIDES)
def test_thinned_hours_count_as_long_as_all_of_them_in_the_window_and_beyond(build, stride: int):
    problem = build.problem(
        np.ones((1, 1, 999)),
        on_demand_usd=[1.0],
        in_window=[True] * 700 + [False] * 299,
        hour_weights=[1.0] * 700 + [5.0] * 299,
    )
    thin = thinned(problem, stride)
    assert_allclose(thin.hour_weights[thin.in_window].sum(), 700.0)
    assert_allclose(thin.hour_weights[~thin.in_window].sum(), 5.0 * 299)
    assert len(thin.hours) == -(-700 // stride) + -(-299 // stride)


def test_a_saving_on_thinned_hours_of_constant_demand_is_that_on_all_of_them(build):
    savings, hours = constant(build, upfront_usd=0.0, fee_usd=0.5, on_demand_usd=1.0)
    thin = thinned(savings.problem, 25)
    found = Savings(planned(thin, np.array([4.0])), savings.problem)
    assert_allclose(found.expected_usd(0), savings.expected_usd(0), rtol=1e-12)
    assert len(thin.hours) < hours / 20


def test_the_stride_is_the_smallest_within_the_budget():
    assert [stride_within(1e6, budget) for budget in (1e6, 9e5, 1e5, 1.0)] == [1, 5, 25, 101]


def test_use_of_hardware_that_moves_on_is_taken_of_what_each_age_could_be_worth(build):
    nan = float("nan")
    problem = build.problem(
        [[[2.0] * 4, [1.0] * 4]],
        on_demand_usd=[2.0, 0.5],
        instruments=[build.instrument(draw=(1.0, nan), fee_usd=0.6), build.instrument(draw=(nan, 0.5), fee_usd=0.6)],
        batches=[build.batch(instrument=0)],
    )
    moves = Succession(next_row=np.array([1, -1]), after_hours=np.array([1, 0]))
    problem = replace(problem, instruments=replace(problem.instruments, succession=moves))
    quantity = np.array([1.0])
    found = saving_of(Savings(planned(problem, quantity)).of(0), problem, quantity)
    # at best an hour of the first pool, 2 USD, and three hours of two units of the second, 1 USD each
    most_usd = 2.0 + 3 * 2 * 0.5
    served_usd = 2.0 + 3 * 1 * 0.5
    assert_allclose([found.use_fraction, found.break_even_fraction], [served_usd / most_usd, 4 * 0.6 / most_usd])
    assert_allclose(found.expected_usd, (found.use_fraction - found.break_even_fraction) * most_usd)


@pytest.mark.parametrize(("price_usd", "salvage_usd"), [(600.0, 300.0), (700.0, 100.0), (700.0, 0.0)])
def test_what_hardware_is_sold_for_comes_at_the_end_and_pays_back_nothing_before(
    build, price_usd: float, salvage_usd: float
):
    hours, running_usd = 24 * DAYS, 0.1
    fee_usd = running_usd + (price_usd - salvage_usd) / hours
    savings, _ = constant(build, upfront_usd=price_usd, fee_usd=fee_usd, on_demand_usd=0.55)
    found = break_even_hour(savings, savings.of(0), end_salvage_usd=salvage_usd)
    if price_usd <= (0.55 - running_usd) * hours:
        assert found == int(np.ceil(price_usd / (0.55 - running_usd)))
    else:  # only the sale pays for it, if that does
        assert found == (hours if price_usd - salvage_usd <= (0.55 - running_usd) * hours else None)


def test_thinned_hours_keep_when_spot_was_gone(build):
    problem = build.mixed(3)
    gone = np.random.default_rng(3).uniform(size=problem.demand.shape) < 0.5
    fewer = thinned(replace(problem, spot_available=gone), 2)
    kept = np.isin(problem.hours, fewer.hours)
    assert fewer.spot_available is not None
    assert np.array_equal(fewer.spot_available, gone[:, :, kept])
