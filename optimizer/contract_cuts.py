"""A contract in the program of the cutting planes: bounds of the cost in its years, shortfall included.

Cost in the contract's years is convex in what is bought where less spend never costs less than what it falls short by.
For any prices y of the years' commitments, from 0 to 1, spend counts 1 - y there and the commitment y: by weak duality
that bounds the cost from below, as every pass does (`optimizer.sweep`). Not here: the settlement of a year
(`optimizer.contract_terms`), the program (`optimizer.cut_program`).
"""

import numpy as np
from scipy.sparse import coo_array, csr_array

from forecasting.arrays import FloatArray
from optimizer.contract_cost import years_of
from optimizer.contract_terms import ContractTerms, bound_constant_usd, marginal_usd, settle
from optimizer.cut_limits import Columns, Rows
from optimizer.sweep import Sweeper, Swept


class ContractColumns:
    """Places of the cost in each contract year, or of all together where one year changes the next.

    Parameters
    ----------
    sweeper : Sweeper
        Of a problem with a contract.
    columns : Columns
        Gets one more column for each of them, in place of the recourse cost of the contract's hours.
    rows : Rows
        Gets what that cost is at least, shortfall left out.
    """

    def __init__(self, sweeper: Sweeper, columns: Columns, rows: Rows, terms: ContractTerms) -> None:
        self.sweeper, self.columns, self.terms = sweeper, columns, terms
        self.year = years_of(terms, sweeper.segments)
        n_groups = 1 if terms.rule.couples_years else terms.rule.n_years
        self.group = np.where(self.year < 0, -1, np.minimum(self.year, n_groups - 1))
        self.places = np.arange(columns.n_columns, columns.n_columns + n_groups)
        columns.n_columns += n_groups
        columns.cost = np.append(columns.cost, np.ones(n_groups))
        columns.lower = np.append(columns.lower, np.zeros(n_groups))
        columns.upper = np.append(columns.upper, np.full(n_groups, np.inf))
        inside = self.group >= 0
        row = rows.open(lower=np.zeros(n_groups), upper=np.full(n_groups, np.inf))
        rows.add(row, self.places, 1.0)
        rows.add(row[self.group[inside]], columns.recourse[:, inside], -columns.group_weights[:, None])
        columns.cost[columns.recourse[:, inside]] = 0.0

    def cut(self, swept: Swept, quantity: FloatArray) -> tuple[csr_array, FloatArray]:
        """Rows that bound the cost of the contract's years from below, tight at the quantities of a plain pass."""
        terms, segments, problem = self.terms, self.sweeper.segments, self.sweeper.problem
        prices = self._prices(swept, quantity)
        n_groups, inside = len(self.places), np.flatnonzero(self.group >= 0)
        year = self.year[inside]
        part = problem.weights[:, None] * (segments.discount[inside] - terms.counted_part * prices[:, year])
        of_group = (self.group[inside] == np.arange(n_groups)[:, None]).astype(np.float64)
        lower = of_group @ (part * swept.bound_usd[:, inside]).sum(axis=0)
        year_group = np.minimum(np.arange(terms.rule.n_years), n_groups - 1)
        due = problem.weights @ (prices * terms.due_usd)
        np.add.at(lower, year_group, due)
        lower[0] += float(problem.weights @ bound_constant_usd(terms.rule, prices))
        fee = terms.counted_fee_usd * (problem.weights @ prices)
        by_group = np.zeros((n_groups, len(fee)))
        np.add.at(by_group, year_group, fee.T)
        decided = problem.batches.is_decision
        lower -= by_group[:, ~decided] @ problem.batches.fixed_quantity[~decided]
        slope = np.einsum("sg,sgc->gc", part, swept.slope_usd[:, inside])
        floor_slope = np.einsum("sg,sgp->gp", part, swept.floor_slope_usd[:, inside])[:, self.columns.floor_pools]
        group = self.group[inside][:, None]
        blocks = (
            (np.arange(n_groups), self.places, np.ones(n_groups)),
            (group, self.columns.held[inside], slope),
            (group, self.columns.floor[inside], -floor_slope),
            (np.arange(n_groups)[:, None], self.columns.decision[decided], by_group[:, decided]),
        )
        row, column, value = (
            np.concatenate([np.broadcast_arrays(*block)[k].ravel() for block in blocks]) for k in range(3)
        )
        matrix = coo_array((value, (row, column)), shape=(n_groups, self.columns.n_columns)).tocsr()
        return matrix, lower

    def _prices(self, swept: Swept, quantity: FloatArray) -> FloatArray:
        """Prices of the years' commitments at a pass, such that no spend counts less than nothing."""
        terms, segments, problem = self.terms, self.sweeper.segments, self.sweeper.problem
        spot = np.nan_to_num(self.sweeper.prices.spot_usd)
        recourse = swept.on_demand_units @ problem.on_demand_usd + swept.spot_units @ spot
        counted = terms.counted_usd(recourse, self.year, quantity)
        found = settle(terms.rule, due_usd=terms.due_usd, counted_usd=counted, spend_usd=counted)
        least = np.array(
            [segments.discount[self.year == year].min(initial=np.inf) for year in range(terms.rule.n_years)]
        )
        return marginal_usd(terms.rule, found, least / terms.counted_part)
