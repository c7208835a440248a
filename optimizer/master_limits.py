"""The policy's limits as rows of the aggregated program, one function per family.

Not here: the rows of the recourse (`optimizer.master`); the same limits in readable form (`optimizer.program`).
"""

from collections.abc import Mapping

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from optimizer.coefficients import committed_fees, owned_stranded_usd
from optimizer.costs import LimitPrices
from optimizer.limits import (
    EXPECTED_STRANDED,
    MAXIMUM_COVERAGE,
    MINIMUM_COVERAGE,
    SPOT_SHARE,
    FirmRequirement,
    cvar_label,
)
from optimizer.master import Columns, MasterInput, Rows
from optimizer.problem import PlanningProblem

STRANDED_EXCESS = "stranded excess of each scenario"
COST_EXCESS = "cost excess of each scenario"


def add_limits(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Add every limit that the problem sets."""
    _add_stranded(given, columns, rows)
    _add_cost_cvar(given, columns, rows)
    _add_coverage(given, columns, rows)
    _add_spot_share(given, columns, rows)
    _add_purchase_limits(given, columns, rows)
    _add_firm(given, columns, rows)


def use_prices(problem: PlanningProblem, places: Mapping[str, IntArray], row_duals: FloatArray) -> LimitPrices:
    """Prices of the limits on use, from the duals of their rows.

    Parameters
    ----------
    problem : PlanningProblem
    places : mapping of str to IntArray
        Rows of each limit, as `add_limits` left them.
    row_duals : FloatArray of shape (n_rows,)
    """

    def price(name: str) -> FloatArray:
        return np.maximum(-row_duals[places[name]], 0.0) if name in places else np.zeros(1)

    limits, weights = problem.limits, np.maximum(problem.weights, np.finfo(float).tiny)
    floor, ceiling = float(price(MINIMUM_COVERAGE)[0]), float(price(MAXIMUM_COVERAGE)[0])
    by_coverage = ceiling * (limits.coverage_max_fraction or 0.0) - floor * (limits.coverage_min_fraction or 0.0)
    return LimitPrices(
        cost_factor=1.0 + price(COST_EXCESS) / weights,
        stranded_usd=price(EXPECTED_STRANDED) + price(STRANDED_EXCESS) / weights,
        covered_usd=floor - ceiling,
        spot_usd=float(price(SPOT_SHARE)[0]) + by_coverage,
    )


def _one(value: float) -> FloatArray:
    """Array of one bound."""
    return np.array([value])


def _decisions(problem: PlanningProblem) -> IntArray:
    """Batch numbers whose quantity is decided."""
    return np.flatnonzero(problem.batches.is_decision)


def _add_stranded(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Expected and CVaR of stranded USD, as a fraction of what new purchases commit."""
    problem, limits = given.problem, given.problem.limits
    decisions = _decisions(problem)
    committed = committed_fees(problem)[decisions]
    if limits.stranded_expected_fraction is not None:
        owned = float(problem.weights @ owned_stranded_usd(problem))
        row = rows.group(EXPECTED_STRANDED, lower=_one(-np.inf), upper=_one(owned))
        rows.add(row, columns.decision[decisions], -limits.stranded_expected_fraction * committed)
        _add_stranded_usd(given, columns, rows, row=np.full(given.clusters.n_clusters, row[0]), by_scenario=False)
    if limits.stranded_cvar_fraction is None:
        return
    tail = problem.weights / (1.0 - limits.cvar_level)
    row = rows.group(cvar_label(limits.cvar_level), lower=_one(-np.inf), upper=_one(0.0))
    rows.add(row, columns.stranded_excess[:1], 1.0)
    rows.add(row, columns.stranded_excess[1:], tail)
    rows.add(row, columns.decision[decisions], -limits.stranded_cvar_fraction * committed)
    n_scenarios = len(problem.weights)
    excess = rows.group(
        STRANDED_EXCESS, lower=np.full(n_scenarios, -np.inf), upper=np.array(owned_stranded_usd(problem))
    )
    rows.add(excess, columns.stranded_excess[1:], -1.0)
    rows.add(excess, columns.stranded_excess[:1], -1.0)
    _add_stranded_usd(given, columns, rows, row=excess[given.clusters.scenario], by_scenario=True)


def _add_stranded_usd(given: MasterInput, columns: Columns, rows: Rows, *, row: IntArray, by_scenario: bool) -> None:
    """Fee x (held - used) of every cluster in the window, added to the row of the cluster."""
    problem, classes, clusters = given.problem, given.classes, given.clusters
    where = np.flatnonzero(given.segments.in_window[clusters.segment])
    hours = clusters.hours[where]
    if by_scenario:
        hours = hours / problem.weights[clusters.scenario[where]]
    for number in range(classes.n_classes):
        rows.add(row[where], columns.held[number, clusters.segment[where]], classes.fee_usd[number] * hours)
    for pair, (number, pool) in enumerate(columns.pairs.tolist()):
        fee = classes.fee_usd[number] * classes.draw[number, pool]
        rows.add(row[where], columns.cover[pair, where], -fee * hours)
    for place, (number, pool) in enumerate(columns.pairs[columns.idle_pairs].tolist()):
        fee = classes.fee_usd[number] * classes.draw[number, pool]
        rows.add(row[where], columns.idle_cover[place, where], -fee * hours)


def _add_cost_cvar(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """excess_s + eta >= recourse cost of scenario s (fees are the same in all of them)."""
    if not len(columns.cost_excess):
        return
    problem, clusters = given.problem, given.clusters
    n_scenarios = len(problem.weights)
    row = rows.group(COST_EXCESS, lower=np.full(n_scenarios, -np.inf), upper=np.zeros(n_scenarios))
    rows.add(row, columns.cost_excess[1:], -1.0)
    rows.add(row, columns.cost_excess[:1], -1.0)
    hours = clusters.objective_hours / problem.weights[clusters.scenario]
    rows.add(row[clusters.scenario], columns.on_demand, given.prices.on_demand_usd[:, None] * hours)
    spot_usd = given.prices.spot_usd[columns.spot_pools, None]
    rows.add(row[clusters.scenario], columns.spot, spot_usd * hours)
    idle_usd = given.prices.on_demand_usd[columns.floor_pools, None]
    rows.add(row[clusters.scenario], columns.idle_on_demand, idle_usd * hours)


def _add_coverage(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Bounds on covered on-demand-equivalent USD / all that does not run on spot."""
    limits = given.problem.limits
    bounds = (
        (MINIMUM_COVERAGE, limits.coverage_min_fraction, -1.0),
        (MAXIMUM_COVERAGE, limits.coverage_max_fraction, 1.0),
    )
    clusters = given.clusters
    where = np.flatnonzero(given.segments.in_window[clusters.segment])
    value = given.prices.on_demand_usd[:, None] * clusters.hours[where]
    demand_usd = float((value * clusters.mean_units[:, where]).sum())
    for name, fraction, sign in bounds:
        if fraction is None:
            continue
        row = rows.group(name, lower=_one(-np.inf), upper=_one(sign * fraction * demand_usd))
        for pair, (_, pool) in enumerate(columns.pairs):
            rows.add(row, columns.cover[pair, where], sign * value[pool])
        rows.add(row, columns.spot[:, where], sign * fraction * value[columns.spot_pools])


def _add_spot_share(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Spot's part of the on-demand-equivalent USD of all demand."""
    fraction = given.problem.limits.spot_share_max
    if fraction is None:
        return
    clusters = given.clusters
    where = np.flatnonzero(given.segments.in_window[clusters.segment])
    value = given.prices.on_demand_usd[:, None] * clusters.hours[where]
    demand_usd = float((value * clusters.mean_units[:, where]).sum())
    row = rows.group(SPOT_SHARE, lower=_one(-np.inf), upper=_one(fraction * demand_usd))
    rows.add(row, columns.spot[:, where], value[columns.spot_pools])


def _add_purchase_limits(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Upfront cash per quarter, and a group's share of what new purchases commit."""
    problem = given.problem
    for cash in problem.limits.cash:
        row = rows.group(cash.label, lower=_one(-np.inf), upper=_one(cash.usd))
        rows.add(row, columns.decision[cash.batch_indices], problem.batches.upfront_usd[cash.batch_indices])
    decisions = _decisions(problem)
    committed = committed_fees(problem)
    for share in problem.limits.shares:
        row = rows.group(share.label, lower=_one(-np.inf), upper=_one(0.0))
        rows.add(row, columns.decision[decisions], -share.fraction * committed[decisions])
        rows.add(row, columns.decision[share.batch_indices], committed[share.batch_indices])


def _add_firm(given: MasterInput, columns: Columns, rows: Rows) -> None:
    """Firm units held over the whole of a stretch of hours."""
    problem = given.problem
    for need in problem.limits.firm:
        is_on = serving_batches(problem, need)
        owned = float(np.nansum(problem.batches.fixed_quantity[is_on]))
        row = rows.group(need.label, lower=_one(need.units - owned), upper=_one(np.inf))
        rows.add(row, columns.decision[np.flatnonzero(is_on & problem.batches.is_decision)], 1.0)


def serving_batches(problem: PlanningProblem, need: FirmRequirement) -> BoolArray:
    """Whether a batch is firm capacity over the whole of a requirement. Shape (n_batches,)."""
    batches, instruments = problem.batches, problem.instruments
    serves = instruments.is_firm & np.isfinite(instruments.draw[:, need.pool_index])
    is_on = (batches.start_hour <= need.start_hour) & (batches.end_hour >= need.end_hour)
    found: BoolArray = is_on & serves[batches.instrument]
    return found
