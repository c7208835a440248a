"""Forecasts of other models, brought as a file: quantiles of daily demand, or sample paths of hourly demand.

Not here: what they do to our own sample paths (`forecasting.remapping`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.errors import InputError, Problem
from forecasting.files import read_raw
from forecasting.frames import Column, ColumnKind, ScannedTable, did_you_mean, row_problems, scan_table
from forecasting.hours import HOURS_PER_DAY, date_of_hour, iso_of_hour

TOTAL = "total"
_GROUP = Column(name="group", kind=ColumnKind.NAME, doc="Pool, group, or `total`.")
QUANTILE_COLUMNS = (
    Column(name="date", kind=ColumnKind.HOUR_OR_DATE, doc="UTC day."),
    _GROUP,
    Column(name="quantile", kind=ColumnKind.NUMBER, at_least=0.0, at_most=1.0, doc="Level, between 0 and 1."),
    Column(name="units", kind=ColumnKind.NUMBER, unit="units", at_least=0.0, doc="Quantile of the day's mean demand."),
)
PATH_COLUMNS = (
    Column(name="hour_utc", kind=ColumnKind.HOUR, doc="Start of the hour, in UTC."),
    _GROUP,
    Column(name="path", kind=ColumnKind.INTEGER, doc="Number of the sample path; one number is one joint future."),
    Column(name="units", kind=ColumnKind.NUMBER, unit="units", at_least=0.0, doc="Demand in the hour."),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExternalQuantiles:
    """Quantiles of daily mean demand of one name.

    Attributes
    ----------
    name : str
        Pool, group or `total`.
    first_day : int
        Epoch day of the first row; the others follow without a gap.
    levels : FloatArray of shape (n_levels,)
        Rising, in (0, 1).
    units : FloatArray of shape (n_days, n_levels)
        Not falling along the levels. [units]
    """

    name: str
    first_day: int
    levels: FloatArray
    units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("levels", "units"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def days(self) -> IntArray:
        """Epoch days. Shape (n_days,)."""
        return np.arange(self.first_day, self.first_day + len(self.units), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExternalPaths:
    """Joint sample paths of hourly demand of several names.

    Attributes
    ----------
    names : tuple of str
        Pools, groups or `total`, sorted.
    hours : IntArray of shape (n_hours,)
        Epoch hours without a gap.
    units : FloatArray of shape (n_paths, n_names, n_hours)
        [units]
    """

    names: tuple[str, ...]
    hours: IntArray
    units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "hours", frozen_ints(self.hours))
        object.__setattr__(self, "units", frozen_floats(self.units))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExternalForecast:
    """What another model says: quantiles or sample paths.

    Attributes
    ----------
    source : str
        Name of the file.
    quantiles : tuple of ExternalQuantiles
        One for each name; empty where the file holds paths.
    paths : ExternalPaths or None
        None where the file holds quantiles.
    """

    source: str
    quantiles: tuple[ExternalQuantiles, ...] = ()
    paths: ExternalPaths | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Pools, groups or `total` that the file is about, sorted."""
        return tuple(one.name for one in self.quantiles) if self.paths is None else self.paths.names


def read_external(path: Path) -> ExternalForecast:
    """Forecast of another model.

    Parameters
    ----------
    path : Path
        CSV or Parquet with `QUANTILE_COLUMNS`, or with `PATH_COLUMNS`: the one has a column `quantile`, the other a
        column `path`.

    Raises
    ------
    InputError
        With all problems: cells, rows that are there twice or missing, quantiles that cross.
    """
    every = {column.name: column for column in (*QUANTILE_COLUMNS, *PATH_COLUMNS)}
    found = read_raw(path, list(every.values())).columns
    is_of_paths = "path" in found and "quantile" not in found
    scanned = scan_table(path, PATH_COLUMNS if is_of_paths else QUANTILE_COLUMNS)
    if scanned.problems:
        raise InputError(str(path), _explained(scanned, found))
    frame = scanned.frame
    if frame.empty:
        raise InputError(str(path), [Problem(message="has no rows. It needs one for each quantile or path.")])
    return _paths(frame, str(path)) if is_of_paths else _quantiles(frame, str(path))


def external_rows(
    external: ExternalForecast, *, row_pools: Sequence[str | None], row_groups: Sequence[str]
) -> dict[str, IntArray]:
    """Rows of demand that each name of an external forecast is the sum of.

    Parameters
    ----------
    external : ExternalForecast
    row_pools : sequence of str or None
        Pool of each row of demand; None for demand of a group that is in no pool with a name.
    row_groups : sequence of str
        Group of each row.

    Raises
    ------
    InputError
        If a name is neither `total`, a group, nor a pool, or if two names share a row.
    """
    known = {TOTAL, *(pool for pool in row_pools if pool), *(group for group in row_groups if group)}
    problems, rows_of = [], {}
    taken: dict[int, str] = {}
    for name in external.names:
        if name not in known:
            message = f"{name!r} must be a pool, a group or `{TOTAL}`, and is none.{did_you_mean(name, known)}"
            problems.append(Problem(column="group", message=message))
            continue
        is_of_name = [
            name == TOTAL or name == (group if name in row_groups else pool)
            for pool, group in zip(row_pools, row_groups, strict=True)
        ]
        rows = np.flatnonzero(is_of_name)
        shared = sorted({taken[row] for row in rows.tolist() if row in taken})
        if shared:
            message = f"{name!r} must not share demand with another name, got {shared[0]!r} too. Keep one of them."
            problems.append(Problem(column="group", message=message))
        taken.update(dict.fromkeys(rows.tolist(), name))
        rows_of[name] = rows.astype(np.int64)
    if problems:
        raise InputError(external.source, problems)
    return rows_of


def _explained(scanned: ScannedTable, found: dict[str, object]) -> list[Problem]:
    """Problems of the cells, and which two kinds of file there are where the header fits neither."""
    problems = list(scanned.problems)
    if "quantile" not in found and "path" not in found:
        kinds = [", ".join(column.name for column in columns) for columns in (QUANTILE_COLUMNS, PATH_COLUMNS)]
        problems.append(Problem(row=0, message=f"must have the columns {kinds[0]}, or {kinds[1]}."))
    return problems


def _quantiles(frame: pd.DataFrame, source: str) -> ExternalForecast:
    """Checked quantiles of every name."""
    rows = frame.index.to_numpy(dtype=np.int64)
    levels = frame["quantile"].to_numpy(dtype=np.float64)
    hours = frame["date"].to_numpy(dtype=np.int64)
    is_end = (levels <= 0) | (levels >= 1)
    is_hour = hours % HOURS_PER_DAY != 0
    problems = [
        *row_problems("date", rows, is_hour, lambda _: "must be a date like 2024-01-31, got an hour."),
        *row_problems("quantile", rows, is_end, lambda at: f"must lie between 0 and 1, got {levels[at]:g}."),
        *_repeats(frame, ["date", "group", "quantile"]),
    ]
    made = []
    if not problems:
        for name, part in frame.groupby("group", sort=True):
            table = part.pivot(index="date", columns="quantile", values="units")  # noqa: PD010  # one row for each cell
            wrong = _quantile_problem(str(name), table)
            problems += [wrong] if wrong else []
            made.append(
                ExternalQuantiles(
                    name=str(name),
                    first_day=int(table.index[0]) // HOURS_PER_DAY,
                    levels=table.columns.to_numpy(dtype=np.float64),
                    units=table.to_numpy(dtype=np.float64),
                )
            )
    if problems:
        raise InputError(source, problems)
    return ExternalForecast(source=source, quantiles=tuple(made))


def _quantile_problem(name: str, table: pd.DataFrame) -> Problem | None:
    """First day that is missing, lacks a quantile, or has quantiles that cross."""
    hours = table.index.to_numpy(dtype=np.int64)
    values = table.to_numpy(dtype=np.float64)
    gaps = np.flatnonzero(np.diff(hours) > HOURS_PER_DAY)
    if len(gaps):
        date = date_of_hour(int(hours[gaps[0]]) + HOURS_PER_DAY)
        return Problem(column="date", message=f"{name!r} must have every day from its first to its last, not {date}.")
    lacking = np.argwhere(np.isnan(values))
    if len(lacking):
        day, level = lacking[0]
        where = f"{name!r} must have the same quantiles on every day, and lacks {table.columns[level]:g}"
        return Problem(column="quantile", message=f"{where} on {date_of_hour(int(hours[day]))}.")
    crossed = np.argwhere(np.diff(values, axis=1) < 0)
    if len(crossed):
        day, level = crossed[0]
        low, high = table.columns[level], table.columns[level + 1]
        got = f"{values[day, level]:g} at {low:g} and {values[day, level + 1]:g} at {high:g}"
        message = f"{name!r} must have quantiles that do not cross, got {got} on {date_of_hour(int(hours[day]))}."
        return Problem(column="units", message=message)
    return None


def _paths(frame: pd.DataFrame, source: str) -> ExternalForecast:
    """Checked sample paths: every name, path and hour once."""
    problems = _repeats(frame, ["hour_utc", "group", "path"])
    hour_codes, known_hours = pd.factorize(frame["hour_utc"], sort=True)
    name_codes, names = pd.factorize(frame["group"], sort=True)
    path_codes, numbers = pd.factorize(frame["path"], sort=True)
    hours: IntArray = np.asarray(known_hours, dtype=np.int64)
    gaps = np.flatnonzero(np.diff(hours) > 1)
    if len(gaps):
        message = f"must be every hour from the first to the last, not {iso_of_hour(int(hours[gaps[0]]) + 1)}."
        problems.append(Problem(column="hour_utc", message=message))
    shape = (len(numbers), len(names), len(hours))
    if not problems and len(frame) < int(np.prod(shape)):
        seen = np.zeros(shape, dtype=np.bool_)
        seen[path_codes, name_codes, hour_codes] = True
        path, name, hour = np.argwhere(~seen)[0]
        where = f"path {numbers[path]} of {str(names[name])!r} must have every hour that others have"
        problems.append(Problem(column="path", message=f"{where}, and lacks {iso_of_hour(int(hours[hour]))}."))
    if problems:
        raise InputError(source, problems)
    units = np.zeros(shape)
    units[path_codes, name_codes, hour_codes] = frame["units"].to_numpy(dtype=np.float64)
    paths = ExternalPaths(names=tuple(str(name) for name in names), hours=hours, units=units)
    return ExternalForecast(source=source, paths=paths)


def _repeats(frame: pd.DataFrame, columns: list[str]) -> list[Problem]:
    """Rows that repeat an earlier row's place."""
    is_repeat = frame.duplicated(subset=columns).to_numpy(dtype=np.bool_)
    rows = frame.index.to_numpy(dtype=np.int64)
    place = " and ".join(columns)
    return row_problems(columns[-1], rows, is_repeat, lambda _: f"must be the only row of its {place}. Drop one.")
