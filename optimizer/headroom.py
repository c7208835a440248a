"""Headroom: the firm capacity that a month's peak asks for, and what reservations must add to on-demand for it.

Not here: the distribution of the peak (`forecasting.peaks`), what a pool declares (`optimizer.pools`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import hour_of_date, month_index, month_name
from forecasting.quantiles import weighted_quantile
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.calendar_dates import Timeline
from optimizer.expected_loss import EventLoss
from optimizer.failover import GroupNeed, group_needs, owned_firm_units
from optimizer.limits import FirmRequirement
from optimizer.policy import Policy
from optimizer.pools import Pool
from optimizer.shortage import LossCurve, class_peaks, declares_loss, loss_curve, shortage_loss


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
    site_units : float or None
        What the pool must hold so that its group can lose a site; None where nothing is added for it. [units]
    """

    pool_index: int
    month: int
    fraction: float | None
    required_units: float
    on_demand_units: float | None
    site_units: float | None = None

    @property
    def demanded_units(self) -> float:
        """What the pool must hold by either rule. [units]"""
        return max(self.required_units, self.site_units or 0.0)

    @property
    def is_demanded(self) -> bool:
        """Whether its own headroom is more than a report: the policy sets it, and the pool declares its on-demand."""
        return self.fraction is not None and self.on_demand_units is not None


def market_needs(scenarios: Scenarios, market: Market, policy: Policy) -> tuple[HeadroomNeed, ...]:
    """Needs of every pool and month, with what the loss of a site asks for.

    Parameters
    ----------
    scenarios : Scenarios
        Demand inside the window, on the pools of the catalog.
    market : Market
    policy : Policy
    """
    pools = [market.pools[name] for name in market.catalog.pools]
    needs = headroom_needs(scenarios, pools, market.catalog.on_demand_usd, policy)
    extra = {
        (row, group.month): member.firm_units + units
        for group in lost_sites(scenarios, market, policy, needs)
        for row, member, units in zip(group.pool_indices, group.members, group.need.extra_units, strict=True)
        if units > 0.0
    }
    return tuple(replace(need, site_units=extra.get((need.pool_index, need.month))) for need in needs)


def lost_sites(
    scenarios: Scenarios, market: Market, policy: Policy, needs: Sequence[HeadroomNeed]
) -> tuple[GroupNeed, ...]:
    """What each failover group needs by month, beyond the pools' own headroom, firm on-demand and what is owned."""
    firm = owned_firm_units(market, scenarios.hours)
    months = np.unique(month_index(scenarios.hours))
    for need in needs:
        at = need.pool_index, int(np.searchsorted(months, need.month))
        own = need.required_units if need.is_demanded else 0.0
        firm[at] = max(own, (need.on_demand_units or 0.0) + firm[at])
    return group_needs(scenarios, market, policy, firm)


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
    months, starts = np.unique(month_index(scenarios.hours), return_index=True)
    peaks = np.maximum.reduceat(scenarios.units, starts, axis=2)
    usd = on_demand_usd.tolist()
    out = []
    for place, month in enumerate(months):
        for row, pool in enumerate(pools):
            sample = peaks[:, row, place]
            peak = weighted_quantile(sample, scenarios.weights, level=policy.headroom.quantile)
            fraction = policy.headroom.fraction
            required = (1.0 + (fraction or 0.0)) * peak
            if policy.headroom.by == "expected_loss" and declares_loss(pool):
                curve = month_curve(MonthOfPool(scenarios=scenarios, row=row, month=int(month)), pool, usd[row], policy)
                required = float(curve.units[curve.best])
                fraction = required / peak - 1.0 if peak > 0 else 0.0
            need = HeadroomNeed(
                pool_index=row,
                month=int(month),
                fraction=fraction,
                required_units=required,
                on_demand_units=firm_on_demand_units(pool),
            )
            out.append(need)
    return tuple(out)


def firm_on_demand_units(pool: Pool) -> float | None:
    """On-demand units that can be counted on at the peak: quota x availability; None where not declared."""
    if pool.on_demand_quota_units is None or pool.on_demand_availability_fraction is None:
        return None
    return pool.on_demand_quota_units * pool.on_demand_availability_fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfPool:
    """Which month of which pool of some scenarios is meant.

    Attributes
    ----------
    scenarios : Scenarios
    row : int
        Pool.
    month : int
        Counted from January 1970.
    """

    scenarios: Scenarios
    row: int
    month: int

    @property
    def hours(self) -> slice:
        """Where its hours are."""
        first, last = np.searchsorted(month_index(self.scenarios.hours), [self.month, self.month + 1])
        return slice(int(first), int(last))

    @property
    def start_hour(self) -> int:
        """First hour of it that the scenarios hold."""
        return int(self.scenarios.hours[self.hours.start])


def month_curve(
    month: MonthOfPool, pool: Pool, on_demand_usd: float, policy: Policy, *, also: Sequence[float] = ()
) -> LossCurve:
    """What each capacity of a pool costs in a month, held and lost, under the policy's calendar and decided work.

    Parameters
    ----------
    month : MonthOfPool
    pool : Pool
    on_demand_usd : float
        What holding one unit for an hour costs. [USD/unit-hour]
    policy : Policy
    also : sequence of float
        Further capacities to have in the curve. [units]
    """
    scenarios, inside = month.scenarios, month.hours
    calendar = [
        part.factor_of() for part in policy.headroom.impact_calendar if not part.pools or pool.name in part.pools
    ]
    ordinary = shortage_loss(pool)
    direct, liability = ordinary.direct_usd, ordinary.liability_usd
    for part in policy.headroom.mitigations:
        is_done = part.start is None or hour_of_date(part.start) <= month.start_hour
        if part.decided and is_done and pool.name in part.pools:
            direct, liability = direct * part.direct_factor, liability * part.liability_factor
    return loss_curve(
        class_peaks(scenarios.units[:, month.row, inside], scenarios.hours[inside], calendar),
        scenarios.weights,
        EventLoss(direct_usd=direct, liability_usd=liability),
        unit_usd=on_demand_usd * float(scenarios.hour_weights[inside].sum()),
        free_units=firm_on_demand_units(pool) or 0.0,
        also=also,
    )


def firm_requirements(
    needs: Sequence[HeadroomNeed], pools: Sequence[Pool], timeline: Timeline
) -> tuple[FirmRequirement, ...]:
    """What reservations must add to firm on-demand, cut at the decision dates, where capacity may change hands.

    Own headroom is demanded only where the policy sets it and the pool declares quota and availability; capacity for a
    lost site, which contains it, is a requirement beside it with a price of its own.
    """
    hours = np.arange(timeline.start_hour, timeline.end_hour)
    month_of = month_index(hours)
    period = np.searchsorted(timeline.decision_hours, hours, side="right")
    out = []
    for need in needs:
        inside = month_of == need.month
        for rule, required in _required(need):
            for number in np.unique(period[inside]):
                stretch = hours[inside & (period == number)]
                label = f"{rule} of {pools[need.pool_index].name} in {month_name(need.month)}"
                if len(np.unique(period[inside])) > 1:
                    label += f" from date {number}"
                out.append(
                    FirmRequirement(
                        pool_index=need.pool_index,
                        start_hour=int(stretch[0]),
                        end_hour=int(stretch[-1]) + 1,
                        units=required,
                        label=label,
                    )
                )
    return tuple(out)


def _required(need: HeadroomNeed) -> list[tuple[str, float]]:
    """Rules that ask for firm capacity beyond on-demand, and how much. [units]"""
    free = need.on_demand_units
    if free is None:
        return []
    own = need.required_units if need.is_demanded else 0.0
    asked = (("headroom", own), ("N+1 capacity", need.site_units or 0.0))
    return [(rule, units - free) for rule, units in asked if units > free]
