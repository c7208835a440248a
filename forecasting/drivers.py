"""Drivers of demand (users, prices, tests a day) over time, read from a file: what was measured, and what is expected.

Between two rows a driver moves by a constant factor a day (a straight line in logs). Not here: what demand makes of
them (`forecasting.relations`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.errors import InputError, Problem
from forecasting.events import NORMAL_Q90
from forecasting.frames import Column, ColumnKind, row_problems, scan_table
from forecasting.hours import HOURS_PER_DAY, date_of_hour

DRIVER_COLUMNS = (
    Column(name="date", kind=ColumnKind.HOUR_OR_DATE, doc="Day that the row is about."),
    Column(name="driver", kind=ColumnKind.NAME, doc="Driver; one row for each driver and day that is known."),
    Column(
        name="value", kind=ColumnKind.NUMBER, at_least=0.0, doc="Measured, or the P50 of what is expected; above 0."
    ),
    Column(name="low", kind=ColumnKind.NUMBER, required=False, at_least=0.0, doc="P10 of what is expected."),
    Column(name="high", kind=ColumnKind.NUMBER, required=False, at_least=0.0, doc="P90 of what is expected."),
    Column(
        name="known_from",
        kind=ColumnKind.HOUR_OR_DATE,
        required=False,
        doc="First date at which the row is visible; always where empty.",
    ),
)
ALWAYS_KNOWN_DAY = -(2**40)  # before any date
CARRIED_SPAN_DAYS = 28  # changes over four weeks say how far a driver wanders; shorter ones are noise and weekdays
GENERIC_DAILY_LOG_SD = 0.01  # of a driver with less than eight weeks of rows: 10 % after a quarter, 19 % after a year


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriverCurve:
    """One driver as it was known at a date.

    Attributes
    ----------
    name : str
        Driver.
    days : IntArray of shape (n_rows,)
        Epoch days, strictly increasing, at least one.
    logs : FloatArray of shape (n_rows,)
        Log of the measured values, then of the P50 of the expected ones.
    down, up : FloatArray of shape (n_rows,)
        Distance of the P10 and of the P90 from the P50 in logs, >= 0; 0 for what is measured.
    daily_log_sd : float
        How far it wanders in the root of a day once no row tells more.
    """

    name: str
    days: IntArray
    logs: FloatArray
    down: FloatArray
    up: FloatArray
    daily_log_sd: float

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "days", frozen_ints(self.days))
        for name in ("logs", "down", "up"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def last_day(self) -> int:
        """Epoch day of the last row."""
        return int(self.days[-1])

    def log_values(self, days: IntArray) -> FloatArray:
        """Log of the driver on each day; before its first row as on the first, after its last as on the last."""
        values: FloatArray = np.interp(days, self.days, self.logs)
        return values

    def log_spread(self, days: IntArray) -> tuple[FloatArray, FloatArray]:
        """Log distance of P10 and of P90 from the P50 on each day; beyond the last row it grows like a random walk."""
        carried = self.daily_log_sd**2 * np.maximum(np.asarray(days) - self.last_day, 0) * NORMAL_Q90**2
        down = np.sqrt(np.interp(days, self.days, self.down) ** 2 + carried)
        up = np.sqrt(np.interp(days, self.days, self.up) ** 2 + carried)
        return down, up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drivers:
    """All rows of a driver file.

    Attributes
    ----------
    source : str
        Name of the file.
    names : tuple of str
        Drivers, sorted.
    codes : IntArray of shape (n_rows,)
        Position of each row's driver in `names`.
    days, known_days : IntArray of shape (n_rows,)
        Epoch day that the row is about, and from which on it is visible.
    values, lows, highs : FloatArray of shape (n_rows,)
        P50, P10, P90; equal where the file gives no range. > 0.
    """

    source: str
    names: tuple[str, ...]
    codes: IntArray
    days: IntArray
    known_days: IntArray
    values: FloatArray
    lows: FloatArray
    highs: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("codes", "days", "known_days"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        for name in ("values", "lows", "highs"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    def visible_at(self, as_of_day: int, names: Sequence[str]) -> tuple[DriverCurve, ...]:
        """Some drivers as they are known at a date, in the order of `names`.

        Of several rows for one day that are visible, the one known last counts. A row that says nothing about when it
        is known counts as measured on its day where that lies before `as_of_day`, and as a forecast that was always
        there otherwise.

        Raises
        ------
        InputError
            If one of them has no visible row before the date.
        """
        curves, problems = [], []
        for name in names:
            rows = np.flatnonzero((self.codes == self.names.index(name)) & (self.known_days <= as_of_day))
            if not np.any(self.days[rows] < as_of_day):
                date = date_of_hour(as_of_day * HOURS_PER_DAY)
                message = (
                    f"driver {name!r} must have a row for a day before the decision date {date} that is visible at "
                    "it, and has none. Add what was measured, or choose a later date."
                )
                problems.append(Problem(column="date", message=message))
                continue
            curves.append(self._curve(name, rows, as_of_day))
        if problems:
            raise InputError(self.source, problems)
        return tuple(curves)

    def _curve(self, name: str, rows: IntArray, as_of_day: int) -> DriverCurve:
        """One driver from its visible rows."""
        says_nothing = self.known_days[rows] == ALWAYS_KNOWN_DAY
        known = np.where(says_nothing & (self.days[rows] < as_of_day), self.days[rows], self.known_days[rows])
        ordered = rows[np.lexsort((known, self.days[rows]))]
        last = np.append(np.diff(self.days[ordered]) > 0, True)
        kept = ordered[last]
        days, logs = self.days[kept], np.log(self.values[kept])
        is_expected = days >= as_of_day
        return DriverCurve(
            name=name,
            days=days,
            logs=logs,
            down=np.where(is_expected, logs - np.log(self.lows[kept]), 0.0),
            up=np.where(is_expected, np.log(self.highs[kept]) - logs, 0.0),
            daily_log_sd=_wandering(days[~is_expected], logs[~is_expected]),
        )


def read_drivers(path: Path) -> Drivers:
    """Drivers of a file.

    Parameters
    ----------
    path : Path
        CSV or Parquet with `DRIVER_COLUMNS`.

    Raises
    ------
    InputError
        With all problems: cells, values that are not above 0, ranges that do not hold their value, two rows for one
        day and driver that are known from the same date.
    """
    scanned = scan_table(path, DRIVER_COLUMNS)
    problems = list(scanned.problems)
    if scanned.is_complete:
        problems += _problems(scanned.frame, had_rows=bool(scanned.problems))
    if problems:
        raise InputError(str(path), problems)
    return _drivers(scanned.frame, str(path))


def carried_sentences(curves: Sequence[DriverCurve], *, end_day: int) -> tuple[str, ...]:
    """One sentence for each driver whose rows end before the last day of a horizon (`end_day`, exclusive)."""
    return tuple(
        f"Driver '{curve.name}' is given up to {date_of_hour(curve.last_day * HOURS_PER_DAY)}: from then on its last "
        f"value is carried on, with a spread that grows by {100 * curve.daily_log_sd:.2g} % in the root of a day."
        for curve in curves
        if curve.last_day < end_day - 1
    )


def _drivers(frame: pd.DataFrame, source: str) -> Drivers:
    """Arrays of a checked frame."""
    codes, names = pd.factorize(frame["driver"], sort=True)
    values, lows, highs = (frame[name].to_numpy(dtype=np.float64) for name in ("value", "low", "high"))
    return Drivers(
        source=source,
        names=tuple(str(name) for name in names),
        codes=codes.astype(np.int64),
        days=frame["date"].to_numpy(dtype=np.int64) // HOURS_PER_DAY,
        known_days=_known_days(frame),
        values=values,
        lows=np.where(np.isnan(lows), values, lows),
        highs=np.where(np.isnan(highs), values, highs),
    )


def _known_days(frame: pd.DataFrame) -> IntArray:
    """Epoch day from which on each row is visible."""
    hours = frame["known_from"].to_numpy(dtype=np.float64, na_value=np.nan)
    days = np.ceil(np.where(np.isnan(hours), 0.0, hours) / HOURS_PER_DAY).astype(np.int64)
    known: IntArray = np.where(np.isnan(hours), ALWAYS_KNOWN_DAY, days)
    return known


def _problems(frame: pd.DataFrame, *, had_rows: bool) -> list[Problem]:
    """What is wrong with rows whose cells are all fine."""
    if frame.empty:
        return [] if had_rows else [Problem(message="has no rows. It needs one for each driver and day that is known.")]
    rows = frame.index.to_numpy(dtype=np.int64)
    value, low, high = (frame[name].to_numpy(dtype=np.float64) for name in ("value", "low", "high"))
    hours = frame["date"].to_numpy(dtype=np.int64)
    is_half = np.isnan(low) != np.isnan(high)
    is_outside = (low > value) | (high < value)
    return [
        *row_problems(
            "date", rows, hours % HOURS_PER_DAY != 0, lambda _: "must be a date like 2024-01-31, got an hour."
        ),
        *row_problems("value", rows, value <= 0, lambda _: "must be above 0, as a driver acts as a factor, got 0."),
        *row_problems("low", rows, low <= 0, lambda _: "must be above 0, as a driver acts as a factor, got 0."),
        *row_problems("low", rows, is_half, lambda _: "must stand beside high. Give both (P10 and P90), or neither."),
        *row_problems(
            "low",
            rows,
            is_outside & ~is_half,
            lambda at: f"must be a range that holds the value {value[at]:g}, got {low[at]:g} to {high[at]:g}.",
        ),
        *_repeats(frame, rows),
    ]


def _repeats(frame: pd.DataFrame, rows: IntArray) -> list[Problem]:
    """Rows that repeat the day, driver and first visible date of an earlier row."""
    keys = pd.DataFrame(
        {"day": frame["date"].to_numpy() // HOURS_PER_DAY, "driver": frame["driver"], "known": _known_days(frame)}
    )
    is_repeat: BoolArray = keys.duplicated().to_numpy()
    names = frame["driver"].tolist()
    dates = frame["date"].to_numpy(dtype=np.int64)

    def message(at: int) -> str:
        what = f"{names[at]!r} of {date_of_hour(int(dates[at]))}"
        return f"must be the only row of its driver, date and known_from, got {what} again. Drop one."

    return row_problems("driver", rows, is_repeat, message)


def _wandering(days: IntArray, logs: FloatArray) -> float:
    """Root mean square of changes over four weeks (or the usual distance of rows), in the root of a day."""
    if len(days) < 2 or days[-1] - days[0] < 2 * CARRIED_SPAN_DAYS:
        return GENERIC_DAILY_LOG_SD
    span = max(CARRIED_SPAN_DAYS, int(np.median(np.diff(days))))
    grid = np.arange(days[0], days[-1] + 1)
    values = np.interp(grid, days, logs)
    if len(values) < 2 * span:
        return GENERIC_DAILY_LOG_SD
    return float(np.sqrt(np.mean((values[span:] - values[:-span]) ** 2) / span))
