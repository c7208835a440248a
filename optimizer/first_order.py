"""Many pools: quantities by descent on a smoothed cost, bounded from below by the prices found on the way.

Plain cutting planes need more rounds the more pools there are. Here the kinks of the cost are rounded off by a width
that shrinks in stages [1]_, each stage minimized by L-BFGS within bounds [2]_; the limit on expected stranded value
enters by a price. The cost of the answer is taken on the true hours, the lower bound is weak duality
(`optimizer.smooth_cost`): neither depends on how the quantities were found. Not here: the smoothed cost.

References
----------
.. [1] Y. Nesterov, "Smooth minimization of non-smooth functions", Mathematical Programming 103, 2005.
   doi:10.1007/s10107-004-0552-5
.. [2] R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory algorithm for bound constrained optimization", SIAM
   Journal on Scientific Computing 16(5), 1995. doi:10.1137/0916069
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from forecasting.arrays import FloatArray
from optimizer.costs import Evaluation, evaluation_of
from optimizer.cover import cover_classes
from optimizer.cut_program import CutProgram
from optimizer.cutting_planes import CutOptions, CutSolution, Progress
from optimizer.limits import EXPECTED_STRANDED
from optimizer.problem import PlanningProblem
from optimizer.slack import limit_slack
from optimizer.smooth_cost import SmoothCost, Smoothed, View
from optimizer.sweep import Sweeper, plain_prices

MANY_POOLS = 20  # below, cutting planes are as fast and their bounds closer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One width of the rounded kinks.

    Attributes
    ----------
    width_fraction : float
    n_columns : int
        Hours of all scenarios that are enough; of more every few are taken.
    n_steps : int
        At most.
    aim : float
        Part of the objective below whose fall in a step the stage ends.
    n_prices : int
        Prices of stranded value tried, at most.
    """

    width_fraction: float
    n_columns: int
    n_steps: int
    aim: float
    n_prices: int


ALL_COLUMNS = 1 << 40
STAGES = (
    Stage(width_fraction=0.1, n_columns=1_700, n_steps=30, aim=1e-6, n_prices=4),
    Stage(width_fraction=0.03, n_columns=1_700, n_steps=30, aim=1e-7, n_prices=4),
    Stage(width_fraction=0.01, n_columns=16_000, n_steps=25, aim=1e-8, n_prices=4),
    Stage(width_fraction=0.003, n_columns=80_000, n_steps=25, aim=1e-10, n_prices=4),
    Stage(width_fraction=0.001, n_columns=ALL_COLUMNS, n_steps=25, aim=1e-11, n_prices=2),
    Stage(width_fraction=0.0003, n_columns=ALL_COLUMNS, n_steps=40, aim=1e-12, n_prices=2),
    Stage(width_fraction=0.0001, n_columns=ALL_COLUMNS, n_steps=60, aim=1e-12, n_prices=2),
)
STRIDES = (101, 25, 5)  # prime to a day and a week: every hour of the week has its turn
FIRST_CERTIFIED = 3  # stages before bounds are taken
KEPT_COLUMNS = 80_000  # enough to find quantities that keep the limit: whether they do is asked of all hours
MEMORY = 20  # steps that L-BFGS remembers
FIRST_PRICE = 0.2  # USD for each USD stranded
LEAST_PRICE = 0.02  # below, the limit may well leave room at no price at all
PRICE_AIM = 3e-3  # of the stranded USD allowed
BLEND_STEPS = 12
DUST_FRACTION = 1e-9  # of the objective: what a purchase must cost to be one


def suits_first_order(problem: PlanningProblem) -> bool:
    """Whether the problem has many pools and nothing that this method does not know.

    It knows reservations, size-flexible ones, plans, what is owned, later dates, scenarios and the limit on expected
    stranded value; not spot, capacity reservations, whole usage, the other limits, nor a CVaR in the objective.
    """
    limits = problem.limits
    uses_spot = (problem.spot_eligible > 0.0) & (np.nan_to_num(problem.spot_usd, nan=np.inf) < problem.on_demand_usd)
    others = replace(limits, stranded_expected_fraction=None)
    is_free = not (others.governs_use or limits.governs_purchases)
    is_plain = problem.risk_lambda == 0.0 and not problem.has_whole_use and problem.contract is None
    is_known = is_free and is_plain and not uses_spot.any() and not problem.instruments.reserves_units.any()
    return is_known and len(problem.pools) >= MANY_POOLS and bool(problem.batches.is_decision.any())


def solve_first_order(
    problem: PlanningProblem, options: CutOptions, *, on_round: Progress | None = None
) -> CutSolution:
    """Near-optimum of a planning problem with a certified gap.

    Parameters
    ----------
    problem : PlanningProblem
        One that `suits_first_order` but for its number of pools.
    options : CutOptions
        The gap at which to stop; rounds are stages here.
    on_round : callable or None
        Called after each stage with its number, the upper bound and the lower bound [USD], infinite until known.
    """
    search = _Search(problem)
    number = 0
    for number, stage in enumerate(STAGES[: options.max_rounds], start=1):
        search.descend(stage)
        if number > FIRST_CERTIFIED and search.stride(stage.n_columns) == 1:  # the bound needs slopes of all hours
            search.certify(stage)
        if on_round is not None:
            on_round(number, search.upper, search.lower)
        if search.is_done(options.gap_fraction):
            break
    return search.solution(number)


class _Search:
    """The quantities so far, the price of stranded value, and the bounds."""

    def __init__(self, problem: PlanningProblem) -> None:
        has_limit = problem.limits.stranded_expected_fraction is not None
        self.problem = problem
        self.classes = cover_classes(problem.instruments, split_by_fee=has_limit)
        self.sweeper = Sweeper(problem, self.classes)
        self.cost = SmoothCost(self.sweeper)
        self.program = CutProgram(self.sweeper)
        self.decided = problem.batches.is_decision
        self.quantity = np.nan_to_num(problem.batches.fixed_quantity)
        self.none_bought = self.quantity
        self.price, self.slope = 0.0, 0.0
        self.has_limit = has_limit
        self.lower, self.beyond = -np.inf, np.zeros(problem.batches.n_batches)
        self.best: tuple[FloatArray, Evaluation] | None = None
        self.whole_usd = max(abs(self._at(self.quantity, View(width_fraction=0.0)).objective_usd), 1e-12)
        usual = self.cost.usual_quantity[self.decided]
        cost_usd = np.maximum(problem.batches.cost_usd[self.decided], 1e-12)
        # in these units, and parts of the cost, curvature and the way to the optimum are of the order of one
        self.unit = np.sqrt(np.maximum(usual, 1e-12) / cost_usd * self.whole_usd)

    @property
    def upper(self) -> float:
        """Cost of the best choice that keeps the limit."""
        return np.inf if self.best is None else self.best[1].objective_usd

    def is_done(self, gap_fraction: float) -> bool:
        """Whether the bounds have met."""
        return self.best is not None and self.upper - self.lower <= gap_fraction * abs(self.upper)

    def descend(self, stage: Stage) -> None:
        """Minimize at one width, as free as the linear program is in what idles."""
        view = View(width_fraction=stage.width_fraction, stride=self.stride(stage.n_columns))
        self.quantity, self.price, _ = self._settled(self.quantity, self.price, view, stage)

    def certify(self, stage: Stage) -> None:
        """Take both bounds at the quantities found."""
        view = View(width_fraction=stage.width_fraction, stranded_price=self.price)
        bound, beyond = self.cost.lower_bound(self.quantity, view)
        if bound > self.lower:
            self.lower, self.beyond = bound, beyond
        quantity = self.quantity
        if self.has_limit:
            quantity = self._kept(stage)
        quantity = self._without_dust(quantity)
        swept = self.sweeper(quantity)
        self.program.add(swept, plain_prices(len(self.problem.weights)))
        found = evaluation_of(self.sweeper, quantity, swept)
        if found.objective_usd < self.upper and limit_slack(self.problem, quantity, found).is_kept:
            self.best = quantity, found

    def solution(self, n_rounds: int) -> CutSolution:
        """Return the best choice."""
        if self.best is None:  # what is owned alone always keeps the limit
            swept = self.sweeper(self.none_bought)
            self.best = self.none_bought, evaluation_of(self.sweeper, self.none_bought, swept)
        quantity, found = self.best
        is_bought = quantity > 0.0
        reduced = np.where(is_bought, 0.0, np.maximum(self.beyond, 0.0))
        return CutSolution(
            quantity=quantity,
            upper_bound_usd=found.objective_usd,
            lower_bound_usd=self.lower,
            limit_prices_usd=((EXPECTED_STRANDED, self.price),) if self.has_limit else (),
            priced_quantity=self.quantity,
            reduced_cost_usd=np.where(self.decided, reduced, np.nan),
            evaluation=found,
            classes=self.classes,
            n_rounds=n_rounds,
            program=self.program,
        )

    def stride(self, n_enough: int) -> int:
        """Every how many hours one is taken."""
        n_columns = self.problem.demand.shape[0] * self.problem.demand.shape[2]
        return next((stride for stride in STRIDES if n_columns >= stride * n_enough), 1)

    def _at(self, quantity: FloatArray, view: View) -> Smoothed:
        """Smoothed cost of a choice."""
        return self.cost(quantity, view)

    def _settled(
        self, quantity: FloatArray, price: float, view: View, stage: Stage
    ) -> tuple[FloatArray, float, FloatArray | None]:
        """Minimum at the price of stranded value at which as much is stranded as may be.

        Returns the quantities, the price, and the quantities nearest to the limit that keep it.
        """
        low, high = None, None
        kept: tuple[float, FloatArray] | None = None
        for turn in range(stage.n_prices):
            quantity, found = self._minimum(quantity, replace(view, stranded_price=price), stage)
            excess = found.stranded_excess_usd / max(float(self.cost.allowed_usd @ quantity), 1e-12 * self.whole_usd)
            if excess <= 0.0 and (kept is None or excess > kept[0]):
                kept = excess, quantity
            if not self.has_limit or abs(excess) <= PRICE_AIM or (price == 0.0 and excess <= 0.0):
                break
            if turn == stage.n_prices - 1:
                break
            if excess > 0.0:
                low = (price, excess)
            else:
                high = (price, excess)
            price = self._next_price(price, excess, low, high)
        return quantity, price, None if kept is None else kept[1]

    def _next_price(
        self, price: float, excess: float, low: tuple[float, float] | None, high: tuple[float, float] | None
    ) -> float:
        """Price to try next: where the line through both sides meets the limit, or a step by the last slope."""
        if low is not None and high is not None:
            part = float(np.clip(low[1] / (low[1] - high[1]), 0.1, 0.9))
            self.slope = (high[1] - low[1]) / (high[0] - low[0])
            return low[0] + part * (high[0] - low[0])
        if price == 0.0:
            return FIRST_PRICE
        if low is None and price < LEAST_PRICE:
            return 0.0
        step = -excess / self.slope if self.slope < 0.0 else price * np.sign(excess)
        return float(np.clip(price + 1.1 * step, price / 3, 3 * price))

    def _minimum(self, quantity: FloatArray, view: View, stage: Stage) -> tuple[FloatArray, Smoothed]:
        """Minimize at fixed prices."""
        tried = quantity.copy()

        def value(scaled: FloatArray) -> tuple[float, FloatArray]:
            tried[self.decided] = scaled * self.unit
            found = self._at(tried, view)
            return found.objective_usd / self.whole_usd, found.gradient_usd[self.decided] * self.unit / self.whole_usd

        found = minimize(
            value,
            quantity[self.decided] / self.unit,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, None)] * int(self.decided.sum()),
            options={"maxiter": stage.n_steps, "maxcor": MEMORY, "ftol": stage.aim, "gtol": 0.0},
        )
        out = quantity.copy()
        out[self.decided] = found.x * self.unit
        return out, self._at(out, view)

    def _kept(self, stage: Stage) -> FloatArray:
        """Quantities that keep the limit in the hours, where commitments serve in their order."""
        exact = View(width_fraction=0.0, is_in_order=True)
        over, kept = self.quantity, self.none_bought
        if self._at(over, exact).stranded_excess_usd <= 0.0:
            return over
        if self.price > 0.0:
            view = View(width_fraction=stage.width_fraction, stride=self.stride(KEPT_COLUMNS), is_in_order=True)
            over, _, found = self._settled(over, self.price, view, stage)
            if self._at(over, exact).stranded_excess_usd <= 0.0:
                return over
            if found is not None and self._at(found, exact).stranded_excess_usd <= 0.0:
                kept = found
        low, high = 0.0, 1.0
        for _ in range(BLEND_STEPS):
            middle = (low + high) / 2
            tried = middle * kept + (1.0 - middle) * over
            low, high = (low, middle) if self._at(tried, exact).stranded_excess_usd <= 0.0 else (middle, high)
        return high * kept + (1.0 - high) * over

    def _without_dust(self, quantity: FloatArray) -> FloatArray:
        """Leave out what the descent has not quite brought to zero."""
        is_dust = self.decided & (quantity * self.problem.batches.cost_usd < DUST_FRACTION * self.whole_usd)
        return np.where(is_dust, 0.0, quantity)
