"""Forecasts of public series that no model was tuned on: rolling origins, beside the seasonal naive.

`python scripts/series_forecasts.py --series DIR [--only NAME]` prints a line for each series, then one for each file.

Readings are averaged to hours, two of one moment first, and cut to whole days; the clock of a series is taken for UTC,
a reading of a day stands for each of its hours. An hour without a reading takes the latest one at the same hour of the
day, so that nothing of the future enters, and zero where there is none yet: the nights of the car parks, which are
read in opening hours only. Demand below zero is zero. The horizon is a third of what follows the first 21 days, 90 days
at most; up to 8 origins are spread evenly over what is possible. Figures are means over windows; those of the same
series overlap and are not independent. Series that are too short, or read on fewer than half of their days, are listed
and left out. Exit code 2 where a file is missing.
Not here: forecasts with events (`series_events.py`) or drivers (`series_drivers.py`).
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.daily import NEEDED_HISTORY_DAYS
from forecasting.forecast import ForecastSettings
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY
from forecasting.roadmap import Roadmap
from optimizer.jobs.forecast_backtest import BacktestPlan, WindowScores, backtest_forecasts
from optimizer.report.forecast_scores import averages

N_PATHS = 200
MAX_HORIZON_DAYS = 90
MAX_ORIGINS = 8
HORIZON_SHARE = 3  # the horizon is one part of so many
LEAST_READ_FRACTION = 0.5  # of the days


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of series.

    Attributes
    ----------
    name : str
        Without its ending.
    country : str
        Whose holidays count, empty for none: where the series are from, as far as that is known.
    row_hours : int
        Hours that a reading stands for.
    """

    name: str
    country: str = ""
    row_hours: int = 1

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.name}.parquet"


SOURCES = (
    Source(name="google2019_cluster_5min"),
    Source(name="azure_v2_total_5min"),
    Source(name="nab_realAWSCloudwatch"),
    Source(name="nab_realKnownCause"),
    Source(name="electricity_hourly", country="PT"),
    Source(name="parking_birmingham_halfhourly", country="GB"),
    Source(name="nyc_taxi_hourly_events", country="US"),
    Source(name="wiki_peyton_manning_daily", country="US", row_hours=HOURS_PER_DAY),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hourly:
    """A series in hours.

    Attributes
    ----------
    history : History
        Whole days.
    read_fraction : float
        Days with any reading.
    filled_fraction : float
        Hours that took an earlier reading.
    """

    history: History
    read_fraction: float
    filled_fraction: float

    @property
    def n_days(self) -> int:
        """Number of whole days."""
        return int(self.history.units.shape[1]) // HOURS_PER_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Scores of one series, or of all of a file.

    Attributes
    ----------
    name : str
    n_series : int
    horizons_days : tuple of int
    filled_fraction : float
        Of hours, mean over series.
    windows : tuple of WindowScores
    """

    name: str
    n_series: int
    horizons_days: tuple[int, ...]
    filled_fraction: float
    windows: tuple[WindowScores, ...]


def main(arguments: Sequence[str]) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="scripts/series_forecasts.py", description=__doc__.split("\n")[0])
    parser.add_argument("--series", type=Path, metavar="DIR", required=True, help="folder of the files")
    parser.add_argument("--only", choices=[source.name for source in SOURCES], metavar="NAME", help="one file of them")
    options = parser.parse_args(arguments)
    chosen = [source for source in SOURCES if options.only in (None, source.name)]
    missing = [source.file for source in chosen if not (options.series / source.file).is_file()]
    if missing:
        print(f"--series: {options.series} must hold {' and '.join(missing)}.", file=sys.stderr)
        return 2
    files, left_out = [], []
    _print_head("series")
    for source in chosen:
        scored, without = _scored_file(pd.read_parquet(options.series / source.file), source)
        files += [_together(source.name, scored)] if scored else []
        left_out += [f"{source.name}, {said}" for said in without]
    print()
    _print_head("file")
    for one in files:
        _print_row(one)
    for said in left_out:
        print(f"\nLeft out: {said}.")
    return 0


def _scored_file(frame: pd.DataFrame, source: Source) -> tuple[list[Scored], list[str]]:
    """Series of a file that can be scored, each printed, and why the others cannot."""
    scored, left_out = [], []
    for name, rows in frame.groupby("unique_id"):
        series = hourly(rows, name=str(name), row_hours=source.row_hours)
        reason = reason_against(series)
        if reason:
            left_out.append(f"{name}: {reason}")
            continue
        horizon_days = horizon(series.n_days)
        plan = BacktestPlan(
            origin_hours=tuple(series.history.start_hour + day * HOURS_PER_DAY for day in origins(series.n_days)),
            horizon_days=horizon_days,
            settings=ForecastSettings(n_paths=N_PATHS, n_scenarios=N_PATHS, holiday_country=source.country),
            scored="total",
        )
        one = Scored(
            name=str(name),
            n_series=1,
            horizons_days=(horizon_days,),
            filled_fraction=series.filled_fraction,
            windows=tuple(backtest_forecasts(series.history, Roadmap(), plan)),
        )
        _print_row(one)
        scored.append(one)
    return scored, left_out


def hourly(rows: pd.DataFrame, *, name: str, row_hours: int = 1) -> Hourly:
    """Series as whole days of hours.

    Parameters
    ----------
    rows : pd.DataFrame
        Readings `y` at moments `ds`, in any order; one that is not a number counts as none.
    name : str
    row_hours : int
        Hours that a reading stands for, a divisor of 24.
    """
    readings = rows.dropna(subset="y").groupby("ds")["y"].mean()
    epoch_hours = readings.index.to_numpy().astype("datetime64[h]").astype(np.int64)
    means = readings.groupby(epoch_hours // row_hours).mean()
    every = range(int(means.index[0]), int(means.index[-1]) + 1) if len(means) else range(0)
    units = np.repeat(means.reindex(every).to_numpy(dtype=np.float64), row_hours)
    start_hour = every.start * row_hours
    before = -start_hour % HOURS_PER_DAY
    n_days = max(len(units) - before, 0) // HOURS_PER_DAY
    days = units[before : before + n_days * HOURS_PER_DAY].reshape(n_days, HOURS_PER_DAY)
    filled = pd.DataFrame(days).ffill().to_numpy(dtype=np.float64)
    return Hourly(
        history=History(
            pools=(name,), start_hour=start_hour + before, units=np.maximum(np.nan_to_num(filled), 0.0).reshape(1, -1)
        ),
        read_fraction=float(np.isfinite(days).any(axis=1).mean()) if n_days else 0.0,
        filled_fraction=float((np.isnan(days) & np.isfinite(filled)).mean()) if n_days else 0.0,
    )


def reason_against(series: Hourly) -> str:
    """Why a series cannot be scored; empty where it can."""
    if series.n_days <= NEEDED_HISTORY_DAYS:
        return f"{series.n_days} whole days, more than {NEEDED_HISTORY_DAYS} are needed before a window"
    if series.read_fraction < LEAST_READ_FRACTION:
        return f"read on {100 * series.read_fraction:.0f} % of its {series.n_days} days"
    return ""


def horizon(n_days: int) -> int:
    """Days ahead that are scored, of a series of more than 21 days."""
    return max(1, min(MAX_HORIZON_DAYS, (n_days - NEEDED_HISTORY_DAYS) // HORIZON_SHARE))


def origins(n_days: int) -> list[int]:
    """Days before each origin, increasing, of a series of more than 21 days."""
    last = n_days - horizon(n_days)
    count = min(MAX_ORIGINS, last - NEEDED_HISTORY_DAYS + 1)
    return [round(day) for day in np.linspace(NEEDED_HISTORY_DAYS, last, count).tolist()]


def _together(name: str, scored: Sequence[Scored]) -> Scored:
    """Scores of all series of a file."""
    return Scored(
        name=name,
        n_series=len(scored),
        horizons_days=tuple(days for one in scored for days in one.horizons_days),
        filled_fraction=float(np.mean([one.filled_fraction for one in scored])),
        windows=tuple(window for one in scored for window in one.windows),
    )


def _print_head(what: str) -> None:
    """Head of a table; each pair is the forecast / the seasonal naive."""
    print(
        f"| {what} | series / windows | days ahead | filled % | MASE daily peak | MASE hourly | wQL daily peak % "
        "| 90 % interval covers % | wQL horizon peak % | horizon peak <= q95 % | s per series |"
    )
    print("|---" + "|---:" * 10 + "|")


def _print_row(scored: Scored) -> None:
    """One line of a table."""
    ours, naive = averages(scored.windows, "forecast"), averages(scored.windows, "naive")
    shortest, longest = min(scored.horizons_days), max(scored.horizons_days)
    plain = [f"{ours[key].mean:.2f} / {naive[key].mean:.2f}" for key in ("mase_daily_peak", "mase_hourly")]
    percents = [
        f"{100 * ours[key].mean:.1f} / {100 * naive[key].mean:.1f}"
        for key in ("wql_daily_peak", "coverage_90", "wql_horizon_peak", "peak_within_q95")
    ]
    cells = [
        scored.name,
        f"{scored.n_series} / {len(scored.windows)}",
        f"{shortest}" if shortest == longest else f"{shortest} to {longest}",
        f"{100 * scored.filled_fraction:.1f}",
        *plain,
        *percents,
        f"{float(np.mean([window.seconds for window in scored.windows])):.2f}",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
