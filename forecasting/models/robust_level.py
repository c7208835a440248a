"""Robust level: median of the last two weeks, growing by a part of the median slope of the last four months.

Not here: days of the week, which the training data no longer hold.
"""

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.models.lines import WEEK_DAYS, Lines, Training

LEVEL_DAYS = 14
SLOPE_WEEKS = 17  # about 120 days, as weekly medians
MIN_SLOPE_WEEKS = 6
SHRINK = 0.3  # part of the slope of four months that is believed


def robust_level(training: Training) -> Lines:
    """Lines of the robust level at every origin, Theil-Sen slope of weekly medians."""
    level = np.array([float(np.median(training.logs[max(o - LEVEL_DAYS, 0) : o])) for o in training.origins])
    weekly = training.weekly_medians
    slope = SHRINK * np.array([_median_slope(weekly[:seen]) for seen in training.n_weeks_seen])
    return Lines(level=level + slope * (LEVEL_DAYS - 1) / 2.0, slope=slope)


def _median_slope(weekly: FloatArray) -> float:
    """Theil-Sen slope per day of the last weeks' medians; 0 where there are too few weeks."""
    n_weeks = min(len(weekly), SLOPE_WEEKS)
    if n_weeks < MIN_SLOPE_WEEKS:
        return 0.0
    medians = weekly[-n_weeks:]
    earlier, later = np.triu_indices(n_weeks, k=1)
    return float(np.median((medians[later] - medians[earlier]) / (WEEK_DAYS * (later - earlier))))
