"""The series that a forecast is told for: every pool, every group of pools, and the total.

Not here: what is told of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.daily import group_name
from forecasting.forecast import Forecast
from forecasting.history import History

TOTAL = "total"

SeriesKind = Literal["pool", "group", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series.

    Attributes
    ----------
    name : str
        As the pool, the group (what stands before the first slash of its pools) or `TOTAL`.
    kind : str
        ``pool``, ``group`` or ``total``.
    """

    name: str
    kind: SeriesKind

    def holds(self, pool: str) -> bool:
        """Whether a pool's demand is part of the series."""
        if self.kind == "pool":
            return pool == self.name
        return self.kind == "total" or group_name(pool) == self.name


def total_series() -> Series:
    """The sum over all pools."""
    return Series(name=TOTAL, kind="total")


def group_series(groups: Sequence[str]) -> tuple[Series, ...]:
    """One for each group."""
    return tuple(Series(name=group, kind="group") for group in groups)


def pool_series(pools: Sequence[str]) -> tuple[Series, ...]:
    """One for each pool."""
    return tuple(Series(name=pool, kind="pool") for pool in pools)


def past_units(history: History, series: Series) -> FloatArray:
    """Observed demand of a series. Shape (n_hours,). [units]"""
    rows = [row for row, pool in enumerate(history.pools) if series.holds(pool)]
    units: FloatArray = history.units[rows].sum(axis=0)
    return units


def series_rows(series: Series, pools: Sequence[str], groups: Sequence[str]) -> IntArray:
    """Rows of demand that a series is the sum of: pools, then what each group has in pools that nobody has named."""
    rows = [row for row, pool in enumerate(pools) if series.holds(pool)]
    if series.kind != "pool":
        unnamed = [row for row, group in enumerate(groups) if series.kind == "total" or group == series.name]
        rows += [len(pools) + row for row in unnamed]
    return np.array(rows, dtype=np.int64)


def path_units(forecast: Forecast, series: Series) -> FloatArray:
    """Demand of a series in each scenario, that of pools which nobody has named yet included in sums.

    Returns
    -------
    FloatArray of shape (n_scenarios, n_hours)
        [units]
    """
    scenarios = forecast.scenarios
    n_pools = len(scenarios.pools)
    rows = series_rows(series, scenarios.pools, forecast.groups)
    named = scenarios.units[:, rows[rows < n_pools]].sum(axis=1)
    units: FloatArray = named + forecast.unnamed_units[:, rows[rows >= n_pools] - n_pools].sum(axis=1)
    return units
