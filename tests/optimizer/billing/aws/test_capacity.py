import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.capacity import CapacityReservation, reaching_idle, with_idle_capacity
from optimizer.billing.aws.order import settle
from optimizer.billing.settlement import Holding, Stage, UsageLines


def usage_of(units, rates=None):
    units = np.atleast_2d(np.asarray(units, dtype=float))
    names = [f"line{row}" for row in range(len(units))]
    rates = np.ones(len(units)) if rates is None else rates
    return UsageLines(names=names, accounts=[""] * len(units), on_demand_usd=rates, units=units)


def test_fifteen_instances_in_capacity_for_twenty_leave_five_idle_ones():
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-pricing-billing.html"""
    with_idle = with_idle_capacity(usage_of([[15.0]]), [CapacityReservation(line=0, held_units=[20.0])])
    assert_allclose(with_idle.units[:, 0], [15, 5])
    assert with_idle.names == ("line0", "UnusedBox:line0")
    assert with_idle.idle_lines == {1}


def test_a_reservation_is_charged_only_while_nothing_runs_in_it():
    """One m4.large at 0.10 USD/h, idle in the first of five hours, cancelled before the sixth; the same page."""
    with_idle = with_idle_capacity(
        usage_of([[0, 1, 1, 1, 1, 1]], [0.1]), [CapacityReservation(line=0, held_units=[1, 1, 1, 1, 1, 0])]
    )
    assert_allclose(with_idle.on_demand_usd @ with_idle.units, [0.1] * 6)
    assert_allclose(with_idle.units[1], [1, 0, 0, 0, 0, 0])


@given(
    demand=st.lists(st.floats(0.0, 9.0), min_size=3, max_size=3),
    held=st.lists(st.lists(st.floats(0.0, 9.0), min_size=3, max_size=3), min_size=1, max_size=3),
)
def test_what_is_billed_is_the_larger_of_what_runs_and_what_is_held(demand, held):
    reservations = [CapacityReservation(line=0, held_units=units) for units in held]
    with_idle = with_idle_capacity(usage_of([demand]), reservations)
    assert_allclose(with_idle.units.sum(axis=0), np.maximum(demand, np.sum(held, axis=0)), atol=1e-9)


@pytest.mark.parametrize(
    ("stage", "idle_covered"),
    [(Stage.ZONAL_RESERVATION, 0), (Stage.REGIONAL_RESERVATION, 2), (Stage.COMPUTE_PLAN, 2)],
)
def test_regional_reservations_and_plans_cover_idle_units_after_running_ones_and_zonal_ones_do_not(stage, idle_covered):
    reservations = [CapacityReservation(line=0, held_units=[6.0])]
    usage = with_idle_capacity(usage_of([[1.0], [3.0]], [2.0, 1.0]), reservations)
    holding = Holding(label="it", stage=stage, lines=[0, 1], draw=[0.5, 0.5], quantity=[3.0])
    covered = settle(usage, [reaching_idle(holding, reservations, n_lines=2)]).covered_units["it"][:, 0]
    assert_allclose(covered, [1, 3, idle_covered])


def test_what_is_not_eligible_for_a_line_does_not_reach_its_idle_units():
    holding = Holding(label="it", stage=Stage.COMPUTE_PLAN, lines=[1], draw=[0.5], quantity=[3.0])
    reached = reaching_idle(holding, [CapacityReservation(line=0, held_units=[6.0])], n_lines=2)
    assert reached.lines.tolist() == [1]
