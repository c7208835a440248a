from dataclasses import replace

import pytest
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from forecasting.event_kinds import EventKind
from forecasting.history import History
from forecasting.roadmap import Event, Roadmap
from optimizer.jobs.backtest.planner import inputs_at
from optimizer.jobs.backtest.request import Setting, parse_variants
from optimizer.jobs.backtest.variants import (
    changed_roadmap,
    forecast_change,
    towards,
    without_increments,
    without_limits,
)
from optimizer.jobs.quarterly import solved_run
from optimizer.policy import Increments, Policy, Stranded

MOVE = Event(name="m", kind=EventKind.MIGRATION, start_hour=9_000, end_hour=9_240, size=0.8, size_range=(0.6, 1.0))


def test_late_declares_every_date_90_days_earlier_and_keeps_when_it_was_known():
    known = replace(MOVE, known_from_hour=5_000)
    (late,) = changed_roadmap(Roadmap(events=(known,), missing_hours="zero"), "late").events
    assert (late.start_hour, late.end_hour) == (9_000 - 2_160, 9_240 - 2_160)
    assert (late.known_from_hour, late.size, late.name) == (5_000, 0.8, "m")


@pytest.mark.parametrize(
    ("event", "halved"),
    [
        (MOVE, {"size": 0.4, "size_range": (0.3, 0.5)}),
        (replace(MOVE, kind=EventKind.LAUNCH, add_units=120.0, size_range=(0.5, 2.0)), {"add_units": 60.0}),
        (replace(MOVE, kind=EventKind.PROMOTION, multiply=1.5), {"multiply": 1.25}),
        (replace(MOVE, kind=EventKind.LAUNCH, add_drivers=(("dau", 10.0),)), {"add_drivers": (("dau", 5.0),)}),
        (replace(MOVE, kind=EventKind.PROMOTION, recurring="sale"), {}),
        (replace(MOVE, kind=EventKind.CAPACITY_CLIFF, threshold_units=7.0), {}),
    ],
)
def test_size_halves_the_effect_of_every_kind(event: Event, halved: dict[str, object]):
    (smaller,) = changed_roadmap(Roadmap(events=(event,)), "size").events
    assert smaller == replace(event, **halved)


def test_off_drops_events_and_nothing_else():
    assert changed_roadmap(Roadmap(events=(MOVE,), missing_hours="zero"), "off") == Roadmap(missing_hours="zero")


def test_variants_are_named_or_refused():
    assert parse_variants("all") == ("off", "late", "size", "halfway")
    assert parse_variants("exact, late,exact") == ("exact", "late")
    with pytest.raises(InputError, match=r"must be of off, late, size, halfway, exact, all, none, got 'early'"):
        parse_variants("late,early")


def test_without_limits_keeps_what_is_no_limit():
    policy = Policy(
        terms_months=(12,),
        cadence_months=1,
        discount_rate_yearly=0.05,
        stranded=Stranded(expected_fraction=0.01),
        increments=Increments(units=5.0),
        purchase_usd_per_date=1e6,
    )
    assert without_increments(policy) == policy.model_copy(update={"increments": Increments()})
    assert without_limits(policy) == Policy(terms_months=(12,), cadence_months=1, discount_rate_yearly=0.05)


@pytest.mark.slow
def test_towards_what_came_moves_every_scenario_and_only_hours_that_came(tiny_setting: Setting):
    given = inputs_at(tiny_setting, int(tiny_setting.dates[0]), ())
    forecast = solved_run(given, method="auto", tell=lambda _: None).forecast
    ours, actual = forecast.scenarios, tiny_setting.actual
    short = History(pools=actual.pools, start_hour=actual.start_hour, units=actual.units[:, : 24 * 60])
    for fraction in (0.5, 1.0):
        moved = towards(forecast, short, fraction=fraction).scenarios
        known = ours.hours < short.end_hour
        assert known.any()
        assert not known.all()
        came = short.units[short.pools.index("west/<b>batch")][ours.hours[known] - short.start_hour]
        row = ours.pools.index("west/<b>batch")
        expected = (1 - fraction) * ours.units[:, row][:, known] + fraction * came
        assert_allclose(moved.units[:, row][:, known], expected)
        assert_allclose(moved.units[:, :, ~known], ours.units[:, :, ~known])
    assert forecast_change("late", actual) is None
    assert_allclose(
        forecast_change("exact", short)(forecast).scenarios.units,
        towards(forecast, short, fraction=1.0).scenarios.units,
    )
