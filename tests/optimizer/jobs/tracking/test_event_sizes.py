import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.jobs.tracking.event_sizes import DemandCells, find_events, net_units, organic_ratio

N_DAYS = 56


def cells(
    rng: np.random.Generator, *, factors: tuple[float, float], ratio: float = 1.0, noise: float = 0.0
) -> DemandCells:
    """A move from one pool to another from day 14 on, a launch in a third from day 28 on, and a pool that has none."""
    move = np.zeros((4, N_DAYS))
    move[0, 14:], move[1, 14:] = -30.0, 27.0
    launch = np.zeros((4, N_DAYS))
    launch[2, 28:] = 40.0
    organic = np.full((4, N_DAYS), 100.0)
    came = ratio * organic + factors[0] * move + factors[1] * launch
    return DemandCells(
        pools=("g/a", "g/b", "h/c", "h/d"),
        expected_units=organic + move + launch,
        actual_units=came + noise * rng.standard_normal(came.shape),
        names=("move", "launch"),
        event_units=np.stack([move, launch]),
        is_usable=np.ones(came.shape, dtype=np.bool_),
        rate_usd=np.array([1.0, 2.0, 0.5, 1.0]),
    )


@given(first=st.floats(0.0, 3.0), second=st.floats(0.2, 3.0), ratio=st.floats(0.5, 2.0))
def test_sizes_and_organic_demand_are_told_apart_exactly_where_nothing_is_noise(first, second, ratio):
    found = find_events(cells(np.random.default_rng(0), factors=(first, second), ratio=ratio))
    assert_allclose([event.factor for event in found.events], [first, second], atol=1e-6)
    assert_allclose(found.organic_ratio, ratio)
    assert_allclose(found.surprise_units[0, 0, 20], -30.0 * (first - 1.0), atol=1e-5)
    assert_allclose(found.events[0].expected_units, -30.0 * 42 / N_DAYS)


def test_standard_errors_hold_the_truth_as_often_as_they_should():
    inside = 0
    for seed in range(24):
        found = find_events(cells(np.random.default_rng(seed), factors=(1.4, 0.8), noise=8.0))
        for event, truth in zip(found.events, (1.4, 0.8), strict=True):
            inside += abs(event.factor - truth) <= 2.0 * event.factor_error
    assert inside >= 0.8 * 48  # few weeks: a little less than the 95 % of many


def test_an_event_that_the_days_do_not_show_keeps_its_size():
    given_cells = cells(np.random.default_rng(0), factors=(1.0, 1.0))
    short = DemandCells(
        pools=given_cells.pools,
        expected_units=given_cells.expected_units[:, :18],
        actual_units=given_cells.actual_units[:, :18],
        names=given_cells.names,
        event_units=given_cells.event_units,
        is_usable=given_cells.is_usable[:, :18],
        rate_usd=given_cells.rate_usd,
    )
    found = find_events(short)
    assert [event.is_seen for event in found.events] == [False, False]
    assert np.isnan(found.events[1].factor)
    assert_allclose(found.surprise_units, 0.0, atol=1e-9)


def test_days_of_anomalies_say_nothing():
    given_cells = cells(np.random.default_rng(0), factors=(1.0, 1.0))
    spoiled = np.array(given_cells.actual_units)
    spoiled[2, 40] = 5_000.0
    usable = np.array(given_cells.is_usable)
    usable[2, 40] = False
    found = find_events(
        DemandCells(
            pools=given_cells.pools,
            expected_units=given_cells.expected_units,
            actual_units=spoiled,
            names=given_cells.names,
            event_units=given_cells.event_units,
            is_usable=usable,
            rate_usd=given_cells.rate_usd,
        )
    )
    assert_allclose([event.factor for event in found.events], 1.0, atol=1e-6)


def test_a_pool_without_a_day_free_of_events_takes_the_ratio_of_its_group():
    event = np.zeros((1, 3, 20))
    event[0, 0] = 50.0
    expected = np.array([[150.0] * 20, [100.0] * 20, [100.0] * 20])
    found, _ = organic_ratio(
        DemandCells(
            pools=("g/a", "g/b", "h/c"),
            expected_units=expected,
            actual_units=expected * np.array([[9.0], [1.2], [0.7]]),
            names=("always",),
            event_units=event,
            is_usable=np.ones((3, 20), dtype=np.bool_),
            rate_usd=np.ones(3),
        )
    )
    assert_allclose(found, [1.2, 1.2, 0.7])


@pytest.mark.parametrize(
    ("rows", "units"), [([[3.0, 3.0], [1.0, 1.0]], 4.0), ([[-3.0, -1.0], [5.0, 1.0]], -2.0), ([[0.0, 0.0]], 0.0)]
)
def test_a_move_is_as_large_as_what_it_takes(rows, units):
    assert net_units(np.array(rows)) == units
