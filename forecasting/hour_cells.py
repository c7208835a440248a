"""Hours: timestamps and dates become epoch hours, and only those that are in UTC and on the hour.

Not here: other kinds of cells (`forecasting.cells`).
"""

import datetime as dt
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute

from forecasting.columns import Column, ColumnKind
from forecasting.hours import hour_of_date
from forecasting.raw_cells import Typed, empty_cells, is_text, shown_cell

DATE_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Z", "+00:00", "+00", "+0000", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu"})
UNITS_PER_HOUR = {"s": 3_600, "ms": 3_600_000, "us": 3_600_000_000, "ns": 3_600_000_000_000}


def read_hours(column: Column, array: Any) -> Typed:
    """Epoch hours of timestamps; nullable where cells may be empty."""
    if pa.types.is_timestamp(array.type):
        return _stamp_hours(column, array)
    if pa.types.is_date(array.type):
        array = array.cast(pa.date32()).cast(pa.large_string())
    if not is_text(array) and not pa.types.is_null(array.type):
        return f"must hold UTC timestamps, got type {array.type}."
    encoded = compute.fill_null(array.cast(pa.large_string()), "").dictionary_encode()
    parsed = [parse_hour(text, column.kind) for text in encoded.dictionary.to_pylist()]
    codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False))
    hours = np.array([hour if isinstance(hour, int) else 0 for hour in parsed], dtype=np.int64)[codes]
    is_wrong = np.array([isinstance(hour, str) for hour in parsed], dtype=np.bool_)[codes]
    empty = empty_cells(array)
    is_wrong[empty] = not column.allows_empty

    def message(position: int) -> str:
        got = "an empty cell" if empty[position] else shown_cell(array, position)
        return f"{parsed[codes[position]]}, got {got}."

    return (pd.arrays.IntegerArray(hours, empty) if column.allows_empty else hours), message, is_wrong


def parse_hour(text: str, kind: ColumnKind = ColumnKind.HOUR) -> int | str:
    """Epoch hour of an ISO 8601 timestamp in UTC, or the rule it breaks.

    Examples
    --------
    >>> parse_hour("1970-01-02T00:00:00Z"), parse_hour("1970-01-02 01:00+00:00")
    (24, 25)
    >>> parse_hour("1970-01-02T00:00:00")
    "must name its zone (end with 'Z' or '+00:00')"
    """
    text = text.strip()
    if DATE_PATTERN.fullmatch(text):
        return _parse_date(text, kind)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return "must be an ISO 8601 timestamp in UTC, like 2024-01-31T00:00:00Z"
    if moment.tzinfo is None:
        return "must name its zone (end with 'Z' or '+00:00')"
    if moment.utcoffset():
        return f"must be in UTC (end with 'Z' or '+00:00'), not in zone {moment:%z}"
    since = moment - EPOCH
    if since % dt.timedelta(hours=1):
        return "must be on the hour"
    return since // dt.timedelta(hours=1)


def _parse_date(text: str, kind: ColumnKind) -> int | str:
    """Epoch hour of 00:00 UTC of a date, where a date will do."""
    if kind is not ColumnKind.HOUR_OR_DATE:
        return "must be a timestamp with its hour and zone, like 2024-01-31T00:00:00Z"
    try:
        return hour_of_date(text)
    except ValueError:
        return "must be a date of the calendar"


def _stamp_hours(column: Column, array: Any) -> Typed:
    """Epoch hours of a Parquet timestamp column, which must be in UTC."""
    zone = array.type.tz
    if zone is None:
        return "must be timestamps in UTC, got timestamps without a zone. Write them with the zone UTC."
    if zone not in UTC_NAMES:
        return f"must be timestamps in UTC, got zone {zone!r}. Convert them to UTC."
    ticks = np.array(compute.fill_null(array.cast(pa.int64()), 0), dtype=np.int64)
    per_hour = UNITS_PER_HOUR[array.type.unit]
    empty = empty_cells(array)
    is_wrong = ticks % per_hour != 0
    is_wrong[empty] = not column.allows_empty

    def message(position: int) -> str:
        if empty[position]:
            return "must be a UTC timestamp, got an empty cell."
        return f"must be on the hour, got {shown_cell(array, position)}."

    hours = ticks // per_hour
    return (pd.arrays.IntegerArray(hours, empty) if column.allows_empty else hours), message, is_wrong
