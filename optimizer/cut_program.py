"""The small program of the cutting planes: purchases, what they hold, the policy's limits, and bounds of the rest.

Recourse cost, stranded USD, coverage and spot of each segment of hours are single variables here, bounded by what
passes over the true hours found (`optimizer.sweep`). Every limit is a row, so its price comes with the answer. Not
here: the variables and limits (`optimizer.cut_limits`), the passes, the loop (`optimizer.cutting_planes`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack

from forecasting.arrays import FloatArray, IntArray
from optimizer.array_program import ArrayLp
from optimizer.coefficients import committed_fees
from optimizer.contract_cuts import ContractColumns
from optimizer.cut_limits import COST_EXCESS, STRANDED_EXCESS, Columns, Rows, add_limits, use_prices
from optimizer.problem import PlanningProblem
from optimizer.solver import GrowingProgram, SolverOptions, solve_arrays
from optimizer.sweep import Prices, Sweeper, Swept

PROGRAM_OPTIONS = SolverOptions(method="simplex", use_presolve=False)  # the last basis is a better start than presolve


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """Optimum of the program.

    Attributes
    ----------
    quantity : FloatArray of shape (n_batches,)
        Of every batch, owned ones included.
    objective_usd : float
        No quantities cost less. [USD]
    limit_prices_usd : tuple of (str, float)
        Fall of the optimum for each unit a limit's bound is relaxed. [USD/USD or USD/unit]
    prices : Prices
        Of limits on use.
    reduced_cost_usd : FloatArray of shape (n_batches,)
        nan where owned. [USD per quantity]
    """

    quantity: FloatArray
    objective_usd: float
    limit_prices_usd: tuple[tuple[str, float], ...]
    prices: Prices
    reduced_cost_usd: FloatArray


class CutProgram:
    """The program with the bounds collected so far.

    Parameters
    ----------
    sweeper : Sweeper
    """

    def __init__(self, sweeper: Sweeper) -> None:
        self.sweeper, self.problem = sweeper, sweeper.problem
        self.cuts: list[tuple[csr_array, FloatArray]] = []
        self.columns = Columns(sweeper, self.problem.limits)
        self.rows = Rows()
        _add_held(self)
        add_limits(self.problem, self.columns, self.rows)
        terms = self.problem.contract
        self.contract = None if terms is None else ContractColumns(sweeper, self.columns, self.rows, terms)
        self._program: GrowingProgram | None = None
        self._n_given = 0
        self._shift_usd: dict[str, float] = {}

    def add(self, swept: Swept, prices: Prices, quantity: FloatArray | None = None) -> None:
        """Add the bounds of a pass.

        Parameters
        ----------
        swept : Swept
        prices : Prices
            Of limits on use that the pass was made at.
        quantity : FloatArray of shape (n_batches,) or None
            Of the pass; a contract is bounded at it. None: the pass says nothing of the contract.
        """
        self.cuts.append(_cut_rows(self, swept, prices))
        if self.contract is not None and quantity is not None and prices.is_plain:
            self.cuts.append(self.contract.cut(swept, quantity))

    def solve(self, shift_usd: Mapping[str, float] | None = None) -> Answer:
        """Optimum under every bound.

        Parameters
        ----------
        shift_usd : mapping of str to float, or None
            USD by which the rows of some limits are made tighter; the objective is then no lower bound.

        Raises
        ------
        InfeasibleLimitsError
            If the limits cannot all be met.
        SolverError
            If the solver stops.
        """
        if self._program is None:
            self._program = GrowingProgram(self.arrays(), PROGRAM_OPTIONS)
            self._n_given = len(self.cuts)
        for matrix, lower in self.cuts[self._n_given :]:
            self._program.add_rows(matrix, lower)
        self._n_given = len(self.cuts)
        for name, place in self.limit_places.items():
            shift = (shift_usd or {}).get(name, 0.0)
            if shift != self._shift_usd.get(name, 0.0):
                self._program.set_upper(int(place[0]), self.rows.limit_upper[name] - shift)
                self._shift_usd[name] = shift
        found = self._program.solve()
        return Answer(
            quantity=self.quantity_of(found.values),
            objective_usd=found.objective + owned_cost_usd(self.problem),
            limit_prices_usd=tuple(
                (name, abs(float(found.row_duals[place[0]]))) for name, place in self.limit_places.items()
            ),
            prices=use_prices(self.problem, self.rows, found.row_duals),
            reduced_cost_usd=self._reduced_cost(found.reduced_costs),
        )

    def least_committed(self) -> FloatArray:
        """Quantities that commit the least USD within the limits."""
        lp = self.arrays()
        cost = np.zeros(len(lp.cost))
        decided = self.problem.batches.is_decision
        # what commits nothing still costs a little, or it would be bought without end
        cost[self.columns.decision[decided]] = np.maximum(committed_fees(self.problem)[decided], 1.0)
        return self.quantity_of(solve_arrays(replace(lp, cost=cost), SolverOptions()).values)

    @property
    def limit_places(self) -> dict[str, IntArray]:
        """Row of each limit."""
        return {n: p for n, p in self.rows.places.items() if n not in (STRANDED_EXCESS, COST_EXCESS)}

    def arrays(self) -> ArrayLp:
        """Assemble the program with the bounds collected so far."""
        columns, rows = self.columns, self.rows
        matrix = coo_array(
            (np.concatenate(rows.value), (np.concatenate(rows.row), np.concatenate(rows.column))),
            shape=(rows.n_rows, columns.n_columns),
        ).tocsr()
        row_lower, row_upper = np.concatenate(rows.lower), np.concatenate(rows.upper)
        if self.cuts:
            matrix = vstack([matrix, *(block for block, _ in self.cuts)]).tocsr()
            row_lower = np.concatenate([row_lower, *(lower for _, lower in self.cuts)])
            row_upper = np.concatenate([row_upper, np.full(len(row_lower) - len(row_upper), np.inf)])
        return ArrayLp(
            cost=columns.cost,
            lower=columns.lower,
            upper=columns.upper,
            matrix=matrix,
            row_lower=row_lower,
            row_upper=row_upper,
        )

    def quantity_of(self, values: FloatArray) -> FloatArray:
        """Quantity of every batch, from the program's variables."""
        decided = self.problem.batches.is_decision
        quantity = np.array(self.problem.batches.fixed_quantity)
        quantity[decided] = np.maximum(values[self.columns.decision[decided]], 0.0)
        return quantity

    def _reduced_cost(self, reduced: FloatArray) -> FloatArray:
        """Reduced cost of every batch, nan where owned."""
        decided = self.problem.batches.is_decision
        out = np.full(len(decided), np.nan)
        out[decided] = reduced[self.columns.decision[decided]]
        return out


def owned_cost_usd(problem: PlanningProblem) -> float:
    """Cost of what is owned: the constant of the objective. [USD]"""
    fixed = ~problem.batches.is_decision
    quantity = problem.batches.fixed_quantity[fixed]
    return float(problem.batches.cost_usd[fixed] @ quantity) * (1.0 + problem.risk_lambda)


def _add_held(program: CutProgram) -> None:
    """Held quantity of a class (or reserved units of a pool) in a segment = its batches that are active there."""
    problem, columns, rows, sweeper = program.problem, program.columns, program.rows, program.sweeper
    classes, batches, legs = sweeper.classes, problem.batches, problem.legs
    active = legs.active(sweeper.segments.first_hour)
    held, floor = sweeper.held(np.nan_to_num(batches.fixed_quantity))
    pool_row = np.full(len(classes.floor_pool), -1)
    for row, pool in enumerate(columns.floor_pools):
        pool_row[classes.floor_pool == pool] = row
    for places, owned, row_of, scale in (
        (columns.held, held, classes.class_of, classes.scale),
        (columns.floor, floor[:, columns.floor_pools], pool_row, np.ones(len(pool_row))),
    ):
        numbers = rows.open(lower=owned.ravel(), upper=owned.ravel()).reshape(owned.shape)
        rows.add(numbers, places, 1.0)
        for leg in np.flatnonzero(batches.is_decision[legs.batch]).tolist():
            instrument = int(legs.instrument[leg])
            if row_of[instrument] >= 0:
                where = np.flatnonzero(active[leg])
                column = columns.decision[legs.batch[leg]]
                rows.add(numbers[where, row_of[instrument]], column, -scale[instrument])


def _cut_rows(program: CutProgram, swept: Swept, prices: Prices) -> tuple[csr_array, FloatArray]:
    """Rows: priced measures of a segment (of a scenario) + slope @ held - floor slope @ reserved >= bound."""
    columns, problem, segments = program.columns, program.problem, program.sweeper.segments

    def by_group(of_scenario: FloatArray) -> FloatArray:
        discounted = of_scenario * segments.discount.reshape((-1, *([1] * (of_scenario.ndim - 2))))
        if columns.by_scenario:
            return discounted
        expected: FloatArray = np.tensordot(problem.weights, discounted, axes=1)[None]
        return expected

    lower = by_group(swept.bound_usd)
    n_groups, n_segments = lower.shape
    number = np.arange(n_groups * n_segments).reshape(n_groups, n_segments)
    own = np.ones((n_groups, n_segments))
    parts = [(number, columns.recourse, own * _by_group(columns, prices.cost))]
    inside = own * segments.in_window
    for places, price in (
        (columns.stranded, _by_group(columns, prices.stranded)),
        (columns.covered, -prices.covered),
        (columns.spot, prices.spot),
    ):
        if np.any(price) and places.min(initial=0) >= 0:
            parts.append((number, places, inside * price))
    slope, floor_slope = by_group(swept.slope_usd), by_group(swept.floor_slope_usd)[:, :, columns.floor_pools]
    parts.append((number[:, :, None], np.broadcast_to(columns.held, slope.shape), slope))
    parts.append((number[:, :, None], np.broadcast_to(columns.floor, floor_slope.shape), -floor_slope))
    row, column, value = (np.concatenate([np.broadcast_arrays(*part)[k].ravel() for part in parts]) for k in range(3))
    is_there = value != 0.0
    matrix = coo_array(
        (value[is_there], (row[is_there], column[is_there])), shape=(number.size, columns.n_columns)
    ).tocsr()
    return matrix, lower.ravel()


def _by_group(columns: Columns, of_scenario: FloatArray) -> FloatArray:
    """Price of each group: they are the same in all scenarios where these are not told apart. Shape (n_groups, 1)."""
    return of_scenario[:, None] if columns.by_scenario else of_scenario[:1, None]
