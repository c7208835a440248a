from dataclasses import replace

import numpy as np
import pytest

from forecasting.daily import daily_history
from forecasting.decompose import decomposition, staged_means
from forecasting.found_events import group_shifts, shift_events
from forecasting.roadmap import Event, EventKind, RampShape


def growth_units(made, window, *, kind=None):
    return sum(p.units for p in made.parts if p.pool is None and p.window == window and kind in (None, p.kind))


def migration(start_hour, **fields):
    given_fields = {
        "name": "a to b",
        "kind": EventKind.MIGRATION,
        "from_pools": ("g/a",),
        "to_shares": (("g/b", 1.0),),
        "start_hour": start_hour,
        "end_hour": start_hour + 24 * 10,
        "shape": RampShape.LINEAR,
    }
    return Event(**(given_fields | fields))


def parts_of(made, window, pool):
    return {p.name: p.units for p in made.decomposition.parts if p.window == window and p.pool == pool}


@pytest.fixture(scope="module")
def fleet(make_history):
    """A pool of 100 moves to a new one over ten days, 60 days before the end; both grow by nothing else."""
    done = np.clip((np.arange(24 * 500) - 24 * 440) / 240, 0, 1)
    return make_history(np.stack([100 * (1 - done), 20 + 100 * done]))


def test_a_declared_migration_is_all_of_the_growth_of_its_pools(fleet, make_forecast):
    made = make_forecast(fleet, events=[migration(fleet.start_hour + 24 * 440)])
    for window in ("last 90 days", "last 365 days"):
        np.testing.assert_allclose(parts_of(made, window, "g/a")["a to b"], -100)
        np.testing.assert_allclose(parts_of(made, window, "g/b")["a to b"], 100)
        np.testing.assert_allclose(parts_of(made, window, "g/a")["organic"], 0, atol=1e-9)
        np.testing.assert_allclose(parts_of(made, window, "g/b")["organic"], 0, atol=1e-9)
        np.testing.assert_allclose(growth_units(made.decomposition, window), 0, atol=1e-9)


def test_an_undeclared_migration_counts_as_organic(fleet, make_forecast):
    made = make_forecast(fleet)
    assert parts_of(made, "last 90 days", "g/b") == {"organic": pytest.approx(100)}


def test_parts_add_up_to_the_growth_of_every_pool_and_of_the_total(make_history, make_forecast):
    rng = np.random.default_rng(0)
    past = make_history(rng.gamma(20, [[2.0], [1.0]], (2, 24 * 450)) * np.exp(np.arange(24 * 450) / 24 / 900))
    events = [
        migration(past.start_hour + 24 * 420, size=0.7, conversion=0.8),
        Event(
            name="launch",
            kind=EventKind.LAUNCH,
            to_shares=(("g/b", 1.0),),
            add_units=10.0,
            start_hour=past.end_hour + 24 * 5,
            end_hour=past.end_hour + 24 * 6,
            probability=0.5,
        ),
    ]
    made = make_forecast(past, n_days=90, events=events)
    units = past.units.reshape(2, 450, 24).mean(axis=2)
    weights, future = made.scenarios.weights, made.scenarios.units[:, :, -24 * 28 :].mean(axis=2)
    grown = {
        "last 90 days": units[:, -28:].mean(axis=1) - units[:, -118:-90].mean(axis=1),
        "last 365 days": units[:, -28:].mean(axis=1) - units[:, -393:-365].mean(axis=1),
        "horizon": weights @ future - units[:, -28:].mean(axis=1),
    }
    for window, growth in grown.items():
        for row, pool in enumerate(("g/a", "g/b")):
            np.testing.assert_allclose(sum(parts_of(made, window, pool).values()), growth[row], rtol=1e-9)
        np.testing.assert_allclose(sum(parts_of(made, window, None).values()), growth.sum(), rtol=1e-9)
        by_kind = [growth_units(made.decomposition, window, kind=kind) for kind in ("organic", "inorganic")]
        np.testing.assert_allclose(sum(by_kind), growth_units(made.decomposition, window), rtol=1e-9)
    np.testing.assert_allclose(
        parts_of(made, "horizon", "g/b")["launch"], 10 * 0.5, atol=2.5
    )  # half of the paths, give or take


def test_windows_that_history_does_not_hold_are_left_out(make_history, make_forecast):
    made = make_forecast(make_history(np.ones(24 * 117)))
    assert {p.window for p in made.decomposition.parts} == {"horizon"}
    made = make_forecast(make_history(np.ones(24 * 118)))
    assert {p.window for p in made.decomposition.parts} == {"last 90 days", "horizon"}


def growth(history, events, *, future=None, weights=None, found=()):
    """Growth by events as they are; of the horizon from demand by stage and scenario."""
    daily = daily_history(history, events, as_of_hour=history.end_hour)
    unseen = np.zeros((len(events) + 1, 1, len(daily.pools)))
    made = decomposition(
        daily,
        events,
        future=unseen if future is None else future,
        weights=np.ones(1) if weights is None else weights,
        means=staged_means(daily, (*events, *found)),
        found=found,
    )
    return {(part.window, part.pool, part.name): part for part in made.parts}


def test_the_interval_of_the_past_is_the_growth_at_either_end_of_the_size(fleet):
    event = migration(fleet.start_hour + 24 * 440, size=0.5, size_range=(0.3, 0.6))
    parts = growth(fleet, [event])
    for pool in ("g/a", "g/b"):
        part = parts["last 90 days", pool, "a to b"]
        ends = [growth(fleet, [replace(event, size=size)])["last 90 days", pool, "a to b"].units for size in (0.3, 0.6)]
        np.testing.assert_allclose([part.low_units, part.high_units], sorted([*ends]))
        organic = parts["last 90 days", pool, "organic"]
        whole = organic.units + part.units  # is known: what the one has more the other has less
        np.testing.assert_allclose([organic.low_units, organic.high_units], whole - np.array(sorted(ends))[::-1])


def test_without_events_organic_growth_is_known(make_history):
    parts = growth(make_history(np.random.default_rng(0).gamma(20, 2, 24 * 200)), [])
    part = parts["last 90 days", None, "organic"]
    assert part.low_units == part.units == part.high_units


def test_independent_uncertainties_of_organic_growth_add_in_squares(make_history):
    start = make_history(np.ones(24 * 300)).start_hour + 24 * 250
    given = {"kind": EventKind.LAUNCH, "to_shares": (("g/a", 1.0),), "start_hour": start, "end_hour": start + 24}
    events = [
        Event(name="one", add_units=10.0, size_range=(0.7, 1.4), **given),
        Event(name="two", add_units=20.0, size_range=(0.8, 1.1), **given),
    ]
    past = make_history(np.where(np.arange(24 * 300) < 24 * 250, 50.0, 80.0))
    part = growth(past, events)["last 90 days", None, "organic"]
    np.testing.assert_allclose(part.units, 0, atol=1e-9)
    np.testing.assert_allclose([part.low_units, part.high_units], [-np.hypot(4, 2), np.hypot(3, 4)])


def test_the_interval_of_the_horizon_is_that_of_the_scenarios(make_history):
    past = make_history(np.full(24 * 60, 10.0))
    start = past.end_hour + 24
    event = Event(
        name="to come",
        kind=EventKind.LAUNCH,
        to_shares=(("g/a", 1.0),),
        add_units=1.0,
        start_hour=start,
        end_hour=start + 24,
    )
    organic = np.arange(11.0, 21.0)
    future = np.stack([organic, organic + np.linspace(1, 10, 10)])[:, :, None]
    parts = growth(past, [event], future=future, weights=np.full(10, 0.1))
    whole, coming = parts["horizon", None, "organic"], parts["horizon", "g/a", "to come"]
    np.testing.assert_allclose([whole.low_units, whole.units, whole.high_units], [1, 5.5, 9])
    np.testing.assert_allclose([coming.low_units, coming.units, coming.high_units], [1, 5.5, 9])


def test_a_level_shift_that_nobody_declared_is_a_part_of_its_own(make_history):
    noise = np.exp(np.random.default_rng(0).normal(0, 0.02, (2, 24 * 200)))
    past = make_history(np.where(np.arange(24 * 200) < 24 * 150, 50.0, 75.0) * noise)
    daily = daily_history(past, (), as_of_hour=past.end_hour)
    found = shift_events(daily, group_shifts(daily, [""] * 200))
    parts = growth(past, [], found=found)
    shift = parts["last 90 days", None, "level shift g 2023-06-01"]
    assert shift.is_found
    np.testing.assert_allclose(shift.units, 50, rtol=0.05)
    np.testing.assert_allclose(parts["last 90 days", None, "organic"].units, 0, atol=2.5)
    assert shift.low_units < shift.units < shift.high_units
    assert not parts["last 90 days", None, "organic"].is_found
