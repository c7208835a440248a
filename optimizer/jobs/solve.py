"""One planning problem solved, by the method asked for, down to whole quantities.

Not here: how the problem came to be, what is said of the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.assembly import Assembled
from optimizer.costs import Evaluation, evaluate_with
from optimizer.cover import CoverClasses, cover_classes
from optimizer.cut_program import CutProgram
from optimizer.cutting_planes import CutOptions, CutSolution, solve_cuts
from optimizer.errors import CertificateError, InfeasibleLimitsError, SolverError
from optimizer.extensive import solve_extensive
from optimizer.first_order import solve_first_order, suits_first_order
from optimizer.limits import MAXIMUM_COVERAGE
from optimizer.metrics import gap_fraction
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.relaxation import Relaxation, relaxation_message
from optimizer.rounding import (
    Rounding,
    best_kept,
    is_whole,
    no_whole_steps,
    to_buyable,
    with_steps,
    without_dust,
)
from optimizer.slack import SLACK_TOLERANCE, limit_values
from optimizer.small_purchases import SMALL_FRACTION, without_small_purchases
from optimizer.solver import SolverOptions, WholeOptions
from optimizer.sweep import Sweeper
from optimizer.whole_cuts import WholeCutOptions, round_by_cuts
from optimizer.whole_extensive import solve_whole_extensive
from optimizer.whole_program import whole_relaxations

Method = Literal["auto", "extensive", "cuts"]
Charge = Literal["window", "full-term"]  # what a purchase costs: its term inside the window, or all of it
CUTS_MAX_POOLS = 30  # above, cutting planes come no nearer in any time worth waiting
EXTENSIVE_MAX_CELLS = 2_000  # hours x pools x scenarios: below, the readable program takes about a second
WHOLE_MAX_NODES = 20_000  # of the search in whole numbers by the extensive program; a few seconds where it is small
AGREEMENT_TOLERANCE = 1e-6  # of the cost: the solver's own feasibility tolerance, summed over many rows

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """Quantities before and after rounding, with bounds.

    Attributes
    ----------
    assembled : Assembled
    method : str
        "extensive", "first-order" or "cuts".
    exact : FloatArray of shape (n_batches,)
        Before rounding, without what is too small to advise; owned batches included.
    lower_bound_usd : float
        Of the objective: no quantities within the limits cost less.
    exact_found : Evaluation
        Of `exact`.
    rounding : Rounding
        In the policy's steps, with the bound that no other whole steps beat.
    n_left_out : int
        Purchases that were too small to advise.
    limit_prices_usd : tuple of (str, float)
        Fall of the optimum for each unit by which the bound of a limit is relaxed, >= 0, by name of the limit; the
        unit is a USD, or a unit of firm capacity.
    priced_quantity : FloatArray of shape (n_batches,)
        Quantities at which limits have these prices: what a whole of a limit's fraction is depends on them.
    reduced_cost_usd : FloatArray of shape (n_batches,)
        nan where not known.
    classes : CoverClasses
    """

    assembled: Assembled
    method: str
    exact: FloatArray
    lower_bound_usd: float
    exact_found: Evaluation
    rounding: Rounding
    n_left_out: int
    limit_prices_usd: tuple[tuple[str, float], ...]
    priced_quantity: FloatArray
    reduced_cost_usd: FloatArray
    classes: CoverClasses

    @property
    def quantity(self) -> FloatArray:
        """What to buy, in the policy's steps; owned batches included. Shape (n_batches,)."""
        return self.rounding.quantity

    @property
    def found(self) -> Evaluation:
        """Cost and use of `quantity`."""
        return self.rounding.found

    @property
    def upper_bound_usd(self) -> float:
        """Objective of `exact`."""
        return self.exact_found.objective_usd

    @property
    def gap_fraction(self) -> float:
        """(upper - lower) / upper, before rounding."""
        return gap_fraction(upper_usd=self.upper_bound_usd, lower_usd=self.lower_bound_usd)

    @property
    def bought(self) -> IntArray:
        """Batches to buy at a decision date, in the order of dates. Shape (n_bought,)."""
        dates = self.assembled.decision_hour
        places = np.flatnonzero((dates >= 0) & (self.quantity > 0))
        return places[np.argsort(dates[places], kind="stable")]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Optimum:
    """What either method answers.

    Attributes
    ----------
    method : str
    quantity : FloatArray of shape (n_batches,)
        Owned batches included.
    found : Evaluation
        Of `quantity`.
    lower_bound_usd : float
    limit_prices_usd : tuple of (str, float)
    priced_quantity : FloatArray of shape (n_batches,)
    reduced_cost_usd : FloatArray of shape (n_batches,)
    sweeper : Sweeper
        Passes over the problem: one copy of demand for all that is asked after the search.
    cuts : CutSolution or None
        Where the extensive program was not the method.
    """

    method: str
    quantity: FloatArray
    found: Evaluation
    lower_bound_usd: float
    limit_prices_usd: tuple[tuple[str, float], ...]
    priced_quantity: FloatArray
    reduced_cost_usd: FloatArray
    sweeper: Sweeper
    cuts: CutSolution | None = None


def solve(assembled: Assembled, increments: Increments, *, method: Method, gap_fraction: float, tell: Tell) -> Solved:
    """Solve, recompute the cost, leave out what is too small to advise, and find the best whole steps.

    Parameters
    ----------
    assembled : Assembled
        With its limits.
    increments : Increments
    method : str
        "auto" takes the extensive program where it is small and no limit depends on what idles, which is free to it,
        the first-order method where pools are many, else the cutting planes.
    gap_fraction : float
        Gap at which the cutting planes stop, and the search in whole steps.
    tell : callable
        Given a line on progress.

    Raises
    ------
    InfeasibleLimitsError
        If the limits cannot all be met, or by no whole steps that were found.
    CertificateError
        If the recomputed cost disagrees with the solver's.
    """
    assembled = with_steps(assembled, increments)
    problem = assembled.problem
    _refuse_ceiling_below_owned(problem)
    small = problem.demand.size <= EXTENSIVE_MAX_CELLS and problem.contract is None
    if method == "extensive" or (method == "auto" and small and not problem.limits.governs_use):
        best = _extensive(problem)
    elif method == "auto" and suits_first_order(problem):
        best = _first_order(problem, aim=gap_fraction, tell=tell)
    else:
        best = _cuts(problem, aim=gap_fraction, tell=tell)
    if best.method != "extensive" or not problem.limits.governs_use:  # what idles is free to the extensive program
        _require_bounds_in_order(lower_usd=best.lower_bound_usd, upper_usd=best.found.objective_usd)
    exact, exact_found = without_small_purchases(
        best.sweeper,
        (best.quantity, best.found),
        is_advised=assembled.decision_hour >= 0,
        most_rise_usd=min(SMALL_FRACTION, gap_fraction) * abs(best.found.objective_usd),
    )
    tell("finding whole steps")
    return Solved(
        assembled=assembled,
        method=best.method,
        exact=exact,
        lower_bound_usd=best.lower_bound_usd,
        exact_found=exact_found,
        rounding=_in_whole_steps(problem, best, (exact, exact_found), aim=gap_fraction),
        n_left_out=int(np.sum((best.quantity > 0.0) & (exact == 0.0))),
        limit_prices_usd=best.limit_prices_usd,
        priced_quantity=best.priced_quantity,
        reduced_cost_usd=best.reduced_cost_usd,
        classes=best.sweeper.classes,
    )


def _in_whole_steps(
    problem: PlanningProblem, best: _Optimum, priced: tuple[FloatArray, Evaluation], *, aim: float
) -> Rounding:
    """Best whole steps: the extensive program's where it is small and no limit counts use, else the cuts'."""
    exact, found = priced
    clean = without_dust(problem, exact)
    if is_whole(problem, clean):
        quantity = to_buyable(problem, clean)
        if not np.array_equal(quantity, exact):
            found = evaluate_with(best.sweeper, quantity)
        return Rounding(method="none", quantity=quantity, found=found, lower_bound_usd=best.lower_bound_usd)
    rounding = None
    is_small = problem.demand.size <= EXTENSIVE_MAX_CELLS and problem.contract is None
    if is_small and not problem.limits.governs_use:
        rounding = _whole_extensive(problem, best, aim=aim)
    if rounding is None:
        cuts = best.cuts or solve_cuts(problem, CutOptions(gap_fraction=aim))
        rounding = round_by_cuts(cuts, clean, WholeCutOptions(gap_fraction=aim))
    _require_bounds_in_order(lower_usd=rounding.lower_bound_usd, upper_usd=rounding.found.objective_usd)
    return replace(rounding, lower_bound_usd=min(rounding.lower_bound_usd, rounding.found.objective_usd))


def _whole_extensive(problem: PlanningProblem, best: _Optimum, *, aim: float) -> Rounding | None:
    """Whole steps by the extensive program; None where its search ends without any that keep the limits."""
    try:
        whole = solve_whole_extensive(problem, WholeOptions(gap_fraction=aim / 2, max_nodes=WHOLE_MAX_NODES))
    except InfeasibleLimitsError as error:
        relaxations = whole_relaxations(CutProgram(best.sweeper))
        raise InfeasibleLimitsError(no_whole_steps(problem, relaxations)) from error
    except SolverError:
        return None
    kept = best_kept(best.sweeper, (whole.quantity,))
    if kept is None:
        return None
    lower = max(whole.lower_bound_usd, best.lower_bound_usd)
    return Rounding(method="extensive", quantity=kept[0], found=kept[1], lower_bound_usd=lower)


def _require_bounds_in_order(*, lower_usd: float, upper_usd: float) -> None:
    """Refuse an answer that costs less than what no answer can: one of the two numbers is wrong."""
    if lower_usd > upper_usd + AGREEMENT_TOLERANCE * (1.0 + abs(upper_usd)):
        msg = (
            f"the lower bound, {lower_usd!r} USD, is above the cost recomputed hour by hour, {upper_usd!r} USD. "
            "This is a defect of the program; please report it with your inputs."
        )
        raise CertificateError(msg)


def _refuse_ceiling_below_owned(problem: PlanningProblem) -> None:
    """Refuse a ceiling on coverage below what is owned: it covers what it covers, whatever is bought."""
    ceiling = problem.limits.coverage_max_fraction
    if ceiling is None:
        return
    owned = np.nan_to_num(problem.batches.fixed_quantity)
    found = evaluate_with(Sweeper(problem, cover_classes(problem.instruments, split_by_fee=True)), owned)
    covered = limit_values(problem, owned, found).coverage
    if covered > ceiling + SLACK_TOLERANCE:
        change = Relaxation(label=MAXIMUM_COVERAGE, unit="fraction", is_floor=False, by=covered - ceiling, to=covered)
        raise InfeasibleLimitsError(relaxation_message([change]))


def _cuts(problem: PlanningProblem, *, aim: float, tell: Tell) -> _Optimum:
    """Solve by cutting planes, to a gap."""

    def on_round(number: int, upper: float, lower: float) -> None:
        gap = f", gap {gap_fraction(upper_usd=upper, lower_usd=lower):.1e} of {aim:.0e}" if np.isfinite(upper) else ""
        tell(f"optimizing: round {number}{gap}")

    return _optimum_of("cuts", solve_cuts(problem, CutOptions(gap_fraction=aim), on_round=on_round))


def _first_order(problem: PlanningProblem, *, aim: float, tell: Tell) -> _Optimum:
    """Solve by descent on the smoothed cost; by cutting planes where those are not too many pools for them, and better.

    Plans whose rate cards differ by more than a factor keep the descent's bounds apart.
    """

    def on_stage(number: int, upper: float, lower: float) -> None:
        gap = f", gap {gap_fraction(upper_usd=upper, lower_usd=lower):.1e} of {aim:.0e}" if np.isfinite(upper) else ""
        tell(f"optimizing: stage {number}{gap}")

    found = solve_first_order(problem, CutOptions(gap_fraction=aim), on_round=on_stage)
    if found.gap_fraction > aim and len(problem.pools) <= CUTS_MAX_POOLS:
        cuts = _cuts(problem, aim=aim, tell=tell)
        if gap_fraction(upper_usd=cuts.found.objective_usd, lower_usd=cuts.lower_bound_usd) < found.gap_fraction:
            return cuts
    return _optimum_of("first-order", found)


def _optimum_of(method: str, found: CutSolution) -> _Optimum:
    """Answer of a method that bounds the optimum from both sides."""
    return _Optimum(
        method=method,
        quantity=found.quantity,
        found=found.evaluation,
        lower_bound_usd=found.lower_bound_usd,
        limit_prices_usd=found.limit_prices_usd,
        priced_quantity=found.priced_quantity,
        reduced_cost_usd=found.reduced_cost_usd,
        sweeper=found.program.sweeper,
        cuts=found,
    )


def _extensive(problem: PlanningProblem) -> _Optimum:
    """Solve by the readable program; its optimum is the lower bound, the cost recomputed the upper one."""
    found = solve_extensive(problem, SolverOptions())
    sweeper = Sweeper(problem, cover_classes(problem.instruments, split_by_fee=True))
    quantity = np.where(problem.batches.is_decision, found.quantity, problem.batches.fixed_quantity)
    again = evaluate_with(sweeper, quantity)
    return _Optimum(
        method="extensive",
        quantity=quantity,
        found=again,
        lower_bound_usd=found.objective_usd,
        # a dual is below 0 for a ceiling and above 0 for a floor: both save when relaxed
        limit_prices_usd=tuple((label, abs(dual)) for label, dual in found.duals.items()),
        priced_quantity=quantity,
        reduced_cost_usd=found.reduced_cost_usd,
        sweeper=sweeper,
    )
