from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.assembly import Assembled
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.limits import CashLimit, FirmRequirement, Limits, ShareLimit
from optimizer.offers import Offer, OfferKind
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.rounding import best_kept, broken_limits, is_whole, simple_roundings, with_steps, without_dust


def _offer(kind: OfferKind) -> Offer:
    return Offer(
        offer_id=kind.value,
        kind=kind,
        provider="p",
        region="r",
        pools=("pool0",),
        draw=np.array([1.0]),
        hourly_usd=0.5,
        upfront_usd=0.0,
        term_months=12,
        payment_option="none",
    )


def _stepped(problem: PlanningProblem, step: float) -> PlanningProblem:
    batches = problem.batches
    return replace(problem, batches=replace(batches, step=np.full(batches.n_batches, step)))


def test_plans_step_in_usd_per_hour_everything_else_in_units_and_replacements_in_the_tail_not_at_all(build):
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5), build.instrument(draw=(0.6,), fee_usd=1.0)],
        batches=[build.batch(instrument=1), build.batch(instrument=0), build.batch(instrument=0)],
    )
    assembled = Assembled(
        problem=problem,
        offers=(_offer(OfferKind.RESERVED_STANDARD), _offer(OfferKind.COMPUTE_SAVINGS_PLAN)),
        decision_hour=np.array([0, 0, -1]),
        commitment=(None, None, None),
    )
    stepped = with_steps(assembled, Increments(units=1.0, usd_per_hour=0.001))
    assert_allclose(stepped.problem.batches.decided_step, [0.001, 1.0, 0.0])
    assert with_steps(assembled, Increments()) is assembled


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), step=st.sampled_from([0.25, 1.0]))
def test_simple_roundings_are_whole_steps_next_to_what_they_round(invent, seed: int, step: float):
    problem = _stepped(invent.problem(seed, invent.wish()), step)
    decided = problem.batches.is_decision
    quantity = np.where(
        decided, np.random.default_rng(seed).uniform(0, 9, len(decided)), problem.batches.fixed_quantity
    )
    for whole in simple_roundings(problem, quantity):
        assert_allclose(whole[decided] / step, np.rint(whole[decided] / step), atol=1e-9)
        assert np.all(np.abs(whole - quantity)[decided] <= step + 1e-9)
        assert_array_equal(whole[~decided], problem.batches.fixed_quantity[~decided])
        assert is_whole(problem, whole)


def _firm_and_cash(build, *, usd: float) -> PlanningProblem:
    problem = build.problem(
        [[[2.0, 2.0]]],
        on_demand_usd=[1.0],
        instruments=[
            build.instrument(draw=(1.0,), fee_usd=0.6, is_firm=True),
            build.instrument(draw=(1.0,), fee_usd=0.5),
        ],
        batches=[build.batch(instrument=0), build.batch(instrument=1, upfront_usd=1.0)],
        limits=Limits(
            firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=2, units=1.2, label="room"),),
            cash=(CashLimit(batch_indices=np.array([1]), usd=usd, label="cash"),),
        ),
    )
    return _stepped(problem, 1.0)


def test_firm_capacity_is_rounded_up_and_cash_is_not_overspent(build):
    problem = _firm_and_cash(build, usd=0.8)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    kept = best_kept(problem, simple_roundings(problem, np.array([1.2, 0.8])), classes)
    assert kept is not None
    assert_allclose(kept[0], [2.0, 0.0])


def test_where_no_candidate_keeps_the_limits_there_is_none(build):
    problem = _firm_and_cash(build, usd=0.8)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    assert best_kept(problem, (np.array([2.0, 1.0]), np.array([1.0, 0.0])), classes) is None


@pytest.mark.parametrize(
    ("quantity", "named"),
    [
        ([1.0, 0.0], ["room is missed by 0.2 units"]),
        ([2.0, 3.0], ["cash is missed by 2.2 USD", "most is missed by 0.0556"]),
        ([2.0, 0.0], []),
    ],
    ids=["firm", "cash-and-share", "kept"],
)
def test_every_limit_that_is_broken_is_named_with_what_it_is_missed_by(build, quantity: list[float], named: list[str]):
    problem = _firm_and_cash(build, usd=0.8)
    share = ShareLimit(batch_indices=np.array([1]), fraction=0.5, label="most")
    problem = replace(problem, limits=replace(problem.limits, shares=(share,)))
    classes = cover_classes(problem.instruments, split_by_fee=True)
    found = evaluate(problem, np.array(quantity), classes)
    assert list(broken_limits(problem, np.array(quantity), found)) == named


def test_a_solvers_zero_is_zero(build):
    problem = _firm_and_cash(build, usd=5.0)
    assert_allclose(without_dust(problem, np.array([1.2, 1e-12])), [1.2, 0.0])


def test_of_nearest_down_and_up_the_cheapest_within_limits_is_taken(build):
    problem = _stepped(replace(_firm_and_cash(build, usd=9.0), limits=Limits()), 2.0)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    # a third unit would stand idle at 0.5 USD an hour, half a unit short costs 0.5 x 1 USD on demand
    kept = best_kept(problem, simple_roundings(problem, np.array([0.0, 1.4])), classes)
    assert kept is not None
    assert_allclose(kept[0], [0.0, 2.0])
