"""The optimum at scale: buy by the bounds known so far, pass over every hour, add the bound found there, repeat.

The program over the bounds gives the lower bound; the cost of a choice on every hour of every scenario the upper one
[1]_ [2]_. Passes are made half way between the program's answer, which jumps from corner to corner, and the best choice
so far [3]_. Not here: the program (`optimizer.cut_program`), the passes (`optimizer.sweep`).

References
----------
.. [1] J. E. Kelley, "The cutting-plane method for solving convex programs", Journal of the Society for Industrial and
   Applied Mathematics 8(4), 1960. doi:10.1137/0108053
.. [2] R. M. Van Slyke and R. Wets, "L-shaped linear programs with applications to optimal control and stochastic
   programming", SIAM Journal on Applied Mathematics 17(4), 1969. doi:10.1137/0117061
.. [3] W. Ben-Ameur and J. Neto, "Acceleration of cutting-plane and column generation algorithms: applications to
   network design", Networks 49(1), 2007. doi:10.1002/net.20137
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.costs import Evaluation, evaluate_with, evaluation_of
from optimizer.cover import CoverClasses, cover_classes
from optimizer.cut_program import Answer, CutProgram
from optimizer.elastic import smallest_change
from optimizer.errors import InfeasibleLimitsError, SolverError
from optimizer.metrics import gap_fraction
from optimizer.problem import PlanningProblem
from optimizer.relaxation import relaxation_message
from optimizer.slack import LimitSlack, limit_slack, overstepped_usd, pressed
from optimizer.sweep import Prices, Sweeper, plain_prices

INWARDS = 0.5  # part of the way to the program's answer at which a pass is made
STALL_ROUNDS = 10  # over which the bounds must approach
STALL_PROGRESS = 0.2  # of their distance; or by the gap wanted
PENALTY = 2.0  # times its price: at the price itself overstepping a limit would cost nothing in the balance
REPAIR_ROUNDS = 6  # without a better choice
MAX_REPAIR_ROUNDS = 40
PRICE_ROUNDS = 9
PRICE_CHANGE = 1e-3  # of a price: below that it stands still
BINDING_FRACTION = 1e-6  # of the cost: room in USD below which a limit binds
SHIFT_GAIN = 0.7  # of what is overstepped, or of the room left, by which a row is moved
BLEND_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOptions:
    """When to stop.

    Attributes
    ----------
    gap_fraction : float
        (upper - lower) / upper at which the answer is good enough.
    max_rounds : int
        Rounds after which the answer carries the gap reached.
    """

    gap_fraction: float = 1e-4
    max_rounds: int = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CutSolution:
    """Quantities with their certificate.

    Attributes
    ----------
    quantity : FloatArray of shape (n_batches,)
        Of every batch, owned ones included.
    upper_bound_usd : float
        Objective of `quantity` on every hour of every scenario. [USD]
    lower_bound_usd : float
        No quantities within the limits cost less. [USD]
    limit_prices_usd : tuple of (str, float)
        Fall of the optimum for each unit a limit's bound is relaxed, by name of the limit; the unit is USD, or units
        for firm capacity. [USD/USD or USD/unit]
    priced_quantity : FloatArray of shape (n_batches,)
        Quantities at which limits have these prices: the optimum of the program over bounds.
    reduced_cost_usd : FloatArray of shape (n_batches,)
        Rise of the optimum for the next unit of each batch; 0 where it is bought, nan where owned. [USD per quantity]
    evaluation : Evaluation
        Of `quantity`.
    classes : CoverClasses
    n_rounds : int
    program : CutProgram
        With every bound found on the way: a search in whole steps goes on from there.
    """

    quantity: FloatArray
    upper_bound_usd: float
    lower_bound_usd: float
    limit_prices_usd: tuple[tuple[str, float], ...]
    priced_quantity: FloatArray
    reduced_cost_usd: FloatArray
    evaluation: Evaluation
    classes: CoverClasses
    n_rounds: int
    program: CutProgram

    @property
    def gap_fraction(self) -> float:
        """(upper - lower) / upper."""
        return gap_fraction(upper_usd=self.upper_bound_usd, lower_usd=self.lower_bound_usd)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tried:
    """A choice of quantities on every hour."""

    quantity: FloatArray
    found: Evaluation
    slack: LimitSlack


Progress = Callable[[int, float, float], None]


def solve_cuts(problem: PlanningProblem, options: CutOptions, *, on_round: Progress | None = None) -> CutSolution:
    """Optimum of a planning problem within a certified gap.

    Parameters
    ----------
    problem : PlanningProblem
    options : CutOptions
    on_round : callable or None
        Called after each round with its number, the upper bound and the lower bound [USD]; the upper one is infinite
        until a choice keeps every limit.

    Raises
    ------
    InfeasibleLimitsError
        If the limits cannot all be met; the message says which must give, and by how much.
    SolverError
        If no answer was found that keeps the limits on every hour, though one may exist.
    """
    search = _Search(problem, options)
    n_rounds = 0
    for n_rounds in range(1, options.max_rounds + 1):
        search.step()
        if on_round is not None:
            on_round(n_rounds, search.upper, search.lower)
        if search.is_done or search.is_stalled:
            break
    if not search.is_done:
        search.repair()
    search.settle_prices()
    return search.solution(n_rounds)


def collect_bounds(problem: PlanningProblem, options: CutOptions, *, on_round: Progress | None = None) -> CutProgram:
    """Bounds of a search, in the program that holds them; no choice is repaired to keep limits on every hour.

    A bound says what hours cost at any quantities: the same batches with other quantities fixed have the same bounds,
    so that a program of theirs may start with them.

    Parameters
    ----------
    problem, options, on_round
        As for `solve_cuts`.

    Raises
    ------
    InfeasibleLimitsError
        If the limits cannot all be met.
    """
    search = _Search(problem, options)
    for number in range(1, options.max_rounds + 1):
        search.step()
        if on_round is not None:
            on_round(number, search.upper, search.lower)
        if search.is_done or search.is_stalled:
            break
    return search.program


class _Search:
    """State of the loop: the best choice so far and the bounds."""

    def __init__(self, problem: PlanningProblem, options: CutOptions) -> None:
        limits = problem.limits
        has_stranded = limits.stranded_expected_fraction is not None or limits.stranded_cvar_fraction is not None
        self.problem, self.options = problem, options
        self.classes = cover_classes(problem.instruments, split_by_fee=has_stranded)
        self.sweeper = Sweeper(problem, self.classes)
        self.program = CutProgram(self.sweeper)
        self.lower = -np.inf
        self.best: _Tried | None = None
        self.centre: _Tried | None = None
        self.answer: Answer | None = None
        self.distances: list[float] = []
        self.is_free = not limits.governs_use and problem.risk_lambda == 0.0
        owned = np.nan_to_num(problem.batches.fixed_quantity)
        self._freed(owned, plain_prices(len(problem.weights)))

    @property
    def upper(self) -> float:
        """Cost of the best choice that keeps the limits."""
        return np.inf if self.best is None else self.best.found.objective_usd

    @property
    def is_done(self) -> bool:
        """Whether the bounds have met."""
        return self.best is not None and self.upper - self.lower <= self.options.gap_fraction * abs(self.upper)

    @property
    def is_stalled(self) -> bool:
        """Whether the bounds no longer approach, or have met for a choice that oversteps limits."""
        if self.distances[-1] <= 0.0:
            return True
        if len(self.distances) <= STALL_ROUNDS:
            return False
        progress = self.distances[-1 - STALL_ROUNDS] - self.distances[-1]
        return progress < min(STALL_PROGRESS * self.distances[-1], self.options.gap_fraction * abs(self.lower))

    def step(self) -> None:
        """Solve, try a choice on every hour, and add the bounds found there."""
        answer = self._solved()
        self.lower = max(self.lower, answer.objective_usd)
        quantity = answer.quantity
        if self.centre is not None and (self.is_free or len(self.distances) % 2):
            quantity = INWARDS * quantity + (1.0 - INWARDS) * self.centre.quantity
        tried = self._tried(quantity)
        prices = pressed(answer.prices, tried.slack, len(self.distances))
        free = tried if prices.is_plain else self._freed(quantity, prices)
        if self.centre is None or self._merit(free) < self._merit(self.centre):
            self.centre = free
        self.distances.append(self._merit(self.centre) - self.lower - self.options.gap_fraction * abs(self.lower) / 2)

    def repair(self) -> None:
        """Make the rows of limits tighter by what choices overstep on the true hours, until one keeps them.

        What idles is free to the program, and not to the hours: there commitments are used in their order.

        Raises
        ------
        SolverError
            If none keeps them.
        """
        if self.centre is None or self.answer is None:
            return
        first = self._tried(self.centre.quantity)
        if first.slack.is_kept:
            return
        self._move_inwards(first, self.answer)
        if self.best is None:  # what is owned, and what firm capacity asks for, is the most cautious choice
            self._tried(self.program.least_committed())
        if self.best is None:
            self._require_meetable()
            self._tried(self._least_stranded())
        if self.best is None:
            names = "; ".join(first.slack.overstepped(self.problem.limits))
            msg = (
                f"no answer keeps every limit on every hour after {len(self.distances)} rounds: {names}. "
                "Give these limits that much room."
            )
            raise SolverError(msg)
        self._blend(first, self.best)

    def settle_prices(self) -> None:
        """Pass over the program's answer at its own prices until these stand still.

        Bounds that meet in value may still differ from the cost in slope, which is what a price is. Where a limit
        binds without a price, the pass is over the best choice, at prices that are not zero.
        """
        if self.best is None or self.answer is None or not self.program.limit_places:
            return
        slack = self.best.slack
        names = {name for name, usd in self._over(self.best).items() if -usd <= BINDING_FRACTION * self.upper}
        for turn in range(PRICE_ROUNDS):
            before = dict(self.answer.limit_prices_usd)
            is_missing = any(before[name] <= 0.0 for name in names)
            if is_missing:
                self._freed(self.best.quantity, pressed(self.answer.prices, slack.as_overstepped(), turn))
            else:
                self._freed(self.answer.quantity, self.answer.prices)
            self.answer = self.program.solve()
            self.lower = max(self.lower, self.answer.objective_usd)
            after = dict(self.answer.limit_prices_usd)
            if not is_missing and all(
                abs(usd - before[n]) <= PRICE_CHANGE * max(usd, before[n]) for n, usd in after.items()
            ):
                return

    def _least_stranded(self) -> FloatArray:
        """Choice that strands the least within the other limits."""
        limits = self.problem.limits
        none = replace(
            limits,
            stranded_expected_fraction=None if limits.stranded_expected_fraction is None else 0.0,
            stranded_cvar_fraction=None if limits.stranded_cvar_fraction is None else 0.0,
        )
        return smallest_change(CutProgram(Sweeper(replace(self.problem, limits=none), self.classes))).quantity

    def _move_inwards(self, first: _Tried, answer: Answer) -> None:
        """Make the rows tighter round by round, until choices that keep the limits no longer get better."""
        shift: dict[str, float] = {}
        last, since_best = first, 0
        for _ in range(MAX_REPAIR_ROUNDS):
            self._freed(last.quantity, pressed(answer.prices, last.slack, 0))
            for name, usd in self._over(last).items():
                shift[name] = max(0.0, shift.get(name, 0.0) + SHIFT_GAIN * usd)
            before = self.upper
            try:
                answer = self.program.solve(shift)
            except InfeasibleLimitsError:
                shift = {name: usd / 2 for name, usd in shift.items()}
                continue
            last = self._tried(INWARDS * answer.quantity + (1.0 - INWARDS) * last.quantity)
            is_better = self.upper < before - self.options.gap_fraction * abs(self.lower)
            since_best = 0 if is_better or self.best is None else since_best + 1
            if since_best >= REPAIR_ROUNDS:
                return

    def _over(self, tried: _Tried) -> dict[str, float]:
        """USD by which a choice oversteps each limit on use, below zero where there is room."""
        return overstepped_usd(self.problem, tried.quantity, tried.found, tried.slack)

    def solution(self, n_rounds: int) -> CutSolution:
        """Return the best choice that keeps the limits."""
        if self.best is None or self.answer is None:
            msg = "the search has not found an answer"
            raise RuntimeError(msg)
        return CutSolution(
            quantity=self.best.quantity,
            upper_bound_usd=self.best.found.objective_usd,
            lower_bound_usd=self.lower,
            limit_prices_usd=self.answer.limit_prices_usd,
            priced_quantity=self.answer.quantity,
            reduced_cost_usd=self.answer.reduced_cost_usd,
            evaluation=self.best.found,
            classes=self.classes,
            n_rounds=n_rounds,
            program=self.program,
        )

    def _solved(self) -> Answer:
        """Answer of the program as it stands."""
        try:
            self.answer = self.program.solve()
        except InfeasibleLimitsError:
            self._require_meetable()
            raise
        return self.answer

    def _require_meetable(self) -> None:
        """Raise with the smallest change of the limits where they cannot all be met."""
        found = smallest_change(self.program)
        if found.relaxations:
            raise InfeasibleLimitsError(relaxation_message(found.relaxations))

    def _tried(self, quantity: FloatArray) -> _Tried:
        """Try a choice, with the bound found there; keep it if it is the best within the limits."""
        swept = self.sweeper(quantity)
        self.program.add(swept, plain_prices(len(self.problem.weights)), quantity)
        found = evaluation_of(self.sweeper, quantity, swept)
        slack = limit_slack(self.problem, quantity, found)
        if slack.spot_share < 0.0:  # no more runs on spot than the limit allows
            found = evaluate_with(self.sweeper, quantity, swept)
            slack = replace(limit_slack(self.problem, quantity, found), spot_share=slack.spot_share)
        tried = _Tried(quantity=quantity, found=found, slack=slack)
        is_kept = replace(slack, spot_share=max(slack.spot_share, 0.0)).is_kept
        if is_kept and found.objective_usd < self.upper:
            self.best = tried
        return tried

    def _freed(self, quantity: FloatArray, prices: Prices) -> _Tried:
        """Make a pass at prices of the limits, with the bound found there: what idles is then free to them."""
        swept = self.sweeper(quantity, prices)
        self.program.add(swept, prices, quantity)
        found = evaluation_of(self.sweeper, quantity, swept)
        return _Tried(quantity=quantity, found=found, slack=limit_slack(self.problem, quantity, found))

    def _merit(self, tried: _Tried) -> float:
        """Cost, and what it oversteps at the prices of the limits. [USD]"""
        prices = dict(self.answer.limit_prices_usd) if self.answer is not None else {}
        over = sum(prices.get(name, 0.0) * max(usd, 0.0) for name, usd in self._over(tried).items())
        return tried.found.objective_usd + PENALTY * over

    def _blend(self, over: _Tried, kept: _Tried) -> None:
        """Search the line from a choice that oversteps limits to one that keeps them for the first that does."""
        low, high = 0.0, 1.0
        most_usd = kept.found.objective_usd - over.found.objective_usd
        for _ in range(BLEND_STEPS):
            if most_usd * (high - low) <= self.options.gap_fraction * abs(self.upper) / 2:
                break
            middle = (low + high) / 2
            tried = self._tried(middle * kept.quantity + (1.0 - middle) * over.quantity)
            low, high = (low, middle) if tried.slack.is_kept else (middle, high)
