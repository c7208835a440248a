"""THE definition of cost: what a choice of quantities costs on every hour of every scenario, and what it uses.

Both methods of solution are recomputed here. Not here: the provider's order of application (`optimizer.billing`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.cover import CoverClasses
from optimizer.problem import PlanningProblem
from optimizer.recourse import ColumnTerms, Recourse, UnitPrices, frozen_prices, recourse
from optimizer.risk import conditional_value_at_risk

SPOT_TOLERANCE = 1e-9  # of all demand: what of the allowed share may be left unused
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
    hour_cost_usd : FloatArray of shape (n_scenarios, n_hours)
        Recourse cost of an hour. [USD/h]
    hour_stranded_usd, hour_covered_usd, hour_spot_usd : FloatArray of shape (n_scenarios, n_hours)
        Spot and coverage at on-demand prices. [USD/h]
    class_price_usd : FloatArray of shape (n_scenarios, n_classes, n_hours)
        What one more class quantity would save. [USD per quantity-hour]
    unit_price_usd : FloatArray of shape (n_scenarios, n_pools, n_hours)
        Price of one more unit of demand, limits priced in. [USD/unit-hour]
    spot_part : FloatArray of shape (n_pools,)
        Part of what is eligible that the limit on spot's share leaves on spot, inside the window.
    """

    fees_usd: float
    recourse_usd: FloatArray
    objective_usd: float
    window_recourse_usd: FloatArray
    stranded_usd: FloatArray
    covered_usd: FloatArray
    spot_value_usd: FloatArray
    demand_usd: FloatArray
    hour_cost_usd: FloatArray
    hour_stranded_usd: FloatArray
    hour_covered_usd: FloatArray
    hour_spot_usd: FloatArray
    unit_price_usd: FloatArray
    class_price_usd: FloatArray
    spot_part: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LimitPrices:
    """What limits on use cost at the optimum, for each scenario's expected USD.

    Attributes
    ----------
    cost_factor : FloatArray of shape (n_scenarios,)
        What a USD of recourse cost counts: above 1 in scenarios that decide a CVaR of cost.
    stranded_usd : FloatArray of shape (n_scenarios,)
        Price of a USD stranded.
    covered_usd, spot_usd : float
        Worth of a USD covered and price of a USD on spot, both at on-demand prices.
    """

    cost_factor: FloatArray
    stranded_usd: FloatArray
    covered_usd: float
    spot_usd: float


def unit_prices(problem: PlanningProblem) -> UnitPrices:
    """Prices of what is not committed."""
    return frozen_prices(problem.on_demand_usd, problem.spot_usd, problem.spot_eligible)


def fees_usd(problem: PlanningProblem, quantity: FloatArray) -> float:
    """Cost of every batch in the objective, owned ones included. [USD]"""
    return float(problem.batches.cost_usd @ quantity)


def evaluate(
    problem: PlanningProblem, quantity: FloatArray, classes: CoverClasses, limit_prices: LimitPrices | None = None
) -> Evaluation:
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
    limit_prices : LimitPrices or None
        For `unit_price_usd`; None: limits are free.

    Returns
    -------
    Evaluation
    """
    prices = unit_prices(problem)
    spot_part = allowed_spot(problem, quantity, classes)
    n_scenarios, n_pools, n_hours = problem.demand.shape
    hour_cost, hour_stranded, hour_covered, hour_spot = (np.empty((n_scenarios, n_hours)) for _ in range(4))
    price = np.empty((n_scenarios, n_pools, n_hours))
    class_price = np.empty((n_scenarios, classes.n_classes, n_hours))
    held = problem.held(quantity)
    class_held = classes.held_by_class(held)
    for scenario, found in _by_scenario(problem, held, classes, spot_part, limit_prices):
        hour_cost[scenario] = found.cost_usd
        hour_stranded[scenario] = classes.fee_usd @ (class_held - found.used)
        hour_covered[scenario] = found.covered_usd
        hour_spot[scenario] = prices.on_demand_usd @ found.spot_units
        price[scenario] = found.unit_price_usd
        class_price[scenario] = found.class_price_usd
    window = problem.hour_weights * problem.in_window
    recourse_usd = hour_cost @ (problem.hour_weights * problem.discount)
    fees = fees_usd(problem, quantity)
    return Evaluation(
        fees_usd=fees,
        recourse_usd=recourse_usd,
        objective_usd=objective_usd(problem, fees=fees, recourse_usd=recourse_usd),
        window_recourse_usd=hour_cost @ window,
        stranded_usd=hour_stranded @ window,
        covered_usd=hour_covered @ window,
        spot_value_usd=hour_spot @ window,
        demand_usd=demand_usd(problem),
        hour_cost_usd=hour_cost,
        hour_stranded_usd=hour_stranded,
        hour_covered_usd=hour_covered,
        hour_spot_usd=hour_spot,
        unit_price_usd=price,
        class_price_usd=class_price,
        spot_part=spot_part,
    )


def demand_usd(problem: PlanningProblem) -> FloatArray:
    """On-demand-equivalent of all demand inside the window, by scenario. Shape (n_scenarios,). [USD]"""
    window = problem.hour_weights * problem.in_window
    out: FloatArray = np.einsum("p,sph,h->s", problem.on_demand_usd, problem.demand, window, optimize=True)
    return out


def allowed_spot(problem: PlanningProblem, quantity: FloatArray, classes: CoverClasses) -> FloatArray:
    """Part of each pool's eligible demand that the limit on spot's share leaves on spot, inside the window.

    Pools where spot saves the largest part of the on-demand price come first, as in the optimum; of the pool that is
    cut every hour gives up the same part.

    Returns
    -------
    FloatArray of shape (n_pools,)
    """
    n_pools = len(problem.pools)
    everything = np.ones(n_pools)
    limit = problem.limits.spot_share_max
    prices = unit_prices(problem)
    if limit is None or not prices.uses_spot.any():
        return everything
    whole_usd = max(float(problem.weights @ demand_usd(problem)), np.finfo(float).tiny)
    saving = 1.0 - np.nan_to_num(prices.spot_usd, nan=np.inf) / problem.on_demand_usd
    rank = np.empty(n_pools)
    rank[np.argsort(-saving, kind="stable")] = np.arange(n_pools)
    held = problem.held(quantity)
    window = problem.hour_weights * problem.in_window

    def excess(depth: float) -> float:
        total = 0.0
        for scenario, found in _by_scenario(problem, held, classes, np.clip(depth - rank, 0.0, 1.0), None):
            total += problem.weights[scenario] * float((prices.on_demand_usd @ found.spot_units) @ window)
        return total / whole_usd - limit

    if excess(n_pools) <= 0.0:
        return everything
    return np.clip(_largest_within(excess, high=float(n_pools)) - rank, 0.0, 1.0)


def _largest_within(excess: Callable[[float], float], *, high: float) -> float:
    """Largest argument found from 0 to `high` at which a rising function is not above zero."""
    low, aim = 0.0, -SPOT_TOLERANCE / 2
    below, above = excess(low), excess(high)
    for step in range(SPOT_STEPS):
        if below >= -SPOT_TOLERANCE:
            break
        secant = low + (aim - below) * (high - low) / (above - below)
        middle = secant if step % 2 == 0 else (low + high) / 2
        value = excess(middle)
        if value <= 0.0:
            low, below = middle, value
        else:
            high, above = middle, value
    return low


def _by_scenario(
    problem: PlanningProblem,
    held: FloatArray,
    classes: CoverClasses,
    spot_part: FloatArray,
    limit_prices: LimitPrices | None,
) -> Iterator[tuple[int, Recourse]]:
    """Recourse of all hours of one scenario after the other; `held` by instrument and hour."""
    prices = unit_prices(problem)
    class_held = classes.held_by_class(held)
    floor = classes.floor_units(held, len(problem.pools))
    for scenario, demand in enumerate(problem.demand):
        terms = _terms(problem, spot_part, scenario, limit_prices)
        yield (
            scenario,
            recourse(demand, held=class_held, floor=floor, classes=classes, prices=prices, terms=terms),
        )


def _terms(
    problem: PlanningProblem, spot_part: FloatArray, scenario: int, limit_prices: LimitPrices | None
) -> ColumnTerms | None:
    """Terms of every hour of a scenario; limits speak inside the window only, and are not discounted."""
    if limit_prices is None and (spot_part >= 1.0).all():
        return None
    prices = limit_prices or no_limit_prices(len(problem.weights))
    inside = problem.in_window / problem.discount
    return ColumnTerms(
        spot_part=np.where(problem.in_window[None, :], spot_part[:, None], 1.0),
        cost_factor=np.full(len(inside), prices.cost_factor[scenario]),
        stranded_usd=prices.stranded_usd[scenario] * inside,
        covered_usd=prices.covered_usd * inside,
        spot_usd=prices.spot_usd * inside,
    )


def no_limit_prices(n_scenarios: int) -> LimitPrices:
    """Prices of limits that do not bind."""
    zero = np.zeros(n_scenarios)
    return LimitPrices(cost_factor=np.ones(n_scenarios), stranded_usd=zero, covered_usd=0.0, spot_usd=0.0)


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
    if not unit_prices(problem).uses_spot.any():
        return out
    spot_part = allowed_spot(problem, quantity, classes)
    for scenario, found in _by_scenario(problem, problem.held(quantity), classes, spot_part, None):
        out[scenario] = found.spot_units
    return out
