"""The distribution of the highest hour, by pool and month, and of any spans of hours.

Not here: the capacity that a peak asks for (`optimizer.headroom`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.hours import month_index
from forecasting.quantiles import weighted_quantiles
from forecasting.scenarios import Scenarios

PEAK_LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpanPeaks:
    """Distribution of the highest hour of each of some spans, one after the other.

    Attributes
    ----------
    labels : IntArray of shape (n_spans,)
        What names each span, such as its epoch day or month.
    starts : IntArray of shape (n_spans,)
        Position of the first hour of each span.
    mean_units : FloatArray of shape (n_spans,)
        Expected highest hour. [units]
    quantile_units : FloatArray of shape (n_spans, n_levels)
        At `PEAK_LEVELS`. [units]
    """

    labels: IntArray
    starts: IntArray
    mean_units: FloatArray
    quantile_units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("labels", "starts"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        for name in ("mean_units", "quantile_units"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def span_peaks(units: FloatArray, weights: FloatArray, labels: IntArray) -> SpanPeaks:
    """Highest hour of each run of equal labels.

    Parameters
    ----------
    units : FloatArray of shape (n_scenarios, n_hours)
        Demand of one series. [units]
    weights : FloatArray of shape (n_scenarios,)
        Sum to 1.
    labels : IntArray of shape (n_hours,)
        Label of each hour; equal ones stand together.

    Examples
    --------
    >>> made = span_peaks(np.array([[1.0, 3.0, 2.0], [5.0, 1.0, 4.0]]), np.array([0.5, 0.5]), np.array([7, 7, 8]))
    >>> made.labels.tolist(), made.mean_units.tolist(), made.quantile_units[:, -1].tolist()
    ([7, 8], [4.0, 3.0], [5.0, 4.0])
    """
    starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]]))
    peaks = np.maximum.reduceat(units, starts, axis=1)
    return SpanPeaks(
        labels=labels[starts],
        starts=starts,
        mean_units=weights @ peaks,
        quantile_units=weighted_quantiles(peaks, weights, PEAK_LEVELS),
    )
