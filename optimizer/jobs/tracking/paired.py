"""Expected and actual demand and cost side by side: the same pools, the same whole days.

Not here: what is made of the difference (`optimizer.jobs.tracking.variance`, `optimizer.jobs.tracking.calibration`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.hours import HOURS_PER_DAY
from optimizer.expected import Expected
from optimizer.jobs.bill_days import BillDays


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actual:
    """What happened in the tracked days.

    Attributes
    ----------
    pools : tuple of str
    units : FloatArray of shape (n_pools, n_days)
        Daily means. [units]
    rate_usd : FloatArray of shape (n_pools,)
        On-demand rate at the prices of the plan. [USD/unit-hour]
    at_plan_prices, at_prices : BillDays
        The bill at the prices of the plan, and at those of today.
    """

    pools: tuple[str, ...]
    units: FloatArray
    rate_usd: FloatArray
    at_plan_prices: BillDays
    at_prices: BillDays

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("units", "rate_usd"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paired:
    """A plan and what happened, on the pools of both and the tracked days.

    Attributes
    ----------
    pools : tuple of str
        Of the plan, then those that only usage has.
    n_planned : int
        How many of them the plan has.
    days : IntArray of shape (n_days,)
        Epoch days.
    expected_units, actual_units : FloatArray of shape (n_pools, n_days)
        Daily means. [units]
    event_names : tuple of str
        Declared events that are expected to change anything within the window of the plan.
    event_units : FloatArray of shape (n_events, n_pools, n_days)
        What they are expected to change in the tracked days. [units]
    long_event_units : FloatArray of shape (n_events, n_pools, n_window_days)
        The same over the whole window of the plan. [units]
    rate_usd : FloatArray of shape (n_pools,)
        On-demand rate at the prices of the plan. [USD/unit-hour]
    expected_served_usd, actual_served_usd, priced_served_usd : FloatArray of shape (n_pools,)
        Cost of what serves demand: expected, at the prices of the plan, at those of today. [USD]
    expected, actual, priced : BillSums
        Sums over pools and days, likewise.
    plan : Expected
        Of the whole window.
    """

    pools: tuple[str, ...]
    n_planned: int
    days: IntArray
    expected_units: FloatArray
    actual_units: FloatArray
    event_names: tuple[str, ...]
    event_units: FloatArray
    long_event_units: FloatArray
    rate_usd: FloatArray
    expected_served_usd: FloatArray
    actual_served_usd: FloatArray
    priced_served_usd: FloatArray
    expected: "BillSums"
    actual: "BillSums"
    priced: "BillSums"
    plan: Expected

    @property
    def expected_on_demand_usd(self) -> FloatArray:
        """Expected demand at the plan's on-demand prices. Shape (n_pools,). [USD]"""
        value: FloatArray = HOURS_PER_DAY * self.rate_usd * self.expected_units.sum(axis=1)
        return value

    @property
    def actual_on_demand_usd(self) -> FloatArray:
        """Actual demand at the plan's on-demand prices. Shape (n_pools,). [USD]"""
        value: FloatArray = HOURS_PER_DAY * self.rate_usd * self.actual_units.sum(axis=1)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSums:
    """Sums of a bill over pools and days. [USD]"""

    on_demand_usd: float
    served_usd: float
    fee_usd: float
    unused_usd: float
    eligible_usd: float
    covered_usd: float

    @property
    def total_usd(self) -> float:
        """Cost. [USD]"""
        return self.served_usd + self.unused_usd


SUMS = ("on_demand_usd", "served_usd", "fee_usd", "unused_usd", "eligible_usd", "covered_usd")


def paired(plan: Expected, actual: Actual, *, n_days: int) -> Paired:
    """Put both on the pools of either, over the first days of the plan.

    Parameters
    ----------
    plan : Expected
    actual : Actual
        Over the same days.
    n_days : int
        Whole days that are tracked.
    """
    new = tuple(pool for pool in actual.pools if pool not in set(plan.pools))
    pools = (*plan.pools, *new)
    n_planned, n_window = len(plan.pools), len(plan.days)
    place = {pool: row for row, pool in enumerate(pools)}
    rows = np.array([place[pool] for pool in actual.pools], dtype=np.int64)
    units = np.zeros((len(pools), n_days))
    units[rows] = actual.units
    expected = np.zeros((len(pools), n_days))
    expected[:n_planned] = plan.mean_units[:n_planned, :n_days]
    served = np.zeros((3, len(pools)))
    served[0, :n_planned] = plan.served_usd[:, :n_days].sum(axis=1)
    served[1, rows] = actual.at_plan_prices.served_usd.sum(axis=1)
    served[2, rows] = actual.at_prices.served_usd.sum(axis=1)
    long_units = np.zeros((len(plan.events), len(pools), n_window))
    for row, event in enumerate(plan.events):
        long_units[row, [place[pool] for pool in event.pools]] = event.units
    rate = _planned_rates(plan, len(pools))
    rate[rows] = actual.rate_usd
    return Paired(
        pools=pools,
        n_planned=n_planned,
        days=plan.days[:n_days],
        expected_units=expected,
        actual_units=units,
        event_names=tuple(event.name for event in plan.events),
        event_units=long_units[:, :, :n_days],
        long_event_units=long_units,
        rate_usd=rate,
        expected_served_usd=served[0],
        actual_served_usd=served[1],
        priced_served_usd=served[2],
        expected=BillSums(**{name: float(getattr(plan, name)[..., :n_days].sum()) for name in SUMS}),
        actual=_sums(actual.at_plan_prices),
        priced=_sums(actual.at_prices),
        plan=plan,
    )


def _planned_rates(plan: Expected, n_pools: int) -> FloatArray:
    """On-demand rate that the plan's money implies, 0 where it expects no demand. Shape (n_pools,). [USD/unit-hour]"""
    hours = HOURS_PER_DAY * plan.mean_units[:-1].sum(axis=1)
    rate = np.zeros(n_pools)
    rate[: len(hours)] = np.where(hours > 0, plan.on_demand_usd.sum(axis=1) / np.where(hours > 0, hours, 1.0), 0.0)
    return rate


def _sums(bill: BillDays) -> BillSums:
    """Sums of a bill by day."""
    return BillSums(**{name: float(getattr(bill, name).sum()) for name in SUMS})
