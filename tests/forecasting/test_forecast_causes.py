"""The whole forecast with drivers, promotions and spikes; the forecast of plain demand is in test_forecast.py."""

from dataclasses import fields, replace

import numpy as np
import pytest

from forecasting.declared_relations import Relation
from forecasting.drivers import ALWAYS_KNOWN_DAY, Drivers
from forecasting.forecast import ForecastRequest, ForecastSettings, forecast_demand
from forecasting.quantiles import weighted_quantiles
from forecasting.roadmap import Event, EventKind, RampShape, Roadmap

DAY = 24
N_DAYS = 320
WAVE = 1 + 0.3 * np.sin(2 * np.pi * np.arange(DAY) / DAY)


def hourly(daily, *, seed=0):
    """Hours of a daily wave with noise. Shape (n_pools, n_days * 24)."""
    noise = np.exp(0.02 * np.random.default_rng(seed).standard_normal((len(daily), daily.shape[1] * DAY)))
    return (daily[:, :, None] * WAVE).reshape(len(daily), -1) * noise


def level(n_days=N_DAYS, seed=1):
    rng = np.random.default_rng(seed)
    return np.array([[100.0], [40.0]]) * np.exp(np.cumsum(0.004 * rng.standard_normal((2, n_days)), axis=1))


def driver_file(first_day, values, *, range_fraction=0.0, known_days=None):
    n_rows = len(values)
    return Drivers(
        source="drivers.csv",
        names=("dau",),
        codes=np.zeros(n_rows, dtype=np.int64),
        days=first_day + np.arange(n_rows),
        known_days=np.full(n_rows, ALWAYS_KNOWN_DAY) if known_days is None else known_days,
        values=values,
        lows=values * (1 - range_fraction),
        highs=values * (1 + range_fraction),
    )


FOLLOWS = (Relation(elasticities=(("dau", 1.0),)),)


def forecast(past, roadmap, *, n_days=90, as_of_hour=None, drivers=None, seed=0, **settings):
    as_of_hour = past.end_hour if as_of_hour is None else as_of_hour
    hours = np.arange(as_of_hour, as_of_hour + DAY * n_days)
    request = ForecastRequest(
        as_of_hour=as_of_hour,
        hours=hours,
        hour_weights=np.ones(len(hours)),
        settings=ForecastSettings(**({"holiday_country": ""} | settings)),
        drivers=drivers,
    )
    return forecast_demand(past, roadmap, request, np.random.default_rng(seed))


def total(made):
    """Demand of everything, shape (n_scenarios, n_days)."""
    units = made.scenarios.units.sum(axis=1) + made.unnamed_units.sum(axis=1)
    return units.reshape(len(units), -1, DAY).mean(axis=2)


def promotion(past, day, **given):
    start = past.start_hour + DAY * day
    return Event(
        name=f"sale {day}",
        kind=EventKind.PROMOTION,
        to_shares=(("g/a", 0.5), ("g/b", 0.5)),
        start_hour=start,
        end_hour=start + DAY * 5,
        shape=RampShape.PULSE,
        recurring="sale",
        **given,
    )


def same_bytes(one, other):
    """Whether two results agree in every array and word, whatever they are made of."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(same_bytes(a, b) for a, b in zip(one, other, strict=True))
    if hasattr(one, "__dataclass_fields__"):
        return all(same_bytes(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return one == other


@pytest.mark.slow
def test_users_that_are_foreseen_to_double_double_demand(make_history):
    users = 1e6 * np.exp(0.001 * np.arange(N_DAYS))
    past = make_history(hourly(level() * users / users[-1]))
    ahead = users[-1] * 2.0 ** (np.arange(1, 91) / 90)
    drivers = driver_file(past.start_hour // DAY, np.concatenate([users, ahead]))
    stays = driver_file(past.start_hour // DAY, np.concatenate([users, np.full(90, users[-1])]))
    every = {"n_paths": 40, "n_scenarios": 40}  # nothing is reduced, so that scenarios can be compared
    made, still = (forecast(past, Roadmap(relations=FOLLOWS), drivers=one, **every) for one in (drivers, stays))
    np.testing.assert_allclose(total(made)[:, -1], 2.0 * total(still)[:, -1], rtol=1e-6)
    low, high = np.quantile(total(made)[:, -1], [0.1, 0.9])
    assert low < 2.0 * level()[:, -28:].mean(axis=1).sum() < high


@pytest.mark.slow
def test_the_range_of_users_is_in_the_spread_of_demand(make_history):
    past = make_history(hourly(level()))
    ahead = np.linspace(1.0, 2.0, 90) * 1e6
    first = past.start_hour // DAY
    made = [
        forecast(
            past,
            Roadmap(relations=FOLLOWS),
            drivers=driver_file(first, np.concatenate([np.full(N_DAYS, 1e6), ahead]), range_fraction=width),
            n_scenarios=200,
        )
        for width in (0.0, 0.4)
    ]
    low, middle, high = weighted_quantiles(total(made[1])[:, -1], made[1].scenarios.weights, [0.1, 0.5, 0.9])
    came = 2.0 * level()[:, -28:].mean(axis=1).sum()
    assert low < came < high
    np.testing.assert_allclose(middle, came, rtol=0.12)
    assert low < 0.75 * middle
    assert high > 1.25 * middle
    narrow = weighted_quantiles(total(made[0])[:, -1], made[0].scenarios.weights, [0.1, 0.9])
    assert np.ptp(narrow) < 0.6 * (high - low)


@pytest.mark.slow
def test_a_promotion_that_returns_does_what_it_did(make_history):
    daily = level()
    past_days, next_day = (60, 140, 220, 290), N_DAYS + 20
    for day in past_days:
        daily[:, day : day + 5] *= 1.6
    past = make_history(hourly(daily))
    events = tuple(promotion(past, day) for day in past_days)
    plain = forecast(past, Roadmap(events=events), n_days=40)
    made = forecast(past, Roadmap(events=(*events, promotion(past, next_day))), n_days=40)
    mean, without = (one.scenarios.weights @ total(one) for one in (made, plain))
    np.testing.assert_allclose((mean / without)[20:25], 1.6, rtol=0.08)
    np.testing.assert_allclose((mean / without)[[0, 10, 19, 25, 39]], 1.0, rtol=0.03)
    usual = level()[:, -28:].sum(axis=0).mean()
    np.testing.assert_allclose(without.mean(), usual, rtol=0.1)
    effect = made.past.effects[-1]
    assert effect.n_seen == 4
    assert effect.low_fraction < 0.6 < effect.high_fraction


@pytest.mark.slow
def test_with_drivers_events_and_spikes_the_same_seed_gives_the_same_bytes(make_history):
    daily = level()
    daily[:, 100:105] *= 1.6
    units = hourly(daily)
    units[0, DAY * 200 + 5 : DAY * 200 + 8] *= 5.0
    past = make_history(units)
    drivers = driver_file(past.start_hour // DAY, np.linspace(1e6, 2e6, N_DAYS + 40), range_fraction=0.1)
    roadmap = Roadmap(events=(promotion(past, 100), promotion(past, N_DAYS + 3)), relations=FOLLOWS)
    one, again, other = (forecast(past, roadmap, n_days=40, drivers=drivers, seed=seed) for seed in (3, 3, 4))
    assert same_bytes(one, again)
    assert not same_bytes(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("elasticity", [1.0, None], ids=["given", "estimated"])
def test_altering_the_future_changes_nothing_in_the_forecast(make_history, elasticity):
    cut = 280
    daily = level()
    daily[:, 150:155] *= 1.6
    units = hourly(daily)
    units[0, DAY * 200 + 5 : DAY * 200 + 8] *= 5.0
    past = make_history(units)
    is_past = np.arange(DAY * N_DAYS) < DAY * cut
    rng = np.random.default_rng(5)
    altered = replace(past, units=np.where(is_past, units, 1e4 * rng.random(units.shape)))
    first, as_of_hour = past.start_hour // DAY, past.start_hour + DAY * cut
    users = 1e6 * np.exp(np.cumsum(0.01 * rng.standard_normal(N_DAYS)))
    relations = (Relation(elasticities=(("dau", elasticity),)),)
    events = (promotion(past, 150), promotion(past, 300, multiply=1.3))
    hidden = (
        promotion(past, 100, known_from_hour=as_of_hour + 1),
        promotion(past, 310, known_from_hour=as_of_hour + 1),
    )
    made = []
    for history, told, late in ((past, events, users), (altered, (*hidden, *events), 7.0 * users[::-1])):
        known_days = np.where(np.arange(N_DAYS) < cut, first + np.arange(N_DAYS), first + cut + 1)
        values = np.where(np.arange(N_DAYS) < cut, users, late)
        drivers = driver_file(first, values, known_days=known_days)
        roadmap = Roadmap(events=told, relations=relations)
        made.append(forecast(history, roadmap, n_days=60, as_of_hour=as_of_hour, drivers=drivers))
    assert same_bytes(*made)


def test_rows_of_drivers_that_were_measured_later_are_not_seen(make_history):
    """A row without known_from counts as measured on its day: those at or after as-of are forecasts and are used."""
    past = make_history(hourly(level(100)))
    first = past.start_hour // DAY
    values = np.where(np.arange(130) < 100, 1e6, 3e6)
    roadmap = Roadmap(relations=FOLLOWS)
    foreseen = forecast(past, roadmap, n_days=30, drivers=driver_file(first, values), n_paths=20, n_scenarios=20)
    known_days = np.where(np.arange(130) < 100, ALWAYS_KNOWN_DAY, first + 101)
    unknown = forecast(
        past, roadmap, n_days=30, drivers=driver_file(first, values, known_days=known_days), n_paths=20, n_scenarios=20
    )
    ratio = total(foreseen).mean() / total(unknown).mean()
    np.testing.assert_allclose(ratio, 3.0, rtol=0.1)
    assert any("Driver 'dau' is given up to" in sentence for sentence in unknown.assumptions)
