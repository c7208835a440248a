"""Cost of a plan per unit of a driver: all of it, by product, by pool; amortized, at on-demand equivalence and in cash.

Not here: drivers themselves (`forecasting.drivers`), elasticity (`optimizer.unit_cost`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.daily import group_name
from forecasting.drivers import DriverCurve, Drivers
from forecasting.errors import InputError
from forecasting.hours import HOURS_PER_DAY, month_index, month_name
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.jobs.money.flows import Held, WindowHours, cash_usd
from optimizer.plan import AllocationRow
from optimizer.plan_money import UnitCostRow
from optimizer.unit_cost import cost_elasticity

NOT_COMMITTED = frozenset({"on_demand", "spot"})
UNUSED = ""  # key of what no usage consumed; no pool has an empty name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MonthlyCosts:
    """Cost of each pool and of what no usage consumed, by month of the window.

    Attributes
    ----------
    months : IntArray of shape (n_months,)
        Counted from January 1970.
    n_days : FloatArray of shape (n_months,)
        Days of each inside the window.
    pools : tuple of str
        The last one is `UNUSED`.
    amortized_usd, on_demand_equivalent_usd, cash_usd : FloatArray of shape (n_pools + 1, n_months)
        [USD]
    """

    months: IntArray
    n_days: FloatArray
    pools: tuple[str, ...]
    amortized_usd: FloatArray
    on_demand_equivalent_usd: FloatArray
    cash_usd: FloatArray


def monthly_costs(
    allocation: Sequence[AllocationRow],
    scenarios: Scenarios,
    on_demand_usd: FloatArray,
    held: Sequence[Held],
    window: WindowHours,
) -> MonthlyCosts:
    """Costs of a plan by month.

    Parameters
    ----------
    allocation : sequence of AllocationRow
        Of the plan: amortized, by month, pool and kind.
    scenarios : Scenarios
        Of the window.
    on_demand_usd : FloatArray of shape (n_pools,)
    held : sequence of Held
    window : WindowHours

    Notes
    -----
    On demand and spot are cash as they are. The cash paid for commitments in a month is shared in proportion to their
    amortized cost in it, unused parts included, so that all sums are those of the plan.
    """
    month_of = month_index(window.hours)
    months, starts = np.unique(month_of, return_index=True)
    pools = (*scenarios.pools, UNUSED)
    row_of = {pool: row for row, pool in enumerate(pools)}
    place_of = {month_name(int(month)): place for place, month in enumerate(months)}
    shape = (len(pools), len(months))
    committed, variable = np.zeros(shape), np.zeros(shape)
    for row in allocation:
        into = variable if row.kind in NOT_COMMITTED else committed
        into[row_of[row.pool], place_of[row.month]] += row.usd
    paid = np.add.reduceat(cash_usd(held, window), starts)
    whole = committed.sum(axis=0)
    share = np.divide(committed, whole, out=np.zeros(shape), where=whole > 0.0)
    share[-1] = np.where(whole > 0.0, share[-1], 1.0)
    expected = np.einsum("s,sph->ph", scenarios.weights, scenarios.units) * window.hour_weights
    equivalent = np.zeros(shape)
    equivalent[:-1] = np.add.reduceat(expected * on_demand_usd[:, None], starts, axis=1)
    return MonthlyCosts(
        months=months,
        n_days=np.add.reduceat(window.hour_weights, starts) / HOURS_PER_DAY,
        pools=pools,
        amortized_usd=committed + variable,
        on_demand_equivalent_usd=equivalent,
        cash_usd=variable + share * paid,
    )


def unit_cost_rows(
    costs: MonthlyCosts, drivers: Drivers | None, market: Market, window: WindowHours
) -> tuple[UnitCostRow, ...]:
    """Cost per unit of every driver that is known at the start of the window; nothing without drivers."""
    rows: list[UnitCostRow] = []
    for curve in _curves(drivers, window):
        volume = _volume(curve, costs, window)
        rows += [
            _row(costs, volume, curve.name, slice(None), level="business", month=place)
            for place in range(len(costs.months))
        ]
        for level, key in _levels(market).items():
            rows += [
                _whole_row(costs, volume, curve.name, level=level, name=name, members=members)
                for name, members in _members(costs.pools, key).items()
            ]
    return tuple(rows)


def _curves(drivers: Drivers | None, window: WindowHours) -> tuple[DriverCurve, ...]:
    """Drivers that have a visible row before the window; others cannot be told from a forecast of nothing."""
    if drivers is None:
        return ()
    day = window.start_hour // HOURS_PER_DAY
    out: list[DriverCurve] = []
    for name in drivers.names:
        try:
            out += drivers.visible_at(day, (name,))
        except InputError:  # a driver without a row before the date: demand follows it only where it is asked for
            continue
    return tuple(out)


def _volume(curve: DriverCurve, costs: MonthlyCosts, window: WindowHours) -> FloatArray:
    """Sum over the days of each month of the P50 of the driver. Shape (n_months,)."""
    days = np.arange(window.start_hour // HOURS_PER_DAY, -(-window.end_hour // HOURS_PER_DAY))
    value = np.exp(curve.log_values(days))
    month_of = month_index(days * HOURS_PER_DAY)
    mean = np.array([value[month_of == month].mean() for month in costs.months])
    out: FloatArray = mean * costs.n_days
    return out


def _levels(market: Market) -> dict[str, Callable[[str], str]]:
    """What pools are put together by, at each level."""

    def product(pool: str) -> str:
        declared: Mapping[str, object] = {} if pool not in market.pools else {"owner": market.pools[pool].owner}
        return str(declared.get("owner") or group_name(pool) or pool)

    return {"business": lambda _: UNUSED, "product": product, "infrastructure": lambda pool: pool}


def _members(pools: Sequence[str], key: Callable[[str], str]) -> dict[tuple[str | None, bool], list[int]]:
    """Rows of each name; at business level all rows together, else what is unused by itself."""
    out: dict[tuple[str | None, bool], list[int]] = {}
    for row, pool in enumerate(pools):
        name = key(pool)
        is_unused = pool == UNUSED and key("x") != UNUSED
        out.setdefault((None if is_unused or name == UNUSED else name, is_unused), []).append(row)
    return out


def _row(
    costs: MonthlyCosts, volume: FloatArray, driver: str, rows: slice | list[int], *, level: str, month: int
) -> UnitCostRow:
    """Unit cost of one month, all together."""
    return UnitCostRow(
        driver=driver,
        level=level,
        name=None,
        is_unused=False,
        month=month_name(int(costs.months[month])),
        volume=float(volume[month]),
        amortized_usd=float(costs.amortized_usd[rows, month].sum() / volume[month]),
        on_demand_equivalent_usd=float(costs.on_demand_equivalent_usd[rows, month].sum() / volume[month]),
        cash_usd=float(costs.cash_usd[rows, month].sum() / volume[month]),
    )


def _whole_row(
    costs: MonthlyCosts,
    volume: FloatArray,
    driver: str,
    *,
    level: str,
    name: tuple[str | None, bool],
    members: list[int],
) -> UnitCostRow:
    """Unit cost of some rows over the window, with the elasticity over its months."""
    amortized = costs.amortized_usd[members].sum(axis=0)
    found = cost_elasticity(amortized / costs.n_days, volume / costs.n_days)
    total = float(volume.sum())
    return UnitCostRow(
        driver=driver,
        level=level,
        name=name[0],
        is_unused=name[1],
        month=None,
        volume=total,
        amortized_usd=float(amortized.sum()) / total,
        on_demand_equivalent_usd=float(costs.on_demand_equivalent_usd[members].sum()) / total,
        cash_usd=float(costs.cash_usd[members].sum()) / total,
        elasticity=found.value if found else None,
        elasticity_low=found.low if found else None,
        elasticity_high=found.high if found else None,
        verdict=found.verdict if found else "",
    )
