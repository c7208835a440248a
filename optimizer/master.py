"""The aggregated program: the extensive program with clusters of hours in place of hours.

Recourse cost is convex in demand, so a cluster's mean demand costs no more than its hours do (Jensen): the optimum of
this program is a lower bound of the extensive one for every way to cluster hours that share the same commitments.
Not here: how hours are clustered (`optimizer.clusters`), the loop (`optimizer.partition`).
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array

from forecasting.arrays import FloatArray, IntArray
from optimizer.clusters import Clusters, column_weights
from optimizer.cover import CoverClasses
from optimizer.cuts import Cut
from optimizer.problem import PlanningProblem
from optimizer.recourse import UnitPrices
from optimizer.segments import Segments
from optimizer.solver import ArrayLp


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MasterInput:
    """What the aggregated program is built from.

    Attributes
    ----------
    problem : PlanningProblem
    classes : CoverClasses
    prices : UnitPrices
    segments : Segments
    clusters : Clusters
    cuts : tuple of Cut
        Bounds of the cost of each segment; none where a CVaR of cost is priced by scenario.
    """

    problem: PlanningProblem
    classes: CoverClasses
    prices: UnitPrices
    segments: Segments
    clusters: Clusters
    cuts: tuple[Cut, ...] = ()


class Columns:
    """Places of the variables: decisions, held quantities, coverage, spot, on-demand, auxiliaries.

    Attributes
    ----------
    decision : IntArray of shape (n_batches,)
        -1 for owned batches.
    held : IntArray of shape (n_classes, n_segments)
    floor : IntArray of shape (n_floor_pools, n_segments)
    pairs : IntArray of shape (n_pairs, 2)
        (class, pool) that can meet.
    cover : IntArray of shape (n_pairs, n_clusters)
    spot : IntArray of shape (n_spot_pools, n_clusters)
    on_demand : IntArray of shape (n_pools, n_clusters)
    idle_on_demand : IntArray of shape (n_floor_pools, n_clusters)
        Idle units of capacity reservations that nothing covers.
    idle_pairs : IntArray of shape (n_idle_pairs,)
        Places in `pairs` of classes that can cover idle units.
    idle_cover : IntArray of shape (n_idle_pairs, n_clusters)
    segment_cost : IntArray of shape (n_segments,)
        Cost of each segment, where cuts bound it; else empty.
    stranded_excess, cost_excess : IntArray of shape (n_scenarios,)
        Auxiliaries of the two CVaR; empty where not used.
    """

    def __init__(self, given: MasterInput) -> None:
        problem, classes = given.problem, given.classes
        self._next = 0
        is_decision = problem.batches.is_decision
        self.decision = np.full(problem.batches.n_batches, -1)
        self.decision[is_decision] = self._take(int(is_decision.sum()))
        n_segments, n_clusters = given.segments.n_segments, given.clusters.n_clusters
        self.held = self._block(classes.n_classes, n_segments)
        self.floor_pools = np.unique(classes.floor_pool[classes.floor_pool >= 0])
        self.floor = self._block(len(self.floor_pools), n_segments)
        self.pairs = np.argwhere(np.isfinite(classes.draw))
        self.cover = self._block(len(self.pairs), n_clusters)
        self.spot_pools = np.flatnonzero(given.prices.uses_spot > 0)
        self.spot = self._block(len(self.spot_pools), n_clusters)
        self.on_demand = self._block(len(problem.pools), n_clusters)
        self.idle_on_demand = self._block(len(self.floor_pools), n_clusters)
        self.idle_pairs = np.flatnonzero(np.isin(self.pairs[:, 1], self.floor_pools))
        self.idle_cover = self._block(len(self.idle_pairs), n_clusters)
        n_scenarios = len(problem.weights)
        has_stranded_cvar = problem.limits.stranded_cvar_fraction is not None
        self.stranded_excess = self._take(n_scenarios + 1 if has_stranded_cvar else 0)
        self.cost_excess = self._take(n_scenarios + 1 if problem.risk_lambda > 0 else 0)
        self.segment_cost = self._take(n_segments if given.cuts else 0)
        self.n_columns = self._next

    def _take(self, n: int) -> IntArray:
        """Next n columns."""
        out = np.arange(self._next, self._next + n)
        self._next += n
        return out

    def _block(self, n_rows: int, n_columns: int) -> IntArray:
        """Next n_rows x n_columns columns."""
        return self._take(n_rows * n_columns).reshape(n_rows, n_columns)


class Rows:
    """Rows collected as triplets, each group under a name."""

    def __init__(self) -> None:
        self.row: list[IntArray] = []
        self.column: list[IntArray] = []
        self.value: list[FloatArray] = []
        self.lower: list[FloatArray] = []
        self.upper: list[FloatArray] = []
        self.places: dict[str, IntArray] = {}
        self.n_rows = 0

    def group(self, name: str, *, lower: FloatArray, upper: FloatArray) -> IntArray:
        """Open rows with the given bounds; return their numbers."""
        places = np.arange(self.n_rows, self.n_rows + len(lower))
        self.n_rows += len(lower)
        self.lower.append(lower)
        self.upper.append(upper)
        self.places[name] = places
        return places

    def add(self, row: IntArray, column: IntArray, value: FloatArray | float) -> None:
        """Add coefficients; the three broadcast together."""
        row, column, value = np.broadcast_arrays(row, column, value)
        self.row.append(row.ravel())
        self.column.append(column.ravel())
        self.value.append(np.asarray(value, dtype=np.float64).ravel())


def build_master(given: MasterInput, columns: Columns, rows: Rows) -> ArrayLp:
    """Assemble the aggregated program.

    Parameters
    ----------
    given : MasterInput
    columns : Columns
        Places of the variables.
    rows : Rows
        Rows of limits already collected (`optimizer.master_limits`); the rows of the recourse are added here.

    Returns
    -------
    ArrayLp
        Its optimum plus `owned_cost_usd` is the lower bound. [USD]
    """
    _add_held(given, columns, rows)
    _add_capacity(given, columns, rows)
    _add_demand(given, columns, rows)
    _add_idle(given, columns, rows)
    _add_cuts(given, columns, rows)
    matrix = coo_array(
        (np.concatenate(rows.value), (np.concatenate(rows.row), np.concatenate(rows.column))),
        shape=(rows.n_rows, columns.n_columns),
    ).tocsr()
    lower, upper = np.zeros(columns.n_columns), np.full(columns.n_columns, np.inf)
    spot_limit = given.prices.uses_spot[columns.spot_pools, None] * given.clusters.mean_units[columns.spot_pools]
    upper[columns.spot] = spot_limit
    for excess in (columns.stranded_excess, columns.cost_excess):
        lower[excess[:1]] = -np.inf
    return ArrayLp(
        cost=_objective(given, columns),
        lower=lower,
        upper=upper,
        matrix=matrix,
        row_lower=np.concatenate(rows.lower),
        row_upper=np.concatenate(rows.upper),
    )


def owned_cost_usd(problem: PlanningProblem) -> float:
    """Cost of what is owned: the constant of the objective. [USD]"""
    fixed = ~problem.batches.is_decision
    quantity = problem.batches.fixed_quantity[fixed]
    return float(problem.batches.cost_usd[fixed] @ quantity) * (1.0 + problem.risk_lambda)


def _objective(given: MasterInput, columns: Columns) -> FloatArray:
    """Coefficients of mean + lambda x CVaR of cost; fees are the same in every scenario, so they count 1 + lambda."""
    problem, clusters = given.problem, given.clusters
    cost = np.zeros(columns.n_columns)
    is_decision = problem.batches.is_decision
    cost[columns.decision[is_decision]] = problem.batches.cost_usd[is_decision] * (1.0 + problem.risk_lambda)
    if len(columns.segment_cost):
        cost[columns.segment_cost] = 1.0
        return cost
    weight = clusters.objective_hours
    cost[columns.on_demand] = given.prices.on_demand_usd[:, None] * weight
    cost[columns.idle_on_demand] = given.prices.on_demand_usd[columns.floor_pools, None] * weight
    cost[columns.spot] = given.prices.spot_usd[columns.spot_pools, None] * weight
    if len(columns.cost_excess):
        cost[columns.cost_excess[0]] = problem.risk_lambda
        tail = problem.weights / (1.0 - problem.limits.cvar_level)
        cost[columns.cost_excess[1:]] = problem.risk_lambda * tail
    return cost


def _add_held(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Held quantity of a class (or reserved units of a pool) in a segment = its batches that are active there."""
    problem, classes, segments = given.problem, given.classes, given.segments
    active = problem.batches.active(segments.first_hour)
    owned = np.nan_to_num(problem.batches.fixed_quantity)
    for name, places, row_of in _held_groups(classes, columns):
        if not places.size:
            continue
        constant = np.zeros(places.shape)
        links: list[tuple[int, int, IntArray, float]] = []
        for batch, instrument in enumerate(problem.batches.instrument):
            row = int(row_of[instrument])
            if row < 0:
                continue
            scale = classes.scale[instrument]
            if columns.decision[batch] < 0:
                constant[row] += scale * owned[batch] * active[batch]
            else:
                links.append((batch, row, np.flatnonzero(active[batch]), scale))
        numbers = rows.group(name, lower=constant.ravel(), upper=constant.ravel()).reshape(places.shape)
        rows.add(numbers, places, 1.0)
        for batch, row, where, scale in links:
            rows.add(numbers[row, where], columns.decision[batch], -scale)


def _held_groups(classes: CoverClasses, columns: Columns) -> list[tuple[str, IntArray, IntArray]]:
    """(name, places, row of each instrument or -1) of the two kinds of held quantities."""
    floor_row = np.full(len(classes.floor_pool), -1)
    for row, pool in enumerate(columns.floor_pools):
        floor_row[classes.floor_pool == pool] = row
    return [("held", columns.held, classes.class_of), ("reserved", columns.floor, floor_row)]


def _add_capacity(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """sum_p draw x (cover + idle cover) <= held, by class and cluster."""
    clusters, classes = given.clusters, given.classes
    shape = (classes.n_classes, clusters.n_clusters)
    n = classes.n_classes * clusters.n_clusters
    numbers = rows.group("capacity", lower=np.full(n, -np.inf), upper=np.zeros(n)).reshape(shape)
    rows.add(numbers, columns.held[:, clusters.segment], -1.0)
    for pair, (row, pool) in enumerate(columns.pairs.tolist()):
        rows.add(numbers[row], columns.cover[pair], classes.draw[row, pool])
    for place, (row, pool) in enumerate(columns.pairs[columns.idle_pairs].tolist()):
        rows.add(numbers[row], columns.idle_cover[place], classes.draw[row, pool])


def _add_demand(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Cover + on-demand + spot = demand, by pool and cluster."""
    mean = given.clusters.mean_units
    numbers = rows.group("demand", lower=mean.ravel(), upper=mean.ravel()).reshape(mean.shape)
    rows.add(numbers, columns.on_demand, 1.0)
    rows.add(numbers[columns.spot_pools], columns.spot, 1.0)
    for pair, (_, pool) in enumerate(columns.pairs):
        rows.add(numbers[pool], columns.cover[pair], 1.0)


def _add_idle(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Idle units of capacity reservations: idle >= reserved - (demand - spot), billed on-demand or covered.

    What covers idle units counts as use. It may not exceed what is idle, or cover of units that are in use would pass
    for it. What is idle is convex in what is reserved, so its ceiling is the chord from what is owned to the most that
    may be reserved: exact where nothing is to be decided.
    """
    clusters = given.clusters
    n_pools = len(columns.floor_pools)
    if not n_pools:
        return
    mean = clusters.mean_units[columns.floor_pools]
    idle = rows.group("idle", lower=-mean.ravel(), upper=np.full(mean.size, np.inf)).reshape(mean.shape)
    rows.add(idle, columns.idle_on_demand, 1.0)
    rows.add(idle, columns.floor[:, clusters.segment], -1.0)
    ceiling = idle_ceiling(given, columns.floor_pools)
    upper = ceiling.intercept_units.ravel()
    cover = rows.group("idle cover", lower=np.full(mean.size, -np.inf), upper=upper).reshape(mean.shape)
    rows.add(cover, columns.floor[:, clusters.segment], -ceiling.slope)
    for row, pool in enumerate(columns.floor_pools):
        for spot_row in np.flatnonzero(columns.spot_pools == pool):
            rows.add(idle[row], columns.spot[spot_row], -1.0)
        for place in np.flatnonzero(columns.pairs[columns.idle_pairs, 1] == pool):
            rows.add(idle[row], columns.idle_cover[place], 1.0)
            rows.add(cover[row], columns.idle_cover[place], 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IdleCeiling:
    """Most units that idle in a cluster, linear in what is reserved.

    Attributes
    ----------
    intercept_units, slope : FloatArray of shape (n_floor_pools, n_clusters)
        Mean idle units of the cluster's hours <= intercept + slope x reserved units.
    """

    intercept_units: FloatArray
    slope: FloatArray


def idle_ceiling(given: MasterInput, floor_pools: IntArray) -> IdleCeiling:
    """Chord of the idle units of each cluster, from what is owned to the most that may be reserved.

    Nobody reserves more than what is owned and what firm capacity asks for: it would cost and serve nothing.
    """
    problem, clusters, classes = given.problem, given.clusters, given.classes
    batches, segment = problem.batches, clusters.segment
    active = batches.active(given.segments.first_hour)
    intercept, slope = (np.zeros((len(floor_pools), clusters.n_clusters)) for _ in range(2))
    for row, pool in enumerate(floor_pools):
        member = classes.floor_pool[batches.instrument] == pool
        least = (np.nan_to_num(batches.fixed_quantity) * member) @ active
        need = max((firm.units for firm in problem.limits.firm if firm.pool_index == pool), default=0.0)
        more = max(need, 0.0) * ((member & batches.is_decision) @ active)
        idle_least = _mean_idle(given, int(pool), least)
        idle_most = _mean_idle(given, int(pool), least + more)
        slope[row] = np.divide(idle_most - idle_least, more[segment], out=slope[row], where=more[segment] > 0)
        intercept[row] = idle_least - slope[row] * least[segment]
    return IdleCeiling(intercept_units=intercept, slope=slope)


def _mean_idle(given: MasterInput, pool: int, reserved: FloatArray) -> FloatArray:
    """Mean over each cluster's hours of (reserved - demand off spot) where positive; `reserved` by segment.

    Shape (n_clusters,).
    """
    problem, clusters = given.problem, given.clusters
    off_spot = (1.0 - given.prices.uses_spot[pool]) * problem.demand[:, pool]
    idle = np.maximum(reserved[given.segments.of_hour][None, :] - off_spot, 0.0) * column_weights(problem)
    total = np.bincount(clusters.label.ravel(), weights=idle.ravel(), minlength=clusters.n_clusters)
    mean: FloatArray = total / np.where(clusters.hours > 0, clusters.hours, 1.0)
    return mean


def _add_cuts(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Cost of a segment >= that of its clusters, and >= every cut."""
    if not given.cuts:
        return
    clusters, n_segments = given.clusters, given.segments.n_segments
    none, any_more = np.zeros(n_segments), np.full(n_segments, np.inf)
    row = rows.group("segment cost", lower=none, upper=any_more)
    rows.add(row, columns.segment_cost, 1.0)
    of_cluster, weight = row[clusters.segment], clusters.objective_hours
    rows.add(of_cluster, columns.on_demand, -given.prices.on_demand_usd[:, None] * weight)
    rows.add(of_cluster, columns.spot, -given.prices.spot_usd[columns.spot_pools, None] * weight)
    rows.add(of_cluster, columns.idle_on_demand, -given.prices.on_demand_usd[columns.floor_pools, None] * weight)
    for number, cut in enumerate(given.cuts):
        bound = rows.group(f"cut {number}", lower=np.array(cut.intercept_usd), upper=any_more)
        rows.add(bound, columns.segment_cost, 1.0)
        rows.add(bound, columns.held, cut.slope_usd)
        rows.add(bound, columns.floor, -cut.floor_slope_usd[columns.floor_pools])
