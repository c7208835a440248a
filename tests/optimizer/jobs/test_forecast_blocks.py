"""What is gathered block by block is what whole arrays give."""

import dataclasses
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecasting.arrays import IntArray
from forecasting.cliffs import capacity_cliffs
from forecasting.forecast import ForecastRequest, ForecastSettings, forecast_demand
from forecasting.history import History
from forecasting.hours import hour_of_date
from forecasting.peaks import SpanPeaks, span_peaks
from forecasting.quantiles import weighted_quantiles
from forecasting.roadmap import Event, EventKind, Roadmap
from forecasting.scenarios import Scenarios
from forecasting.zones import local_days, month_of_day
from optimizer.jobs import forecast_layout
from optimizer.jobs.forecast_answer import HOURLY_LEVELS
from optimizer.jobs.forecast_blocks import RunningCliff, RunningOutlook
from optimizer.jobs.forecast_layout import laid_out, paths_that_fit

START = hour_of_date("2024-01-30")
N_PATHS = 12
HOURS = np.arange(START, START + 24 * 40)
UNITS = np.random.default_rng(1).gamma(4.0, 1.0, (N_PATHS, 2, len(HOURS)))
WEIGHTS = np.random.default_rng(2).dirichlet(np.ones(N_PATHS))
CUTS = {"one block": [], "days": range(24, len(HOURS), 24), "odd hours": [1, 2, 50, 51, 500, 959]}


def assert_same_peaks(found: SpanPeaks, wanted: SpanPeaks) -> None:
    """Same labels, places and distributions."""
    assert found.labels.tolist() == wanted.labels.tolist()
    assert found.starts.tolist() == wanted.starts.tolist()
    np.testing.assert_allclose(found.mean_units, wanted.mean_units, rtol=1e-12)
    np.testing.assert_allclose(found.quantile_units, wanted.quantile_units, rtol=1e-12)


def blocks(name: str) -> list[IntArray]:
    """Positions of the hours, cut."""
    return np.split(np.arange(len(HOURS)), list(CUTS[name]))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("name", CUTS, ids=lambda name: name.replace(" ", "-"))
def test_any_cut_gives_the_distributions_of_the_whole(name: str, zone: str) -> None:
    units, days = UNITS[:, 0], local_days(HOURS, ZoneInfo(zone))
    gathered = RunningOutlook(WEIGHTS)
    for at in blocks(name):
        gathered.add(units[:, at], days[at])
    mean, quantiles = gathered.hourly()
    np.testing.assert_allclose(mean, WEIGHTS @ units, rtol=1e-12)
    np.testing.assert_allclose(quantiles, weighted_quantiles(units, WEIGHTS, HOURLY_LEVELS), rtol=1e-12)
    assert_same_peaks(gathered.daily(), span_peaks(units, WEIGHTS, days))
    whole, months = (span_peaks(units, WEIGHTS, labels) for labels in (np.full(len(HOURS), -1), month_of_day(days)))
    wanted = {
        field.name: np.concatenate([getattr(whole, field.name), getattr(months, field.name)])
        for field in dataclasses.fields(SpanPeaks)
    }
    assert_same_peaks(gathered.windows(), SpanPeaks(**wanted))


@pytest.mark.parametrize("threshold", [0.0, 12.0, 20.0, 30.0, 1e6])
@pytest.mark.parametrize("name", CUTS, ids=lambda name: name.replace(" ", "-"))
def test_a_cliff_has_the_dates_of_the_whole(name: str, threshold: float) -> None:
    history = History(pools=("a",), start_hour=START - 48, units=np.full((1, 48), 3.0))
    event = Event(
        name="room",
        kind=EventKind.CAPACITY_CLIFF,
        to_shares=(("a", 0.5), ("b", 0.5)),
        start_hour=START + 30,
        end_hour=START + 54,
        threshold_units=threshold,
    )
    running = RunningCliff(event, ("a", "b"), WEIGHTS)
    for at in blocks(name):
        running.add(UNITS[:, :, at], HOURS[at])
    whole = Scenarios(pools=("a", "b"), hours=HOURS, hour_weights=np.ones(len(HOURS)), weights=WEIGHTS, units=UNITS)
    assert (running.cliff(history),) == capacity_cliffs((event,), history, whole)


@pytest.fixture(scope="module")
def history() -> History:
    """Ten weeks of three pools."""
    units = np.random.default_rng(0).gamma(30.0, 1.0, (3, 70 * 24))
    return History(pools=("east/a", "east/b", "west/a"), start_hour=hour_of_date("2024-01-01"), units=units)


def request_from(history: History, *, n_days: int, n_paths: int) -> ForecastRequest:
    """Every hour of some days, every path kept."""
    hours = np.arange(history.end_hour, history.end_hour + 24 * n_days)
    settings = ForecastSettings(n_paths=n_paths, n_scenarios=n_paths)
    return ForecastRequest(
        as_of_hour=history.end_hour, hours=hours, hour_weights=np.ones(len(hours)), settings=settings
    )


def test_blocks_are_the_forecast_in_order(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_layout, "MAX_BLOCK_CELLS", 3 * 24 * 5 * 7)  # three days of seven paths, five rows
    request = request_from(history, n_days=10, n_paths=7)
    layout = laid_out(history, Roadmap(), request, None, np.random.default_rng(4))
    hours, units = zip(*layout.blocks, strict=True)
    assert [len(block) for block in hours] == [72, 72, 72, 24]
    assert np.concatenate(hours).tolist() == request.hours.tolist()
    whole = forecast_demand(history, Roadmap(), request, np.random.default_rng(4))
    wanted = np.concatenate([whole.scenarios.units, whole.unnamed_units], axis=1)
    np.testing.assert_allclose(np.concatenate(units, axis=2), wanted, rtol=1e-12)


def test_whole_paths_are_as_many_as_fit(history: History) -> None:
    request = request_from(history, n_days=1000, n_paths=500)
    fitting = paths_that_fit(request, n_rows=20).settings
    assert fitting.n_paths == fitting.n_scenarios == forecast_layout.MAX_WHOLE_CELLS // (20 * 24_000)
    assert paths_that_fit(request, n_rows=1).settings == request.settings
    assert paths_that_fit(request, n_rows=10**9).settings.n_paths == 1
