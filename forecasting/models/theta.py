"""Theta: exponential smoothing that drifts by half of the growth of the whole history [1]_.

References
----------
.. [1] R. Hyndman and B. Billah, "Unmasking the Theta method", International Journal of Forecasting 19, 2003,
   doi:10.1016/S0169-2070(01)00143-1: the method is simple exponential smoothing with half the slope of a line.
"""

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.models.lines import Lines, Training, straight_line

DRIFT_FRACTION = 0.5
FIRST_DAYS = 7  # mean of which smoothing starts from
SMOOTHING = np.concatenate([np.linspace(0.02, 0.3, 15), np.linspace(0.35, 0.95, 13)])


def theta(training: Training) -> Lines:
    """Theta lines at every origin; the smoothing constant is the one with the least squared error up to it."""
    level = _smoothed(training.logs)[training.origins - 1]
    time = np.arange(len(training.logs), dtype=np.float64)
    growth = straight_line(time, training.logs, np.ones_like(time))
    return Lines(level=level, slope=DRIFT_FRACTION * growth.slope[training.origins - 1])


def _smoothed(logs: FloatArray) -> FloatArray:
    """Exponentially smoothed level after each day, by the constant that was best until that day. Shape (n_days,)."""
    level = np.full(len(SMOOTHING), logs[:FIRST_DAYS].mean())
    squares = np.zeros(len(SMOOTHING))
    smoothed = np.empty(len(logs))
    for day, value in enumerate(logs):
        error = value - level
        squares += error**2
        level = level + SMOOTHING * error
        smoothed[day] = level[int(np.argmin(squares))]
    return smoothed
