"""What an hour costs once the commitments are made: every column of demand served at the least cost.

A column is an hour of a scenario. Not here: purchases and their fees; sums over hours (`optimizer.sweep`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from optimizer.column_kernel import serve_columns
from optimizer.cover import CoverClasses


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitPrices:
    """Prices of what is not committed.

    Attributes
    ----------
    on_demand_usd, spot_usd, spot_eligible : FloatArray of shape (n_pools,)
        As in `PlanningProblem`.
    """

    on_demand_usd: FloatArray
    spot_usd: FloatArray
    spot_eligible: FloatArray

    @property
    def uses_spot(self) -> FloatArray:
        """Part of each pool's demand that runs on spot unless a commitment covers it. Shape (n_pools,)."""
        is_cheaper = np.nan_to_num(self.spot_usd, nan=np.inf) < self.on_demand_usd
        return np.where(is_cheaper, self.spot_eligible, 0.0)

    @property
    def rates_usd(self) -> FloatArray:
        """Cost of a unit that nothing covers: the on-demand part of each pool, then its spot part. [USD/unit-hour]

        Shape (2 n_pools,); the on-demand rate where a pool has no spot part.
        """
        spot = np.where(self.uses_spot > 0, self.spot_usd, self.on_demand_usd)
        return np.concatenate([self.on_demand_usd, spot])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassTables:
    """What each class may cover, in the order in which it does.

    An item is the on-demand part of a pool (its number) or the spot part (n_pools + its number).

    Attributes
    ----------
    items, draws : array of shape (n_entries,)
        Item, and quantity that one unit of it draws; best saving first, smallest draw first where a class is bound
        to that.
    starts : IntArray of shape (n_classes + 1,)
        First entry of each class.
    turns : FloatArray of shape (n_classes,)
        Whose turn it is where the cost is the same.
    narrow, wide : IntArray
        Classes that need no split, in their turn, and those that may compete for the same items.
    """

    items: IntArray
    draws: FloatArray
    starts: IntArray
    turns: FloatArray
    narrow: IntArray
    wide: IntArray


def class_tables(classes: CoverClasses, prices: UnitPrices) -> ClassTables:
    """Order classes and what they cover.

    Classes of one pool are first, then those that serve their smallest draw first, then wide ones, each by the turn
    that the provider gives them. Of equal ones the dearest comes first, so that it is stranded least.
    """
    n_pools = len(prices.on_demand_usd)
    is_forced = np.zeros(classes.n_classes, dtype=bool) if classes.smallest_first is None else classes.smallest_first
    rates, on_spot = prices.rates_usd, prices.uses_spot > 0
    items: list[int] = []
    draws: list[float] = []
    starts = [0]
    for row in range(classes.n_classes):
        known = []
        for pool in np.flatnonzero(np.isfinite(classes.draw[row])).tolist():
            draw = float(classes.draw[row, pool])
            for item in (pool, n_pools + pool) if on_spot[pool] else (pool,):
                rank = (draw, pool, item) if is_forced[row] else (-float(rates[item]) / draw, pool, item)
                known.append((rank, item, draw))
        for _, item, draw in sorted(known):
            items.append(item)
            draws.append(draw)
        starts.append(len(items))
    width = np.isfinite(classes.draw).sum(axis=1)
    group: IntArray = np.where(width <= 1, 0, np.where(is_forced, 1, 2))
    dearest = np.nan_to_num(classes.fee_usd[:, None] * classes.draw).max(axis=1, initial=0.0)
    order: IntArray = np.lexsort((-dearest, width, classes.turn, group))
    return ClassTables(
        items=np.array(items, dtype=np.int64),
        draws=np.array(draws, dtype=np.float64),
        starts=np.array(starts, dtype=np.int64),
        turns=classes.turn.astype(np.float64),
        narrow=order[group[order] < np.int64(2)],
        wide=order[group[order] == np.int64(2)],
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recourse:
    """What serves each column, and what that costs.

    Attributes
    ----------
    cost_usd : FloatArray of shape (n_columns,)
        On-demand and spot cost. [USD/h]
    used : FloatArray of shape (n_classes, n_columns)
        Class quantity used.
    on_demand_units, spot_units : FloatArray of shape (n_pools, n_columns)
        Billed on-demand (idle reserved capacity included) and spot. [units]
    class_price_usd : FloatArray of shape (n_classes, n_columns)
        What one more class quantity would save. [USD per quantity-hour]
    """

    cost_usd: FloatArray
    used: FloatArray
    on_demand_units: FloatArray
    spot_units: FloatArray
    class_price_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("cost_usd", "used", "on_demand_units", "spot_units", "class_price_usd"):
            getattr(self, name).flags.writeable = False


def recourse(  # noqa: PLR0913  # one argument for each side of a column; the last two are about spot alone
    demand: FloatArray,
    *,
    held: FloatArray,
    floor: FloatArray,
    classes: CoverClasses,
    prices: UnitPrices,
    spot_part: FloatArray | None = None,
    spot_available: BoolArray | None = None,
) -> Recourse:
    """Serve every column at the least cost.

    Classes of one pool go first: nothing else could use them. What is left is split between the wide ones at the
    least cost. A class that serves its smallest draw first does so before all that, at any cost.

    Parameters
    ----------
    demand : FloatArray of shape (n_pools, n_columns)
        [units]
    held : FloatArray of shape (n_classes, n_columns)
        Class quantities held.
    floor : FloatArray of shape (n_pools, n_columns)
        Units held by capacity reservations.
    classes : CoverClasses
    prices : UnitPrices
    spot_part : FloatArray of shape (n_pools,) or None
        Part of what is eligible that may run on spot; None: all of it.
    spot_available : BoolArray of shape (n_pools, n_columns) or None
        Whether spot is there; None: in every column.

    Returns
    -------
    Recourse
    """
    n_pools, n_columns = demand.shape
    tables = class_tables(classes, prices)
    eligible = (prices.uses_spot if spot_part is None else prices.uses_spot * spot_part)[:, None]
    if spot_available is not None:
        eligible = eligible * spot_available
    units, worth = np.empty((n_columns, 2 * n_pools)), np.empty((n_columns, 2 * n_pools))
    left, price = np.empty((n_columns, classes.n_classes)), np.zeros((n_columns, classes.n_classes))
    serve_columns(
        _rows(demand),
        _rows(held),
        _rows(floor),
        _rows(eligible),
        prices.rates_usd,
        np.zeros(classes.n_classes),
        tables.items,
        tables.draws,
        tables.starts,
        tables.turns,
        tables.narrow,
        tables.wide,
        units,
        left,
        price,
        worth,
    )
    return Recourse(
        cost_usd=units @ prices.rates_usd,
        used=np.ascontiguousarray(held - left.T),
        on_demand_units=np.ascontiguousarray(units[:, :n_pools].T),
        spot_units=np.ascontiguousarray(units[:, n_pools:].T),
        class_price_usd=np.ascontiguousarray(price.T),
    )


def _rows(by_column: FloatArray) -> FloatArray:
    """One row for each column, in one piece of memory."""
    return np.ascontiguousarray(by_column.T, dtype=np.float64)


def frozen_prices(on_demand_usd: FloatArray, spot_usd: FloatArray, spot_eligible: FloatArray) -> UnitPrices:
    """Build unit prices with read-only arrays."""
    return UnitPrices(
        on_demand_usd=frozen_floats(on_demand_usd),
        spot_usd=frozen_floats(spot_usd),
        spot_eligible=frozen_floats(spot_eligible),
    )
