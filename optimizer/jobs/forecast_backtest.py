"""The forecast judged by the user's own history: rolling origins, nothing after an origin shown, scores of what came.

Not here: reading the files (`optimizer.jobs.forecast_scored`), the scores (`forecasting.scoring`), the table
(`optimizer.report.forecast_scores`).
"""

import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.drivers import Drivers
from forecasting.forecast import Forecast, ForecastRequest, ForecastSettings, forecast_demand
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.roadmap import Roadmap
from forecasting.scoring import OutlookScores, YearScores, naive_outlook, outlook_scores, path_outlook, year_scores
from optimizer.jobs.forecast_series import Series, group_series, past_units, path_units, pool_series, total_series
from optimizer.jobs.solve import Tell

Scored = Literal["total", "groups", "pools"]
YEAR_DAYS = 365
YEAR_HOUR_STEP = 5  # coprime to 24 and 168: over five weeks the hours taken meet every hour of the week
SCORED_PATHS = ForecastSettings(n_paths=200, n_scenarios=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestPlan:
    """Windows of a backtest.

    Attributes
    ----------
    origin_hours : tuple of int
        Epoch hours of the origins, at midnight UTC.
    horizon_days : int
        Days ahead that are scored.
    settings : ForecastSettings
        All paths are scored, none reduced, where its two counts are equal.
    scored : str
        ``total``: the sum over all pools; ``groups``: every group too, where there are several; ``pools``: every pool
        with usage before the origin.
    has_year : bool
        Whether the mean of the next 365 days is scored too, where history goes on that long.
    seed : int
    drivers : Drivers or None
        Each origin sees the rows known by then.
    roadmap_source : str
        Name of the roadmap file, for messages.
    """

    origin_hours: tuple[int, ...]
    horizon_days: int = 90
    settings: ForecastSettings = field(default=SCORED_PATHS)
    scored: Scored = "groups"
    has_year: bool = False
    seed: int = 0
    drivers: Drivers | None = None
    roadmap_source: str = "the roadmap"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowScores:
    """What one window of one series scored.

    Attributes
    ----------
    origin_hour : int
    series : str
        Group, pool, or ``total``.
    forecast, naive : OutlookScores
        Ours, and the seasonal naive's.
    year : YearScores or None
        Of ours; None where it was not asked for or history ends too early.
    seconds : float
        Processor time of the forecast of the window, over the number of groups in it. [s]
    """

    origin_hour: int
    series: str
    forecast: OutlookScores
    naive: OutlookScores
    year: YearScores | None
    seconds: float


def backtest_forecasts(
    history: History, roadmap: Roadmap, plan: BacktestPlan, *, tell: Tell = lambda _: None
) -> list[WindowScores]:
    """Scores of every window and series; the forecaster gets history before the origin and nothing else of it.

    Parameters
    ----------
    history : History
        All of it: what came is taken from it as well.
    roadmap : Roadmap
        Each origin sees the events known by then.
    plan : BacktestPlan
    tell : callable
        Given a line whenever a window begins.

    Raises
    ------
    HistoryError
        If history before the first origin is too short.
    InputError
        If a relation or an event given in drivers does not fit the drivers known at an origin.
    """
    scores: list[WindowScores] = []
    began = time.monotonic()
    for done, origin in enumerate(plan.origin_hours):
        left = (time.monotonic() - began) / done * (len(plan.origin_hours) - done) if done else 0.0
        estimate = f", about {left:.0f} s to go" if done else ""
        tell(f"window {done + 1} of {len(plan.origin_hours)}: {date_of_hour(origin)}{estimate}")
        scores += _window(history, roadmap, plan, origin)
    return scores


def _window(history: History, roadmap: Roadmap, plan: BacktestPlan, origin: int) -> list[WindowScores]:
    """Scores of all series of one window."""
    seen = history.before(origin)
    hours = np.arange(origin, origin + plan.horizon_days * HOURS_PER_DAY)
    began = time.process_time()
    forecast = _forecast(seen, roadmap, plan, origin, hours)
    seconds = (time.process_time() - began) / len(forecast.groups)
    year = _year_forecast(history, seen, roadmap, plan, origin) if plan.has_year else None
    first = -(-history.start_hour // HOURS_PER_DAY) * HOURS_PER_DAY - history.start_hour
    start, end = origin - history.start_hour, int(hours[-1]) + 1 - history.start_hour
    scores = []
    for series in _scored_series(forecast, seen, plan.scored):
        units = past_units(history, series)
        past, actual = units[first:start], units[start:end]
        ours = path_outlook(path_units(forecast, series), forecast.scenarios.weights)
        naive = naive_outlook(past, n_days=plan.horizon_days)
        scores.append(
            WindowScores(
                origin_hour=origin,
                series=series.name,
                forecast=outlook_scores(ours, actual=actual, past=past),
                naive=outlook_scores(naive, actual=actual, past=past),
                year=None if year is None else _year_scores(year, series, units[start:]),
                seconds=seconds,
            )
        )
    return scores


def _forecast(seen: History, roadmap: Roadmap, plan: BacktestPlan, origin: int, hours: IntArray) -> Forecast:
    """Forecast of some hours, each standing for the hours up to the next."""
    step = float(hours[1] - hours[0])
    request = ForecastRequest(
        as_of_hour=origin,
        hours=hours,
        hour_weights=np.full(len(hours), step),
        settings=plan.settings,
        drivers=plan.drivers,
        roadmap_source=plan.roadmap_source,
    )
    return forecast_demand(seen, roadmap, request, np.random.default_rng(plan.seed))


def _year_forecast(
    history: History, seen: History, roadmap: Roadmap, plan: BacktestPlan, origin: int
) -> Forecast | None:
    """Forecast of the next year, on every fifth hour; None where history ends before the year does."""
    hours = np.arange(origin, origin + YEAR_DAYS * HOURS_PER_DAY, YEAR_HOUR_STEP)
    if history.end_hour < origin + YEAR_DAYS * HOURS_PER_DAY:
        return None
    return _forecast(seen, roadmap, plan, origin, hours)


def _year_scores(year: Forecast, series: Series, units: FloatArray) -> YearScores:
    """Scores of the mean of the year that `units`, from the origin on, begin with."""
    actual = float(units[: YEAR_DAYS * HOURS_PER_DAY].mean())
    return year_scores(path_units(year, series).mean(axis=1), year.scenarios.weights, actual_mean_units=actual)


def _scored_series(forecast: Forecast, seen: History, scored: Scored) -> tuple[Series, ...]:
    """Series that are scored; a single group is the total and counts once."""
    if scored == "pools":
        return pool_series(seen.pools)
    if scored == "groups" and len(forecast.groups) > 1:
        return (*group_series(forecast.groups), total_series())
    return (total_series(),)
