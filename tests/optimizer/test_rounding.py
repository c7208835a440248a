from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.assembly import Assembled
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.limits import CashLimit, FirmRequirement, Limits, PurchaseLimit, ShareLimit
from optimizer.offers import Offer, OfferKind
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.rounding import (
    best_kept,
    broken_limits,
    is_whole,
    rules_text,
    simple_roundings,
    to_buyable,
    with_steps,
    without_dust,
)
from optimizer.sweep import Sweeper


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


def test_the_lot_of_an_offer_takes_the_place_of_the_increment_and_the_tail_knows_neither_lot_nor_minimum(build):
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5), build.instrument(draw=(0.6,), fee_usd=1.0)],
        batches=[build.batch(instrument=1), build.batch(instrument=0), build.batch(instrument=0)],
    )
    plan = replace(_offer(OfferKind.COMPUTE_SAVINGS_PLAN), minimum_quantity=0.001)
    lots = replace(_offer(OfferKind.RESERVED_STANDARD), lot_quantity=10.0, minimum_quantity=25.0)
    assembled = Assembled(
        problem=problem, offers=(lots, plan), decision_hour=np.array([0, 0, -1]), commitment=(None, None, None)
    )
    batches = with_steps(assembled, Increments(units=1.0)).problem.batches
    assert_allclose(batches.decided_step, [0.0, 10.0, 0.0])
    assert_allclose(batches.decided_minimum, [0.001, 30.0, 0.0])


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (np.rint, [0.0, 6.0, 8.0, 1.7, 0.0, 2.4]),
        (np.floor, [0.0, 0.0, 6.0, 0.0, 0.0, 2.4]),
        (np.ceil, [6.0, 6.0, 8.0, 1.7, 1.7, 2.4]),
    ],
    ids=["nearest", "down", "up"],
)
def test_what_can_be_bought_is_whole_steps_and_nothing_or_at_least_the_minimum(
    build, way: Callable[[object], object], expected: list[float]
):
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0)] * 6 + [build.batch(instrument=0, owned=0.3)],
    )
    step, minimum = np.array([2.0] * 3 + [0.0] * 3 + [2.0]), np.array([5.0] * 3 + [1.7] * 3 + [5.0])
    problem = replace(problem, batches=replace(problem.batches, step=step, minimum=minimum))
    got = to_buyable(problem, np.array([1.5, 3.3, 7.3, 1.0, 0.8, 2.4, 0.3]), way)
    assert_allclose(got, [*expected, 0.3])
    assert is_whole(problem, got)
    assert not is_whole(problem, np.array([4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3]))
    assert rules_text(problem) == "in whole steps (2) and of at least the minimum quantity (1.7, 6)"


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
    kept = best_kept(Sweeper(problem, classes), simple_roundings(problem, np.array([1.2, 0.8])))
    assert kept is not None
    assert_allclose(kept[0], [2.0, 0.0])


def test_where_no_candidate_keeps_the_limits_there_is_none(build):
    problem = _firm_and_cash(build, usd=0.8)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    assert best_kept(Sweeper(problem, classes), (np.array([2.0, 1.0]), np.array([1.0, 0.0]))) is None


@pytest.mark.parametrize(
    ("quantity", "named"),
    [
        ([1.0, 0.0], ["room is missed by 0.2 units"]),
        ([2.0, 3.0], ["cash is missed by 2.2 USD", "most is missed by 0.0556"]),
        ([5.0, 0.0], ["purchases is missed by 0.5 USD"]),
        ([2.0, 0.0], []),
    ],
    ids=["firm", "cash-and-share", "purchases", "kept"],
)
def test_every_limit_that_is_broken_is_named_with_what_it_is_missed_by(build, quantity: list[float], named: list[str]):
    problem = _firm_and_cash(build, usd=0.8)
    share = ShareLimit(batch_indices=np.array([1]), fraction=0.5, label="most")
    date = PurchaseLimit(batch_indices=np.array([0, 1]), usd=5.5, label="purchases")
    problem = replace(problem, limits=replace(problem.limits, shares=(share,), purchases=(date,)))
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
    kept = best_kept(Sweeper(problem, classes), simple_roundings(problem, np.array([0.0, 1.4])))
    assert kept is not None
    assert_allclose(kept[0], [0.0, 2.0])
