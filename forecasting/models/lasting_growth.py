"""Lasting growth: median of the last two weeks, growing by most of the growth of the whole history.

Not here: smoothing of the level (`forecasting.models.theta`).
"""

import numpy as np

from forecasting.models.lines import WEEK_DAYS, Lines, Training, straight_line
from forecasting.models.robust_level import LEVEL_DAYS, MIN_SLOPE_WEEKS

SHRINK = 0.75  # part of the whole history's growth that goes on


def lasting_growth(training: Training) -> Lines:
    """Lines at every origin; the growth is that of a line through all weekly medians."""
    level = np.array([float(np.median(training.logs[max(o - LEVEL_DAYS, 0) : o])) for o in training.origins])
    weekly = training.weekly_medians
    time = np.arange(len(weekly), dtype=np.float64) * WEEK_DAYS
    growth = np.concatenate([[0.0], straight_line(time, weekly, np.ones_like(time)).slope])
    seen = training.n_weeks_seen
    slope = np.where(seen >= MIN_SLOPE_WEEKS, SHRINK * growth[seen], 0.0)
    return Lines(level=level + slope * (LEVEL_DAYS - 1) / 2.0, slope=slope)
