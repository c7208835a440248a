"""Calendar of every series: holidays and the season of the year, fitted together and summed on any day.

Not here: which days are holidays (`forecasting.calendars`), nor how an effect is shrunk (`forecasting.seasons`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from forecasting.calendars import holiday_names
from forecasting.seasons import (
    NO_SEASON,
    YearlySeason,
    calendar_residuals,
    holiday_effects,
    workday_fractions,
    yearly_season,
)

MIN_HOLIDAY_DAYS = 90  # of history before a holiday's residual means anything


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalendarEffects:
    """Log effects of the calendar on each series.

    Attributes
    ----------
    country : str
        ISO 3166 alpha-2 code; empty for no holidays.
    holidays : tuple of dict of str to float
        For each series, log effect on a full working day by holiday name; the empty name is for holidays never seen.
    workdays : FloatArray of shape (n_series, 7)
        Workday fraction by epoch day modulo 7.
    seasons : tuple of YearlySeason
        One for each series.
    """

    country: str
    holidays: tuple[dict[str, float], ...]
    workdays: FloatArray
    seasons: tuple[YearlySeason, ...]

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "workdays", frozen_floats(self.workdays))

    def log_effect(self, series: int, days: IntArray) -> FloatArray:
        """Log effect of holidays and season on a series on epoch days. Shape (n_days,)."""
        effect: FloatArray = self.holiday_log_effect(series, days) + self.seasons[series].log_effect(days)
        return effect

    def holiday_log_effect(self, series: int, days: IntArray) -> FloatArray:
        """Log effect of holidays alone. Shape (n_days,)."""
        return _on_days(self.holidays[series], self.workdays[series], holiday_names(days, country=self.country), days)


def fit_calendar(logs: FloatArray, days: IntArray, *, country: str, intermittent: Sequence[bool]) -> CalendarEffects:
    """Fit holidays and then the season of the year.

    Holidays are pooled over the series of the first half (daily means of groups) and over those of the second (their
    peaks), for the groups that are old and dense enough to show any.

    Parameters
    ----------
    logs : FloatArray of shape (n_series, n_days)
        Log daily demand: means of all groups, then peaks of all groups; nan before a group was born.
    days : IntArray of shape (n_days,)
        Epoch days, contiguous.
    country : str
    intermittent : sequence of bool
        Series that are too patchy for any calendar.
    """
    names = holiday_names(days, country=country)
    ordinary = np.array([not name for name in names])
    half = len(logs) // 2
    usable = np.array([not patchy for patchy in intermittent]) & (np.isfinite(logs).sum(axis=1) >= MIN_HOLIDAY_DAYS)
    workdays = np.ones((len(logs), 7))
    for row in np.flatnonzero(usable):
        alive = np.isfinite(logs[row])
        workdays[row] = workday_fractions(logs[row, alive], days[alive], ordinary[alive])
    pooled = [_pooled_effects(logs[kind], days, names, usable[kind], workdays[kind]) for kind in _halves(half)]
    holidays = tuple(pooled[0 if row < half else 1] if not intermittent[row] else {"": 0.0} for row in range(len(logs)))
    seasons = []
    for series, patchy in enumerate(intermittent):
        alive = np.isfinite(logs[series])
        rest = logs[series] - _on_days(holidays[series], workdays[series], names, days)
        seasons.append(NO_SEASON if patchy else yearly_season(rest[alive], days[alive]))
    return CalendarEffects(country=country, holidays=holidays, workdays=workdays, seasons=tuple(seasons))


def _halves(half: int) -> tuple[slice, slice]:
    """Rows of the means and of the peaks."""
    return slice(0, half), slice(half, 2 * half)


def _pooled_effects(
    logs: FloatArray, days: IntArray, names: tuple[str, ...], usable: BoolArray, workdays: FloatArray
) -> dict[str, float]:
    """Holiday effects pooled over some series."""
    ordinary = np.array([not name for name in names])
    residuals = np.full(logs.shape, np.nan)
    for row in np.flatnonzero(usable):
        alive = np.isfinite(logs[row])
        residuals[row, alive] = calendar_residuals(logs[row, alive], days[alive], ordinary[alive])
    return holiday_effects(residuals, names, workday_fraction=workdays[:, days % 7])


def _on_days(effects: dict[str, float], workdays: FloatArray, names: tuple[str, ...], days: IntArray) -> FloatArray:
    """Log effect of each day's holiday, 0 on ordinary days. Shape (n_days,)."""
    raw = np.array([effects.get(name, effects[""]) if name else 0.0 for name in names])
    effect: FloatArray = raw * workdays[days % 7]
    return effect
