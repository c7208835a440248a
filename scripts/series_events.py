"""What knowing the events is worth: Peyton Manning's daily page views, forecast with and without games.

    .venv/bin/python scripts/series_events.py --series ../shared/data/series

The views of each day are put through the whole forecast as 24 equal hours. Every game day is declared as a promotion
with a label and without a size, so that its effect is learned from earlier games. Two sets of 8 origins, 90 days ahead:
45 days apart up to the end of the series, of which 2 hold games, and 15 November of 8 years, before the end of each
season (the last one as far as the series goes). Printed is the mean absolute error of the median over that of the same
day a week before, in history (MASE, lag 7), in views and in logs. In the second set two Super Bowls outweigh, in views,
all other games together.
"""

import argparse
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.arrays import BoolArray, FloatArray
from forecasting.forecast import ForecastRequest, ForecastSettings, forecast_demand
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, date_of_hour, hour_of_date
from forecasting.quantiles import weighted_quantiles
from forecasting.roadmap import Event, EventKind, RampShape, Roadmap

FILE = "wiki_peyton_manning_daily.parquet"
POOL = "views"
HORIZON_DAYS = 90
N_ORIGINS = 8
STEP_DAYS = 45
AUTUMNS = range(2008, 2016)
SEASON_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Views:
    """The series, day by day.

    Attributes
    ----------
    first_day : int
        Epoch day.
    units : FloatArray of shape (n_days,)
        Views, days that are missing filled between their neighbours in logs.
    is_known : BoolArray of shape (n_days,)
        False where filled.
    events : tuple of Event
        Game days and days after them.
    """

    first_day: int
    units: FloatArray
    is_known: BoolArray
    events: tuple[Event, ...]

    @property
    def is_event(self) -> BoolArray:
        """Whether each day is a game day or the day after one. Shape (n_days,)."""
        inside = np.zeros(len(self.units), dtype=np.bool_)
        inside[[event.start_hour // HOURS_PER_DAY - self.first_day for event in self.events]] = True
        return inside


def read_views(folder: Path) -> Views:
    """Series with its events."""
    frame = pd.read_parquet(folder / FILE)
    days = frame["ds"].to_numpy().astype("datetime64[D]").astype(np.int64)
    first = int(days[0])
    units = np.full(int(days[-1]) - first + 1, np.nan)
    units[days - first] = frame["y"].to_numpy(dtype=np.float64)
    is_known = np.isfinite(units)
    filled = np.exp(np.interp(np.arange(len(units)), np.flatnonzero(is_known), np.log(units[is_known])))
    events = tuple(
        Event(
            name=f"{label} {date_of_hour(int(day) * HOURS_PER_DAY)}",
            kind=EventKind.PROMOTION,
            to_shares=((POOL, 1.0),),
            start_hour=int(day) * HOURS_PER_DAY,
            end_hour=(int(day) + 1) * HOURS_PER_DAY,
            shape=RampShape.PULSE,
            recurring=str(label),
        )
        for day, label in zip(days, frame["event"], strict=True)
        if label
    )
    return Views(first_day=first, units=filled, is_known=is_known, events=events)


def median_forecast(views: Views, origin: int, events: tuple[Event, ...], *, seed: int) -> FloatArray:
    """Median of each day of the horizon, from what came before day `origin` of the series."""
    start = (views.first_day + origin) * HOURS_PER_DAY
    hours = np.arange(start, start + HORIZON_DAYS * HOURS_PER_DAY)
    request = ForecastRequest(
        as_of_hour=start,
        hours=hours,
        hour_weights=np.ones(len(hours)),
        settings=ForecastSettings(n_paths=200, n_scenarios=200, holiday_country=""),
    )
    known = np.repeat(views.units[:origin], HOURS_PER_DAY)[None]
    history = History(pools=(POOL,), start_hour=views.first_day * HOURS_PER_DAY, units=known)
    made = forecast_demand(history, Roadmap(events=events), request, np.random.default_rng(seed))
    units = made.scenarios.units.sum(axis=1) + made.unnamed_units.sum(axis=1)
    daily = units.reshape(len(units), HORIZON_DAYS, HOURS_PER_DAY).mean(axis=2)
    return weighted_quantiles(daily, made.scenarios.weights, [0.5])[:, 0]


def window_scores(views: Views, origin: int, *, seed: int) -> list[float]:
    """MASE on event days and on all days, without and with events; in views, then in logs."""
    ahead = slice(origin, min(origin + HORIZON_DAYS, len(views.units)))
    is_known, is_event = views.is_known[ahead], views.is_event[ahead] & views.is_known[ahead]
    forecasts = [median_forecast(views, origin, events, seed=seed) for events in ((), views.events)]
    scores = []
    for values in (views.units, np.log(views.units)):
        past = np.where(views.is_known, values, np.nan)[:origin]
        scale = float(np.nanmean(np.abs(past[SEASON_DAYS:] - past[:-SEASON_DAYS])))
        for chosen in (is_event, is_known):
            for forecast in forecasts:
                said = forecast if values is views.units else np.log(forecast)
                error = np.abs(said[: len(chosen)] - values[ahead])[chosen] / scale
                scores.append(float(error.mean()) if chosen.any() else np.nan)
    return scores


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=Path, required=True, help=f"folder that holds {FILE}")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if not (arguments.series / FILE).is_file():
        parser.error(f"--series: {arguments.series} must hold {FILE}.")
    views = read_views(arguments.series)
    last = len(views.units) - HORIZON_DAYS
    latest = list(range(last - STEP_DAYS * (N_ORIGINS - 1), last + 1, STEP_DAYS))
    autumns = [hour_of_date(str(dt.date(y, 11, 15))) // HOURS_PER_DAY - views.first_day for y in AUTUMNS]
    for title, origins in (("8 origins, 45 days apart", latest), ("15 November of 8 years", autumns)):
        print(f"{title}: MASE without -> with events")
        table = []
        for origin in origins:
            table.append(window_scores(views, origin, seed=arguments.seed))
            _print_row(str(date_of_hour((views.first_day + origin) * HOURS_PER_DAY)), table[-1])
        _print_row("mean", [float(np.nanmean(column)) for column in np.array(table).T])


def _print_row(name: str, scores: list[float]) -> None:
    """One line of the table."""
    pairs = [f"{without:7.2f} -> {with_events:6.2f}" for without, with_events in np.reshape(scores, (-1, 2))]
    print(f"{name:12s} event days {pairs[0]}   all days {pairs[1]}   | logs: event days {pairs[2]}   all {pairs[3]}")


if __name__ == "__main__":
    main()
