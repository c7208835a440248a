"""One series of hourly demand split into level, seasons, holidays and noise, which add up to it.

The factors of the day of the year, the week, the holiday and the hour are multiplied one after another; each part is
what its factor adds to those before it. Not here: events and successions, which are taken off before
(`forecasting.event_parts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from forecasting.day_columns import local_weekdays
from forecasting.hours import HOURS_PER_DAY
from forecasting.level import is_intermittent, log_daily
from forecasting.seasons import YearlySeason, calendar_residuals, holiday_effects, yearly_season
from forecasting.shifts import LevelShift, find_shifts

LEVEL_AND_TREND = "level_and_trend"
YEAR_SEASON = "year_season"
WEEK_SEASON = "week_season"
HOLIDAYS = "holidays"
DAY_SEASON = "day_season"
NOISE = "noise"

HALF_WINDOW_DAYS = 14
MAX_LOG_DEPARTURE = 0.3  # of a day from the running median, as far as the mean level sees it
MIN_HOLIDAY_DAYS = 90
PROFILE_DAYS = 56


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupCalendar:
    """What days do to a whole group, and so to its pools.

    Attributes
    ----------
    season, holidays : FloatArray of shape (n_days,)
        Log effects.
    shifts : tuple of LevelShift
        Undeclared.
    """

    season: FloatArray
    holidays: FloatArray
    shifts: tuple[LevelShift, ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "season", frozen_floats(self.season))
        object.__setattr__(self, "holidays", frozen_floats(self.holidays))


def group_calendar(
    daily_units: FloatArray,
    days: IntArray,
    holidays: Sequence[str],
    *,
    shifts: tuple[LevelShift, ...] | None = None,
) -> GroupCalendar:
    """Season of the year, holidays and level shifts of a group.

    Parameters
    ----------
    daily_units : FloatArray of shape (n_days,)
        Daily mean demand without events and spikes. [units]
    days : IntArray of shape (n_days,)
        Epoch days.
    holidays : sequence of str
        Name of each day's holiday, empty on ordinary days.
    shifts : tuple of LevelShift, optional
        Undeclared level shifts; looked for where absent.
    """
    nothing = GroupCalendar(season=np.zeros(len(days)), holidays=np.zeros(len(days)), shifts=())
    if not np.any(daily_units > 0) or is_intermittent(daily_units):
        return nothing
    logs = log_daily(daily_units)
    first = int(np.argmax(np.isfinite(logs)))
    effects = np.zeros(len(days))
    names = tuple(holidays)
    if len(days) - first >= MIN_HOLIDAY_DAYS and any(names):
        ordinary = np.array([not name for name in names])
        residuals = np.full(len(days), np.nan)
        residuals[first:] = calendar_residuals(logs[first:], days[first:], ordinary[first:])
        by_name = holiday_effects(residuals[None], names)
        effects = np.array([by_name.get(name, by_name[""]) if name else 0.0 for name in names])
    season: YearlySeason = yearly_season((logs - effects)[first:], days[first:])
    waves = season.log_effect(days)
    found = find_shifts(logs - effects - waves, days) if shifts is None else shifts
    return GroupCalendar(season=waves, holidays=effects, shifts=found)


def series_parts(
    units: FloatArray, days: IntArray, calendar: GroupCalendar
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Parts of one series, and the size of each shift in it.

    Parameters
    ----------
    units : FloatArray of shape (n_days * 24,)
        Demand without events, successions and spikes. [units]
    days : IntArray of shape (n_days,)
        Epoch days.
    calendar : GroupCalendar
        Of the group.

    Returns
    -------
    dict of str to FloatArray of shape (n_hours,)
        By name of the part, noise not among them. [units]
    FloatArray of shape (n_shifts, n_hours)
        What each shift adds. [units]
    """
    table = units.reshape(len(days), HOURS_PER_DAY)
    means = table.mean(axis=1)
    is_alive = np.cumsum(means) > 0
    shift_logs = np.array([np.where(days >= s.day, s.log_size, 0.0) for s in calendar.shifts]).reshape(-1, len(days))
    steady = bool(np.any(means > 0)) and not is_intermittent(means)
    calendar_logs = calendar.season + calendar.holidays if steady else np.zeros(len(days))
    week = np.zeros(len(days))
    if steady:
        logs = log_daily(means)
        week[is_alive] = _centred(local_weekdays((logs - calendar_logs - shift_logs.sum(axis=0))[is_alive]))
    level = _level(means * np.exp(-calendar_logs - week - shift_logs.sum(axis=0)), is_alive)
    shifted = level * np.exp(np.concatenate([np.zeros((1, len(days))), np.cumsum(shift_logs, axis=0)]))
    year = shifted[-1] * np.exp(calendar.season if steady else 0.0)
    weekly = year * np.exp(week)
    full = weekly * np.exp(calendar.holidays if steady else 0.0)
    hour_of_day, hour_of_week = _profiles(table, days)
    by_day = {
        LEVEL_AND_TREND: level,
        YEAR_SEASON: year - shifted[-1],
        WEEK_SEASON: weekly - year,
        HOLIDAYS: full - weekly,
    }
    parts = {name: np.repeat(values, HOURS_PER_DAY) for name, values in by_day.items()}
    parts[WEEK_SEASON] = parts[WEEK_SEASON] + (full[:, None] * (hour_of_week - hour_of_day)).ravel()
    parts[DAY_SEASON] = (full[:, None] * (hour_of_day - 1.0)).ravel()
    return parts, np.repeat(np.diff(shifted, axis=0), HOURS_PER_DAY, axis=1)


def _centred(week_logs: FloatArray) -> FloatArray:
    """Effects of days of the week such that the factors of any seven days average to 1. Shape (n_days,)."""
    factors = np.exp(week_logs)
    around = np.convolve(
        np.pad(factors, 3, mode="reflect") if len(factors) > 3 else factors, np.full(7, 1.0 / 7.0), "valid"
    )
    centred: FloatArray = np.log(factors / around) if len(around) == len(factors) else np.zeros(len(factors))
    return centred


def _level(units: FloatArray, is_alive: BoolArray) -> FloatArray:
    """Running mean of four weeks of what departs but so far from their running median. Shape (n_days,)."""
    level = np.zeros(len(units))
    alive = units[is_alive]
    if len(alive) == 0:
        return level
    width = 2 * HALF_WINDOW_DAYS + 1
    padded = np.pad(alive, HALF_WINDOW_DAYS, constant_values=np.nan)
    medians = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    is_set = medians > 0
    bounds = medians * np.exp(-MAX_LOG_DEPARTURE), medians * np.exp(MAX_LOG_DEPARTURE)
    calm = np.where(is_set, np.clip(alive, *bounds), alive)
    padded = np.pad(calm, HALF_WINDOW_DAYS, constant_values=np.nan)
    level[is_alive] = np.nanmean(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    return level


def _profiles(table: FloatArray, days: IntArray) -> tuple[FloatArray, FloatArray]:
    """Hours over the day's mean as they are in the eight weeks of each day: all days alike, and by day of the week.

    Shapes (n_days, 24); the means of each day are 1.
    """
    means = table.mean(axis=1, keepdims=True)
    ratios = np.where(means > 0, table / np.where(means > 0, means, 1.0), 1.0)
    n_blocks = -(-len(days) // PROFILE_DAYS)
    empty = n_blocks * PROFILE_DAYS - len(days)
    padded = np.concatenate([np.full((empty, HOURS_PER_DAY), np.nan), np.where(means > 0, ratios, np.nan)])
    weeks = padded.reshape(n_blocks, PROFILE_DAYS // 7, 7, HOURS_PER_DAY)
    by_week = _medians(weeks)
    by_day = by_week.mean(axis=1, keepdims=True)
    by_day = by_day / by_day.mean(axis=2, keepdims=True)
    spread = (n_blocks * PROFILE_DAYS, HOURS_PER_DAY)
    every_week = np.broadcast_to(by_week[:, None], weeks.shape).reshape(spread)[empty:]
    every_day = np.broadcast_to(by_day[:, None], weeks.shape).reshape(spread)[empty:]
    return every_day, every_week


def _medians(weeks: FloatArray) -> FloatArray:
    """Median hour of each day of the week in each block, the day's mean 1. Shape (n_blocks, 7, 24)."""
    ranked = np.sort(weeks, axis=1)
    known = np.isfinite(ranked).sum(axis=1, keepdims=True)
    upper = np.take_along_axis(ranked, np.clip(known // 2, 0, weeks.shape[1] - 1), axis=1)
    lower = np.take_along_axis(ranked, np.clip((known - 1) // 2, 0, weeks.shape[1] - 1), axis=1)
    medians = np.where(known > 0, (upper + lower) / 2.0, 1.0)[:, 0]
    totals = medians.mean(axis=2, keepdims=True)
    profile: FloatArray = np.where(totals > 0, medians / np.where(totals > 0, totals, 1.0), 1.0)
    return profile
