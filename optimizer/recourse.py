"""What an hour costs once the commitments are made: a vectorized pass over all columns of demand.

A column is an hour of a scenario, or the mean of a cluster of them. Not here: purchases and their fees.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from optimizer.cover import CoverClasses
from optimizer.least_stranded import strand_least
from optimizer.wide_cover import WideColumns

MIN_CLASSES_THAT_COMPETE = 2
MAX_EXACT_COLUMNS = 500  # of one pass: what the others may lose stays in the certified gap
IDLE_FRACTION = 1e-12  # of what is held: below is rounding


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnTerms:
    """What limits make of each column: how much may run on spot, and what use is worth at the limits' prices.

    The prices change no allocation, only `Recourse.unit_price_usd`.

    Attributes
    ----------
    spot_part : FloatArray of shape (n_pools, n_columns)
        Part of what is eligible that may run on spot.
    cost_factor : FloatArray of shape (n_columns,)
        What a USD of cost counts.
    stranded_usd, covered_usd, spot_usd : FloatArray of shape (n_columns,)
        Price of a USD stranded, worth of a USD covered and price of a USD on spot, the two at on-demand prices.
    """

    spot_part: FloatArray
    cost_factor: FloatArray
    stranded_usd: FloatArray
    covered_usd: FloatArray
    spot_usd: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recourse:
    """What serves each column, and what that costs.

    Attributes
    ----------
    cost_usd : FloatArray of shape (n_columns,)
        On-demand and spot cost. [USD/h]
    used : FloatArray of shape (n_classes, n_columns)
        Class quantity used.
    covered_usd : FloatArray of shape (n_columns,)
        On-demand-equivalent of the demand that commitments cover, before idle reserved units. [USD/h]
    on_demand_units, spot_units : FloatArray of shape (n_pools, n_columns)
        Billed on-demand (idle reserved capacity included) and spot. [units]
    unit_price_usd : FloatArray of shape (n_pools, n_columns)
        What one more unit of demand would cost, limits priced in. [USD/unit-hour]
    class_price_usd : FloatArray of shape (n_classes, n_columns)
        What one more class quantity would save. [USD per quantity-hour]
    """

    cost_usd: FloatArray
    used: FloatArray
    covered_usd: FloatArray
    on_demand_units: FloatArray
    spot_units: FloatArray
    unit_price_usd: FloatArray
    class_price_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in (
            "cost_usd",
            "used",
            "covered_usd",
            "on_demand_units",
            "spot_units",
            "unit_price_usd",
            "class_price_usd",
        ):
            getattr(self, name).flags.writeable = False


def recourse(  # one argument for each side of a column; the last is for limits alone
    demand: FloatArray,
    *,
    held: FloatArray,
    floor: FloatArray,
    classes: CoverClasses,
    prices: UnitPrices,
    terms: ColumnTerms | None = None,
) -> Recourse:
    """Serve every column at the least cost.

    Classes of one pool go first, then wide ones, fewest pools first, and each covers what saves most per unit of its
    quantity: the optimum of a column's linear program with one wide class, or proportional ones (a fractional
    knapsack). Columns where several wide rate cards that are not proportional make this greedy order lose money are
    found by their duals and solved exactly (`optimizer.wide_cover`). Where classes are split by fee, those are left
    idle that strand the least. A class that serves its smallest draw first does so before all that, at any cost.

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
    terms : ColumnTerms or None
        None: no limit speaks.

    Returns
    -------
    Recourse
    """
    eligible = np.broadcast_to(prices.uses_spot[:, None], demand.shape)
    if terms is not None:
        eligible = eligible * terms.spot_part
    spot = np.minimum(eligible * demand, np.maximum(demand - floor, 0.0))
    firm = np.maximum(demand - spot, floor)
    served = firm + spot
    service = _Service(firm=firm, spot=spot, held=held, classes=classes)
    order, n_greedy = _narrow_first(classes)
    service.cover_in_order(order[:n_greedy], prices)
    service.cover_wide(order[n_greedy:], prices)
    service.settle()
    used, marginal = service.used, service.marginal
    parts = _marginal_parts(demand, floor, eligible)
    return Recourse(
        cost_usd=prices.on_demand_usd @ firm + np.nan_to_num(prices.spot_usd) @ spot,
        used=used,
        covered_usd=prices.on_demand_usd @ np.minimum(served - firm - spot, demand),
        on_demand_units=firm,
        spot_units=spot,
        unit_price_usd=_unit_prices(marginal, parts, classes=classes, prices=prices, terms=terms),
        class_price_usd=marginal,
    )


class _Service:
    """Serves columns step by step: what is still to be covered, what is used, what one more quantity would save."""

    def __init__(self, *, firm: FloatArray, spot: FloatArray, held: FloatArray, classes: CoverClasses) -> None:
        self.firm, self.spot = firm, spot
        self.held, self.classes = held, classes
        self.used, self.marginal = np.zeros_like(held), np.zeros_like(held)
        n_columns = held.shape[1]
        self.is_tracked = classes.is_split_by_fee and classes.smallest_first is None
        pairs = np.argwhere(np.isfinite(classes.draw)).tolist() if self.is_tracked else []
        self.cover = {(row, pool): np.zeros(n_columns) for row, pool in pairs}

    def cover_in_order(self, rows: IntArray, prices: UnitPrices) -> list[BoolArray]:
        """Let each class in turn cover what saves most.

        Returns
        -------
        list of BoolArray of shape (2, n_pools, n_columns)
            For each class, whether something of a pool's on-demand and spot part is left after its turn.
        """
        short = []
        for row in rows.tolist():
            left = self.held[row].copy()
            for pool, is_spot, density in _items(self.classes, row, prices):
                units = (self.spot if is_spot else self.firm)[pool]
                draw = self.classes.draw[row, pool]
                take = np.minimum(units * draw, left)
                is_short = take < units * draw
                self.marginal[row] = np.where(is_short & (self.marginal[row] == 0.0), density, self.marginal[row])
                left -= take
                units -= take / draw
                np.maximum(units, 0.0, out=units)
                if self.is_tracked:
                    self.cover[row, pool] += take / draw
            self.used[row] = self.held[row] - left
            short.append(np.stack([self.firm > 0, self.spot > 0]))
        return short

    def reprice(self, rows: IntArray, short: list[BoolArray], prices: UnitPrices) -> None:
        """Price each class by what the classes after it leave of the worth of what it could not cover.

        Taken alone, a class that is used up looks worth what it would save on demand, even where the next class
        covers that at less.
        """
        worth = np.stack([prices.on_demand_usd, np.nan_to_num(prices.spot_usd)])[:, :, None]
        worth = np.broadcast_to(worth, short[0].shape).copy()
        for row, left in zip(rows[::-1].tolist(), short[::-1], strict=True):
            draw = self.classes.draw[row][None, :, None]
            best = np.nanmax(np.where(left & np.isfinite(draw), worth / draw, 0.0), axis=(0, 1))
            is_used_up = self.used[row] >= self.held[row] * (1.0 - IDLE_FRACTION)
            self.marginal[row] = np.where(is_used_up, best, 0.0)
            covers = np.isfinite(self.classes.draw[row])
            worth[:, covers] = np.minimum(worth[:, covers], draw[:, covers] * self.marginal[row])

    def cover_wide(self, rows: IntArray, prices: UnitPrices) -> None:
        """Do the same, and solve exactly those columns whose prices leave most room for a better order.

        Classes of which nothing is held take no part in that: they only make a column's program larger.
        """
        is_held = self.held[rows].any(axis=1)
        self.cover_in_order(rows[~is_held], prices)
        rows = rows[is_held]
        given = WideColumns(
            units=np.concatenate([self.firm, self.spot]),
            rate_usd=np.concatenate([prices.on_demand_usd, np.nan_to_num(prices.spot_usd)]),
            held=self.held[rows],
            draw=np.tile(self.classes.draw[rows], (1, 2)),
        )
        short = self.cover_in_order(rows, prices)
        if len(rows) < MIN_CLASSES_THAT_COMPETE:
            return
        self.reprice(rows, short, prices)
        redo = given.worst_columns(np.concatenate([self.firm, self.spot]), self.marginal[rows], MAX_EXACT_COLUMNS)
        if not len(redo):
            return
        solved = replace(given, units=given.units[:, redo], held=given.held[:, redo]).solved()
        self.firm[:, redo], self.spot[:, redo] = np.split(solved.left_units, 2)
        self.used[np.ix_(rows, redo)], self.marginal[np.ix_(rows, redo)] = solved.used, solved.price_usd
        if self.is_tracked:
            n_pools = len(self.firm)
            for place, item in np.argwhere(np.isfinite(self.classes.draw[rows])).tolist():
                units = solved.cover_units[place, item] + solved.cover_units[place, n_pools + item]
                self.cover[int(rows[place]), item][redo] = units

    def settle(self) -> None:
        """Leave idle what strands the least, where fees are known."""
        if self.is_tracked:
            self.used = strand_least(self.cover, self.held, self.classes)
            is_idle = self.held - self.used > IDLE_FRACTION * self.held
            self.marginal = np.where(is_idle, 0.0, self.marginal)


def _narrow_first(classes: CoverClasses) -> tuple[IntArray, int]:
    """Rows of the classes in their order, and how many of them need no exact solution.

    Classes of one pool are first, then those that serve their smallest draw first, then wide ones, fewest pools
    first. Of equal ones the dearest fee comes first, so that it is stranded least.
    """
    width = np.isfinite(classes.draw).sum(axis=1)
    is_forced = np.zeros(len(width), dtype=bool) if classes.smallest_first is None else classes.smallest_first
    rank = np.where(width <= 1, 0, np.where(is_forced, 1, 2))
    return np.lexsort((-np.nan_to_num(classes.fee_usd), width, rank)), int((rank < np.int64(2)).sum())


def _items(classes: CoverClasses, row: int, prices: UnitPrices) -> list[tuple[int, bool, float]]:
    """What a class may cover, in the order in which it does."""
    best = _best_first(classes.draw[row], prices)
    if classes.smallest_first is None or not classes.smallest_first[row]:
        return best
    return sorted(best, key=lambda item: (float(classes.draw[row, item[0]]), item[0], item[1]))


def _best_first(draw: FloatArray, prices: UnitPrices) -> list[tuple[int, bool, float]]:
    """(pool, whether its spot part, saving per class quantity), best saving first; only what saves."""
    items = []
    for pool in np.flatnonzero(np.isfinite(draw)):
        items.append((int(pool), False, float(prices.on_demand_usd[pool] / draw[pool])))
        if prices.uses_spot[pool] > 0:
            items.append((int(pool), True, float(prices.spot_usd[pool] / draw[pool])))
    return sorted(items, key=lambda item: (-item[2], item[0], item[1]))


def _unit_prices(
    marginal: FloatArray,
    parts: tuple[FloatArray, FloatArray],
    *,
    classes: CoverClasses,
    prices: UnitPrices,
    terms: ColumnTerms | None,
) -> FloatArray:
    """Price of one more unit of each pool, by how much of it is (on demand, on spot). Shape (n_pools, n_columns).

    A unit that takes quantity from others costs what it takes; where a class is idle it costs nothing, and limits on
    stranded USD and on coverage make it welcome.
    """
    n_pools, n_columns = len(prices.on_demand_usd), marginal.shape[1]
    firm_part, spot_part = parts
    spot_usd = np.nan_to_num(prices.spot_usd)
    fee_usd = np.nan_to_num(classes.fee_usd)
    out = np.empty((n_pools, n_columns))
    for pool, od in enumerate(prices.on_demand_usd):
        factor = 1.0 if terms is None else terms.cost_factor
        covered = np.full(n_columns, np.inf)
        for row in np.flatnonzero(np.isfinite(classes.draw[:, pool])):
            price = classes.draw[row, pool] * marginal[row] * factor
            if terms is not None:
                idle_usd = classes.draw[row, pool] * fee_usd[row] * (marginal[row] == 0.0)
                worth = terms.covered_usd * (od - classes.draw[row, pool] * marginal[row])
                price = price - terms.stranded_usd * idle_usd - worth
            np.minimum(covered, price, out=covered)
        out[pool] = firm_part[pool] * np.minimum(od * factor, covered)
        if prices.uses_spot[pool] > 0:
            on_spot = spot_usd[pool] * factor + (0.0 if terms is None else terms.spot_usd * od)
            out[pool] += spot_part[pool] * np.minimum(on_spot, covered)
    return out


def _marginal_parts(demand: FloatArray, floor: FloatArray, eligible: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Parts of one more unit that would run on demand and on spot: none of it while reserved capacity is idle.

    Each of shape (n_pools, n_columns).
    """
    is_idle = demand < floor
    on_spot = np.where((1.0 - eligible) * demand < floor, np.where(eligible > 0, 1.0, 0.0), eligible)
    spot_part = np.where(is_idle, 0.0, on_spot)
    firm_part = np.where(is_idle, 0.0, 1.0 - on_spot)
    return firm_part, spot_part


def frozen_prices(on_demand_usd: FloatArray, spot_usd: FloatArray, spot_eligible: FloatArray) -> UnitPrices:
    """Build unit prices with read-only arrays."""
    return UnitPrices(
        on_demand_usd=frozen_floats(on_demand_usd),
        spot_usd=frozen_floats(spot_usd),
        spot_eligible=frozen_floats(spot_eligible),
    )
