"""Which days are holidays: the one door to the `holidays` package.

Not here: what a holiday does to demand (`forecasting.seasons`).
"""

import datetime as dt

import numpy as np

from forecasting.arrays import IntArray

EPOCH = dt.date(1970, 1, 1)
CHRISTMAS_WEEK = "Christmas week"
BLACK_FRIDAY = "Day after Thanksgiving"
_OBSERVED_MARKS = (" (observed)", " (Observed)")


def holiday_names(days: IntArray, *, country: str) -> tuple[str, ...]:
    """Name of the holiday on each day, empty on ordinary days.

    Days from 24 to 31 December that are no holiday themselves are named `CHRISTMAS_WEEK`; in the US the Friday
    after Thanksgiving is named `BLACK_FRIDAY`. A day given off instead of a holiday carries the holiday's name.

    Parameters
    ----------
    days : IntArray of shape (n_days,)
        Epoch days.
    country : str
        ISO 3166 alpha-2 code; empty for no holidays at all.

    Returns
    -------
    tuple of str
        One name for each day.

    Raises
    ------
    ValueError
        If the country has no calendar.

    Examples
    --------
    >>> holiday_names(np.array([19_711, 19_716, 19_723]), country="US")
    ('', 'Christmas Day', "New Year's Day")
    """
    if not country:
        return ("",) * len(days)
    dates = [EPOCH + dt.timedelta(days=int(day)) for day in np.asarray(days)]
    named = _named_days(country, sorted({date.year for date in dates}))
    return tuple(named.get(date, "") or _season_name(date) for date in dates)


def _named_days(country: str, years: list[int]) -> dict[dt.date, str]:
    """Public holidays of the years, by date."""
    import holidays  # lazy: 0.2 s that readers of prices need not pay

    try:
        calendar = holidays.country_holidays(country, years=years)
    except NotImplementedError:
        msg = f"holiday_country must be a country code with a calendar, such as 'US', got {country!r}."
        raise ValueError(msg) from None
    named = {date: _plain_name(name) for date, name in calendar.items()}
    if country == "US":
        thanksgivings = [date for date, name in named.items() if name.startswith("Thanksgiving")]
        named.update({date + dt.timedelta(days=1): BLACK_FRIDAY for date in thanksgivings})
    return named


def _plain_name(name: str) -> str:
    """Name without the mark of a substitute day, first name where a day has several."""
    for mark in _OBSERVED_MARKS:
        name = name.replace(mark, "")
    return name.split("; ")[0]


def _season_name(date: dt.date) -> str:
    """Name of the season of days off that holds an otherwise ordinary date."""
    return CHRISTMAS_WEEK if (date.month, date.day) >= (12, 24) else ""
