"""Spikes and outages of one hourly series: short departures from what its own surrounding weeks lead to expect.

Expected demand looks at both sides of an hour, as history is known when it is cleaned.
Not here: the risk of the next spike (`forecasting.spike_process`), a monitor that knows the past alone
(`forecasting.anomalies`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_WEEK
from forecasting.robust import SD_OF_MEDIAN, lagged_medians, row_medians, running_medians, runs

MAX_SPIKE_HOURS = 12  # the level follows what lasts longer: a day that differs (a holiday), a shift
MAX_OUTAGE_HOURS = HOURS_PER_WEEK  # without any demand; after a week of it the pool was switched off
MIN_SPIKE_FRACTION = 0.25  # of the level and of the expected hour, however calm the series
NOISE_SDS = 5.0  # a normal hour passes once in two hundred years
RARE_FRACTION = 0.05  # what more than 5 % of the hours around do is how the series is, not a spike
WEEKS_AROUND = 4
MIN_WEEKS = 3  # of the eight around an hour, for a profile by the hour of the week
MIN_STEADY_FRACTION = 0.5  # of hours in use, and of demand at hours that expect some; below it use is intermittent
MIN_PROFILE = 0.1  # of the level, below which an hour says nothing about the level
LOG_OFFSET = 0.25  # of the level, added before logs are taken: no demand is a large miss, not an endless one
NO_NOISE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """One short departure from expected demand: upward a spike, downward an outage.

    Attributes
    ----------
    start_hour : int
        Epoch hour.
    n_hours : int
    excess_units : float
        Demand less expected demand in the hour of the largest departure, negative in an outage. [units]
    excess_fraction : float
        The same over expected demand of that hour, or over a tenth of the level where less than that was expected.
    """

    start_hour: int
    n_hours: int
    excess_units: float
    excess_fraction: float


def hourly_baseline(units: FloatArray) -> FloatArray:
    """Expected demand of every hour, which no spike or outage of up to half a day can move.

    Level times profile. The profile of an hour is the median of the same hour of the week in the four weeks before
    and after it, its own week left out, each over the mean of the week around it; the same hour of the day takes
    their place where there are fewer than three such weeks. The level is the median of the 25 hours around, after
    the profile is divided out: it follows a shift, a migration or a holiday at once.

    Parameters
    ----------
    units : FloatArray of shape (n_hours,)
        Demand, from any hour of the day on. [units]

    Returns
    -------
    FloatArray of shape (n_hours,)
        Zero where a pool was not yet born, was switched off or runs at odd hours only. [units]
    """
    level, profile = _level_and_profile(units)
    baseline: FloatArray = level * profile
    return baseline


def find_spikes(
    units: FloatArray, *, start_hour: int, min_fraction: float = MIN_SPIKE_FRACTION, noise_sds: float = NOISE_SDS
) -> tuple[Spike, ...]:
    """Return spikes and outages in order of time.

    An hour departs where it misses its baseline by more than `min_fraction` of the level and of the baseline, and in
    logs by more than `noise_sds` robust standard deviations of that hour of the day in the eight weeks around and by
    more than 95 % of the hours of those weeks do. The neighbours that miss by half of that belong to it. What lasts
    longer than 12 hours is no spike, unless there was no demand at all for up to a week.

    Parameters
    ----------
    units : FloatArray of shape (n_hours,)
        Demand. [units]
    start_hour : int
        Epoch hour of the first.
    min_fraction : float
        Least departure, above 0.
    noise_sds : float
        Least departure in standard deviations, above 0.
    """
    if len(units) == 0:
        return ()
    level, profile = _level_and_profile(units)
    baseline = level * profile
    excess = units - baseline
    departure = _departure(units, baseline, level, min_fraction=min_fraction, noise_sds=noise_sds)
    departure[~_is_steady(units, level, profile)] = 0.0
    reference = np.maximum(baseline, MIN_PROFILE * level)
    spikes: list[Spike] = []
    for sign in (1.0, -1.0):
        for first, last in _episodes(sign * departure):
            n_hours = last - first
            is_empty = not units[first:last].any()
            if n_hours > (MAX_OUTAGE_HOURS if is_empty else MAX_SPIKE_HOURS):
                continue
            worst = first + int(np.argmax(sign * excess[first:last]))
            spikes.append(
                Spike(
                    start_hour=start_hour + first,
                    n_hours=n_hours,
                    excess_units=float(excess[worst]),
                    excess_fraction=float(excess[worst] / reference[worst]),
                )
            )
    return tuple(sorted(spikes, key=lambda spike: spike.start_hour))


def without_spikes(units: FloatArray, spikes: tuple[Spike, ...], *, start_hour: int) -> FloatArray:
    """Demand with the hours of `spikes` replaced by the baseline; the rest as it is.

    Parameters
    ----------
    units : FloatArray of shape (n_hours,)
        Demand. [units]
    spikes : tuple of Spike
        Of this series, or of the group that it is part of; hours outside of the series are ignored.
    start_hour : int
        Epoch hour of the first.

    Returns
    -------
    FloatArray of shape (n_hours,)
        [units]
    """
    is_spike = spike_hours(spikes, start_hour=start_hour, n_hours=len(units))
    if not is_spike.any():
        return units.copy()
    return np.where(is_spike, hourly_baseline(units), units)


def spike_hours(spikes: tuple[Spike, ...], *, start_hour: int, n_hours: int) -> BoolArray:
    """Whether each hour lies in a spike or outage. Shape (n_hours,)."""
    inside = np.zeros(n_hours, dtype=np.bool_)
    for spike in spikes:
        first = spike.start_hour - start_hour
        inside[max(first, 0) : max(first + spike.n_hours, 0)] = True
    return inside


def _level_and_profile(units: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Level [units] and profile, whose product is the baseline. Shapes (n_hours,)."""
    if not units.any():
        return np.zeros(len(units)), np.ones(len(units))
    gap = _empty_run_hours(units)
    is_off = gap > MAX_OUTAGE_HOURS
    profile = _profile(units, is_off)
    is_outage = (units == 0) & ~is_off
    says = (profile >= MIN_PROFILE) & ~is_outage
    free = np.where(says, units / np.where(says, profile, 1.0), np.nan)
    free[is_off] = 0.0
    level = running_medians(free, half_width=MAX_SPIKE_HOURS)
    known = np.flatnonzero(np.isfinite(level))
    if len(known) == 0:
        return np.zeros(len(units)), profile
    return np.interp(np.arange(len(units)), known, level[known]), profile


def _is_steady(units: FloatArray, level: FloatArray, profile: FloatArray) -> BoolArray:
    """Whether each hour has a level, and use in the eight weeks around is no matter of chance. Shape (n_hours,)."""
    n_weeks = 2 * WEEKS_AROUND
    in_use = _moving_sum((level > 0).astype(np.float64), n_weeks=n_weeks)
    expected = _moving_sum(np.where(profile >= MIN_PROFILE, units, 0.0), n_weeks=n_weeks)
    is_used = in_use >= MIN_STEADY_FRACTION * _moving_sum(np.ones(len(units)), n_weeks=n_weeks)
    is_regular = expected >= MIN_STEADY_FRACTION * _moving_sum(units, n_weeks=n_weeks)
    is_steady: BoolArray = (level > 0) & is_used & is_regular
    return is_steady


def _empty_run_hours(units: FloatArray) -> FloatArray:
    """Length of the run without demand that each hour lies in, endless at either end of the series. Shape as given."""
    lengths = np.zeros(len(units))
    for first, last in runs(units == 0):
        lengths[first:last] = np.inf if first == 0 or last == len(units) else last - first
    return lengths


def _profile(units: FloatArray, is_off: BoolArray) -> FloatArray:
    """Expected hour over the mean of the week around it. Shape (n_hours,)."""
    means = _moving_sum(units) / np.maximum(_moving_sum((~is_off).astype(np.float64)), 1.0)
    ratios = np.where(is_off, np.nan, units / np.where(means > 0, means, 1.0))
    around = [step for step in range(-WEEKS_AROUND, WEEKS_AROUND + 1) if step != 0]
    profile, n_weeks = lagged_medians(ratios, HOURS_PER_WEEK * np.array(around))
    young = n_weeks < MIN_WEEKS
    if young.any():
        n_days = 2 * WEEKS_AROUND
        days = [step for step in range(-n_days, n_days + 1) if step != 0]
        by_day, n_known = lagged_medians(ratios, HOURS_PER_DAY * np.array(days))
        profile = np.where(young, np.where(n_known >= MIN_WEEKS, by_day, 1.0), profile)
    return profile


def _moving_sum(values: FloatArray, *, n_weeks: int = 1) -> FloatArray:
    """Sum over the weeks around each hour, less at the ends. Shape as given."""
    summed = np.concatenate([[0.0], np.cumsum(values)])
    hours = np.arange(len(values))
    half = n_weeks * HOURS_PER_WEEK // 2
    sums: FloatArray = summed[np.minimum(hours + half, len(values))] - summed[np.maximum(hours - half, 0)]
    return sums


def _departure(
    units: FloatArray, baseline: FloatArray, level: FloatArray, *, min_fraction: float, noise_sds: float
) -> FloatArray:
    """How far each hour misses, in thresholds, negative below the baseline. Shape (n_hours,)."""
    has_level = level > 0
    safe = np.where(has_level, level, 1.0)
    relative, expected = units / safe, baseline / safe
    logs = np.where(has_level, np.log((relative + LOG_OFFSET) / (expected + LOG_OFFSET)), np.nan)
    by_noise = np.abs(logs) / np.maximum(_usual_logs(np.abs(logs), noise_sds), NO_NOISE)
    by_size = np.abs(relative - expected) / (min_fraction * np.maximum(expected, 1.0))
    departure: FloatArray = np.where(has_level, np.sign(relative - expected) * np.minimum(by_noise, by_size), 0.0)
    return departure


def _usual_logs(logs: FloatArray, noise_sds: float) -> FloatArray:
    """Log miss that noise alone explains, by hour of the day and week of history. Shape (n_hours,)."""
    n_weeks = -(-len(logs) // HOURS_PER_WEEK)
    grid = np.full(n_weeks * HOURS_PER_WEEK, np.nan)
    grid[: len(logs)] = logs
    weeks = grid.reshape(n_weeks, 7, HOURS_PER_DAY)
    usual = np.zeros((n_weeks, HOURS_PER_DAY))
    for week in range(n_weeks):
        near = weeks[max(week - WEEKS_AROUND, 0) : week + WEEKS_AROUND + 1].reshape(-1, HOURS_PER_DAY)
        medians, n_known = row_medians(near.T)
        known = near[np.isfinite(near)]
        if len(known) > 0:
            own = np.where(n_known > 0, medians, 0.0) * SD_OF_MEDIAN * noise_sds
            usual[week] = np.maximum(own, np.quantile(known, 1.0 - RARE_FRACTION))
    return np.broadcast_to(usual[:, None, :], weeks.shape).reshape(-1)[: len(logs)]


def _episodes(signed: FloatArray) -> list[tuple[int, int]]:
    """First and past-the-last hour of each run above one half, gaps of one hour closed, that gets above one."""
    above = signed > 0.5
    above[1:-1] |= above[:-2] & above[2:]
    return [(first, last) for first, last in runs(above) if signed[first:last].max() > 1.0]
