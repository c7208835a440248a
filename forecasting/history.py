"""Observed demand as one array, read and checked from a usage file.

Not here: filling, cleaning or judging the history.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.errors import HistoryError, InputError, Problem
from forecasting.frames import Column, ColumnKind, scan_table
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_YEAR, date_of_hour, iso_of_hour

USAGE_COLUMNS = (
    Column(name="hour_utc", kind=ColumnKind.HOUR, doc="Start of the hour, in UTC, on the hour."),
    Column(name="pool", kind=ColumnKind.NAME, doc="Pool; one row for each pool and hour with usage."),
    Column(name="units", kind=ColumnKind.NUMBER, unit="units", at_least=0.0, doc="Units running in the hour."),
)
AS_OF = "--as-of"
MAX_DAYS_AFTER_HISTORY = 31
MAX_SPAN_YEARS = 50  # a longer span is a mistyped year
MAX_CELLS = 400_000_000  # pools x hours that are held as one array (3.2 GB)
MAX_SHOWN_GAPS = 5
MAX_SHOWN_DUPLICATES = 5

MissingHours = Literal["refuse", "zero"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Observed demand, hour by hour.

    Attributes
    ----------
    pools : tuple of str
        Pool names, sorted, in the order of the pool axis.
    start_hour : int
        Epoch hour of the first column.
    units : FloatArray of shape (n_pools, n_hours)
        Demand; zero where a pool has no row. [units]
    """

    pools: tuple[str, ...]
    start_hour: int
    units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "units", frozen_floats(self.units))
        if self.units.ndim != 2 or self.units.shape[0] != len(self.pools):
            msg = f"units must have shape ({len(self.pools)}, n_hours), got {self.units.shape}."
            raise ValueError(msg)

    @property
    def end_hour(self) -> int:
        """Epoch hour after the last column."""
        return self.start_hour + int(self.units.shape[1])

    def before(self, as_of_hour: int) -> "History":
        """History that ends at `as_of_hour` at the latest, without the pools that had no usage until then."""
        n_hours = max(0, min(as_of_hour, self.end_hour) - self.start_hour)
        units = self.units[:, :n_hours]
        had_usage = np.any(units > 0, axis=1)
        return History(
            pools=tuple(pool for pool, keep in zip(self.pools, had_usage, strict=True) if keep),
            start_hour=self.start_hour,
            units=units[had_usage],
        )

    def between(self, start_hour: int, end_hour: int) -> "History":
        """Demand of all pools from `start_hour` up to `end_hour`, which is exclusive; zero outside of the data."""
        units = np.zeros((len(self.pools), max(0, end_hour - start_hour)))
        first, last = max(start_hour, self.start_hour), min(end_hour, self.end_hour)
        if first < last:
            inside = self.units[:, first - self.start_hour : last - self.start_hour]
            units[:, first - start_hour : last - start_hour] = inside
        return History(pools=self.pools, start_hour=start_hour, units=units)


def read_usage(path: Path, *, missing_hours: MissingHours | None = None, before_hour: int | None = None) -> History:
    """Observed demand of a usage file.

    Parameters
    ----------
    path : Path
        CSV or Parquet with `USAGE_COLUMNS`.
    missing_hours : str or None
        ``zero``: an hour without any row is zero demand. ``refuse`` or None: such an hour is a gap.
    before_hour : int or None
        Rows at or after this epoch hour are dropped once their cells are read: the history is the same whether the
        file goes on or not.

    Raises
    ------
    InputError
        With all problems: cells, two rows for one hour and pool, gaps.
    """
    scanned = scan_table(path, USAGE_COLUMNS)
    problems, frame = list(scanned.problems), scanned.frame
    if scanned.is_complete and before_hour is not None and len(frame):
        frame = _before(frame, before_hour, path)
    if scanned.is_complete and len(frame):
        problems += _duplicates(frame)
    if not problems:
        problems += _span_problems(frame)
    if not problems and missing_hours != "zero":
        problems += _gaps(frame)
    if problems:
        raise InputError(str(path), problems)
    return _history(frame)


def _before(frame: pd.DataFrame, before_hour: int, path: Path) -> pd.DataFrame:
    """Rows before an hour; refused where there are none at all."""
    kept = frame.loc[frame["hour_utc"] < before_hour]
    if kept.empty:
        first = iso_of_hour(int(frame["hour_utc"].min()))
        message = f"no usage lies before {iso_of_hour(before_hour)}; the first hour is {first}. Choose a later date."
        raise InputError(str(path), [Problem(column="hour_utc", message=message)])
    return kept


def check_as_of(history: History, as_of_hour: int, *, needed_days: int) -> None:
    """Refuse an as-of date that the history cannot serve.

    Parameters
    ----------
    history : History
        All of the usage.
    as_of_hour : int
        Epoch hour of the decision.
    needed_days : int
        History that a forecast needs before it. [days]

    Raises
    ------
    InputError
        If it lies more than 31 days after the last hour, or not after the first.
    HistoryError
        If there is some history before it, but less than `needed_days`.
    """
    there = f"the usage runs from {iso_of_hour(history.start_hour)} to {iso_of_hour(history.end_hour)}"
    as_of = iso_of_hour(as_of_hour)
    if as_of_hour > history.end_hour + MAX_DAYS_AFTER_HISTORY * HOURS_PER_DAY:
        latest = date_of_hour(history.end_hour + MAX_DAYS_AFTER_HISTORY * HOURS_PER_DAY)
        rule = f"must be at most {MAX_DAYS_AFTER_HISTORY} days after the last hour of usage, got {as_of}; {there}."
        raise InputError(AS_OF, [Problem(message=f"{rule} Use a date up to {latest}, or add newer usage.")])
    if as_of_hour <= history.start_hour:
        message = f"must be after the first hour of usage, got {as_of}; {there}. Use a later date, or add older usage."
        raise InputError(AS_OF, [Problem(message=message)])
    days = (min(as_of_hour, history.end_hour) - history.start_hour) / HOURS_PER_DAY
    if days < needed_days:
        message = (
            f"history before --as-of {as_of} must be at least {needed_days} days long to be forecast, got {days:.1f} "
            f"days ({there}). Use a later date, or add older usage."
        )
        raise HistoryError(message)


def _codes(frame: pd.DataFrame) -> tuple[IntArray, IntArray, tuple[str, ...]]:
    """Hours since the first, position of the pool, and the sorted pools."""
    hours = frame["hour_utc"].to_numpy(dtype=np.int64)
    codes, pools = pd.factorize(frame["pool"], sort=True)
    return hours - hours.min(), codes.astype(np.int64), tuple(str(pool) for pool in pools)


def _duplicates(frame: pd.DataFrame) -> list[Problem]:
    """Rows that repeat the hour and pool of an earlier row."""
    hours, codes, pools = _codes(frame)
    keys = hours * len(pools) + codes
    order = np.argsort(keys, kind="stable")
    is_repeat = np.concatenate([[False], keys[order][1:] == keys[order][:-1]])
    repeats = np.flatnonzero(is_repeat)
    rows = frame.index.to_numpy()
    problems = []
    for position in repeats[:MAX_SHOWN_DUPLICATES]:
        first, second = order[position - 1], order[position]
        what = f"pool {pools[codes[second]]!r} at {iso_of_hour(frame['hour_utc'].iloc[second])}"
        message = (
            f"must be the only row of its hour and pool, got {what} in row {rows[first]} too. Add them up or drop one."
        )
        problems.append(Problem(column="pool", row=int(rows[second]), message=message))
    if len(repeats) > MAX_SHOWN_DUPLICATES:
        more = f"{len(repeats) - MAX_SHOWN_DUPLICATES} more rows repeat an hour and pool."
        problems.append(Problem(column="pool", message=more))
    return problems


def _span_problems(frame: pd.DataFrame) -> list[Problem]:
    """Tables without rows, and spans that no history has."""
    if frame.empty:
        return [Problem(message="has no rows. It needs one for each hour and pool with usage.")]
    hours = frame["hour_utc"].to_numpy(dtype=np.int64)
    span = int(hours.max() - hours.min()) + 1
    if span > MAX_SPAN_YEARS * HOURS_PER_YEAR:
        farthest = int(np.argmax(np.abs(hours - np.median(hours))))
        got = f"{iso_of_hour(hours.min())} to {iso_of_hour(hours.max())}"
        message = f"must span at most {MAX_SPAN_YEARS} years, got {got}. Check the years."
        return [Problem(column="hour_utc", row=int(frame.index[farthest]), message=message)]
    n_pools = frame["pool"].nunique()
    if n_pools * span > MAX_CELLS:
        message = f"{n_pools} pools x {span} hours must be at most {MAX_CELLS} cells. Plan fewer pools at once."
        return [Problem(column="pool", message=message)]
    return []


def _gaps(frame: pd.DataFrame) -> list[Problem]:
    """Hours between the first and the last that no pool has."""
    hours = np.unique(frame["hour_utc"].to_numpy(dtype=np.int64))
    before = np.flatnonzero(np.diff(hours) > 1)
    if not len(before):
        return []
    n_missing = int(hours[-1] - hours[0] + 1) - len(hours)
    listed = [f"{iso_of_hour(hours[at] + 1)} to {iso_of_hour(hours[at + 1])}" for at in before[:MAX_SHOWN_GAPS]]
    more = f" and {len(before) - MAX_SHOWN_GAPS} more" if len(before) > MAX_SHOWN_GAPS else ""
    after_gap = frame.index[frame["hour_utc"].to_numpy() == hours[before[0] + 1]][0]
    message = (
        f"{n_missing} hours have no row for any pool, in {len(before)} gap{'s' if len(before) > 1 else ''}: "
        f"{'; '.join(listed)}{more}. The first gap ends at this row. If no row means zero demand, declare it with "
        "--missing-hours zero, or with `missing_hours: zero` in the roadmap; otherwise add the hours."
    )
    return [Problem(column="hour_utc", row=int(after_gap), message=message)]


def _history(frame: pd.DataFrame) -> History:
    """Array of a checked frame."""
    hours, codes, pools = _codes(frame)
    units = np.zeros((len(pools), int(hours.max()) + 1))
    units[codes, hours] = frame["units"].to_numpy(dtype=np.float64)
    return History(pools=pools, start_hour=int(frame["hour_utc"].min()), units=units)
