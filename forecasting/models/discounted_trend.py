"""Discounted trend: a straight line in which a day counts half as much as one half a year later.

Not here: any damping of the trend (`forecasting.level`).
"""

import numpy as np

from forecasting.models.lines import Lines, Training, straight_line

HALF_LIFE_DAYS = 180.0


def discounted_trend(training: Training) -> Lines:
    """Discounted least-squares lines at every origin."""
    time = np.arange(len(training.logs), dtype=np.float64) - len(training.logs)
    lines = straight_line(time, training.logs, 2.0 ** (time / HALF_LIFE_DAYS))
    last = training.origins - 1
    return Lines(level=lines.level[last], slope=lines.slope[last])
