"""Variables of the program over bounds, and the policy's limits as its rows, one function for each family.

Not here: the program (`optimizer.cut_program`); the same limits in readable form (`optimizer.program`).
"""

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from optimizer.coefficients import (
    committed_fees,
    most_reserved_units,
    most_useful,
    owned_stranded_usd,
    up_to_buyable,
)
from optimizer.limits import (
    EXPECTED_STRANDED,
    MAXIMUM_COVERAGE,
    MINIMUM_COVERAGE,
    SPOT_SHARE,
    Limits,
    cvar_label,
)
from optimizer.problem import PlanningProblem
from optimizer.purchase_limits import purchase_rows
from optimizer.sweep import Prices, Sweeper

STRANDED_EXCESS = "stranded excess of each scenario"
COST_EXCESS = "cost excess of each scenario"


class Columns:
    """Places of the variables, their costs and bounds.

    Measures (cost, stranded, covered, spot) have shape (n_groups, n_segments), where a group is a scenario, or all of
    them together where no CVaR asks for each; -1 where not used.
    """

    def __init__(self, sweeper: Sweeper, limits: Limits) -> None:
        problem, segments = sweeper.problem, sweeper.segments
        is_decision = problem.batches.is_decision
        n_scenarios, n_segments = len(problem.weights), segments.n_segments
        has_cvar = limits.stranded_cvar_fraction is not None
        self.by_scenario = has_cvar or problem.risk_lambda > 0
        self.group_weights = problem.weights if self.by_scenario else np.ones(1)
        shape = (len(self.group_weights), n_segments)
        self._next = 0
        self.decision = np.full(problem.batches.n_batches, -1)
        self.decision[is_decision] = self._take(int(is_decision.sum()))
        self.held = self._block((n_segments, sweeper.classes.n_classes))
        self.floor_pools = np.unique(sweeper.classes.floor_pool[sweeper.classes.floor_pool >= 0])
        self.floor = self._block((n_segments, len(self.floor_pools)))
        self.recourse = self._block(shape)
        none = np.full(shape, -1)
        has_coverage = limits.coverage_min_fraction is not None or limits.coverage_max_fraction is not None
        has_stranded = has_cvar or limits.stranded_expected_fraction is not None
        self.stranded = self._block(shape) if has_stranded else none
        self.covered = self._block(shape) if has_coverage else none
        self.spot = self._block(shape) if has_coverage or limits.spot_share_max is not None else none
        self.stranded_excess = self._take(n_scenarios + 1 if has_cvar else 0)
        self.cost_excess = self._take(n_scenarios + 1 if problem.risk_lambda > 0 else 0)
        self.n_columns = self._next
        self._set_bounds(sweeper, limits, has_coverage=has_coverage)
        self._set_cost(problem, limits)

    def _set_bounds(self, sweeper: Sweeper, limits: Limits, *, has_coverage: bool) -> None:
        """Bounds of the variables, and on-demand-equivalent of all demand inside the window [USD]."""
        problem, segments = sweeper.problem, sweeper.segments
        is_decision = problem.batches.is_decision
        self.lower, self.upper = np.zeros(self.n_columns), np.full(self.n_columns, np.inf)
        for excess in (self.stranded_excess, self.cost_excess):
            self.lower[excess[:1]] = -np.inf
        most = most_reserved_units(problem)
        if not limits.shares:  # without a bound the program would buy without end where no pass has been
            useful = most_useful(problem, sweeper.most_floor.max(axis=0, initial=0.0))
            most = np.minimum(most, up_to_buyable(problem, useful))
        self.upper[self.decision[is_decision]] = most[is_decision]
        all_units, on_spot = np.ones(len(problem.pools)), sweeper.prices.uses_spot
        value = self._by_group(problem, _value_usd(sweeper, all_units)) * segments.in_window
        if has_coverage:
            self.upper[self.covered] = value
        if has_coverage or limits.spot_share_max is not None:
            of_spot = _value_usd(sweeper, on_spot, problem.spot_available)
            self.upper[self.spot] = self._by_group(problem, of_spot) * segments.in_window
        self.demand_usd = float(self.group_weights @ value.sum(axis=1))

    def _set_cost(self, problem: PlanningProblem, limits: Limits) -> None:
        """Coefficients of mean + lambda x CVaR of cost; fees, equal in all scenarios, count 1 + lambda."""
        is_decision = problem.batches.is_decision
        self.cost = np.zeros(self.n_columns)
        self.cost[self.decision[is_decision]] = problem.batches.cost_usd[is_decision] * (1.0 + problem.risk_lambda)
        self.cost[self.recourse] = self.group_weights[:, None]
        if len(self.cost_excess):
            self.cost[self.cost_excess[0]] = problem.risk_lambda
            self.cost[self.cost_excess[1:]] = problem.risk_lambda * problem.weights / (1.0 - limits.cvar_level)

    def _by_group(self, problem: PlanningProblem, of_scenario: FloatArray) -> FloatArray:
        """Values of each group, from those of each scenario; shape (n_groups, ...)."""
        if self.by_scenario:
            return of_scenario
        expected: FloatArray = np.tensordot(problem.weights, of_scenario, axes=1)[None]
        return expected

    def _take(self, n: int) -> IntArray:
        """Next n columns."""
        out = np.arange(self._next, self._next + n)
        self._next += n
        return out

    def _block(self, shape: tuple[int, int]) -> IntArray:
        """Next columns, in this shape."""
        return self._take(shape[0] * shape[1]).reshape(shape)


def _value_usd(sweeper: Sweeper, part: FloatArray, available: BoolArray | None = None) -> FloatArray:
    """On-demand-equivalent of a part of each pool's demand, where available. Shape (n_scenarios, n_segments). [USD]"""
    problem = sweeper.problem
    units = problem.demand if available is None else problem.demand * available
    hourly = np.einsum("p,sph->sh", problem.on_demand_usd * part, units) * problem.hour_weights
    starts = np.searchsorted(problem.hours, sweeper.segments.first_hour)
    value: FloatArray = np.add.reduceat(hourly, starts, axis=1)
    return value


class Rows:
    """Rows collected as triplets, each group under a name."""

    def __init__(self) -> None:
        self.row: list[IntArray] = []
        self.column: list[IntArray] = []
        self.value: list[FloatArray] = []
        self.lower: list[FloatArray] = []
        self.upper: list[FloatArray] = []
        self.places: dict[str, IntArray] = {}
        self.limit_upper: dict[str, float] = {}
        self.n_rows = 0

    def open(self, *, lower: FloatArray, upper: FloatArray) -> IntArray:
        """Open rows with the given bounds; return their numbers."""
        places = np.arange(self.n_rows, self.n_rows + len(lower))
        self.n_rows += len(lower)
        self.lower.append(lower)
        self.upper.append(upper)
        return places

    def limit(self, name: str, *, lower: float = -np.inf, upper: float = np.inf) -> IntArray:
        """Open the row of one limit."""
        self.places[name] = self.open(lower=np.array([lower]), upper=np.array([upper]))
        self.limit_upper[name] = upper
        return self.places[name]

    def add(self, row: IntArray, column: IntArray, value: FloatArray | float) -> None:
        """Add coefficients; the three broadcast together."""
        row, column, value = np.broadcast_arrays(row, column, value)
        self.row.append(row.ravel())
        self.column.append(column.ravel())
        self.value.append(np.asarray(value, dtype=np.float64).ravel())


def add_limits(problem: PlanningProblem, columns: Columns, rows: Rows) -> None:
    """Add every limit that is set."""
    _add_stranded(problem, columns, rows)
    _add_cost_cvar(problem, columns, rows)
    _add_use(problem, columns, rows)
    _add_purchase_limits(problem, columns, rows)


def _add_stranded(problem: PlanningProblem, columns: Columns, rows: Rows) -> None:
    """Expected and CVaR of stranded USD, as a fraction of what new purchases commit."""
    limits = problem.limits
    decisions = np.flatnonzero(problem.batches.is_decision)
    committed = committed_fees(problem)[decisions]
    owned = owned_stranded_usd(problem)
    if limits.stranded_expected_fraction is not None:
        row = rows.limit(EXPECTED_STRANDED, upper=float(problem.weights @ owned))
        rows.add(row, columns.decision[decisions], -limits.stranded_expected_fraction * committed)
        rows.add(row, columns.stranded, columns.group_weights[:, None])
    if limits.stranded_cvar_fraction is None:
        return
    tail = problem.weights / (1.0 - limits.cvar_level)
    row = rows.limit(cvar_label(limits.cvar_level), upper=0.0)
    rows.add(row, columns.stranded_excess[:1], 1.0)
    rows.add(row, columns.stranded_excess[1:], tail)
    rows.add(row, columns.decision[decisions], -limits.stranded_cvar_fraction * committed)
    excess = rows.open(lower=np.full(len(owned), -np.inf), upper=np.array(owned))
    rows.places[STRANDED_EXCESS] = excess
    rows.add(excess, columns.stranded_excess[1:], -1.0)
    rows.add(excess, columns.stranded_excess[:1], -1.0)
    rows.add(excess[:, None], columns.stranded, 1.0)


def _add_cost_cvar(problem: PlanningProblem, columns: Columns, rows: Rows) -> None:
    """excess_s + eta >= recourse cost of scenario s (fees are the same in all of them)."""
    n_scenarios = len(problem.weights)
    if not len(columns.cost_excess):
        return
    row = rows.open(lower=np.full(n_scenarios, -np.inf), upper=np.zeros(n_scenarios))
    rows.places[COST_EXCESS] = row
    rows.add(row, columns.cost_excess[1:], -1.0)
    rows.add(row, columns.cost_excess[:1], -1.0)
    rows.add(row[:, None], columns.recourse, 1.0)


def _add_use(problem: PlanningProblem, columns: Columns, rows: Rows) -> None:
    """Bounds on covered on-demand-equivalent USD / all that does not run on spot, and spot's part of all demand."""
    limits = problem.limits
    weights = columns.group_weights[:, None]
    for name, fraction, sign in (
        (MINIMUM_COVERAGE, limits.coverage_min_fraction, -1.0),
        (MAXIMUM_COVERAGE, limits.coverage_max_fraction, 1.0),
    ):
        if fraction is None:
            continue
        row = rows.limit(name, upper=sign * fraction * columns.demand_usd)
        rows.add(row, columns.covered, sign * weights)
        rows.add(row, columns.spot, sign * fraction * weights)
    if limits.spot_share_max is not None:
        row = rows.limit(SPOT_SHARE, upper=limits.spot_share_max * columns.demand_usd)
        rows.add(row, columns.spot, weights)


def _add_purchase_limits(problem: PlanningProblem, columns: Columns, rows: Rows) -> None:
    """Upfront cash per quarter, shares of what is committed, purchases of a date, firm capacity."""
    is_decision, owned = problem.batches.is_decision, np.nan_to_num(problem.batches.fixed_quantity)
    for limit in purchase_rows(problem):
        side = limit.right_side - float(limit.coefficients @ owned)
        row = rows.limit(limit.label, lower=side) if limit.is_floor else rows.limit(limit.label, upper=side)
        places = np.flatnonzero(is_decision & (limit.coefficients != 0.0))
        rows.add(row, columns.decision[places], limit.coefficients[places])


def use_prices(problem: PlanningProblem, rows: Rows, row_duals: FloatArray) -> Prices:
    """Prices of the limits on use, from the duals of their rows."""
    places, limits = rows.places, problem.limits
    weights = np.maximum(problem.weights, np.finfo(float).tiny)

    def price(name: str) -> FloatArray:
        return np.maximum(-row_duals[places[name]], 0.0) if name in places else np.zeros(1)

    floor, ceiling = float(price(MINIMUM_COVERAGE)[0]), float(price(MAXIMUM_COVERAGE)[0])
    by_coverage = ceiling * (limits.coverage_max_fraction or 0.0) - floor * (limits.coverage_min_fraction or 0.0)
    return Prices(
        cost=np.ones(len(weights)) + price(COST_EXCESS) / weights,
        stranded=np.zeros(len(weights)) + price(EXPECTED_STRANDED) + price(STRANDED_EXCESS) / weights,
        covered=floor - ceiling,
        spot=float(price(SPOT_SHARE)[0]) + by_coverage,
    )
