"""Whole steps at scale: the program over bounds in whole numbers, its answers taken on every hour.

The bound found there is added, and so on [1]_. With few purchases the program's bound closes on the optimum in whole
steps; with many the search stays within a step of the linear optimum, whose bound holds for whole steps too. Either way
the gap is stated. Not here: the program (`optimizer.cut_program`), small problems (`optimizer.whole_extensive`).

References
----------
.. [1] G. Laporte and F. V. Louveaux, "The integer L-shaped method for stochastic integer programs with complete
   recourse", Operations Research Letters 13(3), 1993. doi:10.1016/0167-6377(93)90002-X
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.costs import Evaluation, evaluate_with
from optimizer.cut_program import CutProgram, owned_cost_usd
from optimizer.cutting_planes import CutSolution
from optimizer.errors import InfeasibleLimitsError, SolverError
from optimizer.rounding import Rounding, broken_limits, no_whole_steps, rules_text, simple_roundings
from optimizer.slack import limit_slack, overstepped_usd, pressed
from optimizer.solver import WholeOptions, solve_whole_arrays
from optimizer.sweep import plain_prices
from optimizer.whole_nearest import nearest_buyable
from optimizer.whole_program import whole_program, whole_relaxations

MAX_NODES = 2_000  # of a search with few purchases
MAX_TIGHTER_ROUNDS = 12
MAX_NEAR_ROUNDS = 6
MAX_NEAR_NODES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeCutOptions:
    """When to stop, and where to search.

    Attributes
    ----------
    gap_fraction : float
        (upper - lower) / upper, both in whole steps, at which the answer is good enough.
    max_rounds : int
        Rounds after which the answer carries the gap reached.
    max_free_purchases : int
        With more purchases than that in steps, each stays within a step of what is rounded.
    """

    gap_fraction: float = 1e-4
    max_rounds: int = 30
    max_free_purchases: int = 60


def round_by_cuts(solved: CutSolution, quantity: FloatArray, options: WholeCutOptions) -> Rounding:
    """Cheapest quantities found in whole steps that keep every limit on every hour, with a bound.

    Parameters
    ----------
    solved : CutSolution
        The optimum without steps; more bounds are added to its program.
    quantity : FloatArray of shape (n_batches,)
        To round: the optimum, or near it.
    options : WholeCutOptions

    Raises
    ------
    InfeasibleLimitsError
        If no quantities in whole steps keep the limits, or none were found that do; the message says which.
    """
    search = _WholeSearch(solved, quantity, options)
    for rounding in simple_roundings(search.problem, quantity):
        search.try_out(rounding)
    if search.best is None:
        nearest = nearest_buyable(search.program.sweeper, quantity)
        if nearest is not None:
            search.try_out(nearest)
    for _ in range(options.max_rounds if search.is_free else min(options.max_rounds, MAX_NEAR_ROUNDS)):
        if search.is_done or not search.step():
            break
    if not search.is_done and search.over_usd:
        search.tighten(MAX_TIGHTER_ROUNDS if search.is_free else MAX_NEAR_ROUNDS)
    return search.rounding()


class _WholeSearch:
    """State of the loop: the best choice in whole steps so far, the bound, and rows made tighter."""

    def __init__(self, solved: CutSolution, quantity: FloatArray, options: WholeCutOptions) -> None:
        self.program: CutProgram = solved.program
        self.problem = solved.program.problem
        self.gap_fraction = options.gap_fraction
        self.near = quantity
        self.lower = solved.lower_bound_usd
        self.best: tuple[FloatArray, Evaluation] | None = None
        self.nearest_broken: tuple[str, ...] = ()
        self.is_free = int(np.sum(self.problem.batches.is_ruled)) <= options.max_free_purchases
        self.over_usd: dict[str, float] = {}
        self.prices = self.program.solve().prices
        self.seen: dict[bytes, bool] = {}

    @property
    def is_done(self) -> bool:
        """Whether the bounds have met."""
        if self.best is None:
            return False
        upper = self.best[1].objective_usd
        return upper - self.lower <= self.gap_fraction * abs(upper)

    def try_out(self, quantity: FloatArray) -> bool:
        """Take a choice on every hour and add the bounds found there; whether it keeps every limit."""
        key = quantity.tobytes()
        if key in self.seen:
            return self.seen[key]
        sweeper = self.program.sweeper
        plain = plain_prices(len(self.problem.weights))
        self.program.add(sweeper(quantity), plain)
        found = evaluate_with(sweeper, quantity)
        broken = broken_limits(self.problem, quantity, found)
        if broken:
            self.nearest_broken = self.nearest_broken or broken
            self._bound_at_prices(quantity, found)
        elif self.best is None or found.objective_usd < self.best[1].objective_usd:
            self.best = (quantity, found)
        self.seen[key] = not broken
        return not broken

    def step(self) -> bool:
        """Solve in whole steps under every bound, and try the answer out; whether it was a new one.

        Raises
        ------
        InfeasibleLimitsError
            If no whole steps keep the limits.
        """
        try:
            quantity = self._answer({})
        except InfeasibleLimitsError as error:
            raise InfeasibleLimitsError(no_whole_steps(self.problem, whole_relaxations(self.program))) from error
        if quantity is None or quantity.tobytes() in self.seen:
            return False
        self.try_out(quantity)
        return True

    def tighten(self, n_rounds: int) -> None:
        """Make the rows of limits on use tighter, by halving between too loose and too tight, for better choices.

        What idles is free to the program, and not to the hours, so that its answers may overstep limits there.
        """
        loose, tight, part = 0.0, np.inf, 1.0
        for _ in range(n_rounds):
            try:
                quantity = self._answer({name: part * usd for name, usd in self.over_usd.items()})
                is_kept = quantity is None or self.try_out(quantity)
            except InfeasibleLimitsError:
                is_kept = True
            if self.is_done:
                return
            loose, tight = (loose, part) if is_kept else (part, tight)
            part = 2.0 * loose if np.isinf(tight) else (loose + tight) / 2.0

    def rounding(self) -> Rounding:
        """Return the best choice.

        Raises
        ------
        InfeasibleLimitsError
            If there is none.
        """
        if self.best is None:
            msg = (
                f"no purchases {rules_text(self.problem)} were found that keep every limit: "
                f"{'; '.join(self.nearest_broken)} by rounding to the nearest. Give these limits that much room, make "
                "the increments of the policy smaller, or leave out offers whose lots or minimum quantities are too "
                "large."
            )
            raise InfeasibleLimitsError(msg)
        quantity, found = self.best
        return Rounding(method="cuts", quantity=quantity, found=found, lower_bound_usd=self.lower)

    def _answer(self, shift_usd: dict[str, float]) -> FloatArray | None:
        """Quantities of the program in whole steps; None where the search found none.

        Raises
        ------
        InfeasibleLimitsError
            If no whole steps keep the limits as they are shifted.
        """
        near = None if self.is_free else self.near
        whole = whole_program(self.program, shift_usd=shift_usd, near=near)
        try:
            try:
                found = solve_whole_arrays(whole.lp, whole.is_whole, self._options())
            except InfeasibleLimitsError:
                if near is None:
                    raise
                near, whole = None, whole_program(self.program, shift_usd=shift_usd)
                found = solve_whole_arrays(whole.lp, whole.is_whole, self._options())
        except SolverError:
            return None
        if not shift_usd and near is None:
            self.lower = max(self.lower, found.bound + owned_cost_usd(self.problem))
        return whole.quantity_of(found.values)

    def _options(self) -> WholeOptions:
        """When a search ends: half of the gap wanted is left to the bounds."""
        nodes = MAX_NODES if self.is_free else MAX_NEAR_NODES
        return WholeOptions(gap_fraction=self.gap_fraction / 2, max_nodes=nodes)

    def _bound_at_prices(self, quantity: FloatArray, found: Evaluation) -> None:
        """Bound a choice that oversteps limits on the hours at the prices of these limits, and keep by how much."""
        slack = limit_slack(self.problem, quantity, found)
        for name, usd in overstepped_usd(self.problem, quantity, found, slack).items():
            if usd > 0.0:
                self.over_usd[name] = max(self.over_usd.get(name, 0.0), usd)
        prices = pressed(self.prices, slack, len(self.seen))
        if not prices.is_plain:
            self.program.add(self.program.sweeper(quantity, prices), prices)
