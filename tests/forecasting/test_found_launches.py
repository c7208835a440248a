import numpy as np
import pytest

from forecasting.daily import daily_history
from forecasting.event_effects import FOUND
from forecasting.found_launches import found_launches, launch_effects
from forecasting.roadmap import Event, EventKind

N_DAYS = 200
DAY = 24


@pytest.fixture
def group(make_history):
    """Makes daily history of an old pool and a new one that takes a part of its demand from the old one."""

    def made(age, *, given=0.0, size=30.0, noise=0.02, events=(), seed=0):
        rng = np.random.default_rng(seed)
        old = 95.0 * np.exp(rng.normal(0, noise, N_DAYS)) * np.where(np.arange(N_DAYS) % 7 < 5, 1.0, 0.8)
        new = np.where(np.arange(N_DAYS) >= N_DAYS - age, size, 0.0)
        history = make_history(np.repeat(np.stack([old - given * new, new]), DAY, axis=1), pools=("g/old", "g/new"))
        made_events = [event(history) for event in events]
        return daily_history(history, made_events, as_of_hour=history.end_hour), made_events

    return made


@pytest.mark.parametrize("age", [3, 10, 40, 150])
def test_a_pool_that_adds_demand_is_a_launch_of_its_size(group, age):
    daily, _ = group(age)
    (launch,) = found_launches(daily, ())
    assert launch.event.name == "launch of g/new"
    assert launch.event.start_hour == daily.origin_hour - age * DAY
    np.testing.assert_allclose(launch.event.add_units, 30.0)
    (effect,) = launch_effects([launch])
    assert effect.source == FOUND
    assert effect.low_units < effect.units == launch.event.add_units < effect.high_units


@pytest.mark.parametrize(
    "case",
    [
        pytest.param({"age": 40, "given": 1.0}, id="a successor takes its demand from another"),
        pytest.param({"age": 1}, id="one day says nothing"),
        pytest.param({"age": 190}, id="too little came before"),
        pytest.param({"age": 40, "size": 2.0, "noise": 0.1}, id="lost in the noise of the others"),
    ],
)
def test_what_is_no_launch_is_left_alone(group, case):
    daily, _ = group(**case)
    assert found_launches(daily, ()) == ()


def test_a_pool_that_an_event_names_is_accounted_for(group):
    def declared(history):
        start = history.end_hour - 40 * DAY
        fields = {"to_shares": (("g/new", 1.0),), "add_units": 30.0, "start_hour": start, "end_hour": start + DAY}
        return Event(name="launch", kind=EventKind.LAUNCH, **fields)

    daily, events = group(40, events=[declared])
    assert found_launches(daily, events) == ()


def test_a_found_launch_neither_takes_from_its_neighbour_nor_goes_on_growing(make_forecast, make_history):
    rng = np.random.default_rng(0)
    old = 95.0 * np.exp(rng.normal(0, 0.02, N_DAYS))
    new = np.where(np.arange(N_DAYS) >= N_DAYS - 10, 30.0, 0.0)
    past = make_history(np.repeat(np.stack([old, new]), DAY, axis=1), pools=("g/old", "g/new"))
    made = make_forecast(past, n_days=60, holiday_country="")
    expected = np.tensordot(made.scenarios.weights, made.scenarios.units, axes=1).mean(axis=1)
    assert made.scenarios.pools == ("g/new", "g/old")
    np.testing.assert_allclose(expected, [30.0, 95.0], rtol=0.08)
    assert [launch.event.name for launch in made.past.launches] == ["launch of g/new"]
