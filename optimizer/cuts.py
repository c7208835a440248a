"""Optimality cuts: lower bounds of what hours cost, linear in what is held, from prices found on every hour.

By weak duality any prices of the classes give one [1]_ [2]_: a unit of demand is worth at most what the cheapest way to
serve it costs, and each class quantity held earns its price. Near the prices of the optimum the bound is tight, however
many pools move by themselves, which clusters of hours cannot follow. Not here: the prices (`optimizer.recourse`), the
program that the cuts enter (`optimizer.master`).

References
----------
.. [1] J. E. Kelley, "The cutting-plane method for solving convex programs", Journal of the Society for Industrial and
   Applied Mathematics 8(4), 1960. doi:10.1137/0108053
.. [2] R. M. Van Slyke and R. Wets, "L-shaped linear programs with applications to optimal control and stochastic
   programming", SIAM Journal on Applied Mathematics 17(4), 1969. doi:10.1137/0117061
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from optimizer.cover import CoverClasses
from optimizer.problem import PlanningProblem
from optimizer.recourse import UnitPrices
from optimizer.segments import Segments


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """One bound for each segment: cost >= intercept - slope @ held + floor_slope @ reserved.

    Attributes
    ----------
    intercept_usd : FloatArray of shape (n_segments,)
        Expected and discounted. [USD]
    slope_usd : FloatArray of shape (n_classes, n_segments)
        [USD per class quantity]
    floor_slope_usd : FloatArray of shape (n_pools, n_segments)
        Of units held by capacity reservations. [USD/unit]
    """

    intercept_usd: FloatArray
    slope_usd: FloatArray
    floor_slope_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("intercept_usd", "slope_usd", "floor_slope_usd"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def cut_at(
    problem: PlanningProblem,
    quantity: FloatArray,
    *,
    class_price_usd: FloatArray,
    classes: CoverClasses,
    prices: UnitPrices,
    segments: Segments,
) -> Cut:
    """Bound from the prices of the classes at one choice of quantities.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
        Where the bound is taken; only what is reserved matters for its validity and tightness.
    class_price_usd : FloatArray of shape (n_scenarios, n_classes, n_hours)
        [USD per quantity-hour]
    classes : CoverClasses
    prices : UnitPrices
    segments : Segments
    """
    n_pools, n_segments = len(problem.pools), segments.n_segments
    reserved = classes.floor_units(problem.held(quantity), n_pools)
    starts = np.searchsorted(segments.of_hour, np.arange(n_segments))
    intercept = np.zeros(n_segments)
    slope = np.zeros((classes.n_classes, n_segments))
    floor_slope = np.zeros((n_pools, n_segments))
    hours = problem.hour_weights * problem.discount
    for scenario, weight in enumerate(problem.weights):
        found = _bound(problem.demand[scenario], reserved, class_price_usd[scenario], classes, prices)
        worth_usd, class_price, floor_price = found
        intercept += np.add.reduceat(weight * hours * worth_usd, starts)
        slope += np.add.reduceat(weight * hours * class_price, starts, axis=1)
        floor_slope += np.add.reduceat(weight * hours * floor_price, starts, axis=1)
    return Cut(intercept_usd=intercept, slope_usd=slope, floor_slope_usd=floor_slope)


def _bound(
    demand: FloatArray, reserved: FloatArray, class_price: FloatArray, classes: CoverClasses, prices: UnitPrices
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Worth of demand, prices of the classes, and prices of reserved units, in each column of one scenario."""
    n_pools, n_columns = demand.shape
    cheapest = np.full((n_pools, n_columns), np.inf)
    covers = np.argwhere(np.isfinite(classes.draw))
    for row, pool in covers:
        np.minimum(cheapest[pool], classes.draw[row, pool] * class_price[row], out=cheapest[pool])
    firm_price = np.minimum(prices.on_demand_usd[:, None], cheapest)
    on_spot = np.where(prices.uses_spot > 0, np.nan_to_num(prices.spot_usd), np.inf)[:, None]
    spot_price = np.minimum(on_spot, firm_price)
    least = np.zeros_like(class_price)
    for row, pool in covers:  # a class is worth no more than the dearest unit it could serve
        wanted = np.where((demand[pool] > 0) | (reserved[pool] > 0), firm_price[pool], 0.0)
        np.maximum(least[row], wanted / classes.draw[row, pool], out=least[row])
    part = prices.uses_spot[:, None]
    is_full = reserved <= (1.0 - part) * demand
    is_part = ~is_full & (reserved < demand)
    full = (1.0 - part) * demand * firm_price + part * demand * spot_price
    worth = np.where(is_full, full, np.where(is_part, demand * spot_price, 0.0))
    floor_price = np.where(is_full, 0.0, np.where(is_part, firm_price - spot_price, firm_price))
    return worth.sum(axis=0), np.minimum(class_price, least), floor_price
