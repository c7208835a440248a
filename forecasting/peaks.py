"""The distribution of the highest hour, by pool and month.

Not here: the capacity that a peak asks for (`optimizer.headroom`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.hours import month_index
from forecasting.quantiles import weighted_quantiles
from forecasting.scenarios import Scenarios


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MonthlyPeaks:
    """Quantiles of the highest hour of each calendar month.

    Attributes
    ----------
    months : IntArray of shape (n_months,)
        Month indices (`forecasting.hours.month_index`), increasing.
    levels : tuple of float
        Quantile levels.
    pool_units : FloatArray of shape (n_pools, n_months, n_levels)
        Of each pool. [units]
    total_units : FloatArray of shape (n_months, n_levels)
        Of the sum over pools, hour by hour: not the sum of the pools' peaks. [units]
    """

    months: IntArray
    levels: tuple[float, ...]
    pool_units: FloatArray
    total_units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "months", frozen_ints(self.months))
        object.__setattr__(self, "pool_units", frozen_floats(self.pool_units))
        object.__setattr__(self, "total_units", frozen_floats(self.total_units))


def monthly_peaks(scenarios: Scenarios, levels: Sequence[float]) -> MonthlyPeaks:
    """Quantiles over the scenarios of each month's highest hour, by pool and for the total.

    Months count with the hours that the scenarios hold; where hours are sampled the highest sampled one counts.
    """
    month_of = month_index(scenarios.hours)
    months, starts = np.unique(month_of, return_index=True)
    pool_peaks = np.maximum.reduceat(scenarios.units, starts, axis=2)
    total_peaks = np.maximum.reduceat(scenarios.units.sum(axis=1), starts, axis=1)
    return MonthlyPeaks(
        months=months,
        levels=tuple(levels),
        pool_units=weighted_quantiles(pool_peaks, scenarios.weights, levels),
        total_units=weighted_quantiles(total_peaks, scenarios.weights, levels),
    )
