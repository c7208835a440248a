"""Whole steps at scale: against the extensive program, and what must hold under every limit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.cutting_planes import CutOptions, CutSolution, solve_cuts
from optimizer.errors import InfeasibleLimitsError
from optimizer.limits import CashLimit, FirmRequirement, Limits
from optimizer.problem import PlanningProblem
from optimizer.rounding import Rounding, best_kept, broken_limits, is_whole, simple_roundings
from optimizer.solver import WholeOptions
from optimizer.whole_cuts import WholeCutOptions, round_by_cuts
from optimizer.whole_extensive import solve_whole_extensive

GAP = 1e-6
FREE_OF_USE = [
    {"plans": "real"},
    {"has_spot": True},
    {"has_capacity_reservations": True},
    {"limits": ("firm", "share")},
    {"risk_lambda": 1.0},
]
ON_USE = [
    {"limits": ("stranded",)},
    {"limits": ("coverage floor",)},
    {"limits": ("coverage ceiling",)},
    {"has_spot": True, "limits": ("spot",)},
    {"has_capacity_reservations": True, "limits": ("stranded",)},
]


def _stepped(problem: PlanningProblem, step: float) -> PlanningProblem:
    return replace(problem, batches=replace(problem.batches, step=np.full(problem.batches.n_batches, step)))


def _rounded(problem: PlanningProblem, options: WholeCutOptions | None = None) -> tuple[CutSolution, Rounding]:
    free = solve_cuts(problem, CutOptions(gap_fraction=GAP))
    return free, round_by_cuts(free, free.quantity, options or WholeCutOptions(gap_fraction=GAP))


@pytest.mark.slow
@pytest.mark.parametrize("wish", FREE_OF_USE, ids=["plans", "spot", "reserved-capacity", "firm-share", "risk"])
@settings(max_examples=2)
@given(seed=st.integers(0, 10**4))
def test_it_finds_the_optimum_of_the_extensive_program_in_whole_steps(invent, wish: dict[str, object], seed: int):
    problem = _stepped(invent.problem(seed, invent.wish(**wish)), 0.5)
    try:
        _, rounding = _rounded(problem)
    except InfeasibleLimitsError:
        with pytest.raises(InfeasibleLimitsError):
            solve_whole_extensive(problem, WholeOptions())
        return
    reference = solve_whole_extensive(problem, WholeOptions(gap_fraction=1e-8))
    assert_allclose(rounding.found.objective_usd, reference.objective_usd, rtol=2 * GAP)
    assert rounding.gap_fraction <= 2 * GAP
    assert rounding.lower_bound_usd <= reference.objective_usd * (1 + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("wish", ON_USE, ids=["stranded", "floor", "ceiling", "spot", "reserved-capacity"])
@settings(max_examples=1)
@given(seed=st.integers(0, 40))
def test_under_limits_on_use_it_keeps_them_and_is_between_the_bound_and_simple_roundings(
    invent, wish: dict[str, object], seed: int
):
    problem = _stepped(invent.problem(seed, invent.wish(**wish)), 0.5)
    free, rounding = _rounded(problem)
    assert is_whole(problem, rounding.quantity)
    assert broken_limits(problem, rounding.quantity, rounding.found) == ()
    assert free.lower_bound_usd <= rounding.lower_bound_usd <= rounding.found.objective_usd * (1 + GAP)
    simple = best_kept(free.program.sweeper, simple_roundings(problem, free.quantity))
    assert simple is None or rounding.found.objective_usd <= simple[1].objective_usd


@pytest.mark.parametrize("seed", [0, 1])
def test_with_many_purchases_it_stays_near_the_optimum_and_states_the_gap(invent, seed: int):
    problem = _stepped(invent.problem(seed, invent.wish()), 0.5)
    reference = solve_whole_extensive(problem, WholeOptions())
    free, rounding = _rounded(problem, WholeCutOptions(gap_fraction=GAP, max_free_purchases=0))
    assert np.all(np.abs(rounding.quantity - free.quantity) <= 0.5 + 1e-9)
    assert rounding.lower_bound_usd == free.lower_bound_usd
    assert free.lower_bound_usd <= reference.objective_usd <= rounding.found.objective_usd * (1 + 1e-9)
    assert rounding.gap_fraction < 0.01


def _squeezed(build, *, usd: float, units: float = 1.2) -> PlanningProblem:
    problem = build.problem(
        [[[2.0, 3.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5, is_firm=True)],
        batches=[build.batch(instrument=0, upfront_usd=1.0)],
        limits=Limits(
            firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=2, units=units, label="room"),),
            cash=(CashLimit(batch_indices=np.array([0]), usd=usd, label="cash"),),
        ),
    )
    return _stepped(problem, 1.0)


def test_limits_that_no_whole_steps_keep_are_refused_with_the_steps_and_the_way_out(build):
    with pytest.raises(
        InfeasibleLimitsError,
        match=r"cannot all be met by purchases in whole steps \(1\), though they can without\. Make the increments",
    ):
        _rounded(_squeezed(build, usd=1.5))
    assert_allclose(_rounded(_squeezed(build, usd=2.5))[1].quantity, [2.0])


def test_where_none_that_keeps_the_limits_is_found_it_says_which_are_missed(build):
    with pytest.raises(
        InfeasibleLimitsError,
        match=r"no purchases in whole steps \(1\) were found that keep every limit: cash is missed",
    ):
        _rounded(_squeezed(build, usd=1.5), WholeCutOptions(max_rounds=0))
