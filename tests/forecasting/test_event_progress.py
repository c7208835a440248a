from dataclasses import replace

import numpy as np
import pytest

from forecasting.daily import daily_history
from forecasting.event_progress import GRACE_DAYS, moved_fraction, ongoing
from forecasting.events import past_change, progress
from forecasting.roadmap import Event, EventKind, RampShape

N_DAYS = 400


@pytest.fixture
def measured(make_history):
    """Makes (event, daily history): a move of pool a, of which demand shows a fraction by the end of history."""

    def made(start_day, end_day, shown, *, kind=EventKind.MIGRATION, shape=RampShape.LINEAR, **fields):
        days = np.arange(N_DAYS)
        elapsed = np.clip((days + 0.5 - start_day) / max(N_DAYS - start_day, 1), 0, 1)
        gone = 100.0 * shown * elapsed
        gains = kind in (EventKind.MIGRATION, EventKind.TRANSFER)
        units = np.stack([100.0 - gone, 50.0 + gone * gains]) * np.exp(0.001 * days)
        history = make_history(np.repeat(units, 24, axis=1))
        event = Event(
            name="move",
            kind=kind,
            from_pools=("g/a",),
            to_shares=(("g/b", 1.0),) if gains else (),
            start_hour=history.start_hour + 24 * start_day,
            end_hour=history.start_hour + 24 * end_day,
            shape=shape,
            **fields,
        )
        return event, daily_history(history, (event,), as_of_hour=history.end_hour)

    return made


@pytest.fixture
def moving(make_history):
    """Makes (event, daily history): a move declared for some days that came along its shape on others."""

    def made(declared, came, *, part=1.0, shape=RampShape.LINEAR, noise=0.0, **fields):
        days = np.arange(N_DAYS)
        event = Event(
            name="move",
            kind=EventKind.MIGRATION,
            from_pools=("g/a",),
            to_shares=(("g/b", 1.0),),
            start_hour=24 * came[0],
            end_hour=24 * came[1],
            shape=shape,
            **fields,
        )
        gone = 100.0 * part * progress(event, 24 * days + 12)[0]
        rng = np.random.default_rng(0)
        units = np.stack([100.0 - gone, 50.0 + gone]) * rng.lognormal(0.0, noise, (2, N_DAYS))
        history = make_history(np.repeat(units, 24, axis=1))
        start, end = (history.start_hour + 24 * day for day in declared)
        event = replace(event, start_hour=start, end_hour=end)
        return event, daily_history(history, (event,), as_of_hour=history.end_hour)

    return made


def test_the_moved_fraction_is_read_from_the_mix_so_that_growth_is_no_move(measured):
    event, daily = measured(300, 500, 0.4)
    mix_before, mix_now = 100 / 150, (100 - 40 * 0.965) / 150
    np.testing.assert_allclose(moved_fraction(event, daily), 1 - mix_now / mix_before, atol=0.01)


def test_demand_alone_tells_of_efficiency(measured):
    event, daily = measured(300, 500, 0.4, kind=EventKind.EFFICIENCY)
    assert 0.25 < moved_fraction(event, daily) < 0.4  # growth hides a part


@pytest.mark.parametrize(("shape", "shown"), [(RampShape.LINEAR, 0.78), (RampShape.LOGISTIC, 0.93)])
def test_a_ramp_under_way_runs_through_what_demand_shows_and_ends_as_declared(measured, shape, shown):
    event, daily = measured(300, 420, shown, shape=shape)  # by its dates 0.80 and 0.95 in the mean of the last week
    made = ongoing(event, daily).event
    assert (made.start_hour, made.end_hour) == (event.start_hour, event.end_hour)
    assert made.size == 1.0
    last_week = np.arange(daily.origin_hour - 7 * 24, daily.origin_hour)
    np.testing.assert_allclose(progress(made, last_week).mean(), moved_fraction(event, daily), atol=0.05)
    ends = progress(made, np.array([event.start_hour - 1, event.end_hour]))[0]
    np.testing.assert_array_equal(ends, [0.0, 1.0])
    hours = np.arange(event.start_hour, event.end_hour)
    assert np.all(np.diff(progress(made, hours)[0]) >= 0)


@pytest.mark.parametrize("late_days", [20, 40, 60])
@pytest.mark.parametrize("shape", [RampShape.LINEAR, RampShape.LOGISTIC])
def test_a_move_that_demand_shows_behind_its_dates_is_late_by_as_much(moving, shape, late_days):
    event, daily = moving((300, 420), (300 + late_days, 420 + late_days), shape=shape)
    made = ongoing(event, daily)
    assert made.note.startswith("Under way, about ")
    assert made.event.start_hour - event.start_hour == made.event.end_hour - event.end_hour
    np.testing.assert_allclose((made.event.end_hour - event.end_hour) / 24, late_days, atol=2)
    # how much later still it may end is as uncertain as the delay is long
    assert made.event.slip_days[:2] == (0.0, 0.0)
    np.testing.assert_allclose(made.event.slip_days[2], late_days, atol=2)
    last_week = np.arange(daily.origin_hour - 7 * 24, daily.origin_hour)
    np.testing.assert_allclose(progress(made.event, last_week).mean(), moved_fraction(event, daily), atol=0.01)


def test_a_few_days_behind_or_no_more_than_the_noise_is_no_delay(moving):
    for late_days, fields in ((10, {}), (40, {"noise": 0.3, "part": 0.1, "size": 0.1})):
        event, daily = moving((300, 420), (300 + late_days, 420 + late_days), **fields)
        made = ongoing(event, daily).event
        assert (made.start_hour, made.end_hour) == (event.start_hour, event.end_hour)


def test_a_move_under_way_by_its_dates_of_which_nothing_shows_begins_now_at_the_earliest(moving):
    event, daily = moving((340, 460), (420, 540))
    made = ongoing(event, daily)
    assert made.note.startswith("Late:")
    assert made.event.start_hour == daily.origin_hour
    assert made.event.end_hour - made.event.start_hour == event.end_hour - event.start_hour
    assert made.event.slip_days == (0.0, 60.0, 180.0)


@pytest.mark.parametrize("came", [(340, 380), (310, 390), (335, 336)])
def test_a_move_that_is_done_but_came_later_than_declared_is_moved_to_its_dates_and_size(moving, came):
    event, daily = moving((300, 320), came, part=0.55, size=0.5, size_range=(0.4, 0.6))
    made = ongoing(event, daily)
    late_days = sum(came) / 2 - 310
    assert made.note.startswith("Done, about ")
    np.testing.assert_allclose(int(made.note.split()[2]), late_days, atol=3)
    assert made.note.endswith(" days after its dates, as demand shows.")
    np.testing.assert_allclose(made.event.size, 0.55, atol=0.01)
    assert made.event.size_range is None
    hours = daily.first_day * 24 + np.arange(daily.n_days * 24)
    by_demand = 1 - daily.observed[0].ravel() / 100.0
    found = made.event.size * progress(made.event, hours)[0]
    np.testing.assert_allclose(found[: 24 * (came[0] - 5)], 0.0, atol=0.02)
    np.testing.assert_allclose(found[24 * (came[1] + 5) :], 0.55, atol=0.02)
    np.testing.assert_allclose(found.sum(), by_demand.sum(), rtol=0.06)


def test_what_has_moved_already_is_not_taken_back(measured):
    event, daily = measured(300, 420, 0.8, size=0.5)
    assert ongoing(event, daily).event.size > 0.7


def test_an_overdue_move_is_late_for_a_quarter_and_then_judged_by_what_it_did(measured):
    event, daily = measured(300, 340, 0.5)
    made = ongoing(event, daily)
    assert "Overdue" in made.note
    assert made.event.end_hour == daily.origin_hour + 24 * (N_DAYS - 340)
    moved = moved_fraction(event, daily)
    hours = np.array([event.start_hour - 1, event.end_hour, daily.origin_hour - 1, made.event.end_hour])
    np.testing.assert_allclose(progress(made.event, hours)[0], [0.0, moved, moved, 1.0])
    late = progress(made.event, hours, delay_hours=np.array([0.0, 240.0]))
    assert late[1, 2] == moved
    assert moved < late[1, 3] < 1.0
    assert past_change(made.event, np.array([daily.origin_hour - 1]), origin_hour=daily.origin_hour).after < 0.6
    long_ago, daily = measured(200, int(N_DAYS - GRACE_DAYS - 1), 0.5)
    assert ongoing(long_ago, daily) is None


def test_an_overdue_move_of_which_nothing_shows_is_yet_to_come(measured):
    event, daily = measured(340, 350, 0.0)
    made = ongoing(event, daily).event
    assert made.start_hour == daily.origin_hour
    assert made.end_hour - made.start_hour == event.end_hour - event.start_hour
    assert made.slip_days == (0.0, 60.0, 180.0)


def test_what_is_done_or_to_come_or_was_there_before_the_data_is_left_alone(measured):
    for start, end, shown in ((360, 395, 1.0), (N_DAYS, N_DAYS + 10, 0.0), (3, 500, 0.5)):
        event, daily = measured(start, end, shown)
        assert ongoing(event, daily) is None
    event, daily = measured(300, 500, 0.5, size=0.0)
    assert ongoing(event, daily) is None
