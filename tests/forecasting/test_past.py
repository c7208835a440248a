from dataclasses import replace

import numpy as np
import pytest

from forecasting.declared_relations import Relation
from forecasting.drivers import ALWAYS_KNOWN_DAY, Drivers
from forecasting.errors import InputError
from forecasting.event_effects import ESTIMATED
from forecasting.past import understood_past
from forecasting.request import ForecastRequest, ForecastSettings
from forecasting.roadmap import Event, EventKind, RampShape, Roadmap

DAY = 24
N_DAYS = 300
FOLLOWS = Roadmap(relations=(Relation(groups=("g",), elasticities=(("dau", 1.0),)),))


def daily_demand(seed=0):
    """Two pools with weeks and noise. Shape (2, n_days)."""
    rng = np.random.default_rng(seed)
    week = np.where(np.arange(N_DAYS) % 7 < 5, 1.0, 0.8)
    return np.array([[100.0], [60.0]]) * week * np.exp(rng.normal(0, 0.02, (2, N_DAYS)))


def as_hours(daily):
    return np.repeat(daily, DAY, axis=1)


def request_of(past, *, as_of_hour=None, **given):
    as_of_hour = past.end_hour if as_of_hour is None else as_of_hour
    hours = np.arange(as_of_hour, as_of_hour + DAY * 30)
    settings = ForecastSettings(holiday_country="")
    return ForecastRequest(
        as_of_hour=as_of_hour, hours=hours, hour_weights=np.ones(len(hours)), settings=settings, **given
    )


def promotion(past, day, *, n_days=7, **given):
    start = past.start_hour + DAY * day
    known = {"multiply": 1.4} | given
    return Event(
        name=f"sale {day}",
        kind=EventKind.PROMOTION,
        to_shares=(("g/a", 1.0),),
        start_hour=start,
        end_hour=start + DAY * n_days,
        shape=RampShape.PULSE,
        **known,
    )


def driver_file(first_day, values, *, known_days=None):
    n_rows = len(values)
    return Drivers(
        source="drivers.csv",
        names=("dau",),
        codes=np.zeros(n_rows, dtype=np.int64),
        days=first_day + np.arange(n_rows),
        known_days=np.full(n_rows, ALWAYS_KNOWN_DAY) if known_days is None else known_days,
        values=values,
        lows=values,
        highs=values,
    )


def test_a_promotion_twice_as_large_as_declared_is_estimated(make_history):
    daily = daily_demand()
    daily[0, 200:207] *= 1.8
    past = make_history(as_hours(daily))
    known = understood_past(past, Roadmap(events=(promotion(past, 200),)), request_of(past))
    (event,), (effect,) = known.events, known.effects
    np.testing.assert_allclose(event.multiply * event.size, 1.8, atol=0.08)
    assert effect.source == ESTIMATED
    np.testing.assert_allclose(effect.declared_fraction, 0.4)
    assert effect.low_fraction < 0.8 < effect.high_fraction


def test_a_promotion_that_is_over_is_taken_off_at_its_estimated_size(make_history):
    daily = daily_demand()
    usual = daily[0].copy()
    daily[0, 200:207] *= 1.8
    past = make_history(as_hours(daily))
    known = understood_past(past, Roadmap(events=(promotion(past, 200),)), request_of(past))
    np.testing.assert_allclose(known.daily.restated[0].mean(axis=1), usual, rtol=0.05)
    np.testing.assert_allclose(known.daily.observed[0].mean(axis=1), daily[0])


def test_spikes_are_listed_and_stay_in_daily_but_not_in_cleaned(make_history):
    units = as_hours(daily_demand())
    units[0, DAY * 150 + 3 : DAY * 150 + 6] *= 5.0
    past = make_history(units)
    known = understood_past(past, Roadmap(), request_of(past))
    ((spike,),) = known.spikes
    assert (spike.start_hour, spike.n_hours) == (past.start_hour + DAY * 150 + 3, 3)
    assert known.daily.restated[0, 150].max() > 400
    assert known.cleaned.restated[0, 150].max() < 130
    assert known.organic is known.cleaned
    assert known.drivers is None


def test_what_drivers_explain_is_taken_off_in_the_state_of_the_last_day(make_history):
    growth = np.linspace(1.0, 3.0, N_DAYS)
    past = make_history(as_hours(daily_demand() * growth))
    drivers = driver_file(past.start_hour // DAY, 1e6 * growth)
    known = understood_past(past, FOLLOWS, request_of(past, drivers=drivers))
    np.testing.assert_allclose(known.organic.restated, known.cleaned.restated * (3.0 / growth)[None, :, None])
    np.testing.assert_allclose(known.organic.restated[:, -1], known.cleaned.restated[:, -1])
    usual = 3.0 * daily_demand()
    np.testing.assert_allclose(known.organic.restated.mean(axis=2), usual, rtol=1e-6)
    assert any("Driver 'dau' is given up to" in sentence for sentence in known.assumptions)


def test_without_drivers_nothing_is_said_of_them(make_history):
    past = make_history(as_hours(daily_demand()))
    assert understood_past(past, FOLLOWS, request_of(past)).assumptions == ()


def test_events_stand_in_the_order_of_their_start_and_those_not_known_yet_are_left_out(make_history):
    past = make_history(as_hours(daily_demand()))
    late, early = promotion(past, 250), promotion(past, 100)
    hidden = promotion(past, 180, known_from_hour=past.end_hour + 1)
    known = understood_past(past, Roadmap(events=(late, hidden, early)), request_of(past))
    assert [event.name for event in known.events] == ["sale 100", "sale 250"]


def test_a_launch_given_in_drivers_becomes_a_factor(make_history):
    past = make_history(as_hours(daily_demand()))
    launch = replace(promotion(past, N_DAYS + 5), multiply=None, add_drivers=(("dau", 5e5),))
    drivers = driver_file(past.start_hour // DAY, np.full(N_DAYS, 1e6))
    known = understood_past(past, replace(FOLLOWS, events=(launch,)), request_of(past, drivers=drivers))
    np.testing.assert_allclose(known.events[0].multiply * known.events[0].size, 1.5)
    with pytest.raises(InputError, match="must have drivers to add to"):
        understood_past(past, replace(FOLLOWS, events=(launch,)), request_of(past))


def test_a_relation_to_an_unknown_driver_is_refused_by_the_name_of_its_file(make_history):
    past = make_history(as_hours(daily_demand()))
    wrong = Roadmap(relations=(Relation(elasticities=(("mau", 1.0),)),))
    request = request_of(past, drivers=driver_file(past.start_hour // DAY, np.ones(N_DAYS)), roadmap_source="road.yaml")
    with pytest.raises(InputError, match=r"(?s)road\.yaml is refused.*driver 'mau' must be in the driver file"):
        understood_past(past, wrong, request)


def test_nothing_at_or_after_as_of_is_read(make_history):
    cut = 240
    daily = daily_demand()
    daily[0, 200:207] *= 1.8
    past = make_history(as_hours(daily))
    altered = make_history(np.where(np.arange(DAY * N_DAYS) < DAY * cut, past.units, 1e6))
    first, as_of_hour = past.start_hour // DAY, past.start_hour + DAY * cut
    values = np.linspace(1.0, 2.0, N_DAYS)
    known_days = np.where(np.arange(N_DAYS) < cut, ALWAYS_KNOWN_DAY, first + cut + 1)
    events = (promotion(past, 200), promotion(past, 245))
    hidden = promotion(past, 150, known_from_hour=as_of_hour + 1)
    seen = []
    for history, end, told in ((past, 1.0, events), (altered, 50.0, (*events, hidden))):
        late = np.where(np.arange(N_DAYS) < cut, values, end)
        drivers = driver_file(first, late, known_days=known_days)
        request = request_of(history, as_of_hour=as_of_hour, drivers=drivers)
        seen.append(understood_past(history, replace(FOLLOWS, events=told), request))
    one, other = seen
    assert (one.events, one.effects, one.spikes) == (other.events, other.effects, other.spikes)
    assert (one.holidays, one.assumptions) == (other.holidays, other.assumptions)
    for name in ("daily", "cleaned", "organic"):
        assert getattr(one, name).restated.tobytes() == getattr(other, name).restated.tobytes()
    assert one.drivers.past_log_factor.tobytes() == other.drivers.past_log_factor.tobytes()
