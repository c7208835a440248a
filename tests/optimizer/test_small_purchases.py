"""What is too small to advise goes, unless something needs it, and what remains is priced as it is."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.limits import FirmRequirement, Limits, ShareLimit
from optimizer.problem import PlanningProblem
from optimizer.small_purchases import SMALL_FRACTION, without_small_purchases
from optimizer.sweep import Sweeper

NAN = float("nan")
N_HOURS = 10
QUANTITY = np.array([100.0, 4e-4, 2e-4, 3e-4])  # of 300 USD, the small ones commit 2, 1 and 1.5 thousandths
NONE_SMALL = np.array([100.0, 0.0, 0.0, 0.0])


@pytest.fixture
def problem(build) -> PlanningProblem:
    """A large pool, and three whose demand is next to nothing; one reservation for each at half of on demand."""
    draws = [tuple(1.0 if pool == own else NAN for pool in range(4)) for own in range(4)]
    return build.problem(
        np.repeat(QUANTITY[None, :, None], N_HOURS, axis=2),
        on_demand_usd=[1.0] * 4,
        instruments=[build.instrument(draw=draw, fee_usd=0.5, is_firm=True) for draw in draws],
        batches=[build.batch(instrument=row) for row in range(4)],
    )


def kept(problem: PlanningProblem, quantity=QUANTITY, *, is_advised=None, most_rise_usd: float = 1.0) -> np.ndarray:
    """Quantities that remain; their cost is checked to be that of what remains."""
    classes = cover_classes(problem.instruments, split_by_fee=True)
    found = evaluate(problem, quantity, classes)
    advised = np.ones(len(quantity), dtype=bool) if is_advised is None else np.array(is_advised)
    left, again = without_small_purchases(
        Sweeper(problem, classes), (quantity, found), is_advised=advised, most_rise_usd=most_rise_usd
    )
    assert_allclose(again.objective_usd, evaluate(problem, left, classes).objective_usd, rtol=1e-15)
    assert again.objective_usd <= found.objective_usd + most_rise_usd
    return left


def test_purchases_that_commit_next_to_nothing_are_left_out(problem: PlanningProblem):
    assert_array_equal(kept(problem), NONE_SMALL)


def test_what_commits_as_much_as_the_threshold_stays(problem: PlanningProblem):
    usd = 0.5 * N_HOURS * QUANTITY.sum()
    just = QUANTITY.copy()
    just[1] = 1.01 * SMALL_FRACTION * usd / (0.5 * N_HOURS)
    assert_array_equal(kept(problem, just), [100.0, just[1], 0.0, 0.0])


def test_what_is_owned_or_not_advised_stays(problem: PlanningProblem):
    assert_array_equal(kept(problem, is_advised=[True, False, True, True]), [100.0, 4e-4, 0.0, 0.0])
    owned = replace(problem, batches=replace(problem.batches, fixed_quantity=np.array([NAN, 4e-4, NAN, NAN])))
    assert_array_equal(kept(owned), [100.0, 4e-4, 0.0, 0.0])


def test_firm_capacity_that_is_needed_stays_and_what_it_does_not_need_goes(problem: PlanningProblem):
    need = FirmRequirement(pool_index=1, start_hour=0, end_hour=N_HOURS, units=4e-4, label="room")
    held = replace(problem, limits=Limits(firm=(need,)))
    assert_array_equal(kept(held), [100.0, 4e-4, 0.0, 0.0])
    none = replace(problem, limits=Limits(firm=(replace(need, units=0.0),)))
    assert_array_equal(kept(none), NONE_SMALL)


def test_a_capacity_reservation_commits_nothing_and_goes_only_where_nothing_needs_it(build):
    def problem(units: float) -> PlanningProblem:
        need = FirmRequirement(pool_index=0, start_hour=0, end_hour=N_HOURS, units=units, label="room")
        return build.problem(
            np.full((1, 1, N_HOURS), 5.0),
            on_demand_usd=[1.0],
            instruments=[build.instrument(draw=(1.0,), fee_usd=0.0, reserves_units=True, is_firm=True)] * 2,
            batches=[build.batch(instrument=0), build.batch(instrument=1)],
            limits=Limits(firm=(need,)),
        )

    assert_array_equal(kept(problem(5.0), np.array([3.0, 2.0])), [3.0, 2.0])
    assert_array_equal(kept(problem(2.5), np.array([3.0, 2.0])), [3.0, 0.0])
    assert_array_equal(kept(problem(0.0), np.array([3.0, 2.0])), [0.0, 0.0])


@pytest.mark.parametrize(("floor", "expected"), [(1.0, QUANTITY), (0.999, NONE_SMALL)], ids=["binds", "leaves-room"])
def test_purchases_that_a_floor_of_coverage_needs_stay(problem: PlanningProblem, floor: float, expected: np.ndarray):
    assert_array_equal(kept(replace(problem, limits=Limits(coverage_min_fraction=floor))), expected)


def test_the_smallest_go_until_the_next_would_break_a_limit(problem: PlanningProblem):
    without_two = (QUANTITY[0] + QUANTITY[1]) / QUANTITY.sum()
    limited = replace(problem, limits=Limits(coverage_min_fraction=without_two - 1e-8))
    assert_array_equal(kept(limited), [100.0, 4e-4, 0.0, 0.0])


def test_a_share_of_what_is_committed_is_not_overstepped_by_what_goes(problem: PlanningProblem):
    share = QUANTITY[0] / QUANTITY.sum()
    limit = ShareLimit(batch_indices=np.array([0]), fraction=share, label="share")
    assert_array_equal(kept(replace(problem, limits=Limits(shares=(limit,)))), QUANTITY)
    loose = replace(limit, fraction=1.0)
    assert_array_equal(kept(replace(problem, limits=Limits(shares=(loose,)))), NONE_SMALL)


def test_what_is_left_out_costs_no_more_than_is_allowed(problem: PlanningProblem):
    assert_array_equal(kept(problem, most_rise_usd=0.0), QUANTITY)
    saved = 0.5 * N_HOURS * QUANTITY
    assert_array_equal(kept(problem, most_rise_usd=1.1 * (saved[2] + saved[3])), [100.0, 4e-4, 0.0, 0.0])


def test_nothing_small_changes_nothing(problem: PlanningProblem):
    assert_array_equal(kept(problem, NONE_SMALL), NONE_SMALL)
