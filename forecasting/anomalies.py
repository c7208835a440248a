"""Anomalies: episodes in which demand left what its own past led to expect. A monitor: no hour sees a later one.

Not here: spikes kept out of the baseline, which are judged from both sides (`forecasting.spikes`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.arrays import BoolArray, FloatArray
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_WEEK, hour_of_week
from forecasting.robust import SD_OF_MEDIAN, lagged_medians, runs

SPIKE, OUTAGE, SHIFT = "spike", "outage", "shift"
MIN_DEVIATION_FRACTION = 0.2  # of the expected demand, and of the past week's: who pays asks about a day off by a fifth
NOISE_SDS = 5.0
USUAL_QUANTILE = 0.95
USUAL_FACTOR = 1.25  # on that quantile of the log misses, which an outage of a day cannot move
IDLE_FACTOR = 2.0  # on the largest demand of four weeks, where most hours have none and a usual miss says nothing
LOG_OFFSET = 0.25  # of the scale, added before logs are taken: no demand is a large miss, not an endless one
NO_NOISE = 1e-9
NOISE_DAYS = 28
PROFILE_WEEKS, PROFILE_DAYS = 6, 7
FRIDAY_END = 5 * HOURS_PER_DAY
MIN_WEEKS, MIN_DAYS = 3, 2  # for an hour of the week, and before that of the day, to have a profile
MIN_LEVEL_HOURS, MIN_NOISE_HOURS, MIN_NOISE_DAYS = 3, 12, 5
MIN_PROFILE = 0.1  # of the past week's mean, below which an hour says nothing about the level
CORE_FRACTION = 0.75  # of a day's mean miss that an hour of it must reach to belong to the episode
EXPLAINED_FRACTION = 0.5  # of a day's miss: where single hours make up as much, the day adds nothing
MAX_GAP_HOURS = 6
MAX_SPIKE_HOURS = HOURS_PER_DAY  # what lasts longer is a shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One episode of unexpected demand.

    Attributes
    ----------
    group : str
        Pool, group of pools or ``total``.
    start_hour : int
        Epoch hour of the first that departs.
    n_hours : int
        From the first to the last that departs.
    units : float
        Demand in the hour of the largest departure. [units]
    expected_units : float
        What the past led to expect for that hour. [units]
    deviation_fraction : float
        Demand less expected over expected, negative downward. Over a tenth of the past week's mean where less than that
        was expected (of the largest hour of the past four weeks where most hours of the week had no demand).
    kind : str
        ``spike`` upward and ``outage`` downward, of up to a day; ``shift`` where it lasts longer, either way.
    """

    group: str
    start_hour: int
    n_hours: int
    units: float
    expected_units: float
    deviation_fraction: float
    kind: str


def find_anomalies(units: FloatArray, *, name: str, start_hour: int) -> tuple[Anomaly, ...]:
    """Return the episodes in which demand left its baseline, in order of time.

    Expected demand is a level times a profile. The profile is the median of the same hour in the six weeks before (of
    the seven days before, until there are three weeks), each over the mean of the week that ends with it. The level
    is the median of the past week after the profile is divided out, so it follows a shift after three and a half days.

    An hour departs where it misses by more than a fifth of what was expected and of the past week's mean, by more
    than five robust standard deviations of the log misses of the four weeks before (of all hours, and of the same
    hour of the day), and by a quarter more than 5 % of them did. So does a day that ends with an hour, from two
    weeks of history on, which finds what is too small for one hour of a noisy series. Hours that get half as far
    belong to the episode, as do gaps of up to six hours. Where most hours of the past week had no demand, an hour
    departs that has twice the largest of four weeks.

    Parameters
    ----------
    units : FloatArray of shape (n_hours,)
        Demand. [units]
    name : str
        Group that they are about.
    start_hour : int
        Epoch hour of the first.

    Notes
    -----
    No departure depends on a later hour. Only the end, the size and the kind of the last episode can change as it
    goes on, and its start where the day tells what the hour could not. A pool in its first two days, or back after
    more than a week without demand, has no baseline to leave. Before there are three weeks no weekend
    (UTC) is too low.
    """
    if not units.any():
        return ()
    past = _past(units)
    expected, level = past.expected_units, past.level_units
    miss = units - expected
    is_weekend = hour_of_week(np.arange(start_hour, start_hour + len(units))) >= FRIDAY_END
    is_told = (level > 0) & ~(past.is_by_day & is_weekend & (miss < 0))
    hour, day = _departures(units, expected, np.where(is_told, np.maximum(expected, past.mean_units), np.nan))
    is_idle = (level == 0) & (past.largest_units > 0)
    hour = np.where(is_idle, units / np.where(is_idle, IDLE_FACTOR * past.largest_units, 1.0), hour)
    found = []
    for sign in (1.0, -1.0):
        for first, last in _episodes(sign * hour, sign * day, sign * miss):
            worst = first + int(np.nanargmax(sign * miss[first:last]))
            floor = MIN_PROFILE * (past.largest_units if is_idle[worst] else past.mean_units)[worst]
            found.append(
                Anomaly(
                    group=name,
                    start_hour=start_hour + first,
                    n_hours=last - first,
                    units=float(units[worst]),
                    expected_units=float(expected[worst]),
                    deviation_fraction=float(miss[worst] / max(expected[worst], floor)),
                    kind=SHIFT if last - first > MAX_SPIKE_HOURS else SPIKE if sign > 0 else OUTAGE,
                )
            )
    return tuple(sorted(found, key=lambda anomaly: anomaly.start_hour))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Past:
    """What the hours before each hour say about it; nan where nothing. All of shape (n_hours,), [units]."""

    expected_units: FloatArray
    level_units: FloatArray  # 0 where most hours of the past week had no demand
    mean_units: FloatArray  # of the past week
    largest_units: FloatArray  # of the past four weeks
    is_by_day: BoolArray  # whether the profile is of the hour of the day, for want of three weeks


def _past(units: FloatArray) -> _Past:
    """What the hours before each hour say about it."""
    hours = np.arange(len(units))
    last_used = np.maximum.accumulate(np.where(units > 0, hours, -HOURS_PER_WEEK - 1))
    series = pd.Series(np.where(hours - last_used > HOURS_PER_WEEK, np.nan, units))  # nan: not born, or switched off
    means = series.rolling(HOURS_PER_WEEK, min_periods=1).mean()
    ratios = np.where(means > 0, series / np.where(means > 0, means, 1.0), np.nan)
    by_week, n_weeks = lagged_medians(ratios, HOURS_PER_WEEK * np.arange(1, PROFILE_WEEKS + 1))
    by_day, n_days = lagged_medians(ratios, HOURS_PER_DAY * np.arange(1, PROFILE_DAYS + 1))
    is_by_day = n_weeks < MIN_WEEKS
    profile = np.where(is_by_day, np.where(n_days >= MIN_DAYS, by_day, np.nan), by_week)
    says = profile >= MIN_PROFILE
    free = pd.Series(np.where(says, units / np.where(says, profile, 1.0), np.nan))
    level = _before(free.rolling(HOURS_PER_WEEK, min_periods=MIN_LEVEL_HOURS).median())
    level = np.where(np.isfinite(profile), np.nan_to_num(level), np.nan)
    return _Past(
        expected_units=level * profile,
        level_units=level,
        mean_units=_before(means),
        largest_units=_before(series.rolling(NOISE_DAYS * HOURS_PER_DAY, min_periods=1).max()),
        is_by_day=is_by_day,
    )


def _before(values: pd.Series) -> FloatArray:
    """Value of the hour before each."""
    shifted: FloatArray = values.shift(1).to_numpy(dtype=np.float64)
    return shifted


def _departures(units: FloatArray, expected: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How many thresholds each hour, and the 24 hours that end with it, miss; 0 while unknown. Shapes (n_hours,)."""
    fraction, log = _relative(units, expected, scale)
    n_days = -(-len(units) // HOURS_PER_DAY)
    grid = np.full(n_days * HOURS_PER_DAY, np.nan)
    grid[: len(units)] = np.abs(log)
    days = pd.DataFrame(grid.reshape(n_days, HOURS_PER_DAY)).rolling(NOISE_DAYS, min_periods=MIN_NOISE_DAYS)
    own = NOISE_SDS * SD_OF_MEDIAN * days.median().shift(1).fillna(0.0).to_numpy().reshape(-1)[: len(units)]
    noise = np.maximum(_noise(log, min_hours=MIN_NOISE_HOURS), own)
    sums = [pd.Series(each).rolling(HOURS_PER_DAY).sum().to_numpy() for each in (units + 0.0 * scale, expected, scale)]
    day_fraction, day_log = _relative(*sums)
    return (
        _thresholds(fraction, log, noise),
        _thresholds(day_fraction, day_log, _noise(day_log, min_hours=2 * HOURS_PER_WEEK)),
    )


def _relative(units: FloatArray, expected: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Miss over scale, and log of demand over expected; nan where there is no scale. Shapes (n_hours,)."""
    is_known = (scale > 0) & np.isfinite(expected)
    safe = np.where(is_known, scale, 1.0)
    offset = LOG_OFFSET * safe
    logs = np.log((units + offset) / (np.where(is_known, expected, 0.0) + offset))
    return np.where(is_known, (units - expected) / safe, np.nan), np.where(is_known, logs, np.nan)


def _noise(log: FloatArray, *, min_hours: int) -> FloatArray:
    """Log miss that the four weeks before each hour explain; nan while unknown. Shape (n_hours,)."""
    window = pd.Series(np.abs(log)).rolling(NOISE_DAYS * HOURS_PER_DAY, min_periods=min_hours)
    spread, usual = _before(window.median()), _before(window.quantile(USUAL_QUANTILE))
    noise: FloatArray = np.maximum(NOISE_SDS * SD_OF_MEDIAN * spread, USUAL_FACTOR * usual)
    return noise


def _thresholds(fraction: FloatArray, log: FloatArray, noise: FloatArray) -> FloatArray:
    """Miss in thresholds: of size or of noise, whichever it reaches less of. Shape (n_hours,)."""
    by_noise = np.abs(log) / np.maximum(noise, NO_NOISE)
    missed: FloatArray = np.sign(fraction) * np.minimum(np.abs(fraction) / MIN_DEVIATION_FRACTION, by_noise)
    return np.nan_to_num(missed)


def _episodes(hour: FloatArray, day: FloatArray, miss: FloatArray) -> list[tuple[int, int]]:
    """First and past-the-last hour of each run of departures, runs with few hours between them joined."""
    inside = np.zeros(len(hour), dtype=np.bool_)
    for first, last in runs(hour > 0.5):
        inside[first:last] = hour[first:last].max() > 1.0
    miss = np.nan_to_num(miss)
    of_day, of_found = (np.convolve(each, np.ones(HOURS_PER_DAY))[: len(miss)] for each in (miss, miss * inside))
    for first, last in runs(day > 1.0):
        began = max(first - HOURS_PER_DAY + 1, 0)
        worst = first + int(np.argmax(of_day[first:last]))
        if of_found[worst] < EXPLAINED_FRACTION * of_day[worst]:
            inside[began:last] |= miss[began:last] > CORE_FRACTION * of_day[worst] / HOURS_PER_DAY
    joined: list[tuple[int, int]] = []
    for first, last in runs(inside):
        if joined and first - joined[-1][1] <= MAX_GAP_HOURS:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return [(first, last) for first, last in joined if max(hour[first:last].max(), day[first:last].max()) > 1.0]
