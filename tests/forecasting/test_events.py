import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.events import (
    NORMAL_Q90,
    Change,
    apply_change,
    declared_spans,
    draw_event,
    future_change,
    no_uncertainty,
    past_change,
    progress,
    shown_progress,
)
from forecasting.roadmap import Event, EventKind, RampShape

POOLS = ("a", "b", "c")
HOURS = np.arange(0, 400)


def event(**fields):
    given_fields = {
        "name": "e",
        "kind": EventKind.MIGRATION,
        "from_pools": ("a",),
        "to_shares": (("b", 1.0),),
        "start_hour": 100,
        "end_hour": 200,
        "shape": RampShape.LINEAR,
    }
    return Event(**(given_fields | fields))


def applied(one, *, now=0.0, after=1.0, size=1.0, units=None):
    demand = np.array([[[10.0], [4.0], [2.0]]]) if units is None else units.copy()
    change = Change(before=[[now]], after=np.atleast_2d(after), size=[[size]])
    apply_change(demand, POOLS, one, change)
    return demand


def test_progress_by_shape():
    marks = np.array([99, 100, 150, 199, 200, 300])
    assert progress(event(shape=RampShape.STEP), marks)[0].tolist() == [0, 1, 1, 1, 1, 1]
    assert progress(event(shape=RampShape.PULSE), marks)[0].tolist() == [0, 1, 1, 1, 0, 0]
    np.testing.assert_allclose(progress(event(), marks)[0], [0, 0, 0.5, 0.99, 1, 1])
    logistic = progress(event(shape=RampShape.LOGISTIC), np.array([99, 100, 150, 199, 200]))[0]
    np.testing.assert_allclose(logistic, [0, 0.01, 0.5, 1 / (1 + 99**-0.98), 1])


@given(shape=st.sampled_from([RampShape.STEP, RampShape.LINEAR, RampShape.LOGISTIC]), delay=st.floats(0, 150))
def test_a_late_ramp_is_the_same_ramp_later_and_never_ahead(shape, delay):
    on_time = progress(event(shape=shape), HOURS)[0]
    late = progress(event(shape=shape), HOURS, delay_hours=np.array([delay]))[0]
    assert np.all(late <= on_time + 1e-12)
    assert np.all(np.diff(late) >= 0)
    whole = int(delay)
    np.testing.assert_allclose(
        progress(event(shape=shape), HOURS, delay_hours=np.array([float(whole)]))[0][whole:],
        on_time[: len(HOURS) - whole],
    )


@given(
    conversion=st.floats(0.1, 3),
    size=st.floats(0, 1),
    ramp=st.floats(0, 1),
    share=st.floats(0, 1),
    amount=st.floats(0, 1e6),
)
def test_a_migration_moves_exactly_what_it_declares(conversion, size, ramp, share, amount):
    one = event(to_shares=(("b", share), ("c", 1.0 - share)), conversion=conversion)
    before = np.array([[[amount], [4.0], [2.0]]])
    after = applied(one, after=ramp, size=size, units=before)
    moved = amount * size * ramp
    np.testing.assert_allclose(
        after[0, :, 0],
        [amount - moved, 4 + moved * share * conversion, 2 + moved * (1 - share) * conversion],
        rtol=1e-9,
        atol=1e-9 * max(amount, 1.0),
    )


@given(size=st.floats(0.05, 0.95), middle=st.floats(0, 1), end=st.floats(0, 1))
def test_two_steps_of_an_event_are_one_step(size, middle, end):
    one = event()
    low, high = sorted((middle, end))
    in_two = applied(one, now=low, after=high, size=size, units=applied(one, after=low, size=size))
    np.testing.assert_allclose(in_two, applied(one, after=high, size=size), rtol=1e-9)


def test_a_running_migration_moves_only_what_is_left():
    seen = np.array([[[5.0], [9.0], [2.0]]])  # half of ten has moved
    after = applied(event(), now=0.5, after=1.0, units=seen)
    np.testing.assert_allclose(after[0, :, 0], [0.0, 14.0, 2.0])


@pytest.mark.parametrize("kind", [EventKind.EFFICIENCY, EventKind.SHUTDOWN], ids=str)
def test_savings_and_shutdowns_give_nothing_to_anyone(kind):
    after = applied(event(kind=kind), size=0.25)
    np.testing.assert_allclose(after[0, :, 0], [7.5, 4.0, 2.0])


def test_a_launch_adds_its_units_by_shares():
    launch = event(kind=EventKind.LAUNCH, from_pools=(), to_shares=(("b", 0.75), ("c", 0.25)), add_units=120.0)
    np.testing.assert_allclose(applied(launch, after=0.5, size=1.1)[0, :, 0], [10, 4 + 49.5, 2 + 16.5])
    ended = applied(launch, now=1.0, after=0.0, units=np.array([[[1.0], [90.0], [20.0]]]))
    np.testing.assert_allclose(ended[0, :, 0], [1, 0, 0])  # never below zero


def test_a_promotion_multiplies_each_of_its_pools_and_goes_back():
    promotion = event(kind=EventKind.PROMOTION, from_pools=(), to_shares=(("b", 0.5), ("c", 0.5)), multiply=1.5)
    up = applied(promotion)
    np.testing.assert_allclose(up[0, :, 0], [10, 6, 3])
    np.testing.assert_allclose(applied(promotion, now=1.0, after=0.0, units=up)[0, :, 0], [10, 4, 2])


def test_nothing_is_left_to_move_from_an_empty_pool():
    seen = np.array([[[0.3], [9.0], [2.0]]])
    np.testing.assert_allclose(applied(event(), now=1.0, after=1.0, units=seen), seen)
    np.testing.assert_allclose(applied(event(), now=1.0, after=0.0, units=seen), seen)  # it cannot come back


def test_pools_outside_the_axis_are_left_out():
    one = event(from_pools=("a", "unknown"), to_shares=(("b", 0.5), ("elsewhere", 0.5)))
    np.testing.assert_allclose(applied(one)[0, :, 0], [0, 9, 2])


def test_a_cliff_changes_no_demand():
    cliff = event(kind=EventKind.CAPACITY_CLIFF, threshold_units=5.0)
    assert future_change(cliff, no_uncertainty(cliff), HOURS, origin_hour=50) is None
    assert past_change(cliff, HOURS, origin_hour=300) is None


def test_a_finished_event_acts_no_more():
    for shape in RampShape:
        assert future_change(event(shape=shape), no_uncertainty(event()), HOURS, origin_hour=200) is None


def test_a_step_on_the_first_future_hour_is_still_to_come():
    step = event(shape=RampShape.STEP)
    change = future_change(step, no_uncertainty(step), np.arange(100, 110), origin_hour=100)
    assert change.before.item() == 0
    assert np.all(change.after == 1)
    assert past_change(step, HOURS, origin_hour=100) is None


def test_a_running_event_is_certain_and_only_its_rest_slips():
    one = event(probability=0.0, slip_days=(1.0, 1.0, 1.0))
    draws = draw_event(one, n_paths=3, rng=np.random.default_rng(0))
    change = future_change(one, draws, np.array([150, 160, 174, 199, 224]), origin_hour=151)
    np.testing.assert_allclose(change.before, 0.5)
    np.testing.assert_allclose(change.after, [[0.5, 0.5, 0.5, 0.75, 1.0]] * 3)


def test_a_running_pulse_ends_later_where_it_slips():
    pulse = event(shape=RampShape.PULSE, slip_days=(1.0, 1.0, 1.0))
    draws = draw_event(pulse, n_paths=1, rng=np.random.default_rng(0))
    change = future_change(pulse, draws, np.array([150, 223, 224]), origin_hour=150)
    assert change.after.tolist() == [[1, 1, 0]]


def test_an_event_that_does_not_happen_has_no_effect():
    never = event(probability=0.0)
    change = future_change(never, draw_event(never, n_paths=4, rng=np.random.default_rng(0)), HOURS, origin_hour=50)
    assert not change.after.any()


def test_draws_have_the_declared_probability_and_quantiles():
    one = event(probability=0.7, slip_days=(0.0, 30.0, 90.0), size=0.8, size_range=(0.6, 0.9))
    draws = draw_event(one, n_paths=40_000, rng=np.random.default_rng(7))
    np.testing.assert_allclose(draws.happens.mean(), 0.7, atol=0.01)
    np.testing.assert_allclose(np.quantile(draws.delay_hours / 24, [0.1, 0.5, 0.9]), [0.0, 30.0, 90.0], atol=1.5)
    np.testing.assert_allclose(np.quantile(draws.size, [0.1, 0.5, 0.9]), [0.6, 0.8, 0.9], atol=0.005)
    assert draws.delay_hours.min() == 0.0
    assert draws.size.min() >= 0.0
    assert draws.size.max() <= 1.0


def test_the_two_pieces_meet_the_normal_distribution():
    one = event(slip_days=(5.0 - NORMAL_Q90, 5.0, 5.0 + NORMAL_Q90))
    days = draw_event(one, n_paths=40_000, rng=np.random.default_rng(3)).delay_hours / 24
    np.testing.assert_allclose([days.mean(), days.std()], [5.0, 1.0], atol=0.02)


def test_a_certain_event_draws_no_uncertainty():
    draws = draw_event(event(size=0.4), n_paths=5, rng=np.random.default_rng(1))
    assert draws.happens.all()
    assert draws.delay_hours.tolist() == [0.0] * 5
    assert draws.size.tolist() == [0.4] * 5


@given(now=st.integers(101, 260), shape=st.sampled_from([RampShape.STEP, RampShape.LINEAR, RampShape.LOGISTIC]))
def test_restated_history_ends_in_the_state_of_today(now, shape):
    one = event(shape=shape, size=0.6)
    hours = np.arange(0, now)
    organic = np.stack([np.full(now, 10.0), np.full(now, 4.0), np.full(now, 2.0)])[None]
    observed = organic.copy()
    apply_change(observed, POOLS, one, Change(before=[[0.0]], after=progress(one, hours), size=[[0.6]]))
    apply_change(observed, POOLS, one, past_change(one, hours, origin_hour=now))
    done = shown_progress(one, origin_hour=now)
    np.testing.assert_allclose(observed[0, :, 0], [10 - 6 * done, 4 + 6 * done, 2.0])
    np.testing.assert_allclose(observed, np.broadcast_to(observed[:, :, -1:], observed.shape), rtol=1e-9)


def test_a_ramp_is_all_there_once_its_last_hour_has_passed():
    assert shown_progress(event(), origin_hour=199) == 0.98
    assert shown_progress(event(), origin_hour=200) == 1.0
    assert shown_progress(event(shape=RampShape.PULSE), origin_hour=200) == 1.0  # its last hour was the last seen


def test_the_span_of_a_pool_is_that_of_all_events_that_take_from_it():
    events = [
        event(start_hour=50 * 24 + 5, end_hour=60 * 24),
        event(kind=EventKind.SHUTDOWN, to_shares=(), start_hour=40 * 24, end_hour=41 * 24 + 1),
        event(kind=EventKind.LAUNCH, from_pools=(), add_units=5.0, start_hour=0, end_hour=900 * 24),
        event(kind=EventKind.EFFICIENCY, from_pools=("c", "elsewhere"), start_hour=7 * 24, end_hour=7 * 24),
    ]
    assert declared_spans(POOLS, events) == ((40, 60), None, (7, 7))
    assert declared_spans(POOLS, events[::-1]) == declared_spans(POOLS, events)
    assert declared_spans(POOLS, ()) == (None, None, None)


def test_the_last_day_of_a_span_is_whole():
    assert declared_spans(("a",), [event(start_hour=24, end_hour=49)]) == ((1, 3),)
    assert declared_spans(("a",), [event(start_hour=24, end_hour=48)]) == ((1, 2),)
