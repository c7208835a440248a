import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.coefficients import (
    committed_fees,
    covers_pool,
    firm_units,
    on_demand_equivalent_usd,
    owned_stranded_usd,
    reserves_pool,
    window_fees,
    window_rates,
)
from optimizer.limits import Limits
from optimizer.problem import PlanningProblem

NAN = float("nan")


@pytest.fixture
def problem(build) -> PlanningProblem:
    """Two scenarios, two pools, three hours of which the last is outside the window."""
    instruments = [
        build.instrument(draw=(0.5, 0.8), fee_usd=1.0),
        build.instrument(draw=(NAN, 1.0), fee_usd=0.2, reserves_units=True),
    ]
    batches = [
        build.batch(instrument=0, start_hour=1),
        build.batch(instrument=0, owned=2.0),
        build.batch(instrument=1, owned=4.0, end_hour=2),
        build.batch(instrument=1),
    ]
    return build.problem(
        [[[1.0, 2.0, 3.0], [3.0, 5.0, 1.0]], [[4.0, 5.0, 6.0], [1.0, 9.0, 2.0]]],
        on_demand_usd=[1.0, 10.0],
        instruments=instruments,
        batches=batches,
        weights=[0.75, 0.25],
        hour_weights=[1.0, 2.0, 4.0],
        in_window=[True, True, False],
    )


def test_an_owned_capacity_reservation_is_billed_where_demand_is_less(problem: PlanningProblem):
    assert_allclose(firm_units(problem)[:, 1], [[4.0, 5.0, 1.0], [4.0, 9.0, 2.0]])
    assert_array_equal(firm_units(problem)[:, 0], problem.demand[:, 0])


def test_capacity_reservations_reserve_and_cover_nothing(problem: PlanningProblem):
    assert_array_equal(reserves_pool(problem), [[False, False], [False, True]])
    assert_array_equal(covers_pool(problem), [[True, True], [False, False]])


def test_fees_count_hours_inside_the_window_only(problem: PlanningProblem):
    assert_allclose(window_fees(problem), [2.0, 3.0, 0.0, 0.0])
    assert_allclose(committed_fees(problem), [2.0, 0.0, 0.0, 0.0])


def test_rates_weigh_scenarios_and_hours(problem: PlanningProblem):
    assert_allclose(window_rates(problem)[0], [[0.75, 1.5, 0.0], [7.5, 15.0, 0.0]])
    by_hand = 0.75 * (1 + 2 * 2 + 10 * (4 + 2 * 5)) + 0.25 * (4 + 2 * 5 + 10 * (4 + 2 * 9))
    assert_allclose(on_demand_equivalent_usd(problem), by_hand)


def test_stranded_of_what_is_owned_is_nothing_unless_told(build):
    assert_allclose(owned_stranded_usd(build.problem([[[1.0]], [[2.0]]], on_demand_usd=[1.0])), [0.0, 0.0])
    limits = Limits(owned_stranded_usd=np.array([3.0, 4.0]))
    told = build.problem([[[1.0]], [[2.0]]], on_demand_usd=[1.0], limits=limits)
    assert_allclose(owned_stranded_usd(told), [3.0, 4.0])
