"""Small synthetic fleets for the forecasting tests."""

import numpy as np
import pytest

from forecasting.forecast import ForecastRequest, ForecastSettings, forecast_demand
from forecasting.history import History
from forecasting.hours import hour_of_date
from forecasting.roadmap import Roadmap

START_HOUR = hour_of_date("2023-01-02")  # a Monday


def _history(units, pools=None, start_hour=START_HOUR):
    units = np.atleast_2d(np.asarray(units, dtype=np.float64))
    return History(
        pools=pools or tuple(f"g/{letter}" for letter in "abcdefgh"[: len(units)]), start_hour=start_hour, units=units
    )


def _forecast(past, *, n_days=60, events=(), seed=0, as_of_hour=None, **settings):
    as_of_hour = past.end_hour if as_of_hour is None else as_of_hour
    hours = np.arange(as_of_hour, as_of_hour + 24 * n_days)
    request = ForecastRequest(
        as_of_hour=as_of_hour,
        hours=hours,
        hour_weights=np.ones(len(hours)),
        settings=ForecastSettings(**settings),
    )
    return forecast_demand(past, Roadmap(events=tuple(events)), request, np.random.default_rng(seed))


@pytest.fixture(scope="session")
def make_history():
    """History of pools g/a, g/b, ... from 2023-01-02 on."""
    return _history


@pytest.fixture(scope="session")
def make_forecast():
    """Forecast of every hour of some days after a history's end (or another as-of)."""
    return _forecast


@pytest.fixture(scope="session")
def expected():
    """Expected demand of a forecast, of shape (n_pools, n_hours)."""
    return lambda made: np.tensordot(made.scenarios.weights, made.scenarios.units, axes=1)
