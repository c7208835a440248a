from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.cover import cover_classes
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.limits import CashLimit, FirmRequirement, Limits
from optimizer.offers import Offer, OfferKind
from optimizer.policy import Increments
from optimizer.rounding import Steps, rounded, steps_of, without_dust


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


def test_plans_step_in_usd_per_hour_and_everything_else_in_units(build):
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5), build.instrument(draw=(0.6,), fee_usd=1.0)],
        batches=[build.batch(instrument=1), build.batch(instrument=0)],
    )
    offers = (_offer(OfferKind.RESERVED_STANDARD), _offer(OfferKind.COMPUTE_SAVINGS_PLAN))
    assert_allclose(steps_of(problem, offers, Increments(units=1.0, usd_per_hour=0.001)).step, [0.001, 1.0])
    assert_allclose(steps_of(problem, offers, Increments()).step, [0.0, 0.0])


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_decided_quantities_are_whole_steps_and_owned_ones_stay(invent, seed: int):
    problem = invent.problem(seed, invent.wish())
    found = solve_cuts(problem, CutOptions())
    step = np.full(problem.batches.n_batches, 0.25)
    whole = rounded(problem, found.quantity, Steps(step=step), found.classes)
    decided = problem.batches.is_decision
    assert_allclose(whole[decided] / 0.25, np.rint(whole[decided] / 0.25), atol=1e-9)
    assert_array_equal(whole[~decided], problem.batches.fixed_quantity[~decided])
    assert np.all(np.abs(whole - found.quantity)[decided] <= 0.25 + 1e-9)


def _firm_and_cash(build, *, usd: float):
    return build.problem(
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


def test_firm_capacity_is_rounded_up_and_cash_is_not_overspent(build):
    problem = _firm_and_cash(build, usd=0.8)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    whole = rounded(problem, np.array([1.2, 0.8]), Steps(step=np.ones(2)), classes)
    assert_allclose(whole, [2.0, 0.0])


def test_a_solvers_zero_is_zero_and_anything_can_be_bought_without_steps(build):
    problem = _firm_and_cash(build, usd=5.0)
    assert_allclose(without_dust(problem, np.array([1.2, 1e-12])), [1.2, 0.0])
    classes = cover_classes(problem.instruments, split_by_fee=False)
    kept = rounded(problem, np.array([1.2, 0.8]), Steps(step=np.zeros(2)), classes)
    assert_allclose(kept, [1.2, 0.8])


def test_of_nearest_down_and_up_the_cheapest_within_limits_is_taken(build):
    problem = replace(_firm_and_cash(build, usd=9.0), limits=Limits())
    classes = cover_classes(problem.instruments, split_by_fee=False)
    # a third unit would stand idle at 0.5 USD an hour, half a unit short costs 0.5 x 1 USD on demand
    assert_allclose(rounded(problem, np.array([0.0, 1.4]), Steps(step=np.full(2, 2.0)), classes), [0.0, 2.0])
