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


def test_the_moved_fraction_is_read_from_the_mix_so_that_growth_is_no_move(measured):
    event, daily = measured(300, 500, 0.4)
    mix_before, mix_now = 100 / 150, (100 - 40 * 0.965) / 150
    np.testing.assert_allclose(moved_fraction(event, daily), 1 - mix_now / mix_before, atol=0.01)


def test_demand_alone_tells_of_efficiency(measured):
    event, daily = measured(300, 500, 0.4, kind=EventKind.EFFICIENCY)
    assert 0.25 < moved_fraction(event, daily) < 0.4  # growth hides a part


@pytest.mark.parametrize("shape", [RampShape.LINEAR, RampShape.LOGISTIC])
def test_a_ramp_under_way_runs_through_what_demand_shows_and_ends_as_declared(measured, shape):
    event, daily = measured(300, 420, 0.3, shape=shape)
    made = ongoing(event, daily).event
    assert made.size == 1.0
    last_week = np.arange(daily.origin_hour - 7 * 24, daily.origin_hour)
    np.testing.assert_allclose(progress(made, last_week).mean(), moved_fraction(event, daily), atol=0.05)
    ends = progress(made, np.array([event.start_hour - 1, event.end_hour]))[0]
    np.testing.assert_array_equal(ends, [0.0, 1.0])
    hours = np.arange(event.start_hour, event.end_hour)
    assert np.all(np.diff(progress(made, hours)[0]) >= 0)


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
    for start, end, shown in ((300, 340, 1.0), (N_DAYS, N_DAYS + 10, 0.0), (3, 500, 0.5)):
        event, daily = measured(start, end, shown)
        assert ongoing(event, daily) is None
    event, daily = measured(300, 500, 0.5, size=0.0)
    assert ongoing(event, daily) is None
