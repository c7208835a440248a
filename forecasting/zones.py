"""Local days and months of UTC hours, by the clocks of one time zone; daylight saving days have 23 or 25 hours.

Not here: anything that a forecast is made from, which is UTC throughout.
"""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

from forecasting.arrays import IntArray
from forecasting.errors import InputError, Problem
from forecasting.hours import HOURS_PER_DAY

UTC = "UTC"
MAX_SHOWN_NAME = 60
SECONDS_PER_HOUR = 3_600


def zone_named(name: str, *, source: str) -> ZoneInfo:
    """Time zone of a name of the IANA database.

    Parameters
    ----------
    name : str
        Such as ``America/New_York``.
    source : str
        Option that gave the name, for the message.

    Raises
    ------
    InputError
        If this machine knows no such zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder or a path that cannot be read
        message = (
            f"must be a time zone of the IANA database, such as America/New_York or {UTC}, got "
            f"{name[:MAX_SHOWN_NAME]!r}."
        )
        raise InputError(source, [Problem(message=message)]) from None


def local_days(hours: IntArray, zone: ZoneInfo) -> IntArray:
    """Epoch day of the local date on which each epoch hour begins. Shape as given.

    Examples
    --------
    >>> local_days(np.array([0, 5]), ZoneInfo("America/New_York")).tolist()
    [-1, 0]
    """
    if zone.key == UTC:
        return np.asarray(hours, dtype=np.int64) // HOURS_PER_DAY
    first = dt.date(1970, 1, 1).toordinal()
    local = [dt.datetime.fromtimestamp(int(hour) * SECONDS_PER_HOUR, zone).toordinal() - first for hour in hours]
    return np.array(local, dtype=np.int64)


def month_of_day(days: IntArray) -> IntArray:
    """Calendar month of each epoch day, counted from January 1970. Shape as given.

    Examples
    --------
    >>> month_of_day(np.array([0, 31])).tolist()
    [0, 1]
    """
    months: IntArray = np.asarray(days, dtype=np.int64).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months
