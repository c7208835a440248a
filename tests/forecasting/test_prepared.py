from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.declared_relations import Relation
from forecasting.drivers import ALWAYS_KNOWN_DAY, Drivers
from forecasting.events import apply_change, future_change
from forecasting.forecast import prepare_forecast
from forecasting.prepared import SpikeDraws, in_blocks, sparse_spikes, staged
from forecasting.request import ForecastRequest, ForecastSettings
from forecasting.roadmap import Event, EventKind, RampShape, Roadmap

DAY = 24
N_DAYS = 200
N_AHEAD = 100
POOLS = ("g/a", "g/b", "h/c")


def doubling(first_day, origin_day):
    """A driver that stood at 50 and is foreseen to double on the first day after history, and to stay there."""
    return Drivers(
        source="drivers.csv",
        names=("dau",),
        codes=np.zeros(4, dtype=np.int64),
        days=np.array([first_day, origin_day - 1, origin_day, origin_day + N_AHEAD]),
        known_days=np.full(4, ALWAYS_KNOWN_DAY),
        values=np.array([50.0, 50.0, 100.0, 100.0]),
        lows=np.array([50.0, 50.0, 100.0, 100.0]),
        highs=np.array([50.0, 50.0, 100.0, 100.0]),
    )


@pytest.fixture(scope="module")
def made(make_history):
    """A forecast prepared with spikes, two events and a driver that doubles; 3 pools in 2 groups."""
    rng = np.random.default_rng(0)
    wave = 1 + 0.3 * np.sin(2 * np.pi * np.arange(DAY * N_DAYS) / DAY)
    level = np.exp(np.cumsum(0.01 * rng.standard_normal((3, N_DAYS)), axis=1))
    units = 50 * np.repeat(level, DAY, axis=1) * wave * np.exp(0.03 * rng.standard_normal((3, DAY * N_DAYS)))
    for day in range(5, N_DAYS, 9):
        units[0, DAY * day + 5 : DAY * day + 8] *= 4.0
    past = make_history(units, pools=POOLS)
    events = (
        Event(
            name="move",
            kind=EventKind.MIGRATION,
            from_pools=("g/a",),
            to_shares=(("g/new", 1.0),),
            start_hour=past.end_hour + DAY * 10,
            end_hour=past.end_hour + DAY * 40,
            shape=RampShape.LINEAR,
            slip_days=(0.0, 5.0, 20.0),
        ),
        Event(
            name="launch",
            kind=EventKind.LAUNCH,
            to_shares=(("h/c", 1.0),),
            add_units=70.0,
            start_hour=past.end_hour + DAY * 50,
            end_hour=past.end_hour + DAY * 51,
            probability=0.5,
        ),
    )
    hours = np.arange(past.end_hour, past.end_hour + DAY * N_AHEAD)
    request = ForecastRequest(
        as_of_hour=past.end_hour,
        hours=hours,
        hour_weights=np.ones(len(hours)),
        settings=ForecastSettings(n_paths=40, n_scenarios=15),
        drivers=doubling(past.start_hour // DAY, past.end_hour // DAY),
    )
    relation = Relation(groups=("g",), elasticities=(("dau", 1.0),))
    roadmap = Roadmap(events=events, relations=(relation,))
    return prepare_forecast(past, roadmap, request, np.random.default_rng(1))


@pytest.fixture(scope="module")
def whole(made):
    return made.prepared.hourly(made.request.hours)


def test_the_example_holds_all_that_can_act(made, whole):
    assert made.prepared.daily.pools == ("g/a", "g/b", "g/new", "h/c")
    assert whole.shape == (15, 6, DAY * N_AHEAD)
    assert whole.min() >= 0.0
    assert len(made.prepared.spikes[0].hours) > 0
    assert len(made.prepared.events) == 2


def test_scenarios_are_paths_of_all_that_were_drawn_spikes_and_all(made, whole):
    assert len(made.every.weights) == 40
    assert len(made.kept) == 15
    np.testing.assert_allclose(made.every.hourly(made.request.hours)[made.kept], whole, rtol=1e-12)


def test_spikes_of_scenarios_are_those_of_their_paths(made):
    n_hours = len(made.request.hours)
    for every, kept in zip(made.every.spikes, made.prepared.spikes, strict=True):
        dense = every.on(np.arange(n_hours), 40)
        np.testing.assert_array_equal(kept.on(np.arange(n_hours), 15), dense[made.kept])


def test_blocks_are_the_whole(made, whole):
    for n_days in (9, 64):
        blocks = [made.prepared.hourly(block) for block in in_blocks(made.request.hours, n_days=n_days)]
        np.testing.assert_allclose(np.concatenate(blocks, axis=2), whole, rtol=1e-12)


@given(seed=st.integers(0, 10**6))
def test_some_hours_are_the_same_hours_of_the_whole(made, whole, seed):
    rng = np.random.default_rng(seed)
    some = np.sort(rng.choice(DAY * N_AHEAD, size=rng.integers(1, 60), replace=False))
    np.testing.assert_allclose(made.prepared.hourly(made.request.hours[some]), whole[:, :, some], rtol=1e-12)


def test_laying_out_takes_no_random_number(made, whole):
    assert made.prepared.hourly(made.request.hours).tobytes() == whole.tobytes()


def test_a_driver_that_doubles_doubles_exactly_the_demand_that_follows_it(made):
    with_drivers = replace(made.prepared, events=())
    without = replace(with_drivers, drivers=None)
    ratios = [one.hourly(made.request.hours) for one in (with_drivers, without)]
    follows = np.array([pool.startswith("g/") for pool in made.prepared.daily.pools] + [True, False])
    np.testing.assert_allclose(ratios[0][:, follows], 2.0 * ratios[1][:, follows], rtol=1e-9)
    np.testing.assert_array_equal(ratios[0][:, ~follows], ratios[1][:, ~follows])


def test_days_are_the_means_of_their_hours_but_for_spikes(made):
    """A group is exact; reaching its peak changes the days of its pools a little against each other."""
    plain = replace(made.prepared, spikes=(), events=(), drivers=None)
    ahead = np.array([0, 3, 40, 99])
    days = made.prepared.daily.origin_day + ahead
    hours = (days[:, None] * DAY + np.arange(DAY)).reshape(-1)
    means = plain.hourly(hours).reshape(15, 6, 4, DAY).mean(axis=3)
    daily = plain.baseline.daily_units(plain.draws, ahead)
    for group in range(2):
        rows = plain.baseline.rows(group)
        np.testing.assert_allclose(means[:, rows].sum(axis=1), daily[:, rows].sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(means[:, :4], plain.daily_means(days), rtol=0.01)


def test_days_know_the_events_at_noon(made):
    plain = replace(made.prepared, spikes=())
    organic = replace(plain, events=())
    days = made.prepared.daily.origin_day + np.arange(N_AHEAD)
    expected = organic.daily_means(days)
    for event, draws in made.prepared.events:
        change = future_change(event, draws, days * DAY + 12, origin_hour=made.prepared.daily.origin_hour)
        apply_change(expected, made.prepared.daily.pools, event, change)
    np.testing.assert_allclose(plain.daily_means(days), expected)


def test_spikes_only_raise_and_each_group_by_its_own(made):
    without = replace(made.prepared, spikes=(), events=()).hourly(made.request.hours)
    raised = replace(made.prepared, events=()).hourly(made.request.hours)
    assert np.all(raised >= without - 1e-9)
    assert raised.sum() > without.sum()
    one = made.prepared.spikes[0]
    first = replace(made.prepared, events=(), spikes=(one, SpikeDraws(paths=[], hours=[], factors=[])))
    np.testing.assert_array_equal(first.hourly(made.request.hours)[:, [3, 5]], without[:, [3, 5]])


def test_events_are_told_before_the_first_and_after_each(made, whole):
    told = []
    made.prepared.hourly(made.request.hours, tell=lambda units: told.append(units.copy()))
    assert len(told) == 3
    organic = replace(made.prepared, events=()).hourly(made.request.hours)[:, :4]
    one = replace(made.prepared, events=made.prepared.events[:1]).hourly(made.request.hours)[:, :4]
    for stage, expected in zip(told, (organic, one, whole[:, :4]), strict=True):
        np.testing.assert_array_equal(stage, expected)
    moved = told[1] - told[0]
    np.testing.assert_allclose(moved[:, 0], -moved[:, 2], atol=1e-9)
    assert set(np.unique(np.round(told[2] - told[1], 6))) == {0.0, 70.0}


def test_stages_are_weighted_means_of_what_is_told(made, whole):
    weights = np.arange(1.0, 1.0 + len(made.request.hours))
    stages = staged(made.prepared, made.request.hours, weights)
    assert stages.shape == (3, 15, 4)
    np.testing.assert_allclose(stages[-1], (whole[:, :4] * weights).sum(axis=2) / weights.sum())


@given(seed=st.integers(0, 10**6))
def test_sparse_spikes_are_the_dense_ones_on_any_hours(seed):
    rng = np.random.default_rng(seed)
    dense = 1.0 + np.where(rng.random((4, 50)) < 0.1, rng.gamma(1.0, size=(4, 50)), 0.0)
    wanted = np.sort(rng.choice(50, size=rng.integers(1, 50), replace=False))
    np.testing.assert_array_equal(sparse_spikes(dense).on(wanted, 4), dense[:, wanted])


@given(
    start=st.integers(0, 100),
    steps=st.lists(st.integers(1, 60), max_size=80),
    n_days=st.integers(1, 9),
)
def test_blocks_hold_every_hour_once_and_are_cut_at_midnight(start, steps, n_days):
    hours = start + np.cumsum([0, *steps])
    blocks = in_blocks(hours, n_days=n_days)
    np.testing.assert_array_equal(np.concatenate(blocks), hours)
    for block in blocks:
        assert len(block) > 0
        assert block[-1] // DAY - block[0] // DAY < n_days
    for before, after in pairwise(blocks):
        assert before[-1] // DAY < after[0] // DAY
