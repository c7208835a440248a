"""Time: hours are integers, counted from 1970-01-01 00:00 UTC and named by their start.

The only module that turns hours into dates and back. Not here: calendars of holidays.
"""

import datetime as dt

import numpy as np

from forecasting.arrays import IntArray

HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168
HOURS_PER_YEAR = 8_760
HOURS_PER_MONTH = 730
MAX_TERM_MONTHS = 120  # a longer term, or a longer time between purchases, is mistyped
FIRST_DATE, LAST_DATE = "1970-01-01", "2199-12-31"  # a decision, a window or a ramp outside of them is mistyped


def hour_of_date(text: str) -> int:
    """Epoch hour at 00:00 UTC of an ISO date.

    Raises
    ------
    ValueError
        If `text` is not a date of the form YYYY-MM-DD.

    Examples
    --------
    >>> hour_of_date("1970-01-02")
    24
    """
    date = dt.date.fromisoformat(text)
    if date.isoformat() != text:
        msg = f"a date must have the form YYYY-MM-DD, got {text!r}."
        raise ValueError(msg)
    return (date - dt.date(1970, 1, 1)).days * HOURS_PER_DAY


def hour_of_plan_date(text: str) -> int:
    """Epoch hour at 00:00 UTC of a date that a plan can be about, from `FIRST_DATE` to `LAST_DATE`.

    Raises
    ------
    ValueError
        If `text` is no date, or lies outside.
    """
    hour = hour_of_date(text)
    if not FIRST_DATE <= text <= LAST_DATE:
        msg = f"a date must lie between {FIRST_DATE} and {LAST_DATE}, got {text!r}."
        raise ValueError(msg)
    return hour


def date_of_hour(hour: int) -> dt.date:
    """UTC date that holds the epoch hour.

    Examples
    --------
    >>> date_of_hour(25)
    datetime.date(1970, 1, 2)
    """
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(hour) // HOURS_PER_DAY)


def iso_of_hour(hour: int) -> str:
    """ISO 8601 timestamp of an epoch hour, with its zone.

    Examples
    --------
    >>> iso_of_hour(25)
    '1970-01-02T01:00:00Z'
    """
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(hours=int(hour))
    return moment.isoformat() + "Z"


def term_hours(term_months: int) -> int:
    """Length of a term: 365 days for each 12 months, otherwise 730 hours a month. [h]

    Examples
    --------
    >>> term_hours(12), term_hours(36), term_hours(6)
    (8760, 26280, 4380)
    """
    years, months = divmod(term_months, 12)
    if months == 0:
        return years * HOURS_PER_YEAR
    return term_months * HOURS_PER_MONTH


def add_months(hour: int, n_months: int) -> int:
    """Epoch hour of the same day of the month, `n_months` later (the month's last day where shorter).

    Examples
    --------
    >>> date_of_hour(add_months(hour_of_date("2023-11-30"), 3))
    datetime.date(2024, 2, 29)
    """
    date = date_of_hour(hour)
    index = date.year * 12 + date.month - 1 + n_months
    first = dt.date(index // 12, index % 12 + 1, 1)
    after = dt.date((index + 1) // 12, (index + 1) % 12 + 1, 1)
    day = min(date.day, (after - first).days)
    return hour_of_date(first.replace(day=day).isoformat())


def hour_of_week(hours: IntArray) -> IntArray:
    """Hour of the week, 0 = Monday 00:00 UTC. Shape as given.

    Examples
    --------
    >>> hour_of_week(np.array([0]))  # 1970-01-01 was a Thursday
    array([72])
    """
    return (np.asarray(hours, dtype=np.int64) + 72) % HOURS_PER_WEEK


def month_index(hours: IntArray) -> IntArray:
    """Calendar month of each epoch hour, counted from January 1970. Shape as given.

    Examples
    --------
    >>> month_index(np.array([0, 31 * 24]))
    array([0, 1])
    """
    as_hours = np.asarray(hours, dtype=np.int64).astype("datetime64[h]")
    months: IntArray = as_hours.astype("datetime64[M]").astype(np.int64)
    return months


def month_name(index: int) -> str:
    """Name of a month index.

    Examples
    --------
    >>> month_name(1)
    '1970-02'
    """
    return f"{1970 + index // 12:04d}-{index % 12 + 1:02d}"
