"""Headroom: the firm capacity that a month's peak asks for, and what reservations must add to on-demand for it.

Not here: the distribution of the peak (`forecasting.peaks`), what a pool declares (`optimizer.pools`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import month_index, month_name
from forecasting.quantiles import weighted_quantile
from forecasting.scenarios import Scenarios
from optimizer.calendar_dates import Timeline
from optimizer.limits import FirmRequirement
from optimizer.policy import Policy
from optimizer.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadroomNeed:
    """What one pool's peak asks for in one calendar month.

    Attributes
    ----------
    pool_index, month : int
        Pool, and calendar month counted from January 1970.
    fraction : float or None
        Headroom above the peak at the policy's quantile; None where the policy sets none.
    required_units : float
        (1 + fraction) x peak quantile. [units]
    on_demand_units : float or None
        Firm on-demand: quota x availability; None where not declared, and then nothing is demanded. [units]
    """

    pool_index: int
    month: int
    fraction: float | None
    required_units: float
    on_demand_units: float | None


def headroom_needs(
    scenarios: Scenarios, pools: Sequence[Pool], on_demand_usd: FloatArray, policy: Policy
) -> tuple[HeadroomNeed, ...]:
    """Needs of every pool and month.

    Parameters
    ----------
    scenarios : Scenarios
        Demand inside the window.
    pools : sequence of Pool
        In the order of the scenarios.
    on_demand_usd : FloatArray of shape (n_pools,)
        What holding one unit for an hour costs. [USD/unit-hour]
    policy : Policy
    """
    month_of = month_index(scenarios.hours)
    months, starts = np.unique(month_of, return_index=True)
    hours = np.add.reduceat(scenarios.hour_weights, starts)
    peaks = np.maximum.reduceat(scenarios.units, starts, axis=2)
    out = []
    for place, month in enumerate(months):
        for row, pool in enumerate(pools):
            sample = peaks[:, row, place]
            peak = weighted_quantile(sample, scenarios.weights, level=policy.headroom.quantile)
            fraction = policy.headroom.fraction
            if policy.headroom.by == "expected_loss" and pool.impact_usd_per_hour is not None:
                held_usd = float(on_demand_usd[row]) * float(hours[place])
                units = units_by_expected_loss(sample, scenarios.weights, pool, unit_usd=held_usd)
                fraction = units / peak - 1.0 if peak > 0 else 0.0
            need = HeadroomNeed(
                pool_index=row,
                month=int(month),
                fraction=fraction,
                required_units=(1.0 + (fraction or 0.0)) * peak,
                on_demand_units=firm_on_demand_units(pool),
            )
            out.append(need)
    return tuple(out)


def firm_on_demand_units(pool: Pool) -> float | None:
    """On-demand units that can be counted on at the peak: quota x availability; None where not declared."""
    if pool.on_demand_quota_units is None or pool.on_demand_availability_fraction is None:
        return None
    return pool.on_demand_quota_units * pool.on_demand_availability_fraction


def shortage_loss_usd(pool: Pool) -> float:
    """Loss of one shortage: impact x blast radius x (hours to detect + to repair). [USD]

    Examples
    --------
    >>> shortage_loss_usd(Pool(name="a", impact_usd_per_hour=1000.0, blast_radius_fraction=0.5, repair_hours=2.0))
    1000.0
    """
    impact = pool.impact_usd_per_hour or 0.0
    return impact * pool.blast_radius_fraction * (pool.detect_hours + pool.repair_hours)


def units_by_expected_loss(peak_units: FloatArray, weights: FloatArray, pool: Pool, *, unit_usd: float) -> float:
    """Capacity for a month at which one more unit costs as much as the expected loss it removes. [units]

    Minimizes unit_usd x max(c - firm on-demand, 0) + P(peak > c) x loss over the possible peaks c: one shortage a
    month, when the highest hour exceeds capacity.

    Parameters
    ----------
    peak_units, weights : FloatArray of shape (n_scenarios,)
        Highest hour of the month in each scenario, and its probability.
    pool : Pool
    unit_usd : float
        Cost of holding one unit for the month. [USD/unit]

    Examples
    --------
    >>> pool = Pool(name="a", impact_usd_per_hour=1000.0)
    >>> units_by_expected_loss(np.array([10.0, 20.0]), np.array([0.9, 0.1]), pool, unit_usd=9.0)
    20.0
    >>> units_by_expected_loss(np.array([10.0, 20.0]), np.array([0.9, 0.1]), pool, unit_usd=11.0)
    10.0
    """
    loss = shortage_loss_usd(pool)
    free = firm_on_demand_units(pool) or 0.0
    candidates = np.unique(np.concatenate([peak_units, [min(free, float(peak_units.max()))]]))
    exceeds = (peak_units[None, :] > candidates[:, None]) @ weights
    total = unit_usd * np.maximum(candidates - free, 0.0) + exceeds * loss
    return float(candidates[int(np.argmin(total))])


def firm_requirements(
    needs: Sequence[HeadroomNeed], pools: Sequence[Pool], timeline: Timeline
) -> tuple[FirmRequirement, ...]:
    """What reservations must add to firm on-demand, cut at the decision dates, where capacity may change hands.

    A need is demanded only where the policy sets headroom and the pool declares quota and availability.
    """
    hours = np.arange(timeline.start_hour, timeline.end_hour)
    month_of = month_index(hours)
    period = np.searchsorted(timeline.decision_hours, hours, side="right")
    out = []
    for need in needs:
        if need.fraction is None or need.on_demand_units is None or need.required_units <= need.on_demand_units:
            continue
        inside = month_of == need.month
        for number in np.unique(period[inside]):
            stretch = hours[inside & (period == number)]
            label = f"headroom of {pools[need.pool_index].name} in {month_name(need.month)}"
            if len(np.unique(period[inside])) > 1:
                label += f" from date {number}"
            out.append(
                FirmRequirement(
                    pool_index=need.pool_index,
                    start_hour=int(stretch[0]),
                    end_hour=int(stretch[-1]) + 1,
                    units=need.required_units - need.on_demand_units,
                    label=label,
                )
            )
    return tuple(out)
