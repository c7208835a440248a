"""Days of the week and of the year in the logs of a daily series, as what lies beside the evidence looked for.

Not here: seasons that a forecast carries on (`forecasting.seasons`, `forecasting.level`).
"""

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.robust import lagged_medians
from forecasting.seasons import DAYS_PER_YEAR, N_HARMONICS

WEEKDAY_WEEKS = 4  # on either side
MIN_DAYS = 21


def local_weekdays(logs: FloatArray) -> FloatArray:
    """Log effect of the day of the week: as in the four weeks on both sides of each day, or always the same.

    Days of the week differ more in some seasons than in others; an event is measured against its own. What never
    changes is taken where it leaves days calmer. Any seven days sum to about 0. Shape (n_days,).
    """
    if len(logs) < MIN_DAYS:
        return np.zeros(len(logs))
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(logs, 3, mode="edge"), 7), axis=1)
    off = logs - around
    weekdays = np.arange(len(logs)) % 7
    fixed = np.array([np.median(off[weekdays == weekday]) for weekday in range(7)])[weekdays]
    lags = np.array([*range(-WEEKDAY_WEEKS, 0), *range(1, WEEKDAY_WEEKS + 1)]) * 7
    medians, n_known = lagged_medians(off, lags)
    local = np.where(n_known >= WEEKDAY_WEEKS, medians, fixed)
    restless = [float(np.median(np.abs(np.diff(logs - effects)))) for effects in (local, fixed)]
    chosen = local if restless[0] < restless[1] else fixed
    return chosen - np.convolve(np.pad(chosen, 3, mode="reflect"), np.full(7, 1.0 / 7.0), "valid")


def calendar_columns(days: IntArray) -> FloatArray:
    """Drift, days of the week, and, where there are two years, waves of the year. Shape (n_days, n_columns)."""
    time = np.linspace(-1.0, 1.0, len(days))
    weekdays = (days[:, None] % 7 == np.arange(6)).astype(np.float64)
    columns = [time[:, None], weekdays]
    if len(days) >= 2 * DAYS_PER_YEAR:
        turns = 2.0 * np.pi * days[:, None] / DAYS_PER_YEAR * np.arange(1, N_HARMONICS + 1)
        columns += [np.sin(turns), np.cos(turns)]
    return np.concatenate(columns, axis=1)
