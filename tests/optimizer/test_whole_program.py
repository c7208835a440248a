"""Minimum quantities, alone and with lots: brute force, the closed form, both methods alike, and refusals."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.costs import evaluate_with
from optimizer.cover import cover_classes
from optimizer.cut_program import CutProgram
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.errors import InfeasibleLimitsError
from optimizer.limits import CashLimit, FirmRequirement, Limits, ShareLimit
from optimizer.problem import PlanningProblem
from optimizer.rounding import Rounding, broken_limits, is_whole
from optimizer.solver import WholeOptions
from optimizer.sweep import Sweeper
from optimizer.whole_cuts import WholeCutOptions, round_by_cuts
from optimizer.whole_extensive import solve_whole_extensive
from optimizer.whole_program import whole_relaxations

NAN = float("nan")
GAP = 1e-7


def ruled(problem: PlanningProblem, *, step: list[float], minimum: list[float]) -> PlanningProblem:
    return replace(problem, batches=replace(problem.batches, step=np.array(step), minimum=np.array(minimum)))


def by_cuts(problem: PlanningProblem, **options: object) -> Rounding:
    free = solve_cuts(problem, CutOptions(gap_fraction=GAP))
    return round_by_cuts(free, free.quantity, WholeCutOptions(gap_fraction=GAP, **options))


def sweeper_of(problem: PlanningProblem) -> Sweeper:
    return Sweeper(problem, cover_classes(problem.instruments, split_by_fee=True))


@settings(max_examples=15)
@given(
    demand=st.lists(st.integers(0, 9), min_size=1, max_size=10),
    minimum=st.floats(0.5, 14.0),
    rate=st.floats(0.1, 0.9),
)
def test_one_offer_with_a_minimum_is_bought_at_the_quantile_at_the_minimum_or_not_at_all(
    build, demand: list[int], minimum: float, rate: float
):
    problem = build.problem(
        [[demand]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=rate)],
        batches=[build.batch(instrument=0)],
    )
    quantile = float(np.quantile(demand, 1.0 - rate, method="inverted_cdf"))
    # the cost is convex: at least the minimum costs least at the quantile, or at the minimum where that is more
    costs = [
        rate * bought * len(demand) + np.maximum(0.0, np.array(demand) - bought).sum()
        for bought in (0.0, max(quantile, minimum))
    ]
    found = solve_whole_extensive(ruled(problem, step=[0.0], minimum=[minimum]), WholeOptions())
    assert_allclose(found.objective_usd, min(costs), rtol=1e-7, atol=1e-6)
    assert found.quantity[0] == 0.0 or found.quantity[0] >= minimum


def _two_pools(build, seed: int, **limits: object) -> PlanningProblem:
    """Two scenarios of four hours; two reservations from 3 units up, a plan from 2 USD/h up, all in lots of 1."""
    rng = np.random.default_rng(seed)
    problem = build.problem(
        rng.uniform(0.0, 5.0, (2, 2, 4)),
        on_demand_usd=[1.0, 1.5],
        instruments=[
            build.instrument(draw=(1.0, NAN), fee_usd=float(rng.uniform(0.4, 0.8))),
            build.instrument(draw=(NAN, 1.0), fee_usd=float(rng.uniform(0.6, 1.2))),
            build.instrument(draw=(0.7, 1.0), fee_usd=1.0),
        ],
        batches=[build.batch(instrument=row, upfront_usd=1.0) for row in range(3)],
        weights=[0.4, 0.6],
        limits=Limits(**limits),
    )
    return ruled(problem, step=[1.0, 1.0, 1.0], minimum=[3.0, 3.0, 2.0])


LIMITED = {
    "free": {},
    "share": {
        "shares": (ShareLimit(batch_indices=np.array([1]), fraction=0.35, label="share"),),
        "cash": (CashLimit(batch_indices=np.arange(3), usd=9.5, label="cash"),),
    },
}


@pytest.mark.parametrize(("name", "seed"), [("free", 3), ("share", 5)])
def test_no_quantities_that_can_be_bought_are_cheaper_by_brute_force(build, name: str, seed: int):
    problem = _two_pools(build, seed, **LIMITED[name])
    sweeper = sweeper_of(problem)
    every = product([0.0, 3.0, 4.0, 5.0], [0.0, 3.0, 4.0, 5.0, 6.0], [0.0, *np.arange(2.0, 10.0)])
    costs = []
    for quantity in map(np.array, every):
        found = evaluate_with(sweeper, quantity)
        if not broken_limits(problem, quantity, found):
            costs.append(found.objective_usd)
    for answer in (solve_whole_extensive(problem, WholeOptions()), by_cuts(problem)):
        assert is_whole(problem, answer.quantity)
        assert_allclose(evaluate_with(sweeper, answer.quantity).objective_usd, min(costs), rtol=1e-6)
        assert answer.lower_bound_usd <= min(costs) * (1 + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("wish", [{"limits": ("firm", "share")}, {"limits": ("date",)}], ids=str)
@settings(max_examples=1)
@given(seed=st.integers(0, 10**4), step=st.sampled_from([0.0, 0.5]))
def test_both_methods_find_the_same_minima(invent, wish: dict[str, object], seed: int, step: float):
    problem = invent.problem(seed, invent.wish(**wish))
    n_batches = problem.batches.n_batches
    problem = ruled(problem, step=[step] * n_batches, minimum=[1.7] * n_batches)
    try:
        rounding = by_cuts(problem)
    except InfeasibleLimitsError:
        with pytest.raises(InfeasibleLimitsError):
            solve_whole_extensive(problem, WholeOptions())
        return
    reference = solve_whole_extensive(problem, WholeOptions(gap_fraction=1e-8))
    assert_allclose(rounding.found.objective_usd, reference.objective_usd, rtol=1e-6)
    assert rounding.lower_bound_usd <= reference.objective_usd * (1 + 1e-9)
    assert is_whole(problem, rounding.quantity)


@pytest.mark.parametrize("step", [0.0, 0.5])
def test_with_many_purchases_what_is_above_its_minimum_is_bought_and_what_is_0_is_not(invent, step: float):
    problem = invent.problem(2, invent.wish(plans="real"))
    n_batches = problem.batches.n_batches
    problem = ruled(problem, step=[step] * n_batches, minimum=[1.7] * n_batches)
    free = solve_cuts(problem, CutOptions(gap_fraction=GAP))
    rounding = round_by_cuts(free, free.quantity, WholeCutOptions(gap_fraction=GAP, max_free_purchases=0))
    minimum = 2.0 if step else 1.7
    decided = problem.batches.is_decision
    assert np.any(decided & (free.quantity > 0.0) & (free.quantity < minimum))  # there is something to decide
    assert is_whole(problem, rounding.quantity)
    assert np.all(rounding.quantity[decided & (free.quantity <= 0.0)] == 0.0)
    assert np.all(rounding.quantity[decided & (free.quantity >= minimum)] >= minimum)
    assert rounding.lower_bound_usd == free.lower_bound_usd
    assert rounding.gap_fraction < 0.05


def test_a_share_may_be_widened_by_idle_purchases_up_to_what_all_that_is_useful_needs(build):
    """A cheap reservation may be at most a tenth of what is committed, and the other one comes from 20 units up."""
    problem = build.problem(
        [[[2.0, 2.0]]],
        on_demand_usd=[10.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=1.0), build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0), build.batch(instrument=1)],
        limits=Limits(shares=(ShareLimit(batch_indices=np.array([0]), fraction=0.1, label="share"),)),
    )
    problem = ruled(problem, step=[1.0, 0.0], minimum=[0.0, 20.0])
    problem = replace(problem, batches=replace(problem.batches, cost_usd=np.array([2.0, 1e-3])))
    for answer in (solve_whole_extensive(problem, WholeOptions()), by_cuts(problem)):
        # 20 units of the second cost next to nothing and serve all demand: the first one is not needed
        assert_allclose(answer.quantity, [0.0, 20.0], atol=1e-6)


def _squeezed(build, *, minimum: float, lot: float = 0.0, usd: float = 5.0) -> PlanningProblem:
    problem = build.problem(
        [[[2.0, 3.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5, is_firm=True)],
        batches=[build.batch(instrument=0, upfront_usd=1.0)],
        limits=Limits(
            firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=2, units=1.2, label="room"),),
            cash=(CashLimit(batch_indices=np.array([0]), usd=usd, label="cash"),),
        ),
    )
    return ruled(problem, step=[lot], minimum=[minimum])


@pytest.mark.parametrize(
    ("lot", "minimum", "rules", "usd"),
    [
        (0.0, 8.0, "of at least the minimum quantity (8)", 8.0),
        (3.0, 7.0, "in whole steps (3) and of at least the minimum quantity (9)", 9.0),
        (6.0, 0.0, "in whole steps (6)", 6.0),
    ],
    ids=["minimum", "both", "lot"],
)
def test_limits_that_nothing_that_can_be_bought_keeps_name_what_must_give(
    build, lot: float, minimum: float, rules: str, usd: float
):
    problem = _squeezed(build, minimum=minimum, lot=lot)
    message = (
        rf"cannot all be met by purchases {re.escape(rules)}, though they can without\. .*\n"
        rf"  - raise cash to {usd:g} USD \(by {usd - 5.0:g}\)$"
    )
    with pytest.raises(InfeasibleLimitsError, match=f"(?s){message}"):
        by_cuts(problem)
    assert_allclose(by_cuts(_squeezed(build, minimum=minimum, lot=lot, usd=usd)).quantity, [usd])


def test_where_quantities_that_can_be_bought_keep_the_limits_nothing_must_give(build):
    assert whole_relaxations(CutProgram(sweeper_of(_squeezed(build, minimum=4.0)))) == ()


def test_a_minimum_that_a_single_step_exceeds_asks_for_nothing_more(build):
    batches = _squeezed(build, minimum=2.5, lot=3.0).batches
    assert_allclose(batches.decided_minimum, [0.0])
    assert batches.is_ruled.tolist() == [True]
    assert_allclose(_squeezed(build, minimum=3.5, lot=3.0).batches.decided_minimum, [6.0])
    assert_allclose(_squeezed(build, minimum=0.3, lot=0.1).batches.decided_minimum, [0.3])
