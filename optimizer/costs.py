"""THE definition of cost: what a choice of quantities costs on every hour of every scenario, and what it uses.

Both methods of solution are recomputed here. Not here: the provider's order of application (`optimizer.billing`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.contract_cost import contract_extra_usd
from optimizer.cover import CoverClasses
from optimizer.problem import PlanningProblem
from optimizer.recourse import UnitPrices, frozen_prices, recourse
from optimizer.risk import conditional_value_at_risk
from optimizer.sweep import Sweeper, Swept

SPOT_TOLERANCE = 1e-8  # of all demand: what of the allowed share may be left unused
SPOT_STEPS = 60  # every second one halves what is left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """Cost and use of one choice of quantities.

    Attributes
    ----------
    fees_usd : float
        Cost of all batches, owned ones included. [USD]
    recourse_usd : FloatArray of shape (n_scenarios,)
        Discounted on-demand and spot cost of each scenario. [USD]
    objective_usd : float
        mean + lambda x CVaR of cost. [USD]
    window_recourse_usd : FloatArray of shape (n_scenarios,)
        The same inside the window, not discounted. [USD]
    stranded_usd, covered_usd, spot_value_usd, demand_usd : FloatArray of shape (n_scenarios,)
        Inside the window: fees of what was held and not used (nan where classes are not split by fee), and the
        on-demand-equivalent of what commitments covered, of what ran on spot, of all demand. [USD]
    tail_recourse_usd : FloatArray of shape (n_scenarios,)
        Part of `recourse_usd` that lies beyond the window. [USD]
    """

    fees_usd: float
    recourse_usd: FloatArray
    objective_usd: float
    window_recourse_usd: FloatArray
    stranded_usd: FloatArray
    covered_usd: FloatArray
    spot_value_usd: FloatArray
    demand_usd: FloatArray
    tail_recourse_usd: FloatArray


def unit_prices(problem: PlanningProblem) -> UnitPrices:
    """Prices of what is not committed."""
    return frozen_prices(problem.on_demand_usd, problem.spot_usd, problem.spot_eligible)


def fees_usd(problem: PlanningProblem, quantity: FloatArray) -> float:
    """Cost of every batch in the objective, owned ones included. [USD]"""
    return float(problem.batches.cost_usd @ quantity)


def evaluate(problem: PlanningProblem, quantity: FloatArray, classes: CoverClasses) -> Evaluation:
    """Cost of the quantities on every hour of every scenario.

    Commitments are used where they save most, as no one can hold them back. Spot is used as far as it saves and the
    limit on its share allows, first in pools where it saves the largest part.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
        Of every batch, owned ones included.
    classes : CoverClasses
        Grouping of the problem's instruments; split by fee where stranded USD is wanted.

    Returns
    -------
    Evaluation
    """
    return evaluate_with(Sweeper(problem, classes), quantity)


def evaluate_with(sweeper: Sweeper, quantity: FloatArray, free: Swept | None = None) -> Evaluation:
    """`evaluate` by passes that are already prepared; `free` is the pass at no price of limits where one was made."""
    _, found = _within_spot_share(sweeper, quantity, free)
    return evaluation_of(sweeper, quantity, found)


def evaluation_of(sweeper: Sweeper, quantity: FloatArray, found: Swept) -> Evaluation:
    """Read the cost and use off a pass at no price of limits.

    Parameters
    ----------
    sweeper : Sweeper
    quantity : FloatArray of shape (n_batches,)
    found : Swept
        Of `quantity`.
    """
    problem, segments, prices = sweeper.problem, sweeper.segments, sweeper.prices
    window = segments.in_window.astype(np.float64)
    od = prices.on_demand_usd
    cost = found.on_demand_units @ od + found.spot_units @ np.nan_to_num(prices.spot_usd)
    recourse_usd = cost @ segments.discount
    fees = fees_usd(problem, quantity)
    return Evaluation(
        fees_usd=fees,
        recourse_usd=recourse_usd,
        objective_usd=objective_usd(problem, fees=fees, recourse_usd=recourse_usd)
        + contract_extra_usd(problem, segments, cost, quantity),
        window_recourse_usd=cost @ window,
        stranded_usd=(found.idle_quantity @ sweeper.classes.fee_usd) @ window,
        covered_usd=(found.covered_units @ od) @ window,
        spot_value_usd=(found.spot_units @ od) @ window,
        demand_usd=demand_usd(problem),
        tail_recourse_usd=cost @ (segments.discount * (1.0 - window)),
    )


def demand_usd(problem: PlanningProblem) -> FloatArray:
    """On-demand-equivalent of all demand inside the window, by scenario. Shape (n_scenarios,). [USD]"""
    window = problem.hour_weights * problem.in_window
    out: FloatArray = np.einsum("p,sph,h->s", problem.on_demand_usd, problem.demand, window, optimize=True)
    return out


def spot_part(problem: PlanningProblem, quantity: FloatArray, classes: CoverClasses) -> FloatArray | None:
    """Part of each pool's eligible demand that is left on spot inside the window; None: all of it.

    Returns
    -------
    FloatArray of shape (n_pools,) or None
    """
    if problem.limits.spot_share_max is None:
        return None
    return _allowed_spot(Sweeper(problem, classes), quantity)


def _allowed_spot(sweeper: Sweeper, quantity: FloatArray) -> FloatArray | None:
    """Part of each pool's eligible demand that the limit on spot's share leaves on spot, inside the window.

    Returns
    -------
    FloatArray of shape (n_pools,) or None
        None: all of it.
    """
    return _within_spot_share(sweeper, quantity)[0]


def _within_spot_share(
    sweeper: Sweeper, quantity: FloatArray, free: Swept | None = None
) -> tuple[FloatArray | None, Swept]:
    """Allowed parts of spot, as of `_allowed_spot`, and the pass over the hours with them.

    Pools where spot saves the largest part of the on-demand price come first, as in the optimum; of the pool that is
    cut every hour gives up the same part.
    """
    problem, prices = sweeper.problem, sweeper.prices
    limit = problem.limits.spot_share_max
    free = sweeper(quantity) if free is None else free
    if limit is None or not prices.uses_spot.any():
        return None, free
    n_pools = len(problem.pools)
    whole_usd = max(float(problem.weights @ demand_usd(problem)), np.finfo(float).tiny)
    saving = 1.0 - np.nan_to_num(prices.spot_usd, nan=np.inf) / problem.on_demand_usd
    order = np.argsort(-saving, kind="stable")
    rank = np.empty(n_pools)
    rank[order] = np.arange(n_pools)
    window = sweeper.segments.in_window.astype(np.float64)

    def shares(found: Swept) -> FloatArray:
        """Part of all demand that each pool has on spot."""
        units: FloatArray = np.einsum("s,stp,t->p", problem.weights, found.spot_units, window)
        return units * prices.on_demand_usd / whole_usd

    def at(depth: float) -> tuple[float, Swept]:
        found = sweeper(quantity, spot_part=np.clip(depth - rank, 0.0, 1.0))
        return float(shares(found).sum()) - limit, found

    all_shares = shares(free)
    if all_shares.sum() <= limit:
        return None, free
    # where no commitment moved, each pool would keep its part: a first guess that few passes correct
    guess = float(np.interp(limit, np.concatenate([[0.0], np.cumsum(all_shares[order])]), np.arange(n_pools + 1.0)))
    most = (float(n_pools), float(all_shares.sum()) - limit)
    depth, found = _largest_within(at, limit=limit, most=most, guess=guess)
    return np.clip(depth - rank, 0.0, 1.0), found


def _largest_within(
    at: Callable[[float], tuple[float, Swept]], *, limit: float, most: tuple[float, float], guess: float
) -> tuple[float, Swept]:
    """Largest argument found at which a rising function is not above zero, and the pass made there.

    It is -limit at 0; `most` is an argument at which it is above zero, and its value there.
    """
    low, below, kept = 0.0, -limit, None
    high, above = most
    aim = -SPOT_TOLERANCE / 2
    for step in range(SPOT_STEPS):
        if below >= -SPOT_TOLERANCE:
            break
        secant = low + (aim - below) * (high - low) / (above - below)
        middle = guess if step == 0 else secant if step % 2 else (low + high) / 2
        value, found = at(middle)
        if value <= 0.0:
            low, below, kept = middle, value, found
        else:
            high, above = middle, value
    return (low, kept) if kept is not None else (0.0, at(0.0)[1])


def objective_usd(problem: PlanningProblem, *, fees: float, recourse_usd: FloatArray) -> float:
    """Mean + lambda x CVaR of the scenarios' costs, `recourse_usd` of shape (n_scenarios,). [USD]"""
    total = fees + recourse_usd
    mean = float(problem.weights @ total)
    if problem.risk_lambda == 0.0:
        return mean
    tail = conditional_value_at_risk(total, problem.weights, level=problem.limits.cvar_level)
    return mean + problem.risk_lambda * tail


def spot_units(problem: PlanningProblem, quantity: FloatArray, classes: CoverClasses) -> FloatArray:
    """Demand left on spot, of shape (n_scenarios, n_pools, n_hours). [units]"""
    out = np.zeros(problem.demand.shape)
    prices = unit_prices(problem)
    if not prices.uses_spot.any():
        return out
    part = spot_part(problem, quantity, classes)
    held, available = problem.held(quantity), problem.spot_available
    class_held, floor = classes.held_by_class(held), classes.floor_units(held, len(problem.pools))
    for inside in (True, False):
        hours = np.flatnonzero(problem.in_window == inside)
        if not len(hours):
            continue
        for scenario, demand in enumerate(problem.demand):
            found = recourse(
                demand[:, hours],
                held=class_held[:, hours],
                floor=floor[:, hours],
                classes=classes,
                prices=prices,
                spot_part=part if inside else None,
                spot_available=None if available is None else available[scenario][:, hours],
            )
            out[scenario][:, hours] = found.spot_units
    return out
