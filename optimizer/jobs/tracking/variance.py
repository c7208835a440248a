"""Actual less expected cost, split into volume, event, mix, waste and rate; the parts sum to the whole.

With E = demand at the plan's on-demand prices, V = cost of what serves it, W = unused fees, 0 expected, 1 actual at the
plan's prices, 2 actual at today's, and k = V0 / E0 (what an on-demand USD was expected to cost; 1 where the plan
expected no demand), in this order:

    volume   k x (E1 - E0), without the part of
    event      what declared events changed more or less than expected, and
    anomaly    days of unexpected spikes and outages
    mix      (V1 - V0) - k x (E1 - E0): dearer or cheaper pools, and what serves them
    waste    W1 - W0
    rate     (V2 + W2) - (V1 + W1): the same usage and commitments at today's prices

Not here: what events changed (`optimizer.jobs.tracking.event_sizes`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, frozen_floats
from forecasting.hours import HOURS_PER_DAY
from optimizer.jobs.tracking.paired import Paired

PARTS = ("volume", "event", "anomaly", "mix", "waste", "rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolVariance:
    """Variance of one pool, of what nothing used, or of all together.

    Attributes
    ----------
    pool : str or None
        None: no single pool.
    expected_usd, actual_usd : float
        Cost of what serves the pool, of unused commitments, or of all together, the actual one at today's prices.
    volume_usd, event_usd, anomaly_usd, mix_usd, waste_usd, rate_usd : float
        Sum to the actual less the expected cost.
    """

    pool: str | None
    expected_usd: float
    actual_usd: float
    volume_usd: float
    event_usd: float
    anomaly_usd: float
    mix_usd: float
    waste_usd: float
    rate_usd: float

    @property
    def variance_usd(self) -> float:
        """Actual less expected. [USD]"""
        return self.actual_usd - self.expected_usd

    @property
    def variance_fraction(self) -> float:
        """Variance as a part of what was expected; nan where nothing was."""
        return self.variance_usd / self.expected_usd if self.expected_usd > 0 else float("nan")

    @property
    def parts_usd(self) -> tuple[float, ...]:
        """Parts in the order of `PARTS`."""
        return (self.volume_usd, self.event_usd, self.anomaly_usd, self.mix_usd, self.waste_usd, self.rate_usd)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variance:
    """Variance of all pools together and of each, and what single events have in it.

    Attributes
    ----------
    total : PoolVariance
    pools : tuple of PoolVariance
    unused : PoolVariance
        Commitments that nothing used; with the pools it sums to the total.
    pool_mix_usd : float
        Part of the mix that comes from pools that were expected to cost more or less per on-demand USD than the mean;
        the rest is what serves them.
    by_event_usd : FloatArray of shape (n_events,)
        Sum to the event part. [USD]
    """

    total: PoolVariance
    pools: tuple[PoolVariance, ...]
    unused: PoolVariance
    pool_mix_usd: float
    by_event_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "by_event_usd", frozen_floats(self.by_event_usd))


def variance(cells: Paired, *, surprise_units: FloatArray, is_anomalous: BoolArray) -> Variance:
    """Split the variance.

    Parameters
    ----------
    cells : Paired
    surprise_units : FloatArray of shape (n_events, n_pools, n_days)
        What each event changed less what it was expected to change. [units]
    is_anomalous : BoolArray of shape (n_pools, n_days)
        Days of unexpected spikes and outages.
    """
    expected, actual = cells.expected_on_demand_usd, cells.actual_on_demand_usd
    price = cells.expected.served_usd / expected.sum() if expected.sum() > 0 else 1.0  # of nothing: on demand
    worth = price * HOURS_PER_DAY * cells.rate_usd
    rest = cells.actual_units - cells.expected_units - surprise_units.sum(axis=0)
    event = worth * surprise_units.sum(axis=(0, 2))
    anomaly = worth * np.where(is_anomalous, rest, 0.0).sum(axis=1)
    volume = worth * np.where(is_anomalous, 0.0, rest).sum(axis=1)
    mix = cells.actual_served_usd - cells.expected_served_usd - price * (actual - expected)
    rate = cells.priced_served_usd - cells.actual_served_usd
    own = cells.expected_served_usd / np.where(expected > 0, expected, 1.0)
    pool_mix = np.where(expected > 0, own - price, 0.0) * (actual - expected)
    rows = tuple(
        PoolVariance(
            pool=pool,
            expected_usd=float(cells.expected_served_usd[row]),
            actual_usd=float(cells.priced_served_usd[row]),
            volume_usd=float(volume[row]),
            event_usd=float(event[row]),
            anomaly_usd=float(anomaly[row]),
            mix_usd=float(mix[row]),
            waste_usd=0.0,
            rate_usd=float(rate[row]),
        )
        for row, pool in enumerate(cells.pools)
    )
    total = PoolVariance(
        pool=None,
        expected_usd=cells.expected.total_usd,
        actual_usd=cells.priced.total_usd,
        volume_usd=float(volume.sum()),
        event_usd=float(event.sum()),
        anomaly_usd=float(anomaly.sum()),
        mix_usd=float(mix.sum()),
        waste_usd=cells.actual.unused_usd - cells.expected.unused_usd,
        rate_usd=cells.priced.total_usd - cells.actual.total_usd,
    )
    return Variance(
        total=total,
        pools=rows,
        unused=_unused(cells),
        pool_mix_usd=float(pool_mix.sum()),
        by_event_usd=(surprise_units.sum(axis=2) * worth).sum(axis=1),
    )


def _unused(cells: Paired) -> PoolVariance:
    """Commitments that nothing used: waste, and what their fees cost at other prices."""
    return PoolVariance(
        pool=None,
        expected_usd=cells.expected.unused_usd,
        actual_usd=cells.priced.unused_usd,
        volume_usd=0.0,
        event_usd=0.0,
        anomaly_usd=0.0,
        mix_usd=0.0,
        waste_usd=cells.actual.unused_usd - cells.expected.unused_usd,
        rate_usd=cells.priced.unused_usd - cells.actual.unused_usd,
    )
