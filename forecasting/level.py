"""Daily level of a group of pools: where demand stands, how it grows, and how far such forecasts missed before.

The rule is fixed and robust: level = median of the last two weeks, drift = a fraction of the Theil-Sen slope of the
last months, fading with a half-life. It is applied at the end of history and, identically, at every rolling origin
before. All in logs. Not here: pools (`forecasting.shares`), hours (`forecasting.shape`), paths (`forecasting.paths`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints

LEVEL_DAYS = 14
WEEKDAY_WEEKS = 8
SLOPE_WEEKS = 17  # about 120 days, as weekly medians
MIN_SLOPE_WEEKS = 6
MIN_TRAINING_DAYS = 28
MIN_DENSITY = 0.8  # share of days with demand in the last eight weeks below which a group is intermittent
FLOOR_FRACTION = 0.01  # of the median day: the least a logarithm sees on a day without demand


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRule:
    """How much of the measured slope is believed, and for how long.

    Attributes
    ----------
    shrink : float
        Fraction of the slope that is carried on.
    half_life_days : float
        After which half of the daily growth is left: total growth stays finite.
    """

    shrink: float
    half_life_days: float

    def cumulated(self, horizon_days: IntArray) -> FloatArray:
        """Days' worth of slope carried on up to day h = 0, 1, ... of the forecast. Shape as given."""
        fading = 0.5 ** (1.0 / self.half_life_days)
        steps = np.asarray(horizon_days, dtype=np.float64) + (LEVEL_DAYS + 1) / 2.0
        days: FloatArray = self.shrink * (1.0 - fading**steps) / (1.0 - fading)
        return days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelFits:
    """The rule's fits of one group at every origin; the last origin is the end of history.

    Attributes
    ----------
    origins : IntArray of shape (n_origins,)
        Index of the first day that the fit did not see.
    level, slope : FloatArray of shape (n_origins,)
        Log level, and log growth per day; nan where the group is too young.
    weekday : FloatArray of shape (n_origins, 7)
        Log effect of epoch day modulo 7.
    intermittent : bool
        Whether the fits are means of patchy demand.
    """

    origins: IntArray
    level: FloatArray
    slope: FloatArray
    weekday: FloatArray
    intermittent: bool

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "origins", frozen_ints(self.origins))
        for name in ("level", "slope", "weekday"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    def predicted(self, rows: IntArray, horizon_days: IntArray, days: IntArray, rule: DriftRule) -> FloatArray:
        """Log demand that the fits of the given rows predict, elementwise over equal shapes.

        Parameters
        ----------
        rows, horizon_days, days : IntArray of equal (or broadcast) shapes
            Row of the origin, days since the origin (0 is the first unseen day), epoch day.
        rule : DriftRule
        """
        grown = self.slope[rows] * rule.cumulated(horizon_days)
        predicted: FloatArray = self.level[rows] + grown + self.weekday[rows, days % 7]
        return predicted


def log_daily(units: FloatArray) -> FloatArray:
    """Log of daily demand with a floor for days without any; nan before the first day with demand. Shape (n_days,)."""
    positive = np.flatnonzero(units > 0)
    logs = np.full(len(units), np.nan)
    if len(positive) == 0:
        return logs
    alive = units[positive[0] :]
    floor = FLOOR_FRACTION * float(np.median(alive[alive > 0]))
    logs[positive[0] :] = np.log(np.maximum(alive, floor))
    return logs


def without_outages(logs: FloatArray, units: FloatArray) -> FloatArray:
    """Log daily demand with days of no demand at all replaced by the median of the four weeks on both sides.

    What the level is fitted on: a fleet that reports nothing for some days is out, not gone. Where eight weeks
    around a day hold no demand the floor stays.
    """
    filled = logs.copy()
    with_demand = np.flatnonzero(units > 0)
    for day in np.flatnonzero(np.isfinite(logs) & (units <= 0)):
        near = with_demand[np.searchsorted(with_demand, day - 28) : np.searchsorted(with_demand, day + 28)]
        if len(near) > 0:
            filled[day] = float(np.median(logs[near]))
    return filled


def is_intermittent(units: FloatArray) -> bool:
    """Whether too many of the last eight weeks' days are without demand for medians of logs to mean anything."""
    positive = np.flatnonzero(units > 0)
    recent = units[max(len(units) - 7 * WEEKDAY_WEEKS, int(positive[0]) if len(positive) else 0) :]
    return bool(len(recent) > 0 and float((recent > 0).mean()) < MIN_DENSITY)


def fit_levels(logs: FloatArray, days: IntArray, origins: IntArray, *, intermittent: bool) -> LevelFits:
    """Fit the rule at every origin.

    Parameters
    ----------
    logs : FloatArray of shape (n_days,)
        Log daily demand without holidays and season of the year; nan before the group was born.
    days : IntArray of shape (n_days,)
        Epoch days.
    origins : IntArray of shape (n_origins,)
        Only the days before an origin are read for its fit.
    intermittent : bool
        Take the log of the four-week mean for the level, and neither slope nor weekdays.
    """
    level = np.full(len(origins), np.nan)
    slope = np.zeros(len(origins))
    weekday = np.zeros((len(origins), 7))
    finite = np.flatnonzero(np.isfinite(logs))
    first = int(finite[0]) if len(finite) else len(logs)
    for row, origin in enumerate(origins):
        seen = logs[first:origin]
        if len(seen) < min(MIN_TRAINING_DAYS, len(logs) - first) or len(seen) == 0:
            continue
        if intermittent:
            level[row] = float(np.log(np.exp(seen[-MIN_TRAINING_DAYS:]).mean()))
            continue
        weekday[row] = _weekday_effects(seen, days[first:origin])
        adjusted = seen - weekday[row, days[first:origin] % 7]
        level[row] = float(np.median(adjusted[-LEVEL_DAYS:]))
        slope[row] = _weekly_slope(adjusted)
    return LevelFits(origins=origins, level=level, slope=slope, weekday=weekday, intermittent=intermittent)


def _weekday_effects(logs: FloatArray, days: IntArray) -> FloatArray:
    """Median log deviation of each day of the week from the mean of the week around it. Shape (7,), mean 0."""
    recent = logs[-(7 * WEEKDAY_WEEKS + 6) :]
    effects = np.zeros(7)
    if len(recent) < 21:
        return effects
    means = np.convolve(recent, np.full(7, 1.0 / 7.0), mode="valid")
    deviations = recent[3:-3] - means
    weekdays = days[-len(recent) :][3:-3] % 7
    for weekday in range(7):
        effects[weekday] = np.median(deviations[weekdays == weekday])
    centred: FloatArray = effects - effects.mean()
    return centred


def _weekly_slope(adjusted: FloatArray) -> float:
    """Theil-Sen slope per day of the last weeks' medians; 0 where there are too few weeks."""
    n_weeks = min(len(adjusted) // 7, SLOPE_WEEKS)
    if n_weeks < MIN_SLOPE_WEEKS:
        return 0.0
    medians = np.median(adjusted[-7 * n_weeks :].reshape(n_weeks, 7), axis=1)
    earlier, later = np.triu_indices(n_weeks, k=1)
    return float(np.median((medians[later] - medians[earlier]) / (7.0 * (later - earlier))))
