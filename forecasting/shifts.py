"""Level shifts that nobody declared: demand that goes up or down within a day and stays there.

The level is taken to wander from day to day by steps of a size that the series itself shows. A step far beyond it that
lasts is a shift; slow growth, seasons and days that stick out are none. Not here: shifts that were declared
(`forecasting.event_effects`).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solveh_banded

from forecasting.arrays import FloatArray, IntArray
from forecasting.day_columns import calendar_columns, local_weekdays
from forecasting.local_level import MIN_SD, LocalLevel, fit_local_level, regression

MIN_SERIES_DAYS = 56
LASTING_DAYS = 14
COMPARED_DAYS = 28  # on either side, to see whether a step lasted
MIN_LASTING_FRACTION = 0.5  # of the step, that the medians of both sides must show
MIN_LOG_SIZE = 0.05
# About 1,000 days are tried: the largest of as many normal deviates is 3.2. Steps of demand have heavier tails.
MIN_DEVIATIONS = 5.0
MAX_SHIFTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShift:
    """One lasting change of level.

    Attributes
    ----------
    day : int
        Epoch day on which the new level begins.
    log_size : float
        Log of the new level over the old.
    sd : float
        Standard error of `log_size`.
    """

    day: int
    log_size: float
    sd: float


def find_shifts(logs: FloatArray, days: IntArray) -> tuple[LevelShift, ...]:
    """Shifts of a daily series, by day.

    Parameters
    ----------
    logs : FloatArray of shape (n_days,)
        Log daily demand; nan before its first day. Events that were declared, and holidays, are taken off before.
    days : IntArray of shape (n_days,)
        Epoch days, contiguous.
    """
    known = np.flatnonzero(np.isfinite(logs))
    if len(known) < MIN_SERIES_DAYS:
        return ()
    alive, days = logs[known[0] :], days[known[0] :]
    alive = alive - local_weekdays(alive)
    columns = calendar_columns(days)
    steps: list[int] = []
    level = fit_local_level(alive, columns)
    while len(steps) < MAX_SHIFTS:
        deviations = _deviations(level, alive, columns)
        step = int(np.argmax(np.abs(deviations)))
        if abs(deviations[step]) < MIN_DEVIATIONS:
            break
        steps.append(step + 1)
        columns = np.column_stack([columns, np.arange(len(alive)) >= step + 1])
        level = fit_local_level(alive, columns)
    return _lasting(alive, days, columns, level, steps)


def _deviations(level: LocalLevel, logs: FloatArray, columns: FloatArray) -> FloatArray:
    """Step to each next day over its standard error, 0 where it cannot be seen to last. Shape (n_days - 1,)."""
    plain = replace(level, step_factors=np.ones_like(level.step_factors))
    coefficients, _ = regression(plain, logs, columns)
    pulls = solveh_banded(plain.bands, np.diff(logs - columns @ coefficients))
    precision = np.diag(solveh_banded(plain.bands, np.eye(len(pulls))))
    sd = max(float(np.sqrt(plain.noise_variance)), MIN_SD)
    deviations: FloatArray = pulls / np.sqrt(precision) / sd
    deviations[: LASTING_DAYS - 1] = 0.0
    deviations[len(deviations) - LASTING_DAYS + 1 :] = 0.0
    return deviations


def _lasting(
    logs: FloatArray, days: IntArray, columns: FloatArray, level: LocalLevel, steps: list[int]
) -> tuple[LevelShift, ...]:
    """Steps that are large and last, sized beside each other."""
    if not steps:
        return ()
    coefficients, covariance = regression(level, logs, columns)
    first = columns.shape[1] - len(steps)
    flat = logs - columns[:, :first] @ coefficients[:first]
    shifts = []
    for number, step in enumerate(steps):
        size = float(coefficients[first + number])
        before, after = flat[max(step - COMPARED_DAYS, 0) : step], flat[step : step + COMPARED_DAYS]
        lasted = float(np.median(after) - np.median(before)) / size if size != 0.0 else 0.0
        if abs(size) >= MIN_LOG_SIZE and lasted >= MIN_LASTING_FRACTION:
            sd = float(np.sqrt(max(covariance[first + number, first + number], 0.0)))
            shifts.append(LevelShift(day=int(days[step]), log_size=size, sd=sd))
    return tuple(sorted(shifts, key=lambda shift: shift.day))
