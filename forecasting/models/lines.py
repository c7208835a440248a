"""What every family of models sees and what it answers: a straight line in logs from each origin on.

Not here: the families, nor how their lines are combined (`forecasting.combination`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """Log demand of one series from its first day on, without days of the week, and the origins to forecast from.

    Attributes
    ----------
    logs : FloatArray of shape (n_days,)
        All finite.
    origins : IntArray of shape (n_origins,)
        Index of the first day that a forecast may not see, whole weeks apart, the last one `n_days`.
    """

    logs: FloatArray
    origins: IntArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "logs", frozen_floats(self.logs))
        object.__setattr__(self, "origins", frozen_ints(self.origins))

    @property
    def weekly_medians(self) -> FloatArray:
        """Median of each whole week, counted back from the last day. Shape (n_weeks,)."""
        n_weeks = len(self.logs) // WEEK_DAYS
        whole = self.logs[len(self.logs) - n_weeks * WEEK_DAYS :]
        medians: FloatArray = np.median(whole.reshape(n_weeks, WEEK_DAYS), axis=1)
        return medians

    @property
    def n_weeks_seen(self) -> IntArray:
        """Number of whole weeks of `weekly_medians` before each origin. Shape (n_origins,)."""
        seen: IntArray = (self.origins - len(self.logs) % WEEK_DAYS) // WEEK_DAYS
        return seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lines:
    """Log level on the last day seen from each origin, and its growth per day.

    Attributes
    ----------
    level, slope : FloatArray of shape (n_origins,)
        Of the last day before the origin; log units, and log units per day.
    """

    level: FloatArray
    slope: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "level", frozen_floats(self.level))
        object.__setattr__(self, "slope", frozen_floats(self.slope))


def straight_line(time: FloatArray, logs: FloatArray, weights: FloatArray) -> Lines:
    """Weighted least-squares line through all points up to each, valued at that point, in one pass.

    Parameters
    ----------
    time, logs, weights : FloatArray of shape (n,)
        Weights are positive and common to all lines.

    Returns
    -------
    Lines
        Of n entries; the first has no slope.
    """
    total = np.cumsum(weights)
    mean_time, mean_log = np.cumsum(weights * time) / total, np.cumsum(weights * logs) / total
    spread = np.cumsum(weights * time**2) / total - mean_time**2
    joint = np.cumsum(weights * time * logs) / total - mean_time * mean_log
    has_spread = spread > 1e-9 * np.maximum(time**2, 1.0)
    slope = np.where(has_spread, joint / np.where(has_spread, spread, 1.0), 0.0)
    return Lines(level=mean_log + slope * (time - mean_time), slope=slope)
