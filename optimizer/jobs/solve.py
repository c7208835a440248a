"""One planning problem solved, by the method asked for, down to whole quantities.

Not here: how the problem came to be, what is said of the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.assembly import Assembled
from optimizer.costs import Evaluation, evaluate
from optimizer.cover import CoverClasses, cover_classes
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.errors import CertificateError, InfeasibleLimitsError
from optimizer.extensive import solve_extensive
from optimizer.limits import MAXIMUM_COVERAGE
from optimizer.metrics import gap_fraction
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.relaxation import Relaxation, relaxation_message
from optimizer.rounding import rounded, steps_of
from optimizer.slack import SLACK_TOLERANCE, limit_values
from optimizer.small_purchases import SMALL_FRACTION, without_small_purchases
from optimizer.solver import SolverOptions

Method = Literal["auto", "extensive", "cuts"]
EXTENSIVE_MAX_CELLS = 2_000  # hours x pools x scenarios: below, the readable program takes about a second
AGREEMENT_TOLERANCE = 1e-6  # of the cost: the solver's own feasibility tolerance, summed over many rows

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """Quantities before and after rounding, with bounds.

    Attributes
    ----------
    assembled : Assembled
    method : str
        "extensive" or "cuts".
    exact : FloatArray of shape (n_batches,)
        Before rounding, without what is too small to advise; owned batches included.
    quantity : FloatArray of shape (n_batches,)
        In the policy's steps.
    lower_bound_usd : float
        Of the objective: no quantities within the limits cost less.
    exact_found, found : Evaluation
        Of `exact` and of `quantity`.
    n_left_out : int
        Purchases that were too small to advise.
    limit_prices_usd : tuple of (str, float)
        Fall of the optimum for each unit by which the bound of a limit is relaxed, >= 0, by name of the limit; the
        unit is a USD, or a unit of firm capacity.
    reduced_cost_usd : FloatArray of shape (n_batches,)
        nan where not known.
    classes : CoverClasses
    """

    assembled: Assembled
    method: str
    exact: FloatArray
    quantity: FloatArray
    lower_bound_usd: float
    exact_found: Evaluation
    found: Evaluation
    n_left_out: int
    limit_prices_usd: tuple[tuple[str, float], ...]
    reduced_cost_usd: FloatArray
    classes: CoverClasses

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
    reduced_cost_usd : FloatArray of shape (n_batches,)
    classes : CoverClasses
    """

    method: str
    quantity: FloatArray
    found: Evaluation
    lower_bound_usd: float
    limit_prices_usd: tuple[tuple[str, float], ...]
    reduced_cost_usd: FloatArray
    classes: CoverClasses


def solve(assembled: Assembled, increments: Increments, *, method: Method, gap_fraction: float, tell: Tell) -> Solved:
    """Solve, recompute the cost, leave out what is too small to advise, and round.

    Parameters
    ----------
    assembled : Assembled
        With its limits.
    increments : Increments
    method : str
        "auto" takes the extensive program where it is small and no limit depends on what idles, which is free to it.
    gap_fraction : float
        Gap at which the cutting planes stop.
    tell : callable
        Given a line on progress.

    Raises
    ------
    InfeasibleLimitsError
        If the limits cannot all be met.
    CertificateError
        If the recomputed cost disagrees with the solver's.
    """
    problem = assembled.problem
    _refuse_ceiling_below_owned(problem)
    small = problem.demand.size <= EXTENSIVE_MAX_CELLS
    if method == "extensive" or (method == "auto" and small and not problem.limits.governs_use):
        best = _extensive(problem)
    else:
        best = _cuts(problem, aim=gap_fraction, tell=tell)
    if best.method == "cuts" or not problem.limits.governs_use:  # what idles is free to the extensive program
        _require_bounds_in_order(lower_usd=best.lower_bound_usd, upper_usd=best.found.objective_usd)
    exact, exact_found = without_small_purchases(
        problem,
        (best.quantity, best.found),
        best.classes,
        is_advised=assembled.decision_hour >= 0,
        most_rise_usd=min(SMALL_FRACTION, gap_fraction) * abs(best.found.objective_usd),
    )
    quantity = rounded(problem, exact, steps_of(problem, assembled.offers, increments), best.classes)
    return Solved(
        assembled=assembled,
        method=best.method,
        exact=exact,
        quantity=quantity,
        lower_bound_usd=best.lower_bound_usd,
        exact_found=exact_found,
        found=exact_found if np.array_equal(quantity, exact) else evaluate(problem, quantity, best.classes),
        n_left_out=int(np.sum((best.quantity > 0.0) & (exact == 0.0))),
        limit_prices_usd=best.limit_prices_usd,
        reduced_cost_usd=best.reduced_cost_usd,
        classes=best.classes,
    )


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
    found = evaluate(problem, owned, cover_classes(problem.instruments, split_by_fee=True))
    covered = limit_values(problem, owned, found).coverage
    if covered > ceiling + SLACK_TOLERANCE:
        change = Relaxation(label=MAXIMUM_COVERAGE, unit="fraction", is_floor=False, by=covered - ceiling, to=covered)
        raise InfeasibleLimitsError(relaxation_message([change]))


def _cuts(problem: PlanningProblem, *, aim: float, tell: Tell) -> _Optimum:
    """Solve by cutting planes, to a gap."""

    def on_round(number: int, upper: float, lower: float) -> None:
        gap = f", gap {gap_fraction(upper_usd=upper, lower_usd=lower):.1e} of {aim:.0e}" if np.isfinite(upper) else ""
        tell(f"optimizing: round {number}{gap}")

    found = solve_cuts(problem, CutOptions(gap_fraction=aim), on_round=on_round)
    return _Optimum(
        method="cuts",
        quantity=found.quantity,
        found=found.evaluation,
        lower_bound_usd=found.lower_bound_usd,
        limit_prices_usd=found.limit_prices_usd,
        reduced_cost_usd=found.reduced_cost_usd,
        classes=found.classes,
    )


def _extensive(problem: PlanningProblem) -> _Optimum:
    """Solve by the readable program; its optimum is the lower bound, the cost recomputed the upper one."""
    found = solve_extensive(problem, SolverOptions())
    classes = cover_classes(problem.instruments, split_by_fee=True)
    quantity = np.where(problem.batches.is_decision, found.quantity, problem.batches.fixed_quantity)
    again = evaluate(problem, quantity, classes)
    return _Optimum(
        method="extensive",
        quantity=quantity,
        found=again,
        lower_bound_usd=found.objective_usd,
        # a dual is below 0 for a ceiling and above 0 for a floor: both save when relaxed
        limit_prices_usd=tuple((label, abs(dual)) for label, dual in found.duals.items()),
        reduced_cost_usd=np.full(problem.batches.n_batches, np.nan),
        classes=classes,
    )
