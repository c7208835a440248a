"""Structural time series: local linear trend of weekly medians by maximum likelihood (statsmodels).

Variances are estimated every half year of history from the weeks before, and the filter runs on with them until the
next estimate: an estimate never sees the weeks it is used to forecast.
"""

import warnings

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.models.lines import WEEK_DAYS, Lines, Training
from forecasting.models.robust_level import robust_level

MIN_WEEKS = 26
MAX_ESTIMATES = 5
MAX_ITERATIONS = 50


def structural(training: Training) -> Lines:
    """Filtered level and trend at every origin; the robust level's line before half a year is seen."""
    fallback = robust_level(training)
    level, slope = fallback.level.copy(), fallback.slope.copy()
    weekly, seen = training.weekly_medians, training.n_weeks_seen
    if len(weekly) < MIN_WEEKS or np.ptp(weekly) < 1e-9:
        return fallback
    step = max(MIN_WEEKS, -(-len(weekly) // MAX_ESTIMATES))
    for known in np.arange(len(weekly), MIN_WEEKS - 1, -step)[::-1]:
        states = _filtered(weekly, int(known))
        here = seen >= known
        if states is not None:
            trend = states[1, seen[here] - 1] / WEEK_DAYS
            level[here] = states[0, seen[here] - 1] + trend * (WEEK_DAYS - 1) / 2.0
            slope[here] = trend
    return Lines(level=level, slope=slope)


def _filtered(weekly: FloatArray, n_known: int) -> FloatArray | None:
    """Level and weekly trend after each week by variances estimated on the first weeks; None where that fails."""
    from statsmodels.tsa.statespace.structural import UnobservedComponents  # lazy: statsmodels takes 2 s to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether the optimizer stopped early shows in the model's misses, not here
        try:
            fitted = UnobservedComponents(weekly[:n_known], level="lltrend").fit(disp=False, maxiter=MAX_ITERATIONS)
            states = UnobservedComponents(weekly, level="lltrend").filter(fitted.params).filtered_state
        except (np.linalg.LinAlgError, ValueError):
            return None
    found: FloatArray = np.asarray(states, dtype=np.float64)
    return found if np.isfinite(found[:, n_known - 1 :]).all() else None
