"""Level of a group of pools day by day: where demand stands and how it grows, seen from every rolling origin.

The combined line of all families of models, plus days of the week. It is fitted at the end of history and, identically,
at every origin before. All in logs. Not here: the families (`forecasting.models`), pools, hours, paths.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.combination import FAMILIES, Combination, combined
from forecasting.models.lines import Training

WEEKDAY_WEEKS = 8
MEAN_DAYS = 28  # of a patchy group
TRAINING_DAYS, SHORT_TRAINING_DAYS = 28, 14  # before the first origin; the latter where history is shorter than the sum
MIN_DENSITY = 0.8  # share of days with demand in the last eight weeks below which a group is intermittent
FLOOR_FRACTION = 0.01  # of the median day: the least a logarithm sees on a day without demand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelFits:
    """Fits of one series at every origin; the last origin is the end of history.

    Attributes
    ----------
    origins : IntArray of shape (n_origins,)
        Index of the first day that the fit did not see.
    is_known : BoolArray of shape (n_origins,)
        Whether the series was old enough.
    combination : Combination
        One row for each origin.
    weekday : FloatArray of shape (n_origins, 7)
        Log effect of epoch day modulo 7.
    intermittent : bool
        Whether the fits are means of patchy demand.
    """

    origins: IntArray
    is_known: BoolArray
    combination: Combination
    weekday: FloatArray
    intermittent: bool

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "origins", frozen_ints(self.origins))
        object.__setattr__(self, "weekday", frozen_floats(self.weekday))

    def predicted(self, rows: IntArray, horizon_days: IntArray, days: IntArray) -> FloatArray:
        """Log demand that the fits of the given rows predict, elementwise over equal shapes.

        Parameters
        ----------
        rows, horizon_days, days : IntArray of equal (or broadcast) shapes
            Row of the origin, days since the origin (0 is the first unseen day), epoch day.
        """
        predicted: FloatArray = self.combination.predicted(rows, horizon_days + 1) + self.weekday[rows, days % 7]
        return predicted


def training_days(n_days: int) -> int:
    """Days that a series must have lived before the first origin, in a history of so many days."""
    return TRAINING_DAYS if n_days >= TRAINING_DAYS + SHORT_TRAINING_DAYS else SHORT_TRAINING_DAYS


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


def fit_levels(
    logs: FloatArray,
    days: IntArray,
    origins: IntArray,
    *,
    intermittent: bool,
    mean_days: IntArray | None = None,
) -> LevelFits:
    """Fit the level at every origin.

    Parameters
    ----------
    logs : FloatArray of shape (n_days,)
        Log daily demand without holidays and season of the year; nan before the group was born.
    days : IntArray of shape (n_days,)
        Epoch days.
    origins : IntArray of shape (n_origins,)
        Only the days before an origin are read for its fit.
    intermittent : bool
        Take the log of a mean for the level, and neither growth nor weekdays.
    mean_days : IntArray of shape (n_origins,), optional
        Days of that mean where they are more than four weeks: of a group that rests for weeks.
    """
    weekday = np.zeros((len(origins), 7))
    levels, slopes = np.zeros((2, len(origins), len(FAMILIES)))
    weights = np.full((len(origins), len(FAMILIES)), 1.0 / len(FAMILIES))
    finite = np.flatnonzero(np.isfinite(logs))
    first = int(finite[0]) if len(finite) else len(logs)
    is_known = origins - first >= max(min(training_days(len(logs)), len(logs) - first), 1)
    known = np.flatnonzero(is_known)
    if intermittent:
        n_mean = np.maximum(MEAN_DAYS, 0 if mean_days is None else mean_days) * np.ones_like(origins)
        for row in known:
            levels[row] = float(np.log(np.exp(logs[first : origins[row]][-n_mean[row] :]).mean()))
    elif len(known) > 0:
        weekday[known] = [_weekday_effects(logs[first:o], days[first:o]) for o in origins[known]]
        made = combined(_training(logs, days, origins[known], weekday[known]))
        levels[known], slopes[known], weights[known] = made.levels, made.slopes, made.weights
    return LevelFits(
        origins=origins,
        is_known=is_known,
        combination=Combination(levels=levels, slopes=slopes, weights=weights),
        weekday=weekday,
        intermittent=intermittent,
    )


def _training(logs: FloatArray, days: IntArray, origins: IntArray, weekday: FloatArray) -> Training:
    """Days since birth without days of the week, each as the first origin after it saw them."""
    first = int(np.flatnonzero(np.isfinite(logs))[0])
    row = np.minimum(np.searchsorted(origins, np.arange(first, len(logs)), side="right"), len(origins) - 1)
    return Training(logs=logs[first:] - weekday[row, days[first:] % 7], origins=origins - first)


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
