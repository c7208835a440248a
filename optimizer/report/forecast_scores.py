"""A backtest on the terminal and as files: averages over windows with their standard errors, and every window.

Not here: how anything is scored (`forecasting.scoring`).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from forecasting.hours import date_of_hour, iso_of_hour
from forecasting.numerals import percent
from forecasting.scoring import OutlookScores, YearScores
from optimizer.jobs.forecast_backtest import WindowScores
from optimizer.jobs.forecast_scored import BacktestAnswer
from optimizer.report.forecast_csv import csv_bytes
from optimizer.report.numbers import number
from optimizer.report.plan_json import json_bytes
from optimizer.report.terminal import MAX_WIDTH, fitting_table, say
from optimizer.report.words import counted

BACKTEST_SCHEMA_VERSION = 1
FIGURES = {
    "mase_daily_peak": "MASE of the median, daily peak",
    "mase_hourly": "MASE of the mean, hourly",
    "wql_daily_peak": "wQL of the daily peak",
    "coverage_90": "90 % interval of the daily peak covers",
    "wql_horizon_peak": "wQL of the horizon peak",
    "peak_within_q95": "horizon peak <= its q95, of windows",
    "q95_above_fraction": "q95 above the horizon peak",
    "median_peak_above_fraction": "median above the horizon peak",
}
PLAIN = ("mase_daily_peak", "mase_hourly")  # all others are fractions, shown in percent
FINE = ("wql_daily_peak", "wql_horizon_peak")  # differences of a tenth of a percent count
YEAR_FIGURES = {
    "mean_above_fraction": "mean of the next 365 days, bias",
    "within_80": "80 % interval of that mean covers, of windows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """Mean over windows.

    Attributes
    ----------
    mean, standard_error : float
        nan where no window, or only one, has the figure. The error takes windows for independent.
    n_windows : int
        That have the figure.
    """

    mean: float
    standard_error: float
    n_windows: int


def average(values: Sequence[float]) -> Average:
    """Average of what is known.

    Examples
    --------
    >>> average([1.0, 3.0, float("nan")])
    Average(mean=2.0, standard_error=1.0, n_windows=2)
    """
    known = np.array([value for value in values if math.isfinite(value)])
    error = float(known.std(ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else math.nan
    return Average(mean=float(known.mean()) if len(known) else math.nan, standard_error=error, n_windows=len(known))


def averages(windows: Sequence[WindowScores], model: str) -> dict[str, Average]:
    """Averages of all figures of ``forecast`` or ``naive``."""
    scores: list[OutlookScores] = [getattr(window, model) for window in windows]
    return {field.name: average([getattr(one, field.name) for one in scores]) for field in fields(OutlookScores)}


def year_averages(windows: Sequence[WindowScores]) -> dict[str, Average]:
    """Averages of the figures of a year; none where none was scored."""
    scores = [window.year for window in windows if window.year is not None]
    if not scores:
        return {}
    return {field.name: average([getattr(one, field.name) for one in scores]) for field in fields(YearScores)}


def print_backtest(
    answer: BacktestAnswer, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print the averages over all windows, beside those of the seasonal naive."""
    windows = [window for _, window in answer.scores]
    width = min(console.width, MAX_WIDTH)
    origins = sorted({window.origin_hour for window in windows})
    span = f"{date_of_hour(origins[0])} to {date_of_hour(origins[-1])}"
    head = f"Backtest, {counted(answer.order.plan.horizon_days, 'day')} ahead from {counted(len(origins), 'origin')}"
    say(console, head, style="bold", width=width)
    series = sorted({(name, window.series) for name, window in answer.scores})
    say(
        console,
        f"Origins {span}; {counted(len(windows), 'window')} of {len(series)} series. Each forecast saw what lies "
        "before its origin and nothing else.",
        width=width,
    )
    ours, naive = averages(windows, "forecast"), averages(windows, "naive")
    rows = [
        (
            title,
            _shown(ours[key].mean, key),
            _error(ours[key], key),
            _shown(naive[key].mean, key),
            _error(naive[key], key),
        )
        for key, title in FIGURES.items()
    ]
    rows += [(title, _shown(found.mean, key), _error(found, key), "", "") for key, title, found in _year_rows(windows)]
    console.print()
    headers = ("figure", "forecast", "s.e.", "seasonal naive", "s.e.")
    console.print(fitting_table("Averages over windows", headers, rows, room=console.width))
    seconds = float(np.mean([window.seconds for window in windows]))
    say(
        console,
        f"{number(seconds, 2)} seconds of processor per series for {answer.order.plan.settings.n_paths} joint paths. "
        "Windows share events and history: they are not independent, and the standard errors are too small.",
        width=width,
    )
    if answer.order.plan.has_year and not year_averages(windows):
        say(console, "No year was scored: the usage ends less than 365 days after every origin.", width=width)
    if out_dir is not None:
        say(console, f"\nWritten to {out_dir}: {', '.join(files)}", width=width)


def _year_rows(windows: Sequence[WindowScores]) -> list[tuple[str, str, Average]]:
    """Key, title and average of each figure of a year that was scored."""
    found = year_averages(windows)
    return [(key, f"{title} ({found[key].n_windows})", found[key]) for key, title in YEAR_FIGURES.items() if found]


def _shown(value: float, key: str) -> str:
    """A figure for people."""
    return number(value, 2) if key in PLAIN else percent(value, 2 if key in FINE else 1)


def _error(found: Average, key: str) -> str:
    """Standard error of a figure for people."""
    return _shown(found.standard_error, key)


def backtest_outputs(answer: BacktestAnswer) -> dict[str, bytes]:
    """Every window as CSV, averages and windows as JSON."""
    return {"backtest.csv": _windows_csv(answer), "backtest.json": json_bytes(backtest_document(answer))}


def _windows_csv(answer: BacktestAnswer) -> bytes:
    """One row for each file, series, origin and model."""
    names = [field.name for field in fields(OutlookScores)]
    year_names = [field.name for field in fields(YearScores)]
    rows = []
    for usage, window in answer.scores:
        for model in ("forecast", "naive"):
            scores, year = getattr(window, model), window.year if model == "forecast" else None
            place = [usage, window.series, date_of_hour(window.origin_hour).isoformat(), model]
            found = [_known(getattr(scores, name)) for name in names]
            in_year = [None if year is None else _known(getattr(year, name)) for name in year_names]
            rows.append([*place, *found, *in_year])
    header = ("usage", "series", "origin", "model", *names, *(f"year_{name}" for name in year_names))
    return csv_bytes(header, rows)


def _known(value: float) -> float | None:
    """None for what is not a number."""
    return value if math.isfinite(value) else None


def backtest_document(answer: BacktestAnswer) -> dict[str, Any]:
    """Averages, windows and what they come from as nested dicts and lists."""
    plan, windows = answer.order.plan, [window for _, window in answer.scores]
    return {
        "schema_version": BACKTEST_SCHEMA_VERSION,
        "horizon_days": plan.horizon_days,
        "n_paths": plan.settings.n_paths,
        "holiday_country": plan.settings.holiday_country,
        "seed": plan.seed,
        "averages": {
            model: {key: asdict(found) for key, found in averages(windows, model).items()}
            for model in ("forecast", "naive")
        },
        "year_averages": {key: asdict(found) for key, found in year_averages(windows).items()},
        "windows": [
            {key: value for key, value in asdict(window).items() if key not in ("origin_hour", "seconds")}
            | {"usage": usage, "origin_utc": iso_of_hour(window.origin_hour)}
            for usage, window in answer.scores
        ],
        "inputs": [asdict(record) for record in answer.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
    }
