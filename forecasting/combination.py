"""Several families of models combined into one forecast per origin, weighted by how they did at earlier origins.

Not here: the families (`forecasting.models`), nor what is made of the combined misses (`forecasting.paths`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.models.discounted_trend import discounted_trend
from forecasting.models.lasting_growth import lasting_growth
from forecasting.models.lines import WEEK_DAYS, Lines, Training
from forecasting.models.robust_level import robust_level
from forecasting.models.structural import structural
from forecasting.models.theta import theta

FAMILIES: dict[str, Callable[[Training], Lines]] = {
    "robust level": robust_level,
    "theta": theta,
    "discounted trend": discounted_trend,
    "structural": structural,
    "lasting growth": lasting_growth,
}
GROWTH_HALF_LIFE_DAYS = 365.0  # growth fades, or a good year would be compounded without end
MAX_HORIZON_WEEKS = 52
MIN_ORIGINS = 6  # that must have reached a horizon before it counts
LOSS_POWER = 1.0  # weights are the inverse of the loss: a higher power mostly follows luck
LEAST_LOSS = 1e-6  # log units: a family that never missed does not take all


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Combination:
    """Lines of all families and the weights that combine them.

    Attributes
    ----------
    levels, slopes : FloatArray of shape (n_origins, n_families)
        Log level on the last day seen, and its growth per day.
    weights : FloatArray of shape (n_origins, n_families)
        In the order of `FAMILIES`; each row sums to 1 and rests on weeks before its origin alone.
    """

    levels: FloatArray
    slopes: FloatArray
    weights: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("levels", "slopes", "weights"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    def predicted(self, rows: IntArray, days_ahead: IntArray) -> FloatArray:
        """Weighted median of the families' lines, elementwise: one family astray does not pull the others along.

        Parameters
        ----------
        rows, days_ahead : IntArray of equal (or broadcast) shapes
            Row of the origin, and days after the last day it saw.
        """
        lines = self.levels[rows] + self.slopes[rows] * growth_days(days_ahead)[..., None]
        order = np.argsort(lines, axis=-1)
        lines = np.take_along_axis(lines, order, axis=-1)
        weights = np.take_along_axis(np.broadcast_to(self.weights[rows], lines.shape), order, axis=-1)
        middle = np.cumsum(weights, axis=-1) - weights / 2.0
        above = np.clip((middle < 0.5).sum(axis=-1), 1, lines.shape[-1] - 1)[..., None]
        low, high = np.take_along_axis(middle, above - 1, axis=-1), np.take_along_axis(middle, above, axis=-1)
        part = np.clip((0.5 - low) / (high - low), 0.0, 1.0)
        below = np.take_along_axis(lines, above - 1, axis=-1)
        median: FloatArray = below + part * (np.take_along_axis(lines, above, axis=-1) - below)
        return median[..., 0]


def growth_days(days_ahead: ArrayLike) -> FloatArray:
    """Days' worth of today's slope that are left by `days_ahead`: growth halves every `GROWTH_HALF_LIFE_DAYS`.

    Examples
    --------
    >>> growth_days(np.array([0.0, 1.0, 1e9])).round(1).tolist()
    [0.0, 1.0, 526.6]
    """
    rate = np.log(2.0) / GROWTH_HALF_LIFE_DAYS
    days: FloatArray = -np.expm1(-rate * np.asarray(days_ahead, dtype=np.float64)) / rate
    return days


def combined(training: Training) -> Combination:
    """Lines of all families at every origin, with the weights that each origin could have known."""
    families = [fit(training) for fit in FAMILIES.values()]
    levels = np.stack([lines.level for lines in families], axis=1)
    slopes = np.stack([lines.slope for lines in families], axis=1)
    weights = _weights(np.abs(_weekly_misses(training, levels, slopes)), training)
    return Combination(levels=levels, slopes=slopes, weights=weights)


def _weekly_misses(training: Training, levels: FloatArray, slopes: FloatArray) -> FloatArray:
    """Log misses of weekly medians, nan beyond the end. Shape (n_origins, n_families, n_horizon_weeks)."""
    weekly, seen = training.weekly_medians, training.n_weeks_seen
    ahead = np.arange(1, MAX_HORIZON_WEEKS + 1)
    target = seen[:, None] + ahead - 1
    came = np.concatenate([weekly, [np.nan]])[np.minimum(target, len(weekly))]
    grown = growth_days(WEEK_DAYS * ahead - (WEEK_DAYS - 1) / 2.0)
    misses: FloatArray = came[:, None, :] - levels[:, :, None] - slopes[:, :, None] * grown
    return misses


def _weights(losses: FloatArray, training: Training) -> FloatArray:
    """Weights at each origin from the losses that had been seen by then. Shape (n_origins, n_families)."""
    n_origins, n_families, n_ahead = losses.shape
    seen = training.n_weeks_seen
    ends = seen[:, None] + np.arange(1, n_ahead + 1)
    weights = np.full((n_origins, n_families), 1.0 / n_families)
    for origin in range(n_origins):
        is_known = ends[: origin + 1] <= seen[origin]
        counts = is_known.sum(axis=0)
        reached = counts >= MIN_ORIGINS
        if not reached.any():
            continue
        known = np.where(is_known[:, None, reached], losses[: origin + 1, :, reached], 0.0)
        mean = (known.sum(axis=0) / counts[reached]).mean(axis=1)
        raw = np.maximum(mean, LEAST_LOSS) ** -LOSS_POWER
        weights[origin] = raw / raw.sum()
    return weights
