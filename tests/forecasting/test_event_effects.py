import numpy as np
import pytest

from forecasting.daily import daily_history
from forecasting.event_effects import DECLARED, ESTIMATED, estimated_events
from forecasting.roadmap import Event, EventKind, RampShape

N_DAYS = 500
POOLS = ("g/a", "g/b")


@pytest.fixture
def fleet(make_history):
    """Makes two pools with weeks and noise; what it is given changes their daily demand of shape (2, n_days)."""

    def made(change=lambda _units: None, *, n_days=N_DAYS, seed=0, noise=0.02):
        rng = np.random.default_rng(seed)
        week = np.where(np.arange(n_days) % 7 < 5, 1.0, 0.8)
        growth = np.exp(0.0005 * np.arange(n_days) + np.cumsum(rng.normal(0, 0.002, n_days)))
        units = np.array([[100.0], [60.0]]) * week * growth * np.exp(rng.normal(0, noise, (2, n_days)))
        change(units)
        return make_history(np.repeat(units, 24, axis=1))

    return made


def event(history, kind, day, n_days=1, **fields):
    start = history.start_hour + 24 * day
    targets = {"to_shares": (("g/b", 1.0),)} if kind is not EventKind.EFFICIENCY else {}
    given = {"name": f"{kind} on {day}", "kind": kind, "start_hour": start, "end_hour": start + 24 * n_days}
    return Event(**(given | targets | fields))


def estimated(history, events, **fields):
    return estimated_events(daily_history(history, events, as_of_hour=history.end_hour), events, **fields)


def migration(history, day, n_days, **fields):
    return event(history, EventKind.MIGRATION, day, n_days, from_pools=("g/a",), shape=RampShape.LINEAR, **fields)


def pulse(history, day, n_days=3, **fields):
    return event(history, EventKind.PROMOTION, day, n_days, shape=RampShape.PULSE, **fields)


def moves(day, n_days, fraction):
    """Change that moves a part of the first pool to the second."""

    def change(units):
        done = np.clip((np.arange(units.shape[1]) + 0.5 - day) / n_days, 0, 1)
        moved = units[0] * done * fraction
        units[0] -= moved
        units[1] += moved

    return change


def test_the_part_of_a_migration_that_really_moved_is_estimated(fleet):
    history = fleet(moves(300, 30, 0.55))
    made = estimated(history, [migration(history, 300, 30, size=1.0)])
    (effect,) = made.effects
    assert effect.source == ESTIMATED
    assert effect.declared_fraction == -1.0
    assert effect.low_fraction < -0.55 < effect.high_fraction
    np.testing.assert_allclose(made.events[0].size, 0.55, atol=0.04)
    low, high = made.events[0].size_range
    assert low < made.events[0].size < high
    np.testing.assert_allclose(effect.units, effect.fraction * effect.base_units)


def test_a_migration_that_left_nothing_moved_everything(fleet):
    history = fleet(moves(300, 30, 1.0))
    made = estimated(history, [migration(history, 300, 30, size=0.7)])
    np.testing.assert_allclose(made.events[0].size, 1.0, atol=0.02)


def test_a_move_that_is_over_takes_the_size_it_had_and_one_under_way_keeps_its_declared_one(fleet):
    over = fleet(moves(300, 60, 0.5))
    np.testing.assert_allclose(estimated(over, [migration(over, 300, 60, size=0.9)]).events[0].size, 0.5, atol=0.05)
    history = fleet(moves(470, 60, 0.5))
    made = estimated(history, [migration(history, 470, 60, size=0.9)])
    assert made.events[0].size == 0.9
    assert made.events[0].size_range is None
    assert "Under way: demand shows" in made.effects[0].note


@pytest.mark.parametrize("declared", [10.0, 25.0, 80.0])
def test_units_added_by_a_launch_are_estimated_whatever_was_declared(fleet, declared):
    def change(units):
        units[1, 300:] += 25.0

    sizes = []
    for seed in range(8):
        history = fleet(change, seed=seed)
        sizes.append(
            estimated(history, [event(history, EventKind.LAUNCH, 300, add_units=declared)]).events[0].add_units
        )
    np.testing.assert_allclose(sizes, 25.0, atol=3.0)
    np.testing.assert_allclose(np.mean(sizes), 25.0, atol=0.8)


def test_a_launch_on_a_pool_without_demand_is_all_that_runs_there(make_history):
    units = np.full((2, 24 * 200), 50.0)
    units[1, : 24 * 120] = 0.0
    history = make_history(units)
    made = estimated(history, [event(history, EventKind.LAUNCH, 120, add_units=20.0)])
    np.testing.assert_allclose(made.events[0].add_units, 50.0, rtol=0.02)


def test_an_event_that_came_to_nothing_is_said_to(fleet):
    history = fleet()
    made = estimated(history, [pulse(history, 300, multiply=1.5)])
    assert "shows nothing" in made.effects[0].note
    np.testing.assert_allclose(made.events[0].multiply, 1.0, atol=0.05)


def test_an_event_that_may_be_late_is_awaited_while_demand_shows_nothing(fleet):
    history = fleet()
    late = event(history, EventKind.LAUNCH, 480, add_units=40.0, slip_days=(0.0, 10.0, 60.0))
    made = estimated(history, [late])
    assert "late" in made.effects[0].note
    assert (made.events[0].add_units, made.events[0].start_hour) == (40.0, history.end_hour)
    assert made.events[0].slip_days == (0.0, 0.0, 40.0)
    assert made.effects[0].start_hour == late.start_hour
    overdue = event(history, EventKind.LAUNCH, 420, add_units=40.0, slip_days=(0.0, 10.0, 60.0))
    assert estimated(history, [overdue]).events[0].add_units < 8.0


def test_a_promotion_that_returns_is_predicted_from_its_past(fleet):
    days = (50, 150, 250, 350, 450)

    def change(units):
        for day, factor in zip(days, (1.35, 1.45, 1.4, 1.38, 1.42), strict=True):
            units[1, day : day + 3] *= factor

    history = fleet(change)
    events = [pulse(history, day, name=f"Sale {day}", multiply=1.2) for day in (*days, 560)]
    made = estimated(history, events)
    coming = made.effects[-1]
    assert (coming.source, coming.n_seen) == (ESTIMATED, 5)
    np.testing.assert_allclose(made.events[-1].multiply, 1.4, atol=0.06)
    low, high = made.events[-1].size_range
    assert low < 1 < high
    past = made.effects[0]
    assert coming.high_fraction - coming.low_fraction > past.high_fraction - past.low_fraction  # it may come otherwise


def test_a_label_is_enough_to_learn_an_effect_of_undeclared_size(fleet):
    days = (60, 160, 260, 360)

    def change(units):
        for day in days:
            units[1, day] *= 3.0

    history = fleet(change)
    events = [pulse(history, day, 1, recurring="final") for day in (*days, 530)]
    made = estimated(history, events)
    assert made.effects[-1].declared_fraction is None
    np.testing.assert_allclose(made.events[-1].multiply, 3.0, rtol=0.1)
    alone = estimated(history, [pulse(history, 530, 1, recurring="never seen")])
    assert alone.events[0].multiply == 1.0
    assert "do nothing" in alone.effects[0].note


def test_added_units_of_the_past_teach_a_label_without_a_size(fleet):
    def change(units):
        units[1, 300:303] *= 1.5

    history = fleet(change)
    events = [pulse(history, 300, recurring="x", add_units=10.0), pulse(history, 520, recurring="x")]
    made = estimated(history, events)
    assert 1.15 < made.events[1].multiply < 1.5


def test_two_events_at_once_share_what_they_did_as_declared(fleet):
    def change(units):
        units[1, 300:304] *= 1.44

    history = fleet(change)
    twins = [pulse(history, 300, 4, name=name, multiply=1.2) for name in ("alpha", "beta")]
    made = estimated(history, twins)
    factors = [made.events[0].multiply, made.events[1].multiply]
    np.testing.assert_allclose(factors, 1.2, atol=0.03)


def test_a_migration_onto_the_pool_does_not_disturb_its_promotion(fleet):
    def change(units):
        units[1, 200:203] *= 1.4
        moves(300, 20, 0.9)(units)

    history = fleet(change)
    events = [migration(history, 300, 20, size=0.9), pulse(history, 200, multiply=1.1)]
    np.testing.assert_allclose(estimated(history, events).events[1].multiply, 1.4, atol=0.06)


def test_a_promotion_on_a_holiday_is_measured_on_top_of_it(fleet):
    days = np.arange(N_DAYS)
    is_holiday = days % 50 == 10

    def change(units):
        units[:, is_holiday] *= 0.6
        units[1, 310] *= 1.5

    history = fleet(change)
    names = ["day off" if off else "" for off in is_holiday]
    made = estimated(history, [pulse(history, 310, 1, multiply=1.2)], holidays=names)
    np.testing.assert_allclose(made.events[0].multiply, 1.5, atol=0.12)


def test_what_is_still_to_come_began_before_the_data_or_has_no_size_stays_as_declared(fleet):
    history = fleet()
    cliff = Event(
        name="cliff",
        kind=EventKind.CAPACITY_CLIFF,
        to_shares=(("g/a", 1.0),),
        threshold_units=5.0,
        start_hour=history.start_hour,
        end_hour=history.end_hour,
    )
    events = [
        pulse(history, 600, multiply=1.5, size_range=(0.8, 1.4)),
        event(history, EventKind.LAUNCH, -20, add_units=5.0),
        event(history, EventKind.EFFICIENCY, 300, from_pools=("g/gone",), size=0.3),
        cliff,
    ]
    made = estimated(history, events)
    assert made.events == tuple(events)
    assert [effect.source for effect in made.effects] == [DECLARED] * 3
    assert made.effects[0].low_fraction < 0.5 < made.effects[0].high_fraction


@pytest.mark.parametrize(
    "units",
    [
        np.ones((2, 24 * 60)),
        np.where(np.arange(24 * 60) % 97 == 0, 3.0, 0.0) * np.ones((2, 1)),
        np.repeat([[1e9], [1e-9]], 24 * 60, axis=1),
        np.vstack([np.zeros(24 * 60), np.arange(24 * 60)]),
    ],
    ids=["constant", "intermittent", "huge and tiny", "nothing and a ramp"],
)
def test_odd_histories_give_finite_sizes(make_history, units):
    history = make_history(units)
    events = [
        migration(history, 20, 10, size=0.5),
        event(history, EventKind.LAUNCH, 30, add_units=5.0),
        pulse(history, 40, multiply=0.0),
        event(history, EventKind.EFFICIENCY, 59, from_pools=POOLS, size=1.0),
        event(history, EventKind.EFFICIENCY, 1, from_pools=POOLS, size=0.0),
    ]
    made = estimated(history, events)
    numbers = [[e.size, e.multiply or 0.0, e.add_units or 0.0, *(e.size_range or (0.0, 0.0))] for e in made.events]
    assert np.all(np.isfinite(numbers))
    assert np.min(numbers) >= 0
    assert all(np.isfinite([e.low_units, e.units, e.high_units]).all() for e in made.effects)


def test_the_future_changes_no_estimate(fleet):
    history = fleet(moves(300, 30, 0.5))
    events = [migration(history, 300, 30, size=0.8)]
    as_of = history.start_hour + 24 * 400
    seen = estimated_events(daily_history(history, events, as_of_hour=as_of), events)
    short = estimated_events(
        daily_history(history.between(history.start_hour, as_of), events, as_of_hour=as_of), events
    )
    assert seen == short


@pytest.mark.slow
def test_intervals_of_sizes_hold_as_often_as_they_say(fleet):
    rng = np.random.default_rng(7)
    held = []
    for seed in range(60):
        truth = rng.uniform(0.2, 0.8)
        history = fleet(moves(320, 25, truth), seed=seed)
        (made,) = estimated(history, [migration(history, 320, 25, size=min(truth * rng.uniform(0.6, 1.5), 1.0))]).events
        held.append(made.size_range[0] <= truth <= made.size_range[1])
    np.testing.assert_allclose(np.mean(held), 0.8, atol=0.12)
