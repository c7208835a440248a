"""One pass over every hour of every scenario: what quantities cost there, what they strand, and a lower bound.

By weak duality any prices of the classes bound what hours cost from below, linearly in what is held [1]_ [2]_: a unit
of demand is worth at most what the cheapest way to serve it costs, and each class quantity held earns its price. Taken
at the prices of the pass itself the bound is tight there. Not here: the columns' own optimum (`optimizer.recourse`),
the program that the bounds enter (`optimizer.cut_program`).

References
----------
.. [1] J. E. Kelley, "The cutting-plane method for solving convex programs", Journal of the Society for Industrial and
   Applied Mathematics 8(4), 1960. doi:10.1137/0108053
.. [2] R. M. Van Slyke and R. Wets, "L-shaped linear programs with applications to optimal control and stochastic
   programming", SIAM Journal on Applied Mathematics 17(4), 1969. doi:10.1137/0117061
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from optimizer.coefficients import least_reserved_units, most_reserved_units
from optimizer.column_kernel import sweep_columns
from optimizer.cover import CoverClasses
from optimizer.problem import PlanningProblem
from optimizer.recourse import class_tables, frozen_prices
from optimizer.segments import segments_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What limits on use cost, for each scenario's expected USD.

    Attributes
    ----------
    cost : FloatArray of shape (n_scenarios,)
        What a USD of recourse cost counts: above 1 in scenarios that decide a CVaR of cost.
    stranded : FloatArray of shape (n_scenarios,)
        Price of a USD stranded.
    covered, spot : float
        Worth of a USD covered and price of a USD on spot, both at on-demand prices.
    """

    cost: FloatArray
    stranded: FloatArray
    covered: float = 0.0
    spot: float = 0.0

    @property
    def is_plain(self) -> bool:
        """Whether no limit speaks."""
        return bool(np.all(self.cost == 1.0)) and not (np.any(self.stranded) or self.covered or self.spot)


def plain_prices(n_scenarios: int) -> Prices:
    """Prices of limits that do not bind."""
    return Prices(cost=np.ones(n_scenarios), stranded=np.zeros(n_scenarios))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Swept:
    """Sums over the hours of each scenario and segment; hours weigh, scenarios and discount do not.

    Attributes
    ----------
    bound_usd : FloatArray of shape (n_scenarios, n_segments)
    slope_usd : FloatArray of shape (n_scenarios, n_segments, n_classes)
    floor_slope_usd : FloatArray of shape (n_scenarios, n_segments, n_pools)
        cost x recourse cost + stranded x stranded - covered x covered + spot x on spot >= bound - slope @ held
        + floor_slope @ reserved, for every choice of quantities. [USD, USD per class quantity, USD/unit]
    on_demand_units, spot_units, covered_units : FloatArray of shape (n_scenarios, n_segments, n_pools)
        [unit-hours]
    idle_quantity : FloatArray of shape (n_scenarios, n_segments, n_classes)
        [quantity-hours]
    """

    bound_usd: FloatArray
    slope_usd: FloatArray
    floor_slope_usd: FloatArray
    on_demand_units: FloatArray
    spot_units: FloatArray
    covered_units: FloatArray
    idle_quantity: FloatArray


class Sweeper:
    """Passes over one problem; what they share is made once.

    Parameters
    ----------
    problem : PlanningProblem
    classes : CoverClasses
        Grouping of the problem's instruments; split by fee where stranded USD has a price.
    """

    def __init__(self, problem: PlanningProblem, classes: CoverClasses) -> None:
        self.problem, self.classes = problem, classes
        self.segments = segments_of(problem)
        self.prices = frozen_prices(problem.on_demand_usd, problem.spot_usd, problem.spot_eligible)
        first_hours = self.segments.first_hour
        self.least_floor = _reserved(problem, classes, first_hours, least_reserved_units(problem))
        self.most_floor = _reserved(problem, classes, first_hours, most_reserved_units(problem))
        self._tables = class_tables(classes, self.prices)
        self.demand_by_hour = np.ascontiguousarray(problem.demand.transpose(0, 2, 1))
        self._available = _by_hour(problem.spot_available)
        self._places = np.searchsorted(problem.hours, self.segments.first_hour)
        self._fee = np.nan_to_num(classes.fee_usd)

    def held(self, quantity: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Class quantities and reserved units in each segment.

        Shapes (n_segments, n_classes) and (n_segments, n_pools).
        """
        held = self.problem.held(quantity)[:, self._places]
        n_pools = len(self.problem.pools)
        by_class, floor = self.classes.held_by_class(held), self.classes.floor_units(held, n_pools)
        return np.ascontiguousarray(by_class.T), np.ascontiguousarray(floor.T)

    def __call__(
        self, quantity: FloatArray, prices: Prices | None = None, spot_part: FloatArray | None = None
    ) -> Swept:
        """Serve every hour.

        Parameters
        ----------
        quantity : FloatArray of shape (n_batches,)
            Of every batch, owned ones included.
        prices : Prices or None
            Of limits on use; None: they are free.
        spot_part : FloatArray of shape (n_pools,) or None
            Part of what is eligible that may run on spot inside the window; None: all of it.
        """
        problem, segments = self.problem, self.segments
        n_scenarios, n_pools, _ = problem.demand.shape
        n_segments, n_classes = segments.n_segments, self.classes.n_classes
        held, floor = self.held(quantity)
        rates, shift, idle_usd = self._priced(prices or plain_prices(n_scenarios))
        eligible = np.repeat(self.prices.uses_spot[None, :], n_segments, axis=0)
        if spot_part is not None:
            eligible = np.where(segments.in_window[:, None], eligible * spot_part, eligible)
        found = Swept(
            bound_usd=np.zeros((n_scenarios, n_segments)),
            slope_usd=np.zeros((n_scenarios, n_segments, n_classes)),
            floor_slope_usd=np.zeros((n_scenarios, n_segments, n_pools)),
            on_demand_units=np.zeros((n_scenarios, n_segments, n_pools)),
            spot_units=np.zeros((n_scenarios, n_segments, n_pools)),
            covered_units=np.zeros((n_scenarios, n_segments, n_pools)),
            idle_quantity=np.zeros((n_scenarios, n_segments, n_classes)),
        )
        sweep_columns(
            self.demand_by_hour,
            self._available,
            self._places,
            np.append(self._places[1:], len(problem.hours)),
            np.array(problem.hour_weights),
            held,
            floor,
            self.least_floor,
            self.most_floor,
            eligible,
            self.prices.uses_spot > 0,
            rates,
            shift,
            idle_usd,
            self._tables.items,
            self._tables.draws,
            self._tables.starts,
            self._tables.turns,
            self._tables.narrow,
            self._tables.wide,
            found.bound_usd,
            found.slope_usd,
            found.floor_slope_usd,
            found.on_demand_units,
            found.spot_units,
            found.covered_units,
            found.idle_quantity,
        )
        return found

    def _priced(self, prices: Prices) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rates of the items, what of them every unit gets back, and the price of an idle quantity.

        Limits speak inside the window only, and their USD are not discounted. Shapes (n_scenarios, n_segments,
        2 n_pools), (n_scenarios, n_segments, n_pools), (n_scenarios, n_segments, n_classes).
        """
        od, uses_spot = self.prices.on_demand_usd, self.prices.uses_spot > 0
        n_scenarios = len(prices.cost)
        inside = self.segments.in_window / self.segments.discount
        cost = prices.cost[:, None, None]
        # covered idle units do not count as coverage: a price on coverage would count against them what is not there
        covered = np.where((self.most_floor > 0) & (prices.covered < 0), 0.0, prices.covered * inside[:, None])
        shift = np.repeat((covered * od)[None], n_scenarios, axis=0)
        firm = cost * od + shift
        spot = cost * self.prices.rates_usd[len(od) :] + prices.spot * inside[None, :, None] * od + shift
        spot = np.where(uses_spot, np.minimum(spot, firm), firm)
        idle = prices.stranded[:, None, None] * inside[None, :, None] * self._fee
        return np.concatenate([firm, spot], axis=2), shift, np.ascontiguousarray(idle)


def _by_hour(available: BoolArray | None) -> BoolArray:
    """Whether spot is there, of shape (n_scenarios, n_hours, n_pools); of no scenario where it always is."""
    if available is None:
        return np.ones((0, 0, 0), dtype=bool)
    return np.ascontiguousarray(available.transpose(0, 2, 1))


def _reserved(
    problem: PlanningProblem, classes: CoverClasses, first_hours: IntArray, decided: FloatArray
) -> FloatArray:
    """Units that capacity reservations hold, owned ones and `decided` new ones. Shape (n_segments, n_pools)."""
    batches = problem.batches
    active = batches.active(first_hours)
    units = np.where(batches.is_decision, decided, batches.fixed_quantity)
    out = np.zeros((len(first_hours), len(problem.pools)))
    for pool in np.unique(classes.floor_pool[classes.floor_pool >= 0]).tolist():
        member = classes.floor_pool[batches.instrument] == pool
        out[:, pool] = units[member] @ active[member]
    return out
